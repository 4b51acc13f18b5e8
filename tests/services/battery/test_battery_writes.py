"""How often the registers are written where nothing happens: on change and in time for the revert timer, not each second.

Where an export limit cuts the sun the window is written more often, see the docs.
"""

from __future__ import annotations

from math import sin
from pathlib import Path

import pytest
from battery_on_the_wire import a_site, living

import busbar_allocator.main

CALM_S = 30.0
# Each refresh of the battery's window is three requests, each of the cap one: a third of the 30 s lease, and the
# half of the 60 s timer. A change of more than the dead band comes on top.
MOST = 12


@pytest.mark.parametrize("coupling", ["dc", "ac"], ids=["hybrid", "battery beside the sun"])
@pytest.mark.parametrize(
    ("flow", "soc", "sun_w"),
    [
        pytest.param("", 50, 8000, id="charging from the sun"),
        pytest.param("", 90, 6000, id="above its target"),
        pytest.param("", 90, 0, id="giving to the house"),
        pytest.param(
            "grid_charging = true\ngrid_charging_max_w = 2000\n", 50, 0, id="charging from the grid"
        ),
        pytest.param("grid_charging = true\n", 90, 0, id="held"),
    ],
)
async def test_in_a_calm_house_nothing_is_written_each_second(
    coupling: str, flow: str, soc: float, sun_w: float, tmp_path: Path
) -> None:
    async with living(
        a_site(coupling=coupling, flow=flow, soc=soc), tmp_path, ("allocator", busbar_allocator.main.run)
    ) as alive:
        alive.course(sun=lambda now: sun_w + now % 3, load=lambda now: 500.0 + 5 * sin(now))
        await alive.live(45)
        for unit in alive.served.by_id.values():
            unit.device.log.clear()
        await alive.live(CALM_S)
        written = sum(len(unit.device.log) for unit in alive.served.by_id.values())

    assert written <= MOST
