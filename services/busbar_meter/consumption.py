"""A meter in the path to the loads does not measure the grid: grid = consumption - generation. Pure.

It is invalid as soon as something that stores is not counted, so a hybrid inverter or a battery on the
AC side that is not known makes the grid unknown. An inverter without a battery that is not heard counts
as making nothing: the import then looks larger than it is, never smaller.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading, Quality
from busbar_meter.samples import GridSample, Leg
from busbar_shared.config.devices import BatteryConfig
from busbar_shared.config.root import Site

# How long the last word of an inverter counts: as many of its periods, and at least so long.
KEEP_PERIODS = 3
KEEP_LEAST_S = 3.0
# Loads do not feed in. A little is the meter's own error.
BACKWARDS_W = -100.0


class Producer(Struct, frozen=True, kw_only=True):
    """Something on the grid's side of the meter: what it gives, per phase of the site."""

    name: str
    phases: tuple[str, ...]
    period_s: float
    # It may draw from the grid as well as feed in: unknown is then not nothing.
    stores: bool
    power_w: float | None = None
    legs: dict[str, Leg] = {}
    heard_s: float = float("-inf")

    def known(self, now_s: float) -> bool:
        """Whether its last word still counts."""
        keep = max(KEEP_LEAST_S, KEEP_PERIODS * self.period_s)
        return self.power_w is not None and now_s - self.heard_s <= keep

    def leg(self, phase: str, volts: float) -> tuple[float, float]:
        """Watts and amperes it gives on a phase; where it does not say, an even share of its power."""
        if phase not in self.phases:
            return 0.0, 0.0
        leg = self.legs.get(phase)
        watts = None if leg is None else leg.power_w
        if watts is None and leg is not None and leg.current_a is not None and leg.voltage_v is not None:
            watts = leg.current_a * leg.voltage_v
        if watts is None:
            watts = (self.power_w or 0.0) / len(self.phases)
        amps = leg.current_a if leg is not None and leg.current_a is not None else watts / volts
        return watts, amps


class Producers:
    """The latest word of every inverter, and of every battery that has no inverter of its own."""

    def __init__(self, site: Site) -> None:
        self._voltage_v = site.site.voltage_v
        everywhere = tuple(site.site.phases)
        self._known: dict[tuple[str, str], Producer] = {
            **{
                ("inverter", name): Producer(
                    name=f"inverter {name}",
                    phases=tuple(config.phases or everywhere),
                    period_s=config.every_s,
                    stores=config.hybrid
                    or any(each.inverter == name or _inside(each, site) for each in site.batteries.values()),
                )
                for name, config in site.inverters.items()
            },
            **{
                ("battery", name): Producer(
                    name=f"battery {name}",
                    phases=tuple(config.phases or everywhere),
                    period_s=config.every_s,
                    stores=True,
                )
                for name, config in site.batteries.items()
                if config.inverter is None and not _inside(config, site)
            },
        }

    def heard(self, name: str, reading: InverterReading | BatteryReading, now_s: float) -> None:
        """Take a reading; one that knows nothing does not end the word before it at once."""
        kind = "inverter" if isinstance(reading, InverterReading) else "battery"
        before = self._known.get((kind, name))
        if before is None or reading.power_w is None or reading.quality is Quality.UNKNOWN:
            return
        sign = 1.0 if isinstance(reading, InverterReading) else -1.0
        legs = {}
        if isinstance(reading, InverterReading):
            samples = {"a": reading.a, "b": reading.b, "c": reading.c}
            legs = {
                phase: Leg(each.current_a, each.power_w, each.voltage_v)
                for phase, each in samples.items()
                if each is not None
            }
        self._known[kind, name] = msgspec.structs.replace(
            before, power_w=sign * reading.power_w, legs=legs, heard_s=now_s
        )

    def grid(self, consumption: GridSample, now_s: float) -> GridSample | str:
        """The connection to the grid, or in words why it is not known."""
        return grid_of(consumption, self._known.values(), now_s, self._voltage_v)


def _inside(battery: BatteryConfig, site: Site) -> bool:
    """Whether the battery is read from the unit of an inverter: its power is then in the inverter's."""
    place = battery.modbus
    return place is not None and any(
        each.modbus is not None
        and (each.modbus.host, each.modbus.serial, each.modbus.port, each.modbus.unit)
        == (place.host, place.serial, place.port, place.unit)
        for each in site.inverters.values()
    )


def grid_of(
    consumption: GridSample, producers: Iterable[Producer], now_s: float, nominal_v: float
) -> GridSample | str:
    """What flows at the connection, import positive; energies of the loads are not the grid's."""
    if consumption.power_w is not None and consumption.power_w < BACKWARDS_W:
        return (
            f"loads cannot feed in {-consumption.power_w:g} W: the meter counts the other way, set its sign"
        )
    known, doubts = [], []
    for producer in producers:
        if producer.known(now_s):
            known.append(producer)
        elif producer.stores:
            return f"{producer.name} is not known, and without it the grid cannot be worked out"
        else:
            doubts.append(f"{producer.name} is not known and counts as making nothing")
    made = sum(producer.power_w or 0.0 for producer in known)
    return GridSample(
        at=consumption.at,
        legs=_legs(consumption.legs, known, nominal_v),
        power_w=None if consumption.power_w is None else consumption.power_w - made,
        frequency_hz=consumption.frequency_hz,
        phases_estimated=consumption.phases_estimated,
        worked_out=True,
        doubts=(*consumption.doubts, *doubts),
    )


def _legs(loads: Mapping[str, Leg], producers: list[Producer], nominal_v: float) -> dict[str, Leg]:
    legs = {}
    for phase, load in loads.items():
        volts = load.voltage_v or nominal_v
        given = [producer.leg(phase, volts) for producer in producers]
        watts, amps = sum(each[0] for each in given), sum(each[1] for each in given)
        legs[phase] = Leg(
            None if load.current_a is None else round(load.current_a - amps, 3),
            None if load.power_w is None else load.power_w - watts,
            load.voltage_v,
        )
    return legs
