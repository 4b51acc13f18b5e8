"""What the plug service must be told: `[plugs.*]` as drivers and rules; every mistake is a sentence."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from busbar_plugs.drivers.driver import Driver
from busbar_plugs.drivers.generic import Generic, GenericWords
from busbar_plugs.drivers.shelly1 import Shelly1
from busbar_plugs.drivers.shelly2 import Shelly2
from busbar_plugs.drivers.tasmota import Tasmota
from busbar_plugs.drivers.zigbee2mqtt import Zigbee2Mqtt
from busbar_plugs.relay import Rules
from busbar_plugs.setup import Range, Setup
from busbar_shared.config import Site
from busbar_shared.config.load import BadConfig
from busbar_shared.config.loads import PlugConfig
from busbar_shared.config.wiring import phase_is_unknown
from busbar_shared.device_message import Source
from busbar_shared.device_topics import (
    AMPS_IN,
    NO_UNIT,
    VOLTS_IN,
    WATT_HOURS_IN,
    WATTS_IN,
    DeviceTopics,
    Place,
    factor,
    one_device,
    source,
    with_value,
)

ANSWERS_A_QUESTION: Final = ("shelly", "shelly_gen1", "tasmota", "zigbee2mqtt")


class GenericTopics(DeviceTopics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[plugs.x.generic]`: the topics of a load that no driver knows. Described in docs/loads.md."""

    state: Place | None = None
    voltage: Place | None = None
    current: Place | None = None
    level: Place | None = None
    on: str = "ON"
    off: str = "OFF"
    ask: str | None = None
    ask_payload: str = ""
    silent_after_s: float | None = None


def setups(site: Site) -> tuple[Setup, ...]:
    """Every plug of the site, or `BadConfig` for the first that cannot be used."""
    made = tuple(setup_of(site, name, plug) for name, plug in site.plugs.items())
    masters: dict[tuple[object, ...], str] = {}
    for one in made:
        # Two plugs on one relay would switch against each other.
        if (other := masters.setdefault(relay_of(one.driver), one.id)) != one.id:
            raise BadConfig(f"plugs.{one.id}: switches the same relay as plugs.{other}")
    return made


def relay_of(driver: Driver) -> tuple[object, ...]:
    """What the plug moves, whatever it is called here."""
    if isinstance(driver, Shelly2):
        return "shelly", driver.prefix, driver.channel
    return tuple((one.topic, one.payload) for one in (*driver.switch(True), *driver.level(1.0)))


def setup_of(site: Site, name: str, plug: PlugConfig) -> Setup:
    """One plug."""
    topics = generic_topics(name, plug) if plug.driver == "generic" else None
    timed = plug.safe_state == "off" and plug.device_lease_s > 0
    driver = driver_of(site.site.id, name, plug, topics, timed=timed)
    return Setup(
        id=name,
        driver=driver,
        rules=Rules(
            min_on_s=plug.min_on_s,
            min_off_s=plug.min_off_s,
            switches_per_hour=plug.max_switches_per_h,
            safe_on=plug.safe_state == "on",
            manual_hold_s=plug.manual_hold_s,
            lease_s=site.site.lease_s,
            device_lease_s=plug.device_lease_s if driver.timed else None,
            timer_ends_every_on=plug.driver == "tasmota",
        ),
        rating_w=plug.rating_w,
        range=range_of(name, plug),
        open_loop=topics is not None and topics.state is None and topics.level is None,
        # A heater that is switched by a plug decides for it; everybody else's plug is the allocator's.
        issuer="heat" if name in plugs_of_heaters(site) else "allocator",
        settle_s=plug.settle_s,
        done_after_s=max(plug.done_after_s, plug.settle_s),
        retry_s=plug.retry_s,
        poll_s=plug.poll_s,
        silent_after_s=silence(plug, topics),
        proven_timer=plug.driver != "zigbee2mqtt" or plug.on_time_proven,
        phase_is_unknown=phase_is_unknown(site, plug) and name not in plugs_of_heaters(site),
    )


def plugs_of_heaters(site: Site) -> frozenset[str]:
    """The plugs that switch a tank or are the contacts of a heat pump."""
    names = [heater.plug for heater in site.heaters.values()]
    names += [heater.topics.get(key) for heater in site.heaters.values() for key in ("plug_a", "plug_b")]
    return frozenset(name for name in names if isinstance(name, str))


def driver_of(site: str, name: str, plug: PlugConfig, topics: GenericTopics | None, *, timed: bool) -> Driver:
    """The driver for a plug of this site."""
    topic = one_device(f"plugs.{name}.topic", plug.topic or name)
    if topics is not None:
        return Generic(words_of(name, topics))
    if plug.driver == "shelly":
        # With the site in it: houses that share a broker must not hear the answers to each other's questions.
        made: Driver = Shelly2(topic, plug.channel, f"busbar/{site}/{name}", timed=timed)
    elif plug.driver == "shelly_gen1":
        made = Shelly1(topic if "/" in topic else f"shellies/{topic}", plug.channel)
    elif plug.driver == "tasmota":
        made = Tasmota(
            topic,
            max(plug.channel, 1),
            full_topic=one_device(f"plugs.{name}.full_topic", plug.full_topic),
            pulse_time=plug.use_pulse_time and timed,
            all_phases=plug.phases is not None and len(plug.phases) > 1,
        )
    else:
        base = plug.base_topic
        made = Zigbee2Mqtt(base, topic.removeprefix(f"{base}/"), plug.endpoint, on_time=timed)
    return made


def generic_topics(name: str, plug: PlugConfig) -> GenericTopics:
    """The owner's words for a generic load."""
    try:
        topics = msgspec.convert(plug.generic, GenericTopics)
    except msgspec.ValidationError as error:
        raise BadConfig(f"plugs.{name}.generic: {error}") from error
    if topics.command is None and topics.set_power is None:
        raise BadConfig(f"plugs.{name}.generic: needs command or set_power, or nothing can be switched")
    if topics.set_power is not None:
        with_value(f"plugs.{name}.generic.set_power_payload", topics.set_power_payload)
    return topics


def words_of(name: str, topics: GenericTopics) -> GenericWords:
    """The same as the driver wants them, units turned into factors."""

    def at(key: str, units: Mapping[str, float]) -> Source | None:
        return source(f"plugs.{name}.generic.{key}", getattr(topics, key), units)

    def topic(key: str) -> str | None:
        found: Any = getattr(topics, key)
        return None if found is None else one_device(f"plugs.{name}.generic.{key}", found)

    return GenericWords(
        state=at("state", NO_UNIT),
        power=at("power", WATTS_IN),
        energy=at("energy", WATT_HOURS_IN),
        voltage=at("voltage", VOLTS_IN),
        current=at("current", AMPS_IN),
        level=at("level", WATTS_IN),
        presence=at("availability", NO_UNIT),
        on=topics.on,
        off=topics.off,
        present=topics.available,
        absent=topics.unavailable,
        command_topic=topic("command"),
        command_on=topics.command_on,
        command_off=topics.command_off,
        level_topic=topic("set_power"),
        level_template=topics.set_power_payload,
        level_factor=factor(f"plugs.{name}.generic.set_power_unit", topics.set_power_unit, WATTS_IN),
        ask_topic=topic("ask"),
        ask_payload=topics.ask_payload,
    )


def range_of(name: str, plug: PlugConfig) -> Range | None:
    """The power of a load whose power can be set; None for a plain relay.

    Without a step it is on or off like any relay, and on is all it has.
    """
    most = plug.max_w if plug.max_w is not None else plug.rating_w
    if plug.driver != "generic" or "set_power" not in plug.generic:
        if plug.step_w is not None:
            raise BadConfig(
                f"plugs.{name}.step_w: {plug.step_w:g} W needs driver generic with generic.set_power"
            )
        return None
    if plug.step_w is None:
        return Range(most, most, 0.0, stepped=False)
    least = plug.min_w or 0.0
    if least > most:
        raise BadConfig(f"plugs.{name}: min_w {least:g} is above max_w {most:g}")
    return Range(least, most, plug.step_w)


def silence(plug: PlugConfig, topics: GenericTopics | None) -> float | None:
    """After how long without a word the link counts as lost; None for a load that is never heard or asked."""
    if plug.driver in ANSWERS_A_QUESTION:
        # A Tasmota that answers no question still reports each TelePeriod, 300 s by default.
        return max(4 * plug.poll_s, 330.0 if plug.driver == "tasmota" else 120.0)
    if topics is None or topics.silent_after_s is not None:
        return None if topics is None else topics.silent_after_s
    return max(4 * plug.poll_s, 120.0) if topics.ask is not None else None
