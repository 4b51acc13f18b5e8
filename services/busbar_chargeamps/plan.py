"""The hours worth charging in: of each local day, every slot at one of its X cheapest prices.

X counts price *levels*, not hours: with quarters that all differ 16 levels are four hours, with hourly
prices they are sixteen.  The ranking uses the whole local day, hours already past included, so that
planning again at noon gives the same answer as planning at midnight and never creeps to dearer slots.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from busbar_chargeamps.instants import local_date
from busbar_chargeamps.slots import LEVELS_PER_UNIT, Slot

PlanState = Literal[
    "scheduled", "idle", "no_eligible_slots", "waiting_for_prices", "disabled", "error", "rejected_prices"
]


class Window(Struct, frozen=True, order=True):
    """A stretch of time `[start, end)` in UTC in which charging is wanted."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long the window lasts in real seconds."""
        return (self.end - self.start).total_seconds()


class DayPlan(Struct, frozen=True):
    """What was chosen of one local day: how many slots there were, and at which prices."""

    of: int
    filtered: int
    chosen: tuple[Slot, ...]
    levels: tuple[float, ...]


class Plan(Struct, frozen=True):
    """The windows of today and tomorrow, and why there are none when there are none."""

    state: PlanState
    price_threshold_active: bool = False
    days: dict[date, DayPlan] = {}
    windows: tuple[Window, ...] = ()
    remaining: tuple[Window, ...] = ()

    def cost(self, kw: float) -> float:
        """What charging with `kw` in every chosen slot of both days would cost."""
        return sum(
            slot.price * kw * (slot.end - slot.start).total_seconds() / 3600
            for day in self.days.values()
            for slot in day.chosen
        )


def plan(slots: Sequence[Slot], now: datetime, zone: ZoneInfo, top_x: int, threshold: float) -> Plan:
    """The plan for the local days of `now` and the one after, each with its own `top_x` levels."""
    days = {}
    for day in _planned_days(now, zone):
        todays = [slot for slot in slots if local_date(slot.start, zone) == day]
        if todays:
            days[day] = _day(todays, top_x, threshold)
    windows = merged(slot for day in days.values() for slot in day.chosen)
    remaining = tuple(window for window in windows if window.end > now)
    return Plan(
        state=_state(days, windows, remaining),
        price_threshold_active=any(day.filtered for day in days.values()),
        days=days,
        windows=windows,
        remaining=remaining,
    )


def _planned_days(now: datetime, zone: ZoneInfo) -> tuple[date, date]:
    today = local_date(now, zone)
    return today, today + timedelta(days=1)


def _day(slots: Sequence[Slot], top_x: int, threshold: float) -> DayPlan:
    eligible = [slot for slot in slots if slot.price <= threshold]
    levels = sorted({slot.level for slot in eligible})[:top_x]
    chosen = tuple(slot for slot in eligible if slot.level in set(levels))
    return DayPlan(
        of=len(slots),
        filtered=len(slots) - len(eligible),
        chosen=chosen,
        levels=tuple(level / LEVELS_PER_UNIT for level in levels),
    )


def _state(days: dict[date, DayPlan], windows: Sequence[Window], remaining: Sequence[Window]) -> PlanState:
    if not days:
        return "waiting_for_prices"
    if not windows:
        return "no_eligible_slots"
    return "scheduled" if remaining else "idle"


def merged(slots: Iterable[Slot]) -> tuple[Window, ...]:
    """Windows of slots that follow each other without a gap, across midnight too."""
    windows: list[Window] = []
    for slot in sorted(slots):
        if windows and windows[-1].end == slot.start:
            windows[-1] = Window(windows[-1].start, slot.end)
        else:
            windows.append(Window(slot.start, slot.end))
    return tuple(windows)
