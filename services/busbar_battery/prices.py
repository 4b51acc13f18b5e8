"""Hours: what a kilowatt-hour costs now, and whether the clock stands inside a window."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time

from busbar_contracts.prices import PriceSeries


def price_at(series: PriceSeries | None, now: datetime) -> float | None:
    """The price of the slot that covers this moment; None when none does. A slot ends before its end."""
    if series is None:
        return None
    return next((slot.price for slot in series.slots if slot.start <= now < slot.end), None)


def inside(windows: Iterable[str], local: datetime) -> bool:
    """Whether a local time lies in one of the windows "HH:MM-HH:MM"; one that ends before it begins spans midnight."""
    clock = local.time()
    return any(_covers(one, clock) for one in windows)


def _covers(window: str, clock: time) -> bool:
    begin, end = (time.fromisoformat(edge) for edge in window.split("-"))
    if begin < end:
        return begin <= clock < end
    return clock >= begin or clock < end
