"""Now, on both clocks; and what there is to say at a moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal


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


@dataclass(frozen=True, slots=True)
class Note:
    """Something the owner or others should know."""

    code: str
    text: str
    path: str = ""
    severity: Literal["info", "warning", "error"] = "warning"
