"""The calendar of the simulated house: the only thing a speed factor moves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

DAY_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Almanac:
    """Real seconds since the start in, local time of the house out.

    The sun, the household's habits and states of charge follow this calendar.
    Dead times, ramps, meters and leases do not: they stay in real seconds.
    Were they faster too, a fast day would prove nothing.
    """

    start: datetime
    speed: float = 1.0

    def at(self, elapsed_s: float) -> datetime:
        """Local time of the house, naive, after that many real seconds."""
        return self.start + timedelta(seconds=elapsed_s * self.speed)

    def second_of_year(self, elapsed_s: float) -> float:
        """Calendar seconds since the first of January of the year of the start."""
        return (self.at(elapsed_s) - datetime(self.start.year, 1, 1)).total_seconds()  # noqa: DTZ001
