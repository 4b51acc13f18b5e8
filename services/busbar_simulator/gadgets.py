"""Builds what is plugged into plugs and heated by heaters, with the devices that speak for it."""

from collections.abc import Callable, Mapping
from typing import Any

from busbar_shared.config.load import BadConfig
from busbar_shared.config.loads import HeaterConfig, PlugConfig
from busbar_shared.config.root import Site
from busbar_simulator.build import Built
from busbar_simulator.config import HeaterPlan, PlugPlan, understood
from busbar_simulator.devices.generic import Generic, Shown, Taken, number_in
from busbar_simulator.devices.message import Gadget
from busbar_simulator.devices.shelly1 import Shelly1
from busbar_simulator.devices.shelly2 import Shelly2
from busbar_simulator.devices.tasmota import Tasmota
from busbar_simulator.devices.zigbee2mqtt import Zigbee2Mqtt
from busbar_simulator.plant.appliance import Appliance, ApplianceSpec
from busbar_simulator.plant.contact import Contact, DryContact
from busbar_simulator.plant.room import Room, RoomSpec
from busbar_simulator.plant.tank import Tank, TankSpec

UNITS = {"W": 1.0, "kW": 1000.0, "mW": 0.001, "Wh": 1.0, "kWh": 1000.0, "Wmin": 1 / 60}
Heated = Tank | Room
ONE_PHASE = ("a",)
"""Where a load really hangs whose owner did not write it down."""


def add_gadgets(site: Site, built: Built) -> list[Gadget]:
    """Put every plug and heater of the site into the house; the devices that speak for them."""
    section = site.simulator
    plans = {
        n: understood(raw, PlugPlan, f"simulator.plugs.{n}")
        for n, raw in (section.plugs if section else {}).items()
    }
    warm = {
        n: understood(raw, HeaterPlan, f"simulator.heaters.{n}")
        for n, raw in (section.heaters if section else {}).items()
    }
    _known("plugs", plans, site.plugs)
    _known("heaters", warm, site.heaters)
    gadgets: list[Gadget] = []
    for name, heater in site.heaters.items():
        thing = _heated(site, name, heater, warm.get(name, HeaterPlan()), built)
        built.house.things[heater.plug or name] = thing
        built.heated[name] = thing
    for name, plug in site.plugs.items():
        plan = plans.get(name, PlugPlan())
        if name not in built.house.things:
            built.house.things[name] = _appliance(plug, plan)
        gadgets.append(_plug(name, plug, plan, built.house.things[name]))
    gadgets += [_sensors(site, name, heater, built) for name, heater in site.heaters.items()]
    return gadgets + [
        _car(built, name, own.soc_topic) for name, own in site.chargers.items() if own.soc_topic
    ]


def _car(built: Built, charger: str, topic: str) -> Generic:
    """A car that tells the broker how full it is, as its maker's cloud does through a bridge."""
    cars = [arrival.car for arrival in built.arrivals if arrival.load.rpartition("-")[0] == charger]
    return Generic(
        [Shown(topic=topic, path="", read=lambda: round(cars[0].soc_percent, 1))] if cars else [], []
    )


def _known(kind: str, plans: Mapping[str, object], ids: Mapping[str, object]) -> None:
    for name in plans:
        if name not in ids:
            raise BadConfig(f"simulator.{kind}.{name}: the site has none of this id")


def _appliance(plug: PlugConfig, plan: PlugPlan) -> Appliance:
    spec = ApplianceSpec(
        power_w=plug.rating_w if plan.power_w is None else plan.power_w, standby_w=plan.standby_w,
        start_w=plan.start_w, kind=plan.kind, phases=plan.phases or plug.phases or ONE_PHASE, circuit=plug.circuit or "",
        on_s=plan.on_s, off_s=plan.off_s,
    )  # fmt: skip
    return Appliance(spec, on=plan.on)


def _heated(site: Site, name: str, heater: HeaterConfig, plan: HeaterPlan, built: Built) -> Heated:
    power_w, phases = plan.power_w or heater.rating_w, plan.phases or heater.phases or ONE_PHASE
    second = built.house.almanac.second_of_year(0.0)
    if heater.kind == "tank":
        tank = TankSpec(
            litres=plan.litres, power_w=power_w, loss_w_per_k=plan.loss_w_per_k or 2.0, stops_c=plan.stops_c,
            showers=plan.showers, phases=phases, circuit=heater.circuit or "",
            seed=site.simulator.seed if site.simulator else 1,
        )  # fmt: skip
        return Tank(tank, 48.0 if plan.celsius is None else plan.celsius, second)
    room = RoomSpec(
        power_w=power_w, factor=plan.factor, wh_per_k=plan.wh_per_k, loss_w_per_k=plan.loss_w_per_k or 200.0,
        outside_mean_c=plan.outside_c, cools=heater.season == "cooling", phases=phases, circuit=heater.circuit or "",
    )  # fmt: skip
    made = Room(room, 20.5 if plan.celsius is None else plan.celsius, second)
    made.target_c = heater.comfort_c if heater.kind == "setpoint" and heater.comfort_c < 35 else 21.0
    return made


def _plug(name: str, plug: PlugConfig, plan: PlugPlan, thing: Any) -> Gadget:
    """The plug itself, named as the plug service will look for it."""
    topic = plug.topic or name
    if plug.driver == "shelly":
        return Shelly2(topic, thing, channel=plug.channel, tells_status=plan.tells_status)
    if plug.driver == "shelly_gen1":
        return Shelly1(topic if "/" in topic else f"shellies/{topic}", thing, channel=plug.channel)
    if plug.driver == "tasmota":
        return Tasmota(
            topic, thing, every_s=plan.period_s, pulse_time=plan.pulse_time, full_topic=plug.full_topic
        )
    if plug.driver == "zigbee2mqtt":
        base = plug.base_topic
        return Zigbee2Mqtt(
            base, topic.removeprefix(f"{base}/"), thing, availability=plan.availability, on_time=plan.on_time
        )
    return _generic_plug(plug.generic, thing)


def _generic_plug(words: Mapping[str, Any], thing: Any) -> Generic:
    on, off = words.get("on", "ON"), words.get("off", "OFF")
    readers: dict[str, Callable[[], object]] = {
        "state": lambda: on if thing.on else off,
        "power": lambda: round(thing.power_w, 1),
        "energy": lambda: round(thing.energy_wh, 1),
        "voltage": lambda: 230.0,
        "current": lambda: round(thing.power_w / 230, 2),
        "level": lambda: round(thing.power_w, 1),
        "availability": lambda: words.get("available", "online"),
    }
    return Generic(_shown(words, readers), _orders(words, thing))


def _sensors(site: Site, name: str, heater: HeaterConfig, built: Built) -> Generic:
    """The thermometer and whatever else the owner wrote down for a heater."""
    thing, words = built.heated[name], heater.topics
    readers: dict[str, Callable[[], object]] = {
        "temperature": lambda: round(thing.celsius, 1),
        "power": lambda: round(thing.power_w, 1),
        "energy": lambda: round(thing.energy_wh, 1),
        "ambient": lambda: round(thing.outside_c, 1) if isinstance(thing, Room) else thing.spec.around_c,
        "on": lambda: "ON" if thing.on else "OFF",
        "target": lambda: thing.target_c,
        "device_mode": lambda: heater.season,
        "availability": lambda: words.get("available", "online"),
    }
    return Generic(_shown(words, readers), [*_orders(words, thing), *_contacts(words, thing, built)])


def _shown(words: Mapping[str, Any], readers: Mapping[str, Callable[[], object]]) -> list[Shown]:
    shown = []
    for key, read in readers.items():
        place = words.get(key)
        if isinstance(place, dict) and isinstance(place.get("topic"), str):
            factor = UNITS.get(str(place.get("unit")), 1.0)
            shown.append(Shown(topic=place["topic"], path=place.get("path", ""), read=_in_unit(read, factor)))
    return shown


def _in_unit(read: Callable[[], object], factor: float) -> Callable[[], object]:
    def scaled() -> object:
        value = read()
        return value / factor if isinstance(value, int | float) and factor != 1.0 else value

    return scaled


def _orders(words: Mapping[str, Any], thing: Any) -> list[Taken]:
    """Switch, power and set-point, where there is a topic for it."""
    orders = []

    def switch(text: str) -> None:
        if text in (words.get("command_on", "ON"), words.get("command_off", "OFF")):
            thing.on = text == words.get("command_on", "ON")

    def power(text: str) -> None:
        asked = number_in(words.get("set_power_payload", "{value}"), text)
        most = thing.spec.power_w
        if asked is not None and most > 0:
            part = min(max(asked * UNITS.get(words.get("set_power_unit", "W"), 1.0) / most, 0.0), 1.0)
            thing.on, thing.part = part > 0, part

    def target(text: str) -> None:
        asked = number_in(words.get("set_target_payload", "{value}"), text)
        if asked is not None:
            thing.target_c = asked

    for key, take in (("command", switch), ("set_power", power), ("set_target", target)):
        if isinstance(words.get(key), str):
            orders.append(Taken(topic=words[key], take=take))
    return orders


def _contacts(words: Mapping[str, Any], thing: Heated, built: Built) -> list[Taken]:
    """The two relays of an SG Ready heat pump: its own, or two plugs."""
    if not isinstance(thing, Room):
        return []
    orders: list[Taken] = []
    found: list[Contact] = []
    for letter in ("a", "b"):
        plug, relay = words.get(f"plug_{letter}"), words.get(f"relay_{letter}")
        if plug is not None:
            switch = built.house.things.get(plug)
            if isinstance(switch, Appliance):
                found.append(switch)
        elif isinstance(relay, dict):
            contact = DryContact()
            found.append(contact)
            orders.append(Taken(topic=relay["command"], take=_closing(contact, relay.get("on", "ON"))))
    if len(found) == 2:
        thing.contacts = (found[0], found[1])
    return orders


def _closing(contact: DryContact, on: str) -> Callable[[str], None]:
    def take(text: str) -> None:
        contact.on = text == on

    return take
