"""What the heat service must be told: `[heaters.*]` as sensors, wires and rules; every mistake is a sentence."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from busbar_heat.actuator import Number, Switch, Wires
from busbar_heat.setpoint import SetpointRules
from busbar_heat.setup import Sensors, Setup
from busbar_heat.sgready import SgRules
from busbar_heat.tank import LEGIONELLA_MARGIN_K, TankRules
from busbar_shared.config import Site
from busbar_shared.config.load import BadConfig
from busbar_shared.config.loads import HeaterConfig
from busbar_shared.config.wiring import phase_is_unknown
from busbar_shared.device_message import Source
from busbar_shared.device_topics import (
    CELSIUS_IN,
    NO_UNIT,
    WATT_HOURS_IN,
    WATTS_IN,
    DeviceTopics,
    Place,
    factor,
    one_device,
    source,
    with_value,
)


class Contact(Struct, frozen=True, forbid_unknown_fields=True):
    """A relay of an SG Ready heat pump."""

    command: str
    on: str = "ON"
    off: str = "OFF"


class HeatTopics(DeviceTopics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[heaters.x.topics]`: where a heater's values are and how it is told. Described in docs/loads.md."""

    temperature: Place | None = None
    ambient: Place | None = None
    ambient_c: float = 20.0
    on: Place | None = None
    target: Place | None = None
    device_mode: Place | None = None
    set_target: str | None = None
    set_target_payload: str = "{value}"
    idle_c: float | None = None
    own_thermostat: bool = False
    relay_a: Contact | None = None
    relay_b: Contact | None = None
    plug_a: str | None = None
    plug_b: str | None = None
    recommend_above_w: float = 0.0
    force_above_w: float | None = None


def setups(site: Site) -> tuple[Setup, ...]:
    """Every heater of the site, or `BadConfig` for the first that cannot be used."""
    made = tuple(setup_of(site, name, heater) for name, heater in site.heaters.items())
    _one_master(made)
    return made


def _one_master(heaters: Iterable[Setup]) -> None:
    """Whatever is switched, one heater switches it, and the two contacts of a heat pump are two."""
    masters: dict[object, str] = {}
    for heater in heaters:
        wires = heater.wires
        for key, wire in (("plug", wires.plug), ("topics.command", wires.switch), *_contacts(wires)):
            if wire is None:
                continue
            relay = wire if isinstance(wire, str) else (wire.topic, wire.on)
            place = f"heaters.{heater.id}.{key}"
            if (other := masters.setdefault(relay, place)) != place:
                raise BadConfig(f"{place}: {shown_wire(wire)} is already switched by {other}")


def _contacts(wires: Wires) -> tuple[tuple[str, Switch | str | None], ...]:
    a, b = wires.contacts if wires.contacts is not None else (None, None)
    return ("topics contact A", a), ("topics contact B", b)


def shown_wire(wire: Switch | str) -> str:
    """The wire as its owner wrote it down."""
    return f"plug {wire!r}" if isinstance(wire, str) else f"{wire.topic!r}"


def setup_of(site: Site, name: str, heater: HeaterConfig) -> Setup:
    """One heater."""
    topics = topics_of(name, heater)
    return Setup(
        id=name,
        kind=heater.kind,
        sensors=sensors_of(name, topics),
        wires=wires_of(site, name, heater, topics),
        rating_w=heater.rating_w,
        min_w=heater.min_w,
        step_w=heater.step_w,
        mode=heater.mode,
        season=heater.season,
        comfort_c=heater.comfort_c,
        storage_c=heater.storage_c,
        around_c=topics.ambient_c,
        max_age_s=heater.temperature_max_age_s,
        min_on_s=heater.min_on_s,
        min_off_s=heater.min_off_s,
        block_max_s=heater.block_max_s,
        legionella_days=heater.legionella_days,
        capacity_wh_per_k=heater.capacity_wh_per_k,
        loss_w_per_k=heater.loss_w_per_k,
        time_constant_s=heater.time_constant_s,
        tank=tank_rules(name, heater, topics),
        setpoint=SetpointRules(
            offset_k=heater.storage_offset_k,
            hysteresis_k=heater.hysteresis_k,
            max_c=heater.max_c,
            min_run_s=heater.min_on_s,
            min_pause_s=heater.min_off_s,
        ),
        sg=SgRules(heater.dwell_s, heater.block_max_s, topics.recommend_above_w, topics.force_above_w),
        lease_s=site.site.lease_s,
        phase_is_unknown=phase_is_unknown(site, heater),
    )


def topics_of(name: str, heater: HeaterConfig) -> HeatTopics:
    """The owner's topics of a heater."""
    try:
        return msgspec.convert(heater.topics, HeatTopics)
    except msgspec.ValidationError as error:
        raise BadConfig(f"heaters.{name}.topics: {error}") from error


def tank_rules(name: str, heater: HeaterConfig, topics: HeatTopics) -> TankRules:
    """The temperatures of a tank, in an order that makes sense."""
    wanted = heater.legionella_c if heater.legionella else None
    if heater.kind == "tank" and wanted is not None and wanted + LEGIONELLA_MARGIN_K >= heater.max_c:
        raise BadConfig(
            f"heaters.{name}.legionella_c: {wanted:g} °C cannot be held below max_c, {heater.max_c:g} °C"
        )
    return TankRules(
        comfort_c=heater.comfort_c,
        hysteresis_k=heater.hysteresis_k,
        storage_c=heater.storage_c,
        max_c=heater.max_c,
        legionella_c=wanted if heater.kind == "tank" else None,
        own_thermostat=topics.own_thermostat,
    )


def sensors_of(name: str, topics: HeatTopics) -> Sensors:
    """Where the values are."""

    def at(key: str, units: Mapping[str, float]) -> Source | None:
        return source(f"heaters.{name}.topics.{key}", getattr(topics, key), units)

    return Sensors(
        temperature=at("temperature", CELSIUS_IN),
        power=at("power", WATTS_IN),
        energy=at("energy", WATT_HOURS_IN),
        around=at("ambient", CELSIUS_IN),
        on=at("on", NO_UNIT),
        target=at("target", CELSIUS_IN),
        mode=at("device_mode", NO_UNIT),
        presence=at("availability", NO_UNIT),
        present=topics.available,
        absent=topics.unavailable,
    )


def wires_of(site: Site, name: str, heater: HeaterConfig, topics: HeatTopics) -> Wires:
    """How the heater is told; a kind that cannot be told is refused."""
    switch = (
        None
        if topics.command is None
        else Switch(
            one_device(f"heaters.{name}.topics.command", topics.command),
            topics.command_on,
            topics.command_off,
        )
    )
    power = number(name, "set_power", topics.set_power, topics.set_power_payload)
    if power is not None:
        power = Number(
            power.topic,
            power.payload,
            factor(f"heaters.{name}.topics.set_power_unit", topics.set_power_unit, WATTS_IN),
        )
    target = number(name, "set_target", topics.set_target, topics.set_target_payload)
    contacts = contacts_of(site, name, topics)
    if heater.kind == "sg_ready" and contacts is None:
        raise BadConfig(
            f"heaters.{name}.topics: an SG Ready heat pump needs relay_a and relay_b, or plug_a and plug_b"
        )
    if heater.kind == "setpoint" and target is None:
        raise BadConfig(f"heaters.{name}.topics.set_target: is needed to move a set-point")
    if heater.kind == "tank" and heater.plug is None and switch is None and power is None:
        if target is None:
            raise BadConfig(
                f"heaters.{name}: needs plug, topics.command, topics.set_power or topics.set_target"
            )
        if topics.idle_c is None:
            raise BadConfig(f"heaters.{name}.topics.idle_c: say which set-point makes the tank rest")
    return Wires(
        plug=heater.plug, switch=switch, power=power, target=target, idle_c=topics.idle_c, contacts=contacts
    )


def contacts_of(site: Site, name: str, topics: HeatTopics) -> tuple[Switch | str, Switch | str] | None:
    """Relays A and B of an SG Ready heat pump."""
    found: list[Switch | str] = []
    for key, plug, relay in (("a", topics.plug_a, topics.relay_a), ("b", topics.plug_b, topics.relay_b)):
        if plug is not None:
            if plug not in site.plugs:
                raise BadConfig(f"heaters.{name}.topics.plug_{key}: no such plug (found {plug!r})")
            found.append(plug)
        elif relay is not None:
            found.append(
                Switch(
                    one_device(f"heaters.{name}.topics.relay_{key}.command", relay.command),
                    relay.on,
                    relay.off,
                )
            )
    return (found[0], found[1]) if len(found) == 2 else None


def number(name: str, key: str, where: str | None, payload: str) -> Number | None:
    """A topic that takes a number."""
    if where is None:
        return None
    path = f"heaters.{name}.topics.{key}"
    return Number(one_device(path, where), with_value(f"{path}_payload", payload))
