"""A small house to try the controller on: sun, load, battery and meter, with the lags that real ones have.

It is a model for tests and for `busbar battery simulate`, not the simulated house that speaks Modbus.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from busbar_battery.latch import Band
from busbar_battery.samples import Trace
from busbar_battery.site import RELEASE, BatteryNow, InverterNow, SiteNow, Window, Wishes

Course = Callable[[float], float]


@dataclass(kw_only=True)
class House:
    """One house. Powers in W, times in seconds; `sun` and `load` are functions of the time."""

    sun: Course
    load: Course
    coupling: Literal["ac", "dc"] = "ac"
    rating_w: float = 10_000.0
    capacity_wh: float = 10_000.0
    soc: float = 50.0
    band: Band = field(default_factory=lambda: Band(10.0, 80.0, 100.0))
    charge_max_w: float = 5000.0
    discharge_max_w: float = 5000.0
    takes_w: float = 5000.0  # what the cells really take, where it is less than they promise
    follows_grid: bool = True
    dead_s: float = 1.0
    slew_w_per_s: float = 2500.0
    skew_s: float = 0.4  # the battery and the inverter are read so long before the meter
    battery_every_s: int = 1
    meter_every_s: int = 1
    wishes: Wishes = field(default_factory=Wishes)
    now: float = 0.0
    battery_w: float = 0.0
    pv_w: float = 0.0
    window: Window = RELEASE
    cap_w: float | None = None
    meter_on: bool = True
    grid_trace: Trace = field(default_factory=Trace)
    battery_trace: Trace = field(default_factory=Trace)
    output_trace: Trace = field(default_factory=Trace)
    _under_way: deque[tuple[float, Window, float | None]] = field(default_factory=deque)

    @property
    def output_w(self) -> float:
        """At the AC terminals of the inverter that has the sun."""
        return self.pv_w - (self.battery_w if self.coupling == "dc" else 0.0)

    @property
    def grid_w(self) -> float:
        """Import is positive."""
        return self.load(self.now) + self.battery_w - self.pv_w

    def order(self, window: Window, cap_w: float | None) -> None:
        """Tell the devices; they act after their dead time."""
        self._under_way.append((self.now + self.dead_s, window, cap_w))

    def live(self, dt: float = 0.1) -> None:
        """A tenth of a second passes."""
        self.now = round(self.now + dt, 3)
        while self._under_way and self._under_way[0][0] <= self.now:
            _, self.window, self.cap_w = self._under_way.popleft()
        reach = self.slew_w_per_s * dt
        goal = self._goal()
        self.battery_w += max(-reach, min(reach, goal - self.battery_w))
        bound = self.rating_w if self.cap_w is None else min(self.cap_w, self.rating_w)
        if self.coupling == "dc":
            bound += self.battery_w
        self.pv_w = max(0.0, min(self.sun(self.now), bound))
        self.soc = min(100.0, max(0.0, self.soc + self.battery_w * dt / 3600 / self.capacity_wh * 100))
        self._sample()

    def _goal(self) -> float:
        """What the battery's own loop wants inside the window: a grid at zero."""
        low = -self.discharge_max_w if self.window.min_w is None else self.window.min_w
        high = self.charge_max_w if self.window.max_w is None else self.window.max_w
        own = self.battery_w - self.grid_w if self.follows_grid or self.window.min_w is None else 0.0
        goal = max(low, min(high, own))
        if self.coupling == "dc":
            # Sun that may not leave at the AC terminals goes into the battery as far as the window lets it.
            bound = self.rating_w if self.cap_w is None else min(self.cap_w, self.rating_w)
            goal = max(goal, min(high, self.sun(self.now) - bound))
            goal = goal if self.window.grid_charging else min(goal, self.sun(self.now))
        goal = max(goal, -self.discharge_max_w) if self.soc > 1 else max(goal, 0.0)
        return min(goal, self.takes_w) if self.soc < 100 else min(goal, 0.0)

    def _sample(self) -> None:
        if _every(self.battery_every_s, self.now):
            self.battery_trace = self.battery_trace.heard(self.now, self.battery_w)
            self.output_trace = self.output_trace.heard(self.now, self.output_w)
        if self.meter_on and _every(self.meter_every_s, self.now - self.skew_s):
            self.grid_trace = self.grid_trace.heard(self.now, self.grid_w)

    def seen(self) -> SiteNow:
        """The house as its readings show it."""
        battery = BatteryNow(
            id="battery",
            power=self.battery_trace,
            soc=self.soc,
            band=self.band,
            charge_max=self.charge_max_w,
            discharge_max=self.discharge_max_w,
            capacity_wh=self.capacity_wh,
            inverter="inverter" if self.coupling == "dc" else None,
            follows_grid=self.follows_grid,
            period_s=self.battery_every_s,
        )
        inverter = InverterNow(
            id="inverter",
            power=self.output_trace,
            rating=self.rating_w,
            period_s=self.battery_every_s,
        )
        return SiteNow(
            now=self.now,
            grid=self.grid_trace,
            grid_period_s=self.meter_every_s,
            batteries=(battery,),
            inverters=(inverter,),
            wishes=self.wishes,
        )


def _every(period_s: int, moment: float) -> bool:
    beats = moment / period_s
    return abs(beats - round(beats)) * period_s < 0.01
