"""Topics of devices that are not ours: who of us speaks to them, and where they speak to us. Pure.

Asked of the services' own drivers, so that the list cannot differ from what they do.
"""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from busbar_shared.config.root import Site


class Foreign(Struct, frozen=True, kw_only=True):
    """What one service hears from devices, and what it says to them; no wildcards but in `devices`."""

    hears: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


def foreign(site: Site) -> dict[str, Foreign]:
    """By service; a service without foreign devices is absent. Raises BadConfig as the service itself would."""
    asked: dict[str, Callable[[Site], Foreign]] = {
        "meter": _meter,
        "plugs": _plugs,
        "heat": _heat,
        "prices": _prices,
        "chargeamps": _chargeamps,
        "allocator": _cars,
    }
    found = {name: ask(site) for name, ask in asked.items()}
    return {name: one for name, one in found.items() if one.hears or one.says}


def _meter(site: Site) -> Foreign:
    places = [
        (kind, f"{section}.{name}", config.mqtt)
        for kind, section, configs in (
            ("meter", "meters", site.meters),
            ("inverter", "inverters", site.inverters),
            ("battery", "batteries", site.batteries),
        )
        for name, config in configs.items()
        if config.driver == "mqtt" and config.mqtt is not None
    ]
    if not places:
        return Foreign()
    from busbar_meter.mqtt_picks import picks_for

    return Foreign(
        hears=_once(pick.topic for kind, path, place in places for pick in picks_for(kind, place, path))
    )


def _plugs(site: Site) -> Foreign:
    if not site.plugs:
        return Foreign()
    from busbar_plugs.config import setups

    drivers = [setup.driver for setup in setups(site)]
    sent: list[Any] = []
    for driver in drivers:
        sent += [*driver.switch(True, 60.0), *driver.switch(True), *driver.switch(False), *driver.level(0.0)]
        sent += [*driver.ask(), *driver.introduce(), *driver.prepare(60.0), *driver.arm(60.0)]
        sent += driver.restore(0)
    return Foreign(
        hears=_once(topic for driver in drivers for topic in driver.topics),
        says=_once(one.topic for one in sent),
    )


def _heat(site: Site) -> Foreign:
    if not site.heaters:
        return Foreign()
    from busbar_heat.actuator import Switch
    from busbar_heat.config import setups

    found = setups(site)
    wires = [
        wire
        for setup in found
        for wire in (
            setup.wires.switch,
            setup.wires.power,
            setup.wires.target,
            *(one for one in setup.wires.contacts or () if isinstance(one, Switch)),
        )
        if wire is not None
    ]
    return Foreign(
        hears=_once(topic for setup in found for topic in setup.sensors.topics),
        says=_once(wire.topic for wire in wires),
    )


def _prices(site: Site) -> Foreign:
    series = site.prices.series.values() if site.prices is not None else ()
    return Foreign(hears=_once(one.topic for one in series if one.kind == "mqtt" and one.topic))


def _chargeamps(site: Site) -> Foreign:
    topic = site.chargeamps.price_topic if site.chargeamps is not None else None
    return Foreign(hears=(topic,) if topic else ())


def _cars(site: Site) -> Foreign:
    return Foreign(hears=_once(one.soc_topic for one in site.chargers.values() if one.soc_topic))


def _once(topics: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(topics))
