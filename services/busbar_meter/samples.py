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
