"""Battery and allocator in one house: each does its part, and neither pulls at the other.

The allocator here is a model of its rules (solar pool, measured ground, what a phase bears), written anew for
these tests: it reads the meter each second, its car obeys after three.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest
from battery_evening import Evening, live
from msgspec.structs import replace

from busbar_battery.latch import Band
from busbar_battery.model_house import House
from busbar_battery.samples import newest_pair
from busbar_battery.site import SiteNow, Wishes

VOLTS = 230.0
CAR_DEAD_S = 3.0


@dataclass
class Allocator:
    """One car of 6 to 16 A on the phase of the battery, and an allocator that feeds it."""

    base_w: float
    mode: str = "solar_only"
    phase_w: float | None = None  # what the phase bears, W; None: plenty
    target: float = 80.0
    alive: bool = True
    plugged: bool = True
    granted_a: float = 0.0
    car_w: float = 0.0
    room_w: float = 1e6
    spoke_s: float = 0.0
    under_way: deque[tuple[float, float]] = field(default_factory=deque)
    steps: list[tuple[float, float]] = field(default_factory=list)

    def load(self, now: float) -> float:
        """House and car, W."""
        while self.under_way and self.under_way[0][0] <= now:
            self.steps.append(self.under_way.popleft())
            self.car_w = self.steps[-1][1]
        return self.base_w + self.car_w

    def see(self, house: House, *, spare: bool = False) -> SiteNow:
        """The house as the battery service sees it, with the allocator's word from its second."""
        if self.alive and house.now - self.spoke_s >= 0.95:
            self._think(house)
        elif house.now - self.spoke_s > 30 and self.granted_a > 6:
            self._grant(house.now, 6.0)  # the lease ended: the car's fallback
        site = house.seen()
        battery = replace(site.batteries[0], wire_charge=max(0.0, self.room_w))
        stale = house.now - self.spoke_s > 30
        return replace(site, batteries=(battery,), wire_stale=stale, spared_w=self.car_w if spare else None)

    def _think(self, house: House) -> None:
        self.spoke_s = house.now
        pair = newest_pair(house.grid_trace, [house.battery_trace])
        if pair is None:
            return
        grid, battery, car_w = pair.grid, pair.battery, self._car_at(pair.at_s)
        pool_w = self._pool(house, battery - grid + car_w)
        wanted = 16.0 if self.mode == "standard" else pool_w / VOLTS
        wanted = 0.0 if not self.plugged or wanted < 6 else min(16.0, wanted)
        if self.phase_w is not None:
            background = grid - car_w - max(0.0, battery)
            # Up on measured ground: never by more than the wire has free now, grants under way counted as drawn.
            free = self.phase_w - grid - (self.granted_a * VOLTS - car_w)
            wanted = min(wanted, self.granted_a + max(0.0, free) / VOLTS)
            wanted = wanted if wanted >= 6 else 0.0
            asked = 16.0 * VOLTS if self.plugged else 0.0
            self.room_w = self.phase_w - background - asked
        step = min(wanted, max(self.granted_a + 1.0, 6.0)) if wanted > self.granted_a else wanted
        if abs(step - self.granted_a) >= 0.1:
            self._grant(house.now, step)

    def _car_at(self, at_s: float) -> float:
        return next((watts for since, watts in reversed(self.steps) if since <= at_s), 0.0)

    def _pool(self, house: House, surplus: float) -> float:
        if house.soc < self.target:
            return surplus - house.charge_max_w
        return surplus + (house.discharge_max_w if house.soc > self.target + 1 else 0.0)

    def _grant(self, now: float, amps: float) -> None:
        self.granted_a = amps
        self.under_way.append((now + CAR_DEAD_S, amps * VOLTS))


def together(allocator: Allocator, house: House, seconds: float, **more: object) -> Evening:
    """Let both live in the house."""
    house.load = allocator.load
    return live(house, seconds, seen=lambda one: allocator.see(one, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("soc", "sun", "car", "battery", "grid"),
    [
        pytest.param(
            50.0,
            8000.0,
            2000.0,
            5000.0,
            0.0,
            id="below target the battery comes first, the car gets the rest",
        ),
        pytest.param(50.0, 2000.0, 0.0, 1000.0, 0.0, id="below target and little sun, the car waits"),
        pytest.param(
            80.5, 8000.0, 3680.0, 0.0, -3320.0, id="at target the car has the sun, the rest is exported"
        ),
        pytest.param(80.5, 3500.0, 2500.0, 0.0, 0.0, id="at target the battery does not help the car"),
        pytest.param(90.0, 2000.0, 3680.0, -2680.0, 0.0, id="above target the battery helps the car"),
    ],
)
@pytest.mark.parametrize("follows", [True, False], ids=["own loop", "exact set-points"])
@pytest.mark.parametrize("coupling", ["ac", "dc"])
def test_a_car_on_solar_only_and_the_battery_settle(
    soc: float, sun: float, car: float, battery: float, grid: float, follows: bool, coupling: str
) -> None:
    house = House(
        sun=lambda _: sun,
        load=lambda _: 0.0,
        soc=soc,
        band=Band(20.0, 80.0, 100.0),
        capacity_wh=100_000.0,
        coupling=coupling,  # type: ignore[arg-type]
        follows_grid=follows,
    )
    allocator = Allocator(base_w=1000.0)

    evening = together(allocator, house, 240)

    assert allocator.car_w == pytest.approx(car, abs=60)
    assert evening.mean(evening.battery, 180, 240) == pytest.approx(battery, abs=60)
    assert evening.mean(evening.grid, 180, 240) == pytest.approx(grid, abs=60)
    assert evening.swing(evening.battery, 180, 240) <= 250
    # One turn may come from the battery's own doing before the first order.
    assert evening.turns(since=6) <= 1


@pytest.mark.parametrize("follows", [True, False], ids=["own loop", "exact set-points"])
def test_no_battery_energy_goes_into_a_car_when_the_owner_forbids_it(follows: bool) -> None:
    house = House(sun=lambda _: 0.0, load=lambda _: 0.0, soc=90.0, follows_grid=follows)
    allocator = Allocator(base_w=600.0, mode="standard")

    evening = together(allocator, house, 90, spare=True)

    assert allocator.car_w == 3680.0
    assert evening.mean(evening.battery, 60, 90) == pytest.approx(-600, abs=20)
    assert evening.mean(evening.grid, 60, 90) == pytest.approx(3680, abs=20)


PHASE_W = 25 * VOLTS


def charging_from_the_grid() -> House:
    """A battery on one phase that would take 5 kW from the grid."""
    return House(
        sun=lambda _: 0.0,
        load=lambda _: 0.0,
        soc=30.0,
        wishes=Wishes(grid_charging=True),
        capacity_wh=100_000.0,
    )


@pytest.mark.parametrize("car_comes_at", [0.0, 60.0], ids=["the car was first", "the battery was first"])
def test_a_battery_charging_from_the_grid_and_a_car_share_one_phase(car_comes_at: float) -> None:
    house = charging_from_the_grid()
    allocator = Allocator(base_w=500.0, mode="standard", phase_w=PHASE_W, plugged=car_comes_at == 0)
    house.load = allocator.load

    def plug_in(_: House) -> None:
        allocator.plugged = True

    evening = live(house, 240, at={car_comes_at: plug_in}, seen=allocator.see)

    assert evening.longest(lambda grid: grid > PHASE_W + 50, evening.grid) == 0
    assert allocator.car_w == pytest.approx(3680, abs=30)
    assert evening.mean(evening.battery, 180, 240) == pytest.approx(PHASE_W - 500 - 3680, abs=60)


@pytest.mark.parametrize("dies_at", [30.0, 62.0, 70.0, 120.0])
def test_an_allocator_that_dies_in_the_middle_overloads_nothing_and_ends_grid_charging(
    dies_at: float,
) -> None:
    house = charging_from_the_grid()
    allocator = Allocator(base_w=500.0, mode="standard", phase_w=PHASE_W, plugged=False)
    house.load = allocator.load

    def plug_in(_: House) -> None:
        allocator.plugged = True

    def die(_: House) -> None:
        allocator.alive = False

    evening = live(house, 240, at={60.0: plug_in, dies_at: die}, seen=allocator.see)

    assert evening.longest(lambda grid: grid > PHASE_W + 50, evening.grid) == 0
    assert evening.mean(evening.battery, dies_at + 45, 240) == pytest.approx(0, abs=20)
