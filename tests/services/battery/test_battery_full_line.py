"""A car and a battery that charges from the grid at a full line: what happens there, and who gives way, by the plant."""

from __future__ import annotations

from math import sin
from pathlib import Path
from typing import Any

import pytest
from battery_on_the_wire import Course, Living
from battery_with_cars import LOAD, Charger, with_allocator, with_car

from busbar_contracts.allocation import Allocation
from busbar_contracts.load import LoadSettingsSet

BREAKER_A = 25.0
# The house of these tests wavers by 20 W, a tenth of an ampere: what it does between two readings is its own.
HOUSE_A = 0.2
HAPPENS_S, OVER_S = 100.0, 140.0
NORMALLY_W = 500.0


def a_line(car: str = with_car("standard"), **house: Any) -> dict[str, Any]:
    """One phase of 25 A, a battery that would take 5 kW from the grid, a car of 16 A."""
    return {
        "car": car, "coupling": "ac", "soc": 30.0, "capacity_wh": 1_000_000.0, "limit_a": BREAKER_A,
        "phases": '"a"', "flow": "grid_charging = true\n",
    } | house  # fmt: skip


def on_the_line(alive: Living, load: Course = lambda now: NORMALLY_W) -> None:
    """A house on phase a that wavers as houses do."""
    alive.course(load=lambda now: load(now) + 20 * sin(now), phase="a")


async def full(alive: Living, car: Charger) -> None:
    """Until car and battery have filled the line."""
    await alive.live(HAPPENS_S)
    assert car.watts > 3500
    assert alive.truth.battery[-1] > 1300


@pytest.mark.parametrize("skew_s", [0.0, 0.4, 0.8])
async def test_a_car_that_its_owner_stops_leaves_the_line_when_it_has_stopped(
    skew_s: float, tmp_path: Path
) -> None:
    async with with_allocator(tmp_path, **a_line()) as (alive, car):
        on_the_line(alive)
        alive.skew(skew_s)
        await full(alive, car)
        alive.air.feed(LoadSettingsSet(enabled=False), load=LOAD)
        await alive.live(40)
        alone = alive.truth.battery[-1]
        alive.air.feed(LoadSettingsSet(enabled=True), load=LOAD)
        await alive.live(40)
    truth = alive.truth

    assert truth.longest_phase_over("a", BREAKER_A + HOUSE_A) == 0
    assert alone == pytest.approx(5000, abs=50)
    assert car.watts > 3500


@pytest.mark.parametrize("skew_s", [0.0, 0.4, 0.8])
async def test_a_slow_car_climbs_beside_a_battery_that_moves_at_the_same_time(
    skew_s: float, tmp_path: Path
) -> None:
    """The rise of the battery is not taken for the answer of the car, which would leave the line too much room."""
    async with with_allocator(tmp_path, **a_line(car=with_car("standard") + "dead_s = 3\n")) as (alive, car):
        on_the_line(alive)
        alive.skew(skew_s)
        await alive.live(40)

    assert alive.truth.longest_phase_over("a", BREAKER_A + HOUSE_A) == 0
    assert car.watts > 3500


async def test_an_oven_at_a_full_line_has_the_battery_with_the_first_reading_that_shows_it(
    tmp_path: Path,
) -> None:
    async with with_allocator(tmp_path, **a_line()) as (alive, car):
        on_the_line(alive, lambda now: NORMALLY_W + 2000.0 * (HAPPENS_S < now < OVER_S))
        await full(alive, car)
        before = len(alive.air.all(Allocation))
        await alive.live(1.5)
        first = alive.air.all(Allocation)[before]
        await alive.live(60)
    truth = alive.truth

    # The battery stops within its ramp of 2.5 kW/s, the car within its dead time.
    assert first.batteries["cellar"].charge_limit_w == 0
    assert truth.mean(truth.battery, HAPPENS_S + 2.5, HAPPENS_S + 10) == pytest.approx(0, abs=30)
    assert truth.longest_phase_over("a", BREAKER_A + HOUSE_A) <= 4
    assert car.watts > 3500


@pytest.mark.parametrize("every_s", [2, 5, 10])
async def test_a_battery_that_is_seldom_read_is_not_given_what_it_takes_already(
    every_s: float, tmp_path: Path
) -> None:
    """Its figure is older than the meter's by seconds in which it may have moved by kilowatts."""
    line = a_line(with_car("standard", arrives_s=60), cellar=f"every_s = {every_s}")
    async with with_allocator(tmp_path, **line) as (alive, car):
        on_the_line(alive)
        alive.skew(0.4)
        await alive.live(200)
    truth = alive.truth

    assert truth.longest_phase_over("a", BREAKER_A + HOUSE_A) == 0
    assert car.watts > 3500
    assert truth.mean(truth.battery, 160, 200) == pytest.approx(1500, abs=100)


async def test_a_full_line_in_a_quiet_house_is_left_in_peace(tmp_path: Path) -> None:
    """Nobody is cut and raised by tenths of an ampere because a fridge breathes."""
    async with with_allocator(tmp_path, **a_line()) as (alive, car):
        on_the_line(alive)
        await full(alive, car)
        settled = len(alive.air.all(Allocation))
        cars = []
        for _ in range(60):
            await alive.live(1)
            cars.append(car.limit_a)
    rooms = {one.batteries["cellar"].charge_limit_w for one in alive.air.all(Allocation)[settled:]}

    assert set(cars) == {16.0}
    assert len(rooms) == 1
    assert len(alive.air.all(Allocation)) - settled <= 7
