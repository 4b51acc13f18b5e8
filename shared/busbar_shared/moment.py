"""Now, on both clocks: the calendar for people and files, the monotonic one for every age and duration."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from busbar_shared.clock import Clock

CLOCK_JUMP: Final = timedelta(seconds=0.5)
"""A calendar that is off by more has been set; less is the drift between the two clocks."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on the calendar and on the clock that never jumps."""

    at: datetime
    s: float

    @property
    def calendar_s(self) -> float:
        """The calendar in seconds."""
        return self.at.timestamp()

    def when(self, at_s: float | None) -> datetime | None:
        """The calendar time of a moment on the monotonic clock."""
        if at_s is None:
            return None
        # Rounded, or the same moment would differ by microseconds from one tick to the next.
        moment = self.at + timedelta(seconds=at_s - self.s, milliseconds=5)
        return moment.replace(microsecond=moment.microsecond // 10_000 * 10_000)

    def calendar_of(self, at_s: float | None) -> float | None:
        """The calendar second of a moment on the monotonic clock, to be written down."""
        # In tenths, or a file would be written anew for nothing but the last digit of a clock.
        return None if at_s is None else round(self.calendar_s + at_s - self.s, 1)

    def monotonic_of(self, calendar_s: float | None, most_s: float = 0.0) -> float | None:
        """A written calendar second on today's monotonic clock; never further ahead than it can have been."""
        return None if calendar_s is None else self.s + min(calendar_s - self.calendar_s, most_s)


class BoundClock:
    """Tells moments whose calendar is bound to the monotonic clock until it really jumps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since, self._since_s = clock.now(), clock.monotonic()

    def now(self) -> Moment:
        """The moment."""
        at, seconds = self._clock.now(), self._clock.monotonic()
        bound = self._since + timedelta(seconds=seconds - self._since_s)
        if abs(at - bound) > CLOCK_JUMP:
            self._since, self._since_s, bound = at, seconds, at
        return Moment(bound, seconds)
