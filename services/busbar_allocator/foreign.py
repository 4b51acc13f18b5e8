"""Chargers that follow a schedule of their own: reserved shortly before each window, and as long as they draw."""

from datetime import datetime, timedelta
from math import isfinite

from busbar_contracts.chargeamps import ChargeAmpsStatus

AHEAD = timedelta(seconds=60)
"""The others must have made room when the window opens."""

DRAWS_KW = 0.1

STALE_S = 300.0
"""What was measured longer ago than this is no draw any more; the cloud is asked at least each minute."""


def reserved_a(
    status: ChargeAmpsStatus | None, most_a: float, now: datetime, watts_per_a: float = 690.0
) -> float:
    """What a foreign schedule may take per leg now; nothing outside its windows unless it draws.

    `watts_per_a` is the power of one ampere on each of its legs: a driver who starts by hand may take more
    than the schedule applies, and is reserved at what he is seen to take.
    """
    if status is None:
        return 0.0
    draws = status.state == "charging" or (status.current_power_kw or 0.0) > DRAWS_KW
    applied = most_a if status.applied_max_current is None else min(status.applied_max_current, most_a)
    if draws:
        seen_a = (status.current_power_kw or 0.0) * 1000.0 / watts_per_a
        return max(applied, min(seen_a, most_a))
    if not status.schedule_active:
        return 0.0
    periods = [(one.start, one.end, one.max_current) for one in status.periods]
    if status.next_period_start is not None and status.next_period_end is not None:
        periods.append((status.next_period_start, status.next_period_end, None))
    return max(
        (
            applied if most is None else min(most, most_a)
            for start, end, most in periods
            if start - AHEAD <= now < end
        ),
        default=0.0,
    )


def measured_a(
    status: ChargeAmpsStatus | None, at: float | None, legs: int, now: float
) -> tuple[float, ...] | None:
    """What a foreign charger was measured to draw on each of its legs; None where that is not known, or old."""
    if status is None or at is None or now - at > STALE_S:
        return None
    found = [None if leg is None else leg.current_a for leg in (status.l1, status.l2, status.l3)[:legs]]
    known = [amps for amps in found if amps is not None and isfinite(amps)]
    return tuple(known) if len(known) == legs else None
