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
        if at_s is None:
            return None
        # Rounded, or the same moment would differ by microseconds from one tick to the next.
        moment = self.at + timedelta(seconds=at_s - self.s, milliseconds=5)
        return moment.replace(microsecond=moment.microsecond // 10_000 * 10_000)

    def calendar_of(self, at_s: float | None) -> float | None:
        """The calendar second of a moment on the monotonic clock, to be written down."""
        return None if at_s is None else round(self.calendar_s + at_s - self.s, 1)

    def monotonic_of(self, calendar_s: float | None) -> float | None:
        """A written calendar second on today's monotonic clock; never in the future."""
        return None if calendar_s is None else self.s + min(calendar_s - self.calendar_s, 0.0)
