"""What each meter of a site sees, and the meters that say it over MQTT."""

from collections.abc import Callable, Mapping
from typing import Any

from busbar_shared.config.devices import MqttPlace
from busbar_shared.config.root import Site
from busbar_simulator.build import Built
from busbar_simulator.devices.generic import Generic, Shown
from busbar_simulator.devices.message import Gadget
from busbar_simulator.devices.meters import Read, Sample, Shelly3Em, ShellyPro3Em
from busbar_simulator.plant.house import House
from busbar_simulator.plant.phases import NONE, Phases, added, less, over

# A meter is a year old when the simulation begins: no energy reads zero.
BEGUN_WH = 1_234_567.0
UNITS = {
    "W": 1.0,
    "kW": 1000.0,
    "A": 1.0,
    "mA": 0.001,
    "V": 1.0,
    "mV": 0.001,
    "Wh": 1.0,
    "kWh": 1000.0,
    "Hz": 1.0,
}


def seen_by(site: Site, root: str, name: str) -> Callable[[House], Phases]:
    """What a meter of this name sees: a circuit, a load that names it, else the connection to the grid."""
    for circuit, own in site.circuits.items():
        if own.meter == name:
            return lambda house: house.currents_a[circuit]
    for charger, config in site.chargers.items():
        numbers = [n for n, c in config.all_connectors().items() if name in (c.meter, config.meter)]
        if numbers:
            return lambda house: added(*(house.sockets[f"{charger}-{n}"].currents() for n in numbers))
    things = [*((p, own.meter) for p, own in site.plugs.items())]
    things += [(own.plug or h, own.meter) for h, own in site.heaters.items()]
    for load, meter in things:
        if meter == name:
            return _of_thing(load)
    return lambda house: house.currents_a[root]


def consumption(house: House) -> Phases:
    """What a meter in the path to the loads says: their current, negative as such meters count it."""
    made = added(NONE, *(inverter.ac_phases_w for inverter in house.inverters.values()))
    return less(NONE, added(house.grid_a, over(made, house.volts)))


def _of_thing(load: str) -> Callable[[House], Phases]:
    return lambda house: house.things[load].currents()


def mqtt_meters(site: Site, built: Built) -> list[Gadget]:
    """Every meter of the site that is read over MQTT and whose kind is played here."""
    found = []
    for name, meter in site.meters.items():
        if meter.driver == "mqtt" and meter.mqtt is not None:
            read = _reader(built.house, seen_by(site, built.house.root, name))
            gadget = _played(meter.mqtt, read, site.site.phases)
            if gadget is not None:
                found.append(gadget)
    return found


def _played(place: MqttPlace, read: Read, phases: tuple[str, ...]) -> Gadget | None:
    prefix = (place.topic or "").rstrip("/")
    if place.kind == "shelly_pro_3em":
        return ShellyPro3Em(prefix, read, phases)
    if place.kind in ("shelly_3em", "shelly_em"):
        return Shelly3Em(prefix, read, phases)
    if place.kind in ("free", "statestream"):
        return Generic(_shown(place.values, read), [], every_s=1.0)
    return None


def _reader(house: House, current: Callable[[House], Phases]) -> Read:
    """Samples of one place in the house; energy is counted for the connection only."""

    def read() -> Sample:
        return Sample(
            currents_a=current(house),
            volts=house.volts,
            imported_wh=BEGUN_WH + house.imported_wh,
            exported_wh=BEGUN_WH + house.exported_wh,
        )

    return read


def _shown(values: Mapping[str, Any], read: Read) -> list[Shown]:
    """The owner's own topics; a value that is a sum of several is said on the first."""
    shown = []
    for point, raw in values.items():
        place = raw[0] if isinstance(raw, list) else raw
        factor = UNITS.get(str(place.get("unit") or "W"), 1.0) * float(place.get("sign", 1))
        shown.append(
            Shown(topic=place["topic"], path=place.get("path", ""), read=_value(point, read, factor))
        )
    return shown


def _value(point: str, read: Read, factor: float) -> Callable[[], object]:
    leg, _, figure = point.rpartition(".")

    def value() -> object:
        sample = read()
        if leg in ("a", "b", "c"):
            at = "abc".index(leg)
            figures = {
                "power_w": sample.powers_w[at],
                "current_a": sample.currents_a[at],
                "voltage_v": sample.volts[at],
            }
        else:
            figures = {"power_w": sum(sample.powers_w), "import_wh": sample.imported_wh}
            figures |= {"export_wh": sample.exported_wh, "frequency_hz": 50.0}
        found = figures.get(figure)
        return None if found is None else round(found / factor, 3)

    return value
