"""Thresholds of the state of charge that hold until the charge has moved back far enough."""

from __future__ import annotations

from msgspec import Struct

# A full battery takes up again after this much at the latest, whatever the hysteresis.
MOST_BELOW_FULL = 1.0


class Latches(Struct, frozen=True):
    """Which thresholds a battery has reached and not yet left."""

    full: bool = False
    empty: bool = False
    at_target: bool = False


class Band(Struct, frozen=True):
    """The thresholds in percent as they count now."""

    lowest: float
    target: float
    highest: float


def latched(before: Latches, soc: float | None, wanted: Band, hysteresis: float) -> tuple[Latches, Band]:
    """The latches after this reading, and the thresholds they leave.

    A reached floor is raised by the hysteresis, never lowered; a reached target or maximum counts until the
    charge is below it by the hysteresis. An unknown charge changes no latch.
    """
    less_full = min(hysteresis, MOST_BELOW_FULL)
    target = min(wanted.target, wanted.highest)
    if soc is None:
        after = before
    else:
        after = Latches(
            full=soc >= wanted.highest or (before.full and soc >= wanted.highest - less_full),
            empty=soc <= wanted.lowest or (before.empty and soc <= wanted.lowest + hysteresis),
            at_target=soc >= target or (before.at_target and soc >= target - hysteresis),
        )
    return after, Band(
        lowest=min(100.0, wanted.lowest + hysteresis) if after.empty else wanted.lowest,
        target=max(0.0, target - hysteresis) if after.at_target else target,
        highest=max(0.0, wanted.highest - less_full) if after.full else wanted.highest,
    )
