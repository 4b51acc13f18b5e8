"""Now, on both clocks."""

from dataclasses import dataclass
from datetime import datetime, timedelta


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
        # Rounded, or two readings of the two clocks would make the same moment differ by microseconds.
        return None if at_s is None else self.at + timedelta(seconds=round(at_s - self.s, 2))

    def calendar_of(self, at_s: float | None) -> float | None:
        """The calendar second of a moment on the monotonic clock, to be written down."""
        return None if at_s is None else round(self.calendar_s + at_s - self.s, 1)

    def monotonic_of(self, calendar_s: float | None) -> float | None:
        """A written calendar second on today's monotonic clock; never in the future."""
        return None if calendar_s is None else self.s + min(calendar_s - self.calendar_s, 0.0)
