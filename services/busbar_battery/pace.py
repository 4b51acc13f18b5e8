"""At what pace the battery may change: limits at once, all else on the ramp."""

from __future__ import annotations

from math import inf

from busbar_battery.ramp import Motion, moved, sign
from busbar_battery.reason import Choice
from busbar_battery.samples import Trace
from busbar_battery.scene import Scene
from busbar_battery.site import SLACK_W, SiteNow, Tuning
from busbar_battery.windows import Style

# Less sun than this is none that a turn could cost.
DARK_W = 100.0


def paced(
    before: tuple[Motion, Style],
    choice: Choice,
    style: Style,
    bounds: tuple[float, float],
    now: float,
    tuning: Tuning,
) -> tuple[Motion, Style]:
    """The ordered power after this step. A battery on the loose is not led: its own loop ramps and turns."""
    if style is Style.FREE and before[1] is Style.FREE:
        return Motion(choice.power, now, sign(choice.power)), Style.FREE
    motion = moved(
        before[0],
        choice.power,
        *bounds,
        now=now,
        ramp_w_per_s=tuning.ramp_w_per_s or inf,
        dwell_s=tuning.dwell_s,
    )
    if style is Style.FREE and motion.power != choice.power:
        return motion, Style.TRACKED
    return motion, style


def rest_s(site: SiteNow, sun: float | None, tuning: Tuning) -> float:
    """How long the battery rests at zero before it turns: only where a turn drops the sun beside it.

    On the DC link of a hybrid in the sun it does, and an import limit would be hurt more by that than by waiting.
    A battery with an inverter of its own, any battery at night, and one that has stood still as long turns at once.
    """
    in_the_sun = sun is None or sun > DARK_W
    on_dc = [one.power for one in site.batteries if one.inverter]
    if not in_the_sun or all(stood_still(power, site.now - tuning.dwell_s) for power in on_dc):
        return 0.0
    return tuning.dwell_s


def stood_still(power: Trace, since_s: float) -> bool:
    """Whether a battery was seen doing next to nothing all the time since then."""
    seen = [watts for at_s, watts in zip(power.times, power.values, strict=True) if at_s > since_s]
    return bool(seen) and power.times[0] <= since_s and all(abs(watts) <= SLACK_W for watts in seen)


def bounds_of(scene: Scene, choice: Choice) -> tuple[float, float]:
    """Between what the ramp may move; beyond, a limit or the grid would be hurt, and it is taken back at once."""
    allowed, surplus = scene.allowed, scene.surplus
    highest = min(allowed.charge, surplus + allowed.imported)
    if scene.given.grid_charging:
        highest = min(highest, max(choice.power, 0.0, surplus)) if choice.power >= 0 else highest
    else:
        highest = min(highest, max(0.0, surplus, choice.power))
    lowest = max(-allowed.discharge, min(0.0, surplus - scene.wanted_export))
    if allowed.export < inf:
        lowest = max(lowest, min(allowed.charge, surplus - allowed.export))
    highest = max(highest, -allowed.discharge)
    return min(lowest, highest), highest


def not_worse(
    bounds: tuple[float, float], power: float, measured: float, excess: tuple[float, float]
) -> tuple[float, float]:
    """The bounds while the meter alone shows a limit broken: what flows the wrong way is cut, nothing is added.

    Counted from the measured power, so that the same excess seen twice is not cut twice.
    """
    (lowest, highest), (export, imported) = bounds, excess
    if export:
        lowest = max(lowest, min(highest, max(power, min(0.0, measured + export))))
    if imported:
        highest = max(lowest, min(highest, max(measured - imported, min(power, 0.0))))
    return lowest, highest
