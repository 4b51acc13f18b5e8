"""Battery and allocator in one house, both as they are, over the registers of the simulated plant."""

from __future__ import annotations

from math import sin
from pathlib import Path
from typing import Any

import pytest
from battery_on_the_wire import Living
from battery_with_cars import Charger, room, with_allocator, with_car

from busbar_contracts.allocation import Allocation
from busbar_contracts.battery import BatterySetpoint

BREAKER_A = 25.0
# The house of these tests wavers by 20 W, a tenth of an ampere: what it does between two readings is its own.
HOUSE_A = 0.2
LEASE_S = 30.0


def sunny(alive: Living, sun_w: float, load_w: float = 1000.0) -> None:
    """Steady sun over a steady house, both alive enough for no meter to be taken for frozen."""
    alive.course(sun=lambda now: sun_w + 10 * sin(now / 3), load=lambda now: load_w + 20 * sin(now))


@pytest.mark.parametrize("coupling", ["dc", "ac"], ids=["hybrid", "battery beside the sun"])
@pytest.mark.parametrize(
    ("soc", "sun_w", "car_w", "battery_w", "grid_w"),
    [
        pytest.param(
            50, 8000, 2000, 5000, 0, id="below target the battery comes first, the car gets the rest"
        ),
        pytest.param(50, 5000, 0, 4000, 0, id="below target and not enough left for a car, it waits"),
        pytest.param(80.5, 8000, 3690, 0, -3310, id="at target the car has the sun, the rest is exported"),
        pytest.param(80.5, 3500, 2500, 0, 0, id="at target the battery does not help the car"),
        pytest.param(90, 2000, 3690, -2690, 0, id="above target the battery helps the car"),
    ],
)
async def test_a_car_on_solar_only_and_the_battery_settle(
    soc: float, sun_w: float, car_w: float, battery_w: float, grid_w: float, coupling: str, tmp_path: Path
) -> None:
    async with with_allocator(
        tmp_path, with_car("solar_only"), coupling=coupling, soc=soc, capacity_wh=1_000_000.0
    ) as (alive, charger):
        sunny(alive, sun_w)
        await alive.live(120)
        settled, orders = len(alive.truth.times), len(alive.air.all(BatterySetpoint))
        cars = [await watched(alive, charger) for _ in range(12)]
    truth = alive.truth

    assert sum(cars) / len(cars) == pytest.approx(car_w, abs=70)
    assert truth.mean(truth.battery, 120, 180) == pytest.approx(battery_w, abs=70)
    assert truth.mean(truth.grid, 120, 180) == pytest.approx(grid_w, abs=70)
    # No tug of war: the car moves by steps of its own and by the wavering of the house, the battery follows these.
    assert max(cars) - min(cars) <= 150
    assert truth.swing(truth.battery, 120, 180) <= 300
    assert max((abs(p) for p in truth.battery[settled:]), default=0) <= 5050
    if abs(battery_w) > 100:
        assert truth.turns(since=120) == 0
    # A window is renewed each ten seconds, and seldom changed.
    assert len(alive.air.all(BatterySetpoint)) - orders <= 30


async def watched(alive: Living, charger: Charger) -> float:
    """What the car takes after another five seconds."""
    await alive.live(5)
    return charger.watts


@pytest.mark.parametrize("sign", [1, -1], ids=["rising through the target", "falling through the target"])
async def test_a_charge_that_crosses_the_target_hands_the_sun_over_once(sign: int, tmp_path: Path) -> None:
    """The same SoC settings on both sides: no moment in which each of the two leaves the sun to the other."""
    async with with_allocator(
        tmp_path, with_car("solar_only"), soc=80.0 - sign * 0.15, capacity_wh=20_000.0
    ) as (alive, _):
        sunny(alive, 6000.0 if sign > 0 else 2000.0)
        await alive.live(400)
    truth = alive.truth

    assert truth.turns(since=10) <= 1
    assert truth.longest_import_over(0.0, since=60, slack=600) <= 10


@pytest.mark.parametrize("coupling", ["dc", "ac"], ids=["hybrid", "battery beside the sun"])
async def test_battery_energy_stays_out_of_a_car_whose_owner_wants_it_so(
    coupling: str, tmp_path: Path
) -> None:
    async with with_allocator(
        tmp_path, with_car("standard"), coupling=coupling, soc=90.0, house="no_battery_into_cars = true"
    ) as (alive, charger):
        sunny(alive, 0.0)
        await alive.live(120)
    truth = alive.truth

    assert charger.watts == pytest.approx(3690, abs=50)
    assert truth.mean(truth.battery, 80, 120) == pytest.approx(-1000, abs=100)
    assert truth.mean(truth.grid, 80, 120) == pytest.approx(3690, abs=100)
    assert truth.turns(since=10) == 0


@pytest.mark.parametrize("coupling", ["dc", "ac"], ids=["hybrid", "battery beside the sun"])
async def test_a_car_finds_the_sun_that_is_held_back_under_zero_export(coupling: str, tmp_path: Path) -> None:
    """A full battery and no export: no surplus shows. The battery gives to the car, and the cap lets the sun follow."""
    async with with_allocator(
        tmp_path, with_car("solar_only"), coupling=coupling, soc=100.0, capacity_wh=1_000_000.0,
        flow="export_limit_w = 0\n",
    ) as (alive, charger):  # fmt: skip
        sunny(alive, 8000.0)
        await alive.live(180)
    truth = alive.truth

    assert charger.watts == pytest.approx(3690, abs=50)
    assert truth.mean(truth.pv, 140, 180) == pytest.approx(4690, abs=150)
    assert truth.mean(truth.battery, 140, 180) == pytest.approx(0, abs=150)
    assert truth.longest_export_over(0, since=12) <= 3.5


def one_phase(car: str) -> dict[str, Any]:
    """A house on one phase of 25 A with a battery that would charge with 5 kW from the grid, and a car of 16 A."""
    return {
        "car": car, "coupling": "ac", "soc": 30.0, "capacity_wh": 1_000_000.0, "limit_a": BREAKER_A,
        "phases": '"a"', "flow": "grid_charging = true\n",
    }  # fmt: skip


OBEYS_S = 4.0
"""The next reading, the order, the inverter's ramp of 2.5 kW/s."""


def outside_the_allocation_w(alive: Living) -> float:
    """How far the battery ever was from what it was allowed in the last four seconds, W."""
    began = alive.clock.now().timestamp() - alive.now
    said = [
        (one.at.timestamp() - began, one.batteries["cellar"])
        for one in alive.air.all(Allocation)
        if one.batteries
    ]
    worst = 0.0
    for moment, power in zip(alive.truth.times, alive.truth.battery, strict=True):
        before = [one for at, one in said if at <= moment - OBEYS_S][-1:]
        allowed = before + [one for at, one in said if moment - OBEYS_S < at <= moment]
        if before:
            most = max(one.charge_limit_w for one in allowed), max(one.discharge_limit_w for one in allowed)
            worst = max(worst, power - most[0], -power - most[1])
    return worst


@pytest.mark.parametrize("arrives_s", [0.0, 60.0], ids=["the car was first", "the battery was first"])
async def test_a_battery_charging_from_the_grid_and_a_car_share_a_full_phase(
    arrives_s: float, tmp_path: Path
) -> None:
    async with with_allocator(tmp_path, **one_phase(with_car("standard", arrives_s=arrives_s))) as (
        alive,
        car,
    ):
        alive.course(load=lambda now: 500.0 + 20 * sin(now), phase="a")
        await alive.live(200)
    truth = alive.truth

    assert truth.longest_phase_over("a", BREAKER_A + HOUSE_A) == 0
    assert outside_the_allocation_w(alive) <= 60
    # Neither starves: the car nearly all it can take, the battery what the line bears beside it.
    assert car.watts >= 3500
    assert truth.mean(truth.battery, 140, 200) == pytest.approx(1550, abs=100)


@pytest.mark.parametrize(
    "dies_s", [20.0, 63.0, 68.0, 80.0, 110.0],
    ids=["before the car comes", "as it starts", "while it climbs", "at full power", "long settled"],
)  # fmt: skip
async def test_an_allocator_that_dies_in_the_middle_overloads_nothing(dies_s: float, tmp_path: Path) -> None:
    async with with_allocator(tmp_path, **one_phase(with_car("standard", arrives_s=60.0))) as (alive, car):
        alive.course(load=lambda now: 500.0 + 20 * sin(now), phase="a")
        await alive.live(dies_s)
        alive.freeze("allocator")
        last = room(alive).batteries["cellar"]
        await alive.live(120 - dies_s + 60)
    truth = alive.truth

    assert truth.longest_phase_over("a", BREAKER_A + HOUSE_A) == 0
    assert outside_the_allocation_w(alive) <= 60
    # Its word counts for thirty seconds, then no grid energy goes into the battery, whatever the room was.
    assert last.charge_limit_w > 0
    assert truth.mean(truth.battery, dies_s + LEASE_S + 8, dies_s + LEASE_S + 20) == pytest.approx(0, abs=30)
    assert car.watts <= 6 * 235
