"""What a battery is trusted to give way or to give, a little at a time.

A self-consumption battery answers what a load takes: it charges less or discharges more. That answer is
a promise until the meter shows it, so a load climbs on sun that is exported now plus at most a little of
the promise, and waits for the battery before it takes the next. A battery that does not answer is not
counted on for a while: it costs import for that long at most and never overloads a wire.
"""

from msgspec import Struct

STEP_A = 2.0
"""Most of a promise that is taken at a time, per leg."""

ANSWER_S = 20.0
WITHDRAWN_S = 300.0
DEAD_BAND_W = 100.0
DEAD_BAND_A = 0.3


class Promise(Struct, frozen=True):
    """What is remembered of the site's batteries keeping their word."""

    taken_at: float | None = None
    """When a raise counted on the battery that it has not answered yet."""
    withdrawn_until: float = float("-inf")


def judged(promise: Promise, import_w: float, now: float, dead_time_s: float, answer_s: float) -> Promise:
    """The promise after one more reading: kept, still open, or withdrawn."""
    taken = promise.taken_at
    if taken is None or now < taken + dead_time_s:
        return promise
    if import_w <= DEAD_BAND_W:
        return Promise(None, promise.withdrawn_until)
    if now - taken > answer_s + dead_time_s:
        return Promise(None, now + WITHDRAWN_S)
    return promise


def withdrawn(promise: Promise, now: float) -> bool:
    """The battery did not answer lately and is not counted on."""
    return now < promise.withdrawn_until


class Spare:
    """What loads on a source may climb by in one step: what is exported, plus a little of an open promise."""

    def __init__(self, promise: Promise, export_w: float, now: float) -> None:
        """Start from the export that the meter shows now."""
        self.shown_w = max(0.0, export_w)
        self._open = promise.taken_at is None and not withdrawn(promise, now)
        self.counted = False
        """Some raise of this step rests on the promise."""

    def for_legs(self, volts_of_legs: float) -> float:
        """How many amperes per leg a load may climb whose legs have this voltage in sum."""
        return self.shown_w / volts_of_legs + (STEP_A if self._open else 0.0)

    def take(self, watts: float) -> None:
        """Count a raise."""
        self.counted = self.counted or watts > self.shown_w + DEAD_BAND_W
        self.shown_w = max(0.0, self.shown_w - watts)
