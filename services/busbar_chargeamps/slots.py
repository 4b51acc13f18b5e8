"""Price slots as they arrive, and the clean ordered set they become.

An entry without a usable price or interval is dropped and counted, never taken as zero; a set whose
slots contradict each other is refused as a whole, because nobody can say which half is true.
"""

import math
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from msgspec import Struct

from busbar_chargeamps import instants

# More than any currency asks for a kilowatt-hour; beyond it a price is a mistake of the sender.
ABSURD_PRICE = 1e6
# No market has prices outside these years, and at the edges of time some zones have no local date.
FIRST_YEAR, LAST_YEAR = 1990, 2200
# Two prices that round to the same multiple of a millionth are one price level.
LEVELS_PER_UNIT = 1_000_000


class Slot(Struct, frozen=True, order=True):
    """One interval `[start, end)` in UTC and its price per kWh in the site's currency."""

    start: datetime
    end: datetime
    price: float

    @property
    def level(self) -> int:
        """The price in whole millionths: free of float noise, finer than any market's step."""
        return round(self.price * LEVELS_PER_UNIT)


class Slots(Struct, frozen=True):
    """A clean set of slots, ascending and without overlaps, and how many entries were unusable."""

    slots: tuple[Slot, ...] = ()
    dropped: int = 0


class Contradiction(ValueError):
    """Two slots claim the same time; keep the prices known before."""


def read(entries: Iterable[Any], *, per_kwh: Decimal = Decimal(1)) -> Slots:
    """The clean slots of a list of `{start, end, price}`; prices are multiplied by `per_kwh`."""
    found: dict[tuple[datetime, datetime], Slot] = {}
    dropped = 0
    for entry in entries:
        slot = _slot(entry, per_kwh)
        if slot is None:
            dropped += 1
            continue
        twin = found.get((slot.start, slot.end))
        if twin is not None and twin.level != slot.level:
            raise Contradiction(f"{slot.start.isoformat()} costs {twin.price:g} and {slot.price:g}")
        found[slot.start, slot.end] = max(twin, slot) if twin else slot
    ordered = tuple(sorted(found.values()))
    for earlier, later in pairwise(ordered):
        if later.start < earlier.end:
            raise Contradiction(f"slots overlap at {later.start.isoformat()}")
    return Slots(ordered, dropped)


def _slot(entry: Any, per_kwh: Decimal) -> Slot | None:
    if not isinstance(entry, dict):
        return None
    price = entry.get("price")
    if isinstance(price, bool) or not isinstance(price, int | float):
        return None
    try:
        # As written, not as a binary fraction: 50.03 per MWh is 0.05003 per kWh, and a threshold of that
        # figure includes it.  Adding 0.0 turns -0.0 into 0.0.
        value = float(Decimal(repr(float(price))) * per_kwh) + 0.0
        start, end = instants.aware(entry.get("start")), instants.aware(entry.get("end"))
    except (instants.NotAnInstant, OverflowError):
        return None
    if not math.isfinite(value) or abs(value) > ABSURD_PRICE or end <= start:
        return None
    if not FIRST_YEAR <= start.year <= end.year <= LAST_YEAR:
        return None
    return Slot(start, end, value)


_CENTS = {"c", "ct", "cent", "cents", "p", "pence", "penny", "öre", "øre", "ore"}
_ENERGY = {"wh": Decimal(1000), "kwh": Decimal(1), "mwh": Decimal("0.001")}


def per_kwh(unit: str) -> Decimal | None:
    """The factor from a unit such as `EUR/MWh` or `c/kWh` to whole currency per kWh; None if unknown."""
    money, slash, energy = unit.strip().lower().partition("/")
    factor = _ENERGY.get(energy.strip())
    if not slash or factor is None:
        return None
    money = money.strip()
    if money in _CENTS or money.removeprefix("euro").removeprefix("eur").strip() in _CENTS:
        return factor / 100
    return factor if len(money) <= 3 else None
