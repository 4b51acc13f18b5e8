"""From the price of the exchange to the price of the household: VAT, a fixed part, a part by hour of day.

price = exchange * (1 + vat/100) + fixed + the part of the local hour, all per kWh.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from busbar_shared.config.load import BadConfig


class Tariff(Struct, frozen=True):
    """What comes on top of the exchange's price; `by_hour` has 24 figures for the local hours."""

    vat_percent: float = 0.0
    fixed: float = 0.0
    by_hour: tuple[float, ...] = (0.0,) * 24

    @property
    def adds(self) -> bool:
        """True when it changes anything."""
        return bool(self.vat_percent or self.fixed or any(self.by_hour))

    def price(self, exchange: float, start: datetime, zone: ZoneInfo) -> float:
        """The price of a slot that starts at `start`, by the local hour at the site."""
        hour = start.astimezone(zone).hour
        return exchange * (1 + self.vat_percent / 100) + self.fixed + self.by_hour[hour]


_HOURS = re.compile(r"([01]?[0-9]|2[0-4])-([01]?[0-9]|2[0-4])")


def by_hour(parts: Mapping[str, float], path: str) -> tuple[float, ...]:
    """24 figures from ranges such as `06-22` (22 not included, `22-06` goes over midnight); BadConfig otherwise."""
    figures = [0.0] * 24
    for name, figure in parts.items():
        found = _HOURS.fullmatch(name.strip())
        if found is None:
            raise BadConfig(f"{path}.per_hour: {name!r} is no range of hours such as 06-22")
        begin, end = int(found[1]), int(found[2])
        hours = range(begin, end) if begin < end else [*range(begin, 24), *range(end)]
        for hour in hours:
            figures[hour % 24] += figure
    return tuple(figures)
