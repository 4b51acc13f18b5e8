"""A plan in the weekly form of my.charge.space: seconds since Monday 00:00 local, and no dates.

`startOfSchedule` is that Monday in UTC; `from` and `to` are 0 to 604800.  Two independent clients count
*elapsed* seconds, which differs from the wall clock only in the two weeks in which the clock changes;
whether the cloud agrees in those weeks is unknown, so the other reading can be chosen.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from busbar_chargeamps import instants
from busbar_chargeamps.schedule import Period

WEEK_S = 604_800
Counting = Literal["elapsed", "wall"]


class Stretch(Struct, frozen=True, order=True):
    """One entry of the weekly form: from and to in seconds of the week, and amperes per phase."""

    start_s: int
    end_s: int
    amps: float


class Week(Struct, frozen=True):
    """What of a plan belongs to this week, and what has to wait or cannot be said at all."""

    start_of_schedule: datetime
    stretches: tuple[Stretch, ...] = ()
    deferred: tuple[Period, ...] = ()
    not_expressible: tuple[Period, ...] = ()


def week(periods: Iterable[Period], now: datetime, zone: ZoneInfo, counting: Counting = "elapsed") -> Week:
    """The weekly form of the periods that have not ended; a later week's part is deferred, not lost."""
    begin, end = instants.monday(now, zone), instants.next_monday(now, zone)
    stretches, deferred, lost = [], [], []
    for period in sorted(periods):
        if period.end <= now:
            continue
        if period.end > end:
            deferred.append(Period(max(period.start, end), period.end, period.amps))
        here = Period(max(period.start, begin), min(period.end, end), period.amps)
        if here.start >= here.end:
            continue
        start_s, end_s = (_seconds(at, begin, zone, counting) for at in (here.start, here.end))
        if end_s > WEEK_S:
            # The week of the autumn change has 169 hours and the form only 168.
            lost.append(Period(max(here.start, begin + timedelta(seconds=WEEK_S)), here.end, here.amps))
        if min(end_s, WEEK_S) > start_s:
            stretches.append(Stretch(start_s, min(end_s, WEEK_S), period.amps))
    return Week(begin, tuple(stretches), tuple(deferred), tuple(lost))


def _seconds(at: datetime, begin: datetime, zone: ZoneInfo, counting: Counting) -> int:
    if counting == "elapsed":
        return int((at - begin).total_seconds())
    # Wall clock: both hours of the autumn's repeated hour get the same numbers.
    wall, monday = (instant.astimezone(zone).replace(tzinfo=None) for instant in (at, begin))
    return int((wall - monday).total_seconds())
