"""What a heater draws when it runs: its rating until it was seen to draw otherwise often enough."""

from typing import Final

from msgspec import Struct

KEPT: Final = 120
PROVEN_RUNS: Final = 3
SAME_LEVEL: Final = 1.05
SETTLED_S: Final = 30.0
DRAWING_SHARE: Final = 0.1


class Drawn(Struct, kw_only=True):
    """Powers seen while running, the newest last; kept over restarts."""

    samples: list[float] = []
    runs: int = 0


def sampled(drawn: Drawn, power_w: float, on_for_s: float | None) -> None:
    """Take one power; a start peak and a thermostat that is open are no running level."""
    if on_for_s is None or on_for_s < SETTLED_S or power_w <= 0:
        return
    top = max(drawn.samples, default=0.0)
    if power_w >= DRAWING_SHARE * top:
        drawn.samples = [*drawn.samples, power_w][-KEPT:]


def ran(drawn: Drawn) -> None:
    """A run is over."""
    drawn.runs += 1


def learned_w(drawn: Drawn) -> float | None:
    """The level nine tenths of the samples stay below; None before anything was seen."""
    if not drawn.samples:
        return None
    ranked = sorted(drawn.samples)
    return ranked[min(int(0.9 * len(ranked)), len(ranked) - 1)]


def planned_w(drawn: Drawn, rating_w: float, seen_w: float | None) -> float:
    """The power to plan with, never below what is seen now."""
    learned = learned_w(drawn)
    if learned is None:
        level = rating_w
    elif drawn.runs < PROVEN_RUNS:
        level = max(rating_w, learned)
    else:
        level = learned
    # The noise of a meter is no new level, and a plan that trembles would switch loads on and off.
    level = seen_w if seen_w is not None and seen_w > SAME_LEVEL * level else level
    return round(level, -1) if level >= 100 else round(level)
