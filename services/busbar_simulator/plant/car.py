"""A car on its cable: it follows the pilot late, by a ramp, and not always."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CarSpec:
    """How one car behaves. `legs` is how many phases its on-board charger uses."""

    battery_wh: float = 60_000.0
    legs: int = 3
    max_a: float = 16.0
    # From a change of the pilot to its first effect; down is as slow as up in many cars.
    dead_s: float = 2.0
    ramp_a_per_s: float = 2.0
    ramp_down_a_per_s: float = 8.0
    # IEC 61851 has no current between 0 and 6 A.
    least_a: float = 6.0
    # After a pause it needs this much longer to draw again (relays, battery heating).
    wake_s: float = 0.0
    # After so many pauses it sleeps until the cable is plugged again; None never sleeps.
    pauses_until_sleep: int | None = None
    taper_from_percent: float = 90.0
    full_percent: float = 100.0
    # What it draws above the pilot: a little in honest cars, everything in a broken one.
    overdraw_a: float = 0.0
    obeys: bool = True


class Car:
    """One car, plugged in. Currents are per leg, all used legs equal."""

    def __init__(self, spec: CarSpec, soc_percent: float) -> None:
        self.spec = spec
        self.soc_percent = soc_percent
        self.draw_a = 0.0
        self._now_s = 0.0
        self._pilots: deque[tuple[float, float]] = deque()
        self._pilot_a = 0.0
        self._pauses = 0
        self._ready_at_s = 0.0

    @property
    def full(self) -> bool:
        """It wants nothing more."""
        return self.soc_percent >= self.spec.full_percent

    @property
    def asleep(self) -> bool:
        """Paused too often; only the cable wakes it."""
        limit = self.spec.pauses_until_sleep
        return limit is not None and self._pauses >= limit

    def replug(self) -> None:
        """The cable was pulled and put in again."""
        self.draw_a, self._pilot_a, self._pauses, self._ready_at_s = 0.0, 0.0, 0, self._now_s
        self._pilots.clear()

    def step(self, dt_s: float, calendar_s: float, pilot_a: float, powered: bool, volts: float) -> None:
        """Live for `dt_s` with this pilot current (0 is none) and the contactor closed or open."""
        self._now_s += dt_s
        self._hear(pilot_a)
        if not powered:
            # An open contactor needs nobody's obedience.
            self.draw_a = 0.0
            return
        goal = self._goal()
        up, down = self.spec.ramp_a_per_s * dt_s, self.spec.ramp_down_a_per_s * dt_s
        reached = self.draw_a + min(max(goal - self.draw_a, -down), up)
        # The on-board charger starts at its least (or at what a nearly full battery asks for) and stops from there.
        self.draw_a = reached if reached >= self.spec.least_a - 1e-9 else min(self.spec.least_a, goal)
        taken_w = self.draw_a * self.spec.legs * volts
        self.soc_percent = min(
            self.soc_percent + 100 * taken_w * calendar_s / 3600 / self.spec.battery_wh, 100.0
        )

    def _hear(self, pilot_a: float) -> None:
        last = self._pilots[-1][1] if self._pilots else self._pilot_a
        if pilot_a != last:
            self._pilots.append((self._now_s + self.spec.dead_s, pilot_a))
        while self._pilots and self._pilots[0][0] <= self._now_s:
            _, pilot = self._pilots.popleft()
            if pilot < self.spec.least_a <= self._pilot_a:
                self._pauses += 1
            if pilot >= self.spec.least_a > self._pilot_a and self._pauses:
                self._ready_at_s = self._now_s + self.spec.wake_s
            self._pilot_a = pilot

    def _goal(self) -> float:
        if self.full or self.asleep or self._now_s < self._ready_at_s:
            return 0.0
        if not self.spec.obeys:
            return self.spec.max_a
        if self._pilot_a < self.spec.least_a:
            return 0.0
        return min(self._pilot_a, self._appetite()) + self.spec.overdraw_a

    def _appetite(self) -> float:
        """Near full the battery asks for less and less, down to a tenth."""
        begin, end = (
            self.spec.taper_from_percent,
            max(self.spec.full_percent, self.spec.taper_from_percent + 0.1),
        )
        left = min(max((end - self.soc_percent) / (end - begin), 0.1), 1.0)
        return self.spec.max_a * left
