"""A price as a source quotes it, and the ordered slots a list of quotes becomes.

Many sources give a start and no end.  The next start is the end where the gap is the usual step of the
list; elsewhere the slot lasts one usual step, so that a hole in the data stays a hole.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from msgspec import Struct

from busbar_contracts.prices import PriceSlot

ABSURD = 1e6
LONGEST_SLOT = timedelta(days=2)


class Quote(Struct, frozen=True):
    """One price per kWh from `start` on, in UTC; `end` is None where the source names none."""

    start: datetime
    end: datetime | None
    price: float


class Found(Struct, frozen=True, kw_only=True):
    """What a source knows: quotes, and what it says of them."""

    quotes: tuple[Quote, ...]
    currency: str | None = None
    final: bool = True
    published_at: datetime | None = None
    dropped: int = 0


class Garbled(ValueError):
    """The source's answer makes no sense; keep the prices known before."""


class Contradiction(Garbled):
    """Two quotes claim the same time with different prices."""


def slots(quotes: Iterable[Quote]) -> tuple[PriceSlot, ...]:
    """Ascending slots without overlaps; raises `Contradiction` where quotes disagree."""
    ordered = sorted(set(quotes), key=lambda quote: quote.start)
    step = usual_step(ordered)
    made: list[PriceSlot] = []
    for index, quote in enumerate(ordered):
        following = ordered[index + 1].start if index + 1 < len(ordered) else None
        end = quote.end or _end(quote.start, following, step)
        if end is None or not quote.start < end <= quote.start + LONGEST_SLOT:
            continue
        if made and quote.start < made[-1].end:
            raise Contradiction(f"two prices for {quote.start.isoformat()}")
        made.append(PriceSlot(start=quote.start, end=end, price=round(quote.price, 6) + 0.0))
    return tuple(made)


def usual_step(ordered: Sequence[Quote]) -> timedelta | None:
    """The most frequent distance between two starts, the shorter of two equally frequent ones."""
    steps = Counter(b.start - a.start for a, b in pairwise(ordered) if b.start > a.start)
    if not steps:
        return None
    return min(steps, key=lambda step: (-steps[step], step))


def _end(start: datetime, following: datetime | None, step: timedelta | None) -> datetime | None:
    if step is None:
        return None
    if following is not None and following - start == step:
        return following
    return start + step


def number(value: Any) -> float | None:
    """A finite price, or None; a text is not a price unless it is a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and abs(found) <= ABSURD else None


def instant(value: Any, *, naive_is_utc: bool = False) -> datetime | None:
    """A time with an offset in UTC; one without counts only where the source says that it is UTC."""
    if not isinstance(value, str) or len(value) < 16:
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            return at.replace(tzinfo=UTC) if naive_is_utc else None
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; what is no object, or no list, is not there."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def quoted(entries: Iterable[tuple[Any, Any, Any]], per_kwh: float = 1.0) -> tuple[tuple[Quote, ...], int]:
    """The quotes of `(start, end, price)` as they were read, and how many entries were unusable."""
    made, dropped = [], 0
    for start, end, price in entries:
        begin = start if isinstance(start, datetime) else instant(start)
        finish = end if isinstance(end, datetime) else instant(end)
        value = number(price)
        if begin is None or value is None or (end is not None and finish is None):
            dropped += 1
            continue
        made.append(Quote(begin, finish, value * per_kwh))
    return tuple(made), dropped
