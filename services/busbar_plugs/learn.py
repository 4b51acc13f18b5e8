"""What a load draws, learned from what it was seen to draw.

The power of a load over time is not one number. A boiler draws its rating or nothing; a fridge jumps for a
second, then falls slowly; a washing machine heats for ten minutes and turns its drum for an hour. What the
wires must bear is the level it runs at when it runs hard. So we keep, per load, how many seconds it spent
at each power while switched on, in steps of two per cent, and forget half of it in a week. From that
histogram come

* the *top*: the highest level it held for half a minute altogether,
* *drawing*: more than a twentieth of the top; everything below is idle,
* the *running level*: the 95th percentile of the time it drew, then the mean of what lies close around
  it, so that neither a start peak of a second nor the noise of the meter decides,
* the *standby level*: the median of the idle time, and the *duty*: the share of time it drew.

Time comes as calendar seconds because what was learned outlives the process.
"""

import math
from collections.abc import Iterable
from typing import Annotated, Final

from msgspec import Meta, Struct

BIN: Final = math.log(1.02)
HALF_LIFE_S: Final = 7 * 86_400.0
MOST_FADED_S: Final = 4 * HALF_LIFE_S
"""A calendar that jumped by years must not wipe out what was learned."""
LONGEST_HOLD_S: Final = 600.0
"""A sample is believed until the next one, but not longer: Tasmota reports each 300 s by default."""
TOP_HELD_S: Final = 30.0
DRAWING_SHARE: Final = 0.05
LEAST_DRAW_W: Final = 2.5
PERCENTILE: Final = 0.95
SAME_LEVEL: Final = 1.05
PROVEN_CYCLES: Final = 3
"""Before so many whole cycles a level below the owner's rating may only be the drum before the heater."""


class Level(Struct, array_like=True):
    """Time spent near one power, both fading with age."""

    seconds: float
    joules: float

    @property
    def watts(self) -> float:
        """The mean power inside this step."""
        return self.joules / self.seconds if self.seconds > 0 else 0.0


class Learned(Struct, kw_only=True):
    """What is known of one load; kept over restarts."""

    levels: Annotated[
        dict[int, Level], Meta(description="By step of two per cent; -1 is below half a watt.")
    ] = {}
    faded_at: float | None = None
    peak_w: float | None = None
    peak_at: float | None = None
    cycles: int = 0


class Figures(Struct, frozen=True, kw_only=True):
    """What a load is, in the numbers the rest of Busbar asks for; None before it was seen."""

    running_w: float | None = None
    standby_w: float | None = None
    peak_w: float | None = None
    duty: float | None = None
    cycles: int = 0
    drawing_above_w: float = LEAST_DRAW_W


def step_of(power_w: float) -> int:
    """The histogram step of a power."""
    return -1 if power_w < 0.5 else int(math.log(power_w / 0.5) / BIN)


def lived(learned: Learned, power_w: float, seconds: float, now: float) -> Learned:
    """What is known after the load, switched on, drew `power_w` for `seconds` until `now`."""
    seconds = min(max(seconds, 0.0), LONGEST_HOLD_S)
    if seconds == 0.0 or not math.isfinite(power_w):
        return learned
    power_w = max(power_w, 0.0)
    faded = faded_to(learned, now)
    step = step_of(power_w)
    old = faded.levels.get(step, Level(0.0, 0.0))
    faded.levels[step] = Level(old.seconds + seconds, old.joules + power_w * seconds)
    return faded


def peaked(learned: Learned, power_w: float, now: float) -> Learned:
    """What is known after one sample: the start peak is the highest of late, however short."""
    known = _faded_peak(learned, now)
    if known is not None and known >= power_w:
        return learned
    learned.peak_w, learned.peak_at = power_w, now
    return learned


def faded_to(learned: Learned, now: float) -> Learned:
    """The same with its age taken off; done at most once an hour, since it touches every step."""
    if learned.faded_at is None or now < learned.faded_at:
        # Before the first sample, or a calendar that was set back: age counts from here.
        learned.faded_at = now
        return learned
    age = min(now - learned.faded_at, MOST_FADED_S)
    if age < 3600:
        return learned
    factor = 0.5 ** (age / HALF_LIFE_S)
    learned.levels = {
        step: Level(level.seconds * factor, level.joules * factor)
        for step, level in learned.levels.items()
        if level.seconds * factor > 0.05
    }
    learned.faded_at = now
    return learned


def figures(learned: Learned, now: float) -> Figures:
    """The load in numbers."""
    levels = sorted(learned.levels.values(), key=lambda level: level.watts)
    top = _top(levels)
    if top is None:
        standby = _median(levels)
        return Figures(standby_w=standby, peak_w=_faded_peak(learned, now), cycles=learned.cycles)
    above = max(LEAST_DRAW_W, DRAWING_SHARE * top)
    drawing = [level for level in levels if level.watts > above]
    idle = [level for level in levels if level.watts <= above]
    total = _seconds(levels)
    return Figures(
        running_w=_plateau(drawing),
        standby_w=_median(idle),
        peak_w=_faded_peak(learned, now),
        duty=_seconds(drawing) / total if total > 0 else None,
        cycles=learned.cycles,
        drawing_above_w=above,
    )


def drawing_above_w(learned: Learned) -> float:
    """The power above which the load counts as drawing; the same as in `figures`, found faster."""
    held = 0.0
    for step in sorted(learned.levels, reverse=True):
        level = learned.levels[step]
        held += level.seconds
        if held >= TOP_HELD_S:
            return (
                max(LEAST_DRAW_W, DRAWING_SHARE * level.watts) if level.watts > LEAST_DRAW_W else LEAST_DRAW_W
            )
    return LEAST_DRAW_W


def planned_w(known: Figures, rating_w: float, seen_w: float | None) -> float:
    """The power to plan with, never below what it is seen to hold now.

    Until it has run its whole course a few times the owner's rating stands, unless it was seen to draw
    more; after that the learned level does, whichever way it differs from the rating.
    """
    if known.running_w is None:
        level = rating_w
    elif known.cycles < PROVEN_CYCLES:
        level = max(rating_w, known.running_w)
    else:
        level = known.running_w
    # The noise of a meter is no new level, and a plan that trembles would switch loads on and off.
    level = seen_w if seen_w is not None and seen_w > SAME_LEVEL * level else level
    return round(level, -1) if level >= 100 else round(level)


def _top(levels: list[Level]) -> float | None:
    held = 0.0
    for level in reversed(levels):
        if level.watts <= LEAST_DRAW_W:
            return None
        held += level.seconds
        if held >= TOP_HELD_S:
            return level.watts
    return None


def _plateau(drawing: list[Level]) -> float | None:
    if not drawing:
        return None
    mark = _percentile(drawing, PERCENTILE)
    around = [level for level in drawing if 0.9 * mark <= level.watts <= 1.05 * mark]
    return sum(level.joules for level in around) / _seconds(around)


def _median(levels: list[Level]) -> float | None:
    return _percentile(levels, 0.5) if levels else None


def _percentile(levels: list[Level], share: float) -> float:
    """The power below which the load spent this share of the time; `levels` rise in power."""
    wanted = share * _seconds(levels)
    for level in levels:
        wanted -= level.seconds
        if wanted <= 1e-9:
            return level.watts
    return levels[-1].watts


def _seconds(levels: Iterable[Level]) -> float:
    return sum(level.seconds for level in levels)


def _faded_peak(learned: Learned, now: float) -> float | None:
    if learned.peak_w is None or learned.peak_at is None:
        return None
    return float(learned.peak_w * 0.5 ** (max(now - learned.peak_at, 0.0) / HALF_LIFE_S))
