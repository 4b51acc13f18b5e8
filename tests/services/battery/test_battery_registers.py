"""Section by section what stands in the registers in each mode: real services, the simulated inverter's own blocks.

Read from models 123 and 124 after the order has been obeyed, and from the log of every write that led there.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from battery_on_the_wire import Living, a_site, living

import busbar_allocator.main
from busbar_simulator.sunspec.device import Device, Refused

ALLOCATOR = ("allocator", busbar_allocator.main.run)
CHARGES_FROM_GRID = "grid_charging = true\ngrid_charging_max_w = 2000\n"
EXPORTS = "export_target_w = 1500\n"
OWNERS_OWN = {"WChaMax", "WChaGra", "WDisChaGra", "VAChaMax", "MinRsvPct", "OutPFSet", "VArPct", "Conn"}


class Silent(Device):
    """A device that refuses every question."""

    def read(self, address: int, count: int) -> list[int]:
        raise Refused(4, f"no registers {address} to {address + count - 1}")


def points(alive: Living, model: int, unit: int = 1) -> dict[str, float | None]:
    """What the device is kept at."""
    names = {123: ("WMaxLim_Ena", "WMaxLimPct"), 124: ("StorCtl_Mod", "InWRte", "OutWRte", "ChaGriSet")}
    block: Any = alive.served.by_id[unit].device.block(model)
    return {name: block.value(name) for name in names[model]}


def requests(alive: Living) -> list[Any]:
    """Every request that wrote something, in order."""
    return [write for unit in alive.served.by_id.values() for write in unit.device.log]


@pytest.mark.parametrize(
    ("flow", "soc", "sun_w", "load_w", "mode", "highest", "lowest", "grid"),
    [
        pytest.param("grid_charging = true\n", 90, 0, 1000, 3, 0, 0, 0, id="held while cheap hours last"),
        pytest.param("", 50, 8000, 500, 2, 100, 40, 0, id="sun: it takes what it likes, and gives what fits beside the sun"),
        pytest.param("", 10, 0, 1500, 2, 100, 0, 0, id="at its reserve it gives nothing and may take"),
        pytest.param("", 90, 0, 1500, 1, 0, 100, 0, id="above its target it may give and takes nothing"),
        pytest.param(CHARGES_FROM_GRID, 50, 0, 500, 3, 40, -40, 1, id="exactly 2 kW from the grid"),
        pytest.param(EXPORTS, 50, 0, 500, 3, -40, 40, 0, id="exactly 1.5 kW of export and the house"),
    ],
)  # fmt: skip
async def test_what_is_ordered_stands_in_model_124(
    flow: str, soc: float, sun_w: float, load_w: float, mode: int, highest: float, lowest: float, grid: int,
    tmp_path: Path,
) -> None:  # fmt: skip
    async with living(a_site(flow=flow, soc=soc), tmp_path, ALLOCATOR) as alive:
        alive.course(sun=lambda now: sun_w + now % 3, load=lambda _: load_w)
        await alive.live(20)
        kept, log = points(alive, 124), requests(alive)

    assert (kept["StorCtl_Mod"], kept["ChaGriSet"]) == (mode, grid)
    if mode & 1:
        assert kept["InWRte"] == pytest.approx(highest, abs=0.3)
    if mode & 2:
        assert kept["OutWRte"] == pytest.approx(lowest, abs=0.3)
    assert not [write for write in log if write.refused is not None]
    assert not OWNERS_OWN & {point for write in log for point in write.points}


@pytest.mark.parametrize("flow", [CHARGES_FROM_GRID, EXPORTS], ids=["from the grid", "to the grid"])
async def test_told_to_stop_the_service_gives_the_battery_back_and_the_owners_permission_with_it(
    flow: str, tmp_path: Path
) -> None:
    async with living(a_site(flow=flow, soc=50), tmp_path, ALLOCATOR) as alive:
        alive.course(load=lambda _: 500.0)
        await alive.live(20)
        before = points(alive, 124)
        alive.tasks.pop("battery").cancel()
        await alive.live(5)
        after, log = points(alive, 124), requests(alive)

    assert before["StorCtl_Mod"] == 3
    assert (after["StorCtl_Mod"], after["ChaGriSet"]) == (0, 0)
    # The permission to charge from the grid comes before what needs it, and goes after.
    if permissions := [number for number, write in enumerate(log) if write.points == ("ChaGriSet",)]:
        forced = [
            number
            for number, write in enumerate(log)
            if write.points[0] == "OutWRte" and write.values[0] > 2**15
        ]
        assert permissions[0] < forced[0]
        assert [write.points[0] for write in log[-2:]] == ["StorCtl_Mod", "ChaGriSet"]


@pytest.mark.parametrize("coupling", ["dc", "ac"], ids=["hybrid", "battery beside the sun"])
async def test_a_limit_of_the_owner_that_ends_is_switched_off_once_and_never_left_on_at_full(
    coupling: str, tmp_path: Path
) -> None:
    """An export limit that is no law's ends with its lease: WMaxLim_Ena 0, not 100 % with Ena 1."""
    flow = "export_limit_w = 2000\nlimits_mandatory = false\n"
    async with living(a_site(coupling=coupling, flow=flow, soc=100), tmp_path, ALLOCATOR) as alive:
        alive.course(sun=lambda now: 6000 + now % 3, load=lambda _: 500.0)
        await alive.live(20)
        limited = points(alive, 123)
        alive.tasks.pop("battery").cancel()
        await alive.live(45)
        freed, log = points(alive, 123), requests(alive)

    assert limited["WMaxLim_Ena"] == 1
    assert limited["WMaxLimPct"] == pytest.approx(25, abs=1)
    assert freed["WMaxLim_Ena"] == 0
    switched = [write.values[-1] for write in log if "WMaxLim_Ena" in write.points]
    assert sum(1 for before, after in pairwise(switched) if before == 1 and after == 0) <= 1
    assert not [write for write in log if write.points[0] == "WMaxLimPct" and write.values[0] >= 10_000]


@pytest.mark.parametrize("coupling", ["dc", "ac"], ids=["hybrid", "battery beside the sun"])
async def test_a_limit_by_law_stands_when_the_battery_is_given_back(coupling: str, tmp_path: Path) -> None:
    flow = "export_limit_w = 2000\n"
    async with living(a_site(coupling=coupling, flow=flow, soc=100), tmp_path, ALLOCATOR) as alive:
        alive.course(sun=lambda now: 6000 + now % 3, load=lambda _: 500.0)
        await alive.live(20)
        alive.tasks.pop("battery").cancel()
        await alive.live(120)
        limit, battery = points(alive, 123), points(alive, 124, 1 if coupling == "dc" else 2)
        export = -alive.truth.grid[-1]

    assert limit["WMaxLim_Ena"] == 1
    assert battery["StorCtl_Mod"] == 0
    assert export <= 2000 + 20


async def test_without_a_reading_the_battery_is_its_own_again_after_the_grace_and_the_limit_stays(
    tmp_path: Path,
) -> None:
    flow = "export_limit_w = 2000\n" + EXPORTS
    async with living(a_site(flow=flow, soc=50), tmp_path, ALLOCATOR) as alive:
        alive.course(sun=lambda now: 6000 + now % 3, load=lambda _: 6500.0)
        await alive.live(20)
        forced = points(alive, 124)
        alive.served.by_id[200].device = Silent(alive.served.by_id[200].device.blocks)
        await alive.live(30)
        after, limit = points(alive, 124), points(alive, 123)

    assert forced["StorCtl_Mod"] == 3
    assert after["StorCtl_Mod"] == 0
    assert limit["WMaxLim_Ena"] == 1
