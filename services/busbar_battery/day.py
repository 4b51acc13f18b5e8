"""A day in a house, minute by minute, as the decision alone would have it.

For the owner who wants to see what a setting does before setting it: sun and load are drawn by formula, the
battery follows the decision at once. What time does to it (ramps, dead times) is tested, not simulated here.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, pi, sin

from msgspec import Struct
from msgspec.structs import replace

from busbar_battery.decide import Decision, decide
from busbar_battery.inputs import ABSURD_W, Inputs

MINUTES = 24 * 60
# What is lost on the way into and out of the cells, together.
ROUND_TRIP = 0.92


class Minute(Struct, frozen=True):
    """One minute: hour of the day, powers in W (grid + import, battery + charge), charge in percent."""

    hour: float
    sun: float
    pv: float
    load: float
    battery: float
    grid: float
    soc: float


class Totals(Struct, frozen=True):
    """What the day came to, kWh."""

    generated: float
    curtailed: float
    consumed: float
    imported: float
    exported: float
    charged: float
    discharged: float


def sun_at(hour: float, peak_w: float) -> float:
    """A clear day in May from 5:30 to 20:30 with a cloudy hour after two."""
    height = sin(pi * (hour - 5.5) / 15) if 5.5 < hour < 20.5 else 0.0
    cloud = 0.55 if 14 <= hour < 15 and sin(hour * 40) > -0.2 else 1.0
    return peak_w * height**1.3 * cloud if height > 0 else 0.0


def load_at(hour: float) -> float:
    """A family: breakfast, lunch, a long evening, and the refrigerator all night."""
    peaks = ((7.0, 0.6, 1400.0), (12.5, 0.5, 1900.0), (19.5, 1.3, 2300.0))
    return 280.0 + sum(height * exp(-(((hour - at) / width) ** 2)) for at, width, height in peaks)


def day(
    settings: Inputs,
    *,
    soc: float = 25.0,
    capacity_wh: float = 10_000.0,
    peak_w: float = 9_000.0,
    cheap_hours: tuple[float, float] | None = None,
) -> list[Minute]:
    """The minutes of a day under these limits and wishes. Grid charging, if asked for, only in the cheap hours.

    Raises ValueError for settings the decision refuses, and for a house that cannot be.
    """
    _check(soc=soc, capacity_wh=capacity_wh, peak_w=peak_w)
    minutes = []
    for number in range(MINUTES):
        hour = number / 60
        sun, load = sun_at(hour, peak_w), load_at(hour)
        cheap = cheap_hours is None or cheap_hours[0] <= hour < cheap_hours[1]
        now = replace(
            settings,
            pv=sun,
            battery=0.0,
            grid=load - sun,
            soc=soc,
            grid_charging=bool(settings.grid_charging) and cheap,
        )
        answer = decide(now)
        if not isinstance(answer, Decision) or answer.pv is None:
            raise ValueError(getattr(answer, "error", "the sun is not known"))
        battery = answer.battery
        minutes.append(Minute(hour, sun, answer.pv, load, battery, load + battery - answer.pv, soc))
        stored = battery * ROUND_TRIP**0.5 if battery > 0 else battery / ROUND_TRIP**0.5
        soc = min(100.0, max(0.0, soc + stored / 60 / capacity_wh * 100))
    return minutes


def _check(*, soc: float, capacity_wh: float, peak_w: float) -> None:
    if not 0 <= soc <= 100:
        raise ValueError(f"soc: {soc:g} is not a percentage between 0 and 100")
    if not 0 < capacity_wh <= ABSURD_W:
        raise ValueError(f"capacity: {capacity_wh:g} is not the energy of a battery in Wh")
    if not 0 <= peak_w <= ABSURD_W:
        raise ValueError(f"peak: {peak_w:g} is not a power in W")


def totals(minutes: Sequence[Minute]) -> Totals:
    """The energies of the day."""

    def kwh(powers: Sequence[float]) -> float:
        return round(sum(powers) / 60 / 1000, 2)

    return Totals(
        generated=kwh([one.pv for one in minutes]),
        curtailed=kwh([one.sun - one.pv for one in minutes]),
        consumed=kwh([one.load for one in minutes]),
        imported=kwh([max(0.0, one.grid) for one in minutes]),
        exported=kwh([max(0.0, -one.grid) for one in minutes]),
        charged=kwh([max(0.0, one.battery) for one in minutes]),
        discharged=kwh([max(0.0, -one.battery) for one in minutes]),
    )
