"""What was measured, whatever the wire: the meeting point of SunSpec, register maps and MQTT.

Signs are the house's: grid positive = import, solar positive = generation, battery positive =
charging. Unknown is None.
"""

from datetime import datetime

from msgspec import Struct

from busbar_contracts.battery import BatteryState
from busbar_contracts.meter import InverterState

PHASES = ("a", "b", "c")


class Leg(Struct, frozen=True):
    """One phase as measured: current signed like the power it carries."""

    current_a: float | None = None
    power_w: float | None = None
    voltage_v: float | None = None


NOTHING = Leg()


class GridSample(Struct, frozen=True, kw_only=True):
    """One sample of a meter; legs by site phase, absent phases absent."""

    at: datetime
    legs: dict[str, Leg]
    power_w: float | None
    import_wh: float | None = None
    export_wh: float | None = None
    frequency_hz: float | None = None
    phases_estimated: bool = False
    # Not measured at this place, but reckoned from others.
    worked_out: bool = False
    # Things a person should know about this sample, for example "no phase powers".
    doubts: tuple[str, ...] = ()


class InverterSample(Struct, frozen=True, kw_only=True):
    """One sample of an inverter's AC side, with its DC side where it says it."""

    at: datetime
    power_w: float | None
    legs: dict[str, Leg]
    solar_w: float | None = None
    energy_wh: float | None = None
    frequency_hz: float | None = None
    state: InverterState = InverterState.UNKNOWN
    rating_w: float | None = None
    doubts: tuple[str, ...] = ()


class BatterySample(Struct, frozen=True, kw_only=True):
    """One sample of a battery."""

    at: datetime
    power_w: float | None
    estimated: bool = False
    soc_percent: float | None = None
    capacity_wh: float | None = None
    charge_max_w: float | None = None
    discharge_max_w: float | None = None
    state: BatteryState = BatteryState.UNKNOWN
    doubts: tuple[str, ...] = ()


# How near the currents must come to the exported power to be all export: what remains is a phase's small draw.
EXPORT_SHARE = 0.95


def directed(legs: dict[str, Leg], power: float | None, nominal_v: float) -> dict[str, Leg]:
    """Legs of which only magnitudes of current are known, turned to export when the total proves it.

    When the currents together come to as much as the meter exports, not one of them can be import.
    """
    amps = [leg.current_a for leg in legs.values()]
    if power is None or power >= 0 or any(leg.power_w is not None for leg in legs.values()):
        return legs
    if any(current is None or current < 0 for current in amps):
        return legs
    carried = sum((leg.current_a or 0.0) * (leg.voltage_v or nominal_v) for leg in legs.values())
    # More than they carry is exported by a phase that is not known.
    if not EXPORT_SHARE * carried <= -power <= carried / EXPORT_SHARE:
        return legs
    return {phase: Leg(-(leg.current_a or 0.0), None, leg.voltage_v) for phase, leg in legs.items()}


def signed_current(
    current: float | None, power: float | None, voltage: float | None, *, device_signs: bool
) -> float | None:
    """A phase current with the direction of its power.

    Most meters report the magnitude only. Where the power of the phase is unknown the magnitude is
    taken as import, which can only make a limit smaller.
    """
    if current is None:
        # At unknown power factor this is the least the current can be, better than not knowing.
        return round(power / voltage, 3) if power is not None and voltage else None
    if power is not None:
        return -abs(current) if power < 0 else abs(current)
    return current if device_signs else abs(current)
