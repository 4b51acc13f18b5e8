"""A controller and a house in virtual time, and what is written down of their evening."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from busbar_battery.control import Outcome, State, step
from busbar_battery.model_house import House
from busbar_battery.sending import Sent, due
from busbar_battery.site import SiteNow, Tuning, Window

LEASE_S = 30.0


@dataclass
class Evening:
    """What happened, a row every tenth of a second, and every order with its time."""

    times: list[float] = field(default_factory=list)
    grid: list[float] = field(default_factory=list)
    battery: list[float] = field(default_factory=list)
    pv: list[float] = field(default_factory=list)
    orders: list[tuple[float, Window]] = field(default_factory=list)
    caps: list[tuple[float, float]] = field(default_factory=list)
    outcomes: list[tuple[float, Outcome]] = field(default_factory=list)

    def longest(self, wrong: Callable[[float], bool], row: list[float], since: float = 0.0) -> float:
        """The longest time without a break in which a row was wrong, s."""
        longest = run = 0.0
        for moment, value in zip(self.times, row, strict=True):
            run = run + 0.1 if moment >= since and wrong(value) else 0.0
            longest = max(longest, run)
        return round(longest, 1)

    def longest_export_over(self, limit: float, since: float = 0.0) -> float:
        """The longest time over an export limit by more than 100 W, s."""
        return self.longest(lambda grid: -grid > limit + 100, self.grid, since)

    def turns(self, since: float = 0.0) -> int:
        """How often the battery changed between charging and discharging (100 W or more)."""
        signs = [
            1 if p > 0 else -1
            for t, p in zip(self.times, self.battery, strict=True)
            if t >= since and abs(p) >= 100
        ]
        return sum(1 for a, b in pairwise(signs) if a != b)

    def mean(self, row: list[float], since: float, until: float) -> float:
        """The mean of a row between two times."""
        picked = [value for moment, value in zip(self.times, row, strict=True) if since <= moment < until]
        return sum(picked) / len(picked)

    def swing(self, row: list[float], since: float, until: float) -> float:
        """The difference between the largest and the smallest value between two times."""
        picked = [value for moment, value in zip(self.times, row, strict=True) if since <= moment < until]
        return max(picked) - min(picked)


Change = Callable[[House], None]


def live(
    house: House,
    seconds: float,
    tuning: Tuning | None = None,
    at: dict[float, Change] | None = None,
    seen: Callable[[House], SiteNow] = House.seen,
) -> Evening:
    """Let house and controller live together; each reading is answered when it arrives."""
    tuning = tuning or Tuning()
    state, evening, heard = State(), Evening(), (None, None)
    sent: dict[str, Sent] = {}
    changes = dict(at or {})
    window, cap = house.window, house.cap_w
    for _ in range(round(seconds * 10)):
        house.live()
        for moment in [moment for moment in changes if moment <= house.now]:
            changes.pop(moment)(house)
        news = (house.grid_trace.last_s, house.battery_trace.last_s)
        if news != heard or house.now % 1 < 0.05:
            heard = news
            state, outcome = step(state, seen(house), tuning)
            evening.outcomes.append((house.now, outcome))
            told = outcome.windows.get("battery")
            if told is not None and due(sent.get("window"), told, house.now, LEASE_S, tuning.deadband_w):
                sent["window"], window = Sent(told, house.now), told
                evening.orders.append((house.now, told))
                house.order(window, cap)
            limit = outcome.caps.get("inverter")
            if limit is not None and due(sent.get("cap"), limit, house.now, LEASE_S, tuning.deadband_w):
                sent["cap"], cap = Sent(limit, house.now), limit
                evening.caps.append((house.now, limit))
                house.order(window, cap)
        evening.times.append(house.now)
        evening.grid.append(house.grid_w)
        evening.battery.append(house.battery_w)
        evening.pv.append(house.pv_w)
    return evening
