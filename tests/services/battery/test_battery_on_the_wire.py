"""Limits by the truth of the plant: real meter service, real battery service, registers between them.

The devices refresh their registers once a second and obey a second after a write; meter and battery take their
samples 0.4 s apart, and are read at any moment of that second. So the promise "one control cycle and the dead time
of the devices" is here: our second between two readings, and of the devices a second until the meter shows a
change, a second until the inverter obeys, and half a second of its own loop.
"""

from __future__ import annotations

from math import sin
from pathlib import Path

import pytest
from battery_on_the_wire import a_site, living
from msgspec.structs import replace

import busbar_allocator.main
from busbar_contracts.battery import BatteryDecision

CYCLE_S = 1.0
DEAD_S = 1.0 + 1.0 + 0.5
"""The age of what the meter shows, from a write to its effect, and the inverter's own loop."""

LATE = "dead_s = 1.0\n"


def wavering(watts: float, now: float, by: float = 10.0) -> float:
    """A figure as alive as a real one."""
    return max(0.0, watts + by * sin(now))


def steps(high: float, low: float, phase: float, now: float, period_s: float = 40.0) -> float:
    """High in the first half of each period, low in the second."""
    return high if (now - phase) % period_s < period_s / 2 else low


HOUSES = {
    # sun (high, low), load (high, low)
    "a washing machine goes off in full sun": ((8000.0, 8000.0), (2000.0, 500.0)),
    "an oven goes off in full sun": ((8000.0, 8000.0), (6000.0, 500.0)),
    "an oven goes off under a small sun": ((2000.0, 2000.0), (4000.0, 500.0)),
    "an oven goes off at night": ((0.0, 0.0), (4000.0, 500.0)),
    "clouds pass": ((8000.0, 1000.0), (2000.0, 2000.0)),
}


@pytest.mark.parametrize("what", HOUSES)
@pytest.mark.parametrize("coupling", ["dc", "ac"], ids=["hybrid", "battery beside the sun"])
@pytest.mark.parametrize(
    ("limit", "mode", "soc", "skew", "phase"),
    [
        pytest.param(0, "battery_first", 50, 0.4, 0.3, id="no export, battery first"),
        pytest.param(0, "export_first", 90, -0.4, 7.4, id="no export, export first"),
        pytest.param(2000, "battery_first", 90, 0.4, 5.1, id="2 kW, above target"),
        pytest.param(2000, "export_first", 100, -0.4, 2.6, id="2 kW, full"),
        pytest.param(0, "battery_first", 100, 0.0, 0.03, id="no export, full, registers of one instant"),
    ],
)
async def test_an_export_limit_is_never_exceeded_longer_than_one_cycle_and_the_dead_time(
    what: str, coupling: str, limit: int, mode: str, soc: int, skew: float, phase: float, tmp_path: Path
) -> None:
    flow = f'export_limit_w = {limit}\nmode = "{mode}"\n'
    sun, load = HOUSES[what]
    async with living(a_site(coupling=coupling, flow=flow, soc=soc, plant=LATE), tmp_path) as alive:
        alive.skew(skew)
        alive.course(
            sun=lambda now: wavering(steps(*sun, phase, now), now), load=lambda now: steps(*load, phase, now)
        )
        await alive.live(75)

    assert alive.truth.longest_export_over(limit, since=12) <= CYCLE_S + DEAD_S
    # No order turns the battery twice. While a cap comes up again it may give first and take later; it does not hunt.
    house = [12.0, *(phase + 20.0 * number for number in range(1, 4))]
    assert alive.most_turns_between([*alive.order_times(), *house]) <= 1
    assert alive.most_turns_between(house) <= 3


@pytest.mark.parametrize("coupling", ["dc", "ac"], ids=["hybrid", "battery beside the sun"])
async def test_charging_at_the_import_limit_stands_still(coupling: str, tmp_path: Path) -> None:
    flow = "grid_charging = true\nimport_limit_w = 6000\n"
    site = a_site(coupling=coupling, flow=flow, soc=30, plant=LATE)
    async with living(site, tmp_path, ("allocator", busbar_allocator.main.run)) as alive:
        alive.course(sun=lambda _: 0.0, load=lambda now: wavering(3000.0, now))
        await alive.live(120)
    truth = alive.truth

    assert truth.mean(truth.grid, 60, 120) == pytest.approx(6000, abs=40)
    assert truth.swing(truth.battery, 60, 120) <= 120
    assert truth.turns(since=10) == 0


@pytest.mark.parametrize("coupling", ["dc", "ac"], ids=["hybrid", "battery beside the sun"])
@pytest.mark.parametrize(
    ("soc", "sun_w", "load_w"),
    [
        pytest.param(99.99, 6000.0, 1000.0, id="full"),
        pytest.param(20.01, 0.0, 1500.0, id="at its reserve"),
        pytest.param(79.99, 6000.0, 1000.0, id="at its target"),
    ],
)
async def test_at_an_edge_of_its_charge_the_battery_comes_to_rest(
    coupling: str, soc: float, sun_w: float, load_w: float, tmp_path: Path
) -> None:
    site = a_site(coupling=coupling, soc=soc, capacity_wh=5000.0, plant=LATE)
    async with living(site, tmp_path) as alive:
        alive.course(sun=lambda now: wavering(sun_w, now), load=lambda now: wavering(load_w, 1.7 * now))
        await alive.live(200)
    truth = alive.truth

    assert truth.swing(truth.battery, 120, 200) <= 100
    assert truth.mean(truth.battery, 120, 200) == pytest.approx(0, abs=60)
    assert truth.turns(since=10) == 0


@pytest.mark.parametrize("coupling", ["dc", "ac"], ids=["hybrid", "battery beside the sun"])
async def test_no_order_turns_the_battery_twice(coupling: str, tmp_path: Path) -> None:
    async with living(a_site(coupling=coupling, plant=LATE), tmp_path) as alive:
        alive.course(
            sun=lambda now: wavering(steps(4000.0, 500.0, 0.4, now, 30.0), now), load=lambda _: 2000.0
        )
        await alive.live(130)

    # Eight changes of the sky after the count begins.
    assert alive.truth.turns(since=12) <= 8


async def test_a_dry_run_reads_and_decides_and_writes_to_no_register(tmp_path: Path) -> None:
    site = a_site(flow="export_limit_w = 0\n", soc=90)
    assert site.battery_flow is not None
    site = replace(site, battery_flow=replace(site.battery_flow, dry_run=True))
    async with living(site, tmp_path) as alive:
        alive.course(sun=lambda now: wavering(8000.0, now), load=lambda _: 500.0)
        await alive.live(60)

    assert alive.air.all(BatteryDecision)[-1].dry_run
    assert [list(unit.device.log) for unit in alive.served.by_id.values()] == [[], []]
