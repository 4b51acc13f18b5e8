"""Several batteries beside one sun, in virtual time: one decision, shared, and never one against the other.

Each battery has an inverter of its own with a fast loop that minds the same meter; they are read at different
moments of the second, obey a second late, and slew at different speeds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from busbar_battery.control import State, step
from busbar_battery.latch import Band
from busbar_battery.samples import Trace
from busbar_battery.site import RELEASE, BatteryNow, InverterNow, SiteNow, Tuning, Window, Wishes

Course = Callable[[float], float]
DEAD_S, TICK_S = 1.0, 0.1


@dataclass
class Cell:
    """One battery; `read_s` is when in its second it is read."""

    id: str
    capacity_wh: float
    soc: float
    most_w: float = 5000.0
    slew_w_per_s: float = 2500.0
    read_s: float = 0.0
    from_grid: bool = True
    takes_w: float = 1e6  # what its cells really take, where it is less than they promise
    power_w: float = 0.0
    window: Window = RELEASE
    trace: Trace = field(default_factory=Trace)

    def live(self, grid_w: float) -> None:
        """A tenth of a second: its own loop wants the grid at zero, inside the window."""
        low = -self.most_w if self.window.min_w is None else self.window.min_w
        high = self.most_w if self.window.max_w is None else self.window.max_w
        goal = max(low, min(high, self.power_w - 0.5 * grid_w))
        goal = max(0.0 if self.soc <= 1 else -self.most_w, min(0.0 if self.soc >= 100 else self.most_w, goal))
        goal = min(goal, self.takes_w)
        reach = self.slew_w_per_s * TICK_S
        self.power_w += max(-reach, min(reach, goal - self.power_w))
        self.soc += self.power_w * TICK_S / 3600 / self.capacity_wh * 100


@dataclass
class Manor:
    """A house with a roof and several batteries on its AC side; a row each tenth of a second."""

    sun: Course
    load: Course
    cells: list[Cell]
    wishes: Wishes = field(default_factory=Wishes)
    now: float = 0.0
    state: State = field(default_factory=State)
    cap_w: float | None = None
    grid_trace: Trace = field(default_factory=Trace)
    roof_trace: Trace = field(default_factory=Trace)
    rows: list[tuple[float, float, tuple[float, ...]]] = field(default_factory=list)
    _under_way: deque[tuple[float, dict[str, Window], float | None]] = field(default_factory=deque)

    @property
    def pv_w(self) -> float:
        """What the roof gives under its cap."""
        return min(self.sun(self.now), 10_000.0 if self.cap_w is None else self.cap_w)

    @property
    def grid_w(self) -> float:
        """Import is positive."""
        return self.load(self.now) + sum(one.power_w for one in self.cells) - self.pv_w

    def live(self, seconds: float) -> None:
        """House and controller together; each second's readings are answered when the meter has spoken."""
        for _ in range(round(seconds / TICK_S)):
            self.now = round(self.now + TICK_S, 1)
            while self._under_way and self._under_way[0][0] <= self.now:
                _, windows, self.cap_w = self._under_way.popleft()
                for one in self.cells:
                    one.window = windows.get(one.id, one.window)
            grid_w = self.grid_w
            for one in self.cells:
                one.live(grid_w)
                if abs(self.now % 1 - one.read_s) < 0.05:
                    one.trace = one.trace.heard(self.now, one.power_w)
            if self.now % 1 < 0.05:
                self.roof_trace = self.roof_trace.heard(self.now, self.pv_w)
            if abs(self.now % 1 - 0.4) < 0.05:
                self.grid_trace = self.grid_trace.heard(self.now, self.grid_w)
            if abs(self.now % 1 - 0.8) < 0.05:
                self.state, outcome = step(self.state, self._seen(), Tuning())
                self._under_way.append((self.now + DEAD_S, outcome.windows, outcome.caps.get("roof")))
            self.rows.append((self.now, self.grid_w, tuple(one.power_w for one in self.cells)))

    def _seen(self) -> SiteNow:
        batteries = tuple(
            BatteryNow(
                id=one.id, power=one.trace, soc=one.soc, band=Band(20.0, 80.0, 100.0), charge_max=one.most_w,
                discharge_max=one.most_w, capacity_wh=one.capacity_wh, from_grid=one.from_grid,
            )
            for one in self.cells
        )  # fmt: skip
        roof = InverterNow(id="roof", power=self.roof_trace, rating=10_000.0)
        return SiteNow(
            now=self.now, grid=self.grid_trace, batteries=batteries, inverters=(roof,), wishes=self.wishes
        )

    def mean(self, since: float, until: float) -> tuple[float, ...]:
        """The batteries' mean powers, then the grid's."""
        picked = [(*powers, grid) for at, grid, powers in self.rows if since <= at < until]
        return tuple(sum(column) / len(picked) for column in zip(*picked, strict=True))

    def opposed_s(self, since: float = 0.0) -> float:
        """How long, in all, one charged while another discharged (100 W or more each)."""
        rows = [powers for at, _, powers in self.rows if at >= since]
        return round(sum(TICK_S for row in rows if min(row) <= -100 and max(row) >= 100), 1)

    def longest_over_s(self, limit: float, sign: int, since: float) -> float:
        """The longest time beyond a limit by more than 100 W, s; sign -1 for export, 1 for import."""
        longest = run = 0.0
        for at, grid, _ in self.rows:
            run = run + TICK_S if at >= since and sign * grid > limit + 100 else 0.0
            longest = max(longest, run)
        return round(longest, 1)

    def turns(self, since: float) -> list[int]:
        """How often each battery turned."""
        counts = []
        for number in range(len(self.cells)):
            signs = [row[number] > 0 for at, _, row in self.rows if at >= since and abs(row[number]) >= 100]
            counts.append(sum(1 for a, b in pairwise(signs) if a != b))
        return counts


def big(soc: float = 50.0) -> Cell:
    return Cell("big", 10_000.0, soc)


def small(soc: float = 50.0, **more: float | bool) -> Cell:
    return Cell("small", 5_000.0, soc, most_w=2500.0, slew_w_per_s=800.0, read_s=0.7, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cells", "sun", "load", "wishes", "powers"),
    [
        pytest.param([big(), small()], 5000.0, 2000.0, {}, (2000.0, 1000.0, 0.0), id="the surplus by what each can still take"),
        pytest.param([big(), small()], 9500.0, 500.0, {}, (5000.0, 2500.0, -1500.0), id="both all they can"),
        pytest.param([big(100.0), small(25.0)], 4000.0, 2000.0, {}, (0.0, 2000.0, 0.0), id="a full one leaves all to the other"),
        pytest.param([big(), small(19.0)], 0.0, 3000.0, {}, (-3000.0, 0.0, 0.0), id="only the one above its reserve gives"),
        pytest.param([big(), small()], 0.0, 3000.0, {}, (-2000.0, -1000.0, 0.0), id="the house by what each can still give"),
        pytest.param([big(), small()], 0.0, 9000.0, {}, (-5000.0, -2500.0, 1500.0), id="more than both can give"),
        pytest.param(
            [big(), small(from_grid=False)], 0.0, 1000.0,
            {"grid_charging": True, "grid_charging_max": 3000.0}, (3000.0, 0.0, 4000.0),
            id="from the grid only the one whose owner permits it",
        ),
        pytest.param(
            [big(), small()], 0.0, 1000.0, {"export_target": 2000.0}, (-2000.0, -1000.0, -2000.0),
            id="an export on purpose from both",
        ),
        pytest.param(
            [big(), small()], 9000.0, 500.0, {"export_limit": 0.0}, (5000.0, 2500.0, 0.0),
            id="sun that may not be exported is found for both",
        ),
    ],
)  # fmt: skip
def test_several_batteries_share_and_stand_still(
    cells: list[Cell], sun: float, load: float, wishes: dict[str, float], powers: tuple[float, ...]
) -> None:
    manor = Manor(sun=lambda _: sun, load=lambda _: load, cells=cells, wishes=Wishes(**wishes))  # type: ignore[arg-type]

    manor.live(150)

    assert manor.mean(120, 150) == pytest.approx(powers, abs=120)
    assert manor.opposed_s() == 0
    assert manor.turns(since=10) == [0, 0]


def test_a_cold_battery_leaves_its_part_to_the_other_until_it_takes_again() -> None:
    cold = small(takes_w=200.0)
    manor = Manor(sun=lambda _: 6000.0, load=lambda _: 1500.0, cells=[big(), cold])

    manor.live(18)
    wasted = -manor.grid_w
    manor.live(72)
    cold.takes_w = 1e6
    manor.live(60)

    # Twenty seconds of patience, then the other has what it does not take.
    assert wasted > 1000
    assert manor.mean(60, 90) == pytest.approx((4200.0, 200.0, -100.0), abs=60)
    assert manor.mean(130, 150) == pytest.approx((3000.0, 1500.0, 0.0), abs=100)


@pytest.mark.parametrize("limit", [0.0, 2000.0])
@pytest.mark.parametrize(
    ("sun", "load"),
    [
        pytest.param((6000.0, 6000.0), (3000.0, 500.0), id="a washing machine in full sun"),
        pytest.param((6000.0, 500.0), (2000.0, 2000.0), id="clouds"),
        pytest.param((1000.0, 1000.0), (4000.0, 500.0), id="an oven under a small sun"),
    ],
)
def test_under_an_export_limit_several_batteries_never_work_against_each_other(
    sun: tuple[float, float], load: tuple[float, float], limit: float
) -> None:
    manor = Manor(
        sun=lambda now: sun[0] if now % 40 < 20 else sun[1],
        load=lambda now: load[0] if now % 40 < 20 else load[1],
        cells=[big(), small()],
        wishes=Wishes(export_limit=limit),
    )

    manor.live(200)

    # The slower of the two turns at 800 W/s: while the faster is through zero already it is on its way.
    assert manor.opposed_s(since=10) <= 9 * 2.0
    # A cycle, the dead time, and the slower battery's way down from 2.5 kW.
    assert manor.longest_over_s(limit, -1, since=10) <= 1 + DEAD_S + 1 + 2.5 / 0.8
    # Nine steps of the house after the count begins: each turns each battery once at most.
    assert max(manor.turns(since=10)) <= 9
