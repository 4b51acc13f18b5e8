"""What owner and market ask for, by the truth of the plant: real services, registers between them."""

from __future__ import annotations

from datetime import timedelta
from math import sin
from pathlib import Path

import pytest
from battery_on_the_wire import NOON, a_site, living

import busbar_allocator.main
from busbar_contracts.prices import PriceSeries, PriceSlot

COUPLINGS = pytest.mark.parametrize("coupling", ["dc", "ac"], ids=["hybrid", "battery beside the sun"])
LATE = "dead_s = 1.0\n"
# Our second, the second until the meter shows it, the second until the inverter obeys, half a second of its loop.
ANSWER_S = 3.5


def wavering(watts: float, now: float) -> float:
    """A figure as alive as a real one."""
    return max(0.0, watts + 10 * sin(now))


@COUPLINGS
async def test_a_battery_kept_for_the_peaks_gives_nothing_below_the_import_limit_and_the_rest_above(
    coupling: str, tmp_path: Path
) -> None:
    """At its target with grid charging on it is held: for an oven above 4 kW of import it gives what is too much."""
    flow = "grid_charging = true\nimport_limit_w = 4000\n"
    site = a_site(coupling=coupling, flow=flow, soc=90, plant=LATE)
    async with living(site, tmp_path, ("allocator", busbar_allocator.main.run)) as alive:
        alive.course(load=lambda now: wavering(6500.0 if now % 60 >= 30 else 2000.0, now))
        await alive.live(180)
    truth = alive.truth

    # Between two ovens it rests, during one it gives the 2.5 kW above the limit.
    assert truth.mean(truth.battery, 130, 148) == pytest.approx(0, abs=60)
    assert truth.mean(truth.battery, 160, 178) == pytest.approx(-2500, abs=60)
    assert truth.mean(truth.grid, 160, 178) == pytest.approx(4000, abs=60)
    # The way to 2.5 kW takes a second more.
    assert truth.longest_import_over(4000, since=10) <= ANSWER_S + 1.0
    assert truth.turns(since=10) == 0


@COUPLINGS
async def test_while_exporting_costs_money_nothing_is_exported_and_then_it_is_again(
    coupling: str, tmp_path: Path
) -> None:
    flow = "zero_export_below_price = 0\n"
    async with living(a_site(coupling=coupling, flow=flow, soc=100, plant=LATE), tmp_path) as alive:
        alive.course(sun=lambda now: wavering(6000.0, now), load=lambda _: 1000.0)
        dear = PriceSlot(start=NOON, end=NOON + timedelta(seconds=60), price=0.08)
        cheap = PriceSlot(start=dear.end, end=dear.end + timedelta(seconds=120), price=-0.01)
        again = PriceSlot(start=cheap.end, end=cheap.end + timedelta(hours=1), price=0.0)
        alive.air.feed(
            PriceSeries(
                schema="hems.prices/1", series="export", currency="EUR", unit="EUR/kWh",
                slots=(dear, cheap, again),
            ),
            series="export",
        )  # fmt: skip
        await alive.live(300)
    truth = alive.truth

    assert truth.mean(truth.grid, 30, 58) == pytest.approx(-5000, abs=60)
    costly = truth.longest(lambda at: 60 <= truth.times[at] < 178 and truth.grid[at] < -100)
    assert costly <= ANSWER_S
    assert truth.mean(truth.grid, 80, 178) == pytest.approx(0, abs=60)
    # The sun comes back slowly, 5 % of 10 kW a second, and without a leftover of the limit.
    assert truth.mean(truth.grid, 240, 300) == pytest.approx(-5000, abs=60)


@COUPLINGS
async def test_at_the_end_of_the_cheap_hours_the_battery_turns_once(coupling: str, tmp_path: Path) -> None:
    """The house begins at noon in Berlin: it charges until a minute past, then gives to the house."""
    flow = 'grid_charging = true\ngrid_charging_max_w = 3000\ngrid_charging_windows = ["11:30-12:01"]\n'
    site = a_site(coupling=coupling, flow=flow, soc=40, plant=LATE)
    async with living(site, tmp_path, ("allocator", busbar_allocator.main.run)) as alive:
        alive.course(load=lambda now: wavering(1200.0, now))
        await alive.live(130)
    truth = alive.truth

    assert truth.mean(truth.battery, 30, 58) == pytest.approx(3000, abs=100)
    assert truth.mean(truth.battery, 100, 130) == pytest.approx(-1200, abs=100)
    assert truth.turns(since=5) == 1
