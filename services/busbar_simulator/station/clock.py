"""A charge point's own clock: wrong from the start, perhaps drifting, perhaps set by the central system."""

from datetime import datetime, timedelta


class StationClock:
    """Its time is ours plus an offset that may grow."""

    def __init__(self, offset_s: float = 0.0, drift_s_per_h: float = 0.0, *, obeys: bool = False) -> None:
        self.offset_s, self.drift_s_per_h, self.obeys = offset_s, drift_s_per_h, obeys
        self._drifted_s = 0.0

    def tick(self, dt_s: float) -> None:
        """Drift on."""
        self._drifted_s += self.drift_s_per_h * dt_s / 3600

    def read(self, utc: datetime) -> datetime:
        """What its clock shows."""
        return utc + timedelta(seconds=self.offset_s + self._drifted_s)

    def set(self, told: datetime, utc: datetime) -> None:
        """The central system says what time it is; some charge points listen."""
        if self.obeys:
            self.offset_s, self._drifted_s = (told - utc).total_seconds(), 0.0
