"""In each of its states a part dies without a word: what the battery's registers and the plant do then, in virtual time.

A broker that dies is, for the device, a battery service that dies: the meter service hears no more orders.
With real processes and `kill -9` the same is tried by the soak tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from battery_on_the_wire import Living, a_site, living

import busbar_allocator.main

LEASE_S, REVERT_S, ALLOCATION_S = 30.0, 20.0, 30.0
NOTICED_S = 3.0
SETTLED_S = 15.0

STATES: dict[str, tuple[str, float, float, float]] = {
    # state: flow, charge %, sun W, house W
    "charging from the sun": ("charge", 50, 8000, 500),
    "charging from the grid": ("grid_charging = true\ngrid_charging_max_w = 2000\n", 50, 0, 500),
    "giving to the house": ("", 90, 0, 1500),
    "exporting on purpose": ("export_target_w = 1500\n", 50, 0, 500),
    "held": ("grid_charging = true\n", 90, 0, 1000),
    "its sun cut": ("export_limit_w = 2000\n", 100, 6000, 500),
}


def a_house(state: str) -> tuple[Any, float, float]:
    """The site, the sun and the house of a state."""
    flow, soc, sun_w, load_w = STATES[state]
    cellar = f"revert_s = {REVERT_S:g}\n"
    if flow == "charge":
        flow, cellar = "", cellar + "charge_limit_w = 1500\n"
    return a_site(flow=flow, soc=soc, cellar=cellar), sun_w, load_w


def window(alive: Living) -> float | None:
    """Which bounds of the battery are active: StorCtl_Mod."""
    block: Any = alive.served.by_id[1].device.block(124)
    return block.value("StorCtl_Mod")  # type: ignore[no-any-return]


def kept_by_law(alive: Living, state: str) -> bool:
    """A mandatory export limit stands in the inverter and at the meter; elsewhere there is none."""
    block: Any = alive.served.by_id[1].device.block(123)
    cut = state == "its sun cut"
    return bool(block.value("WMaxLim_Ena")) is cut and (not cut or -alive.truth.grid[-1] <= 2000 + 20)


@pytest.mark.parametrize("state", STATES)
async def test_the_meter_service_dies_and_the_device_ends_the_order_itself(
    state: str, tmp_path: Path
) -> None:
    site, sun_w, load_w = a_house(state)
    async with living(site, tmp_path, ("allocator", busbar_allocator.main.run)) as alive:
        alive.course(sun=lambda now: sun_w + now % 3, load=lambda _: load_w)
        await alive.live(SETTLED_S)
        before = window(alive)
        # Killed, it writes nothing more: the device takes nothing.
        alive.served.by_id[1].device.functions = frozenset()
        alive.freeze("meter")
        await alive.live(REVERT_S + 1)

        assert before not in (None, 0)
        assert window(alive) == 0
        assert kept_by_law(alive, state)
        if state != "its sun cut":
            # Its own again, it follows the house: nothing from the grid into it, nothing out on purpose.
            assert abs(alive.truth.grid[-1]) < 100 or alive.truth.battery[-1] >= 4900


@pytest.mark.parametrize("state", STATES)
async def test_first_the_allocator_dies_and_then_the_battery_service(state: str, tmp_path: Path) -> None:
    site, sun_w, load_w = a_house(state)
    async with living(site, tmp_path, ("allocator", busbar_allocator.main.run)) as alive:
        alive.course(sun=lambda now: sun_w + now % 3, load=lambda _: load_w)
        await alive.live(SETTLED_S)
        alive.freeze("allocator")
        await alive.live(ALLOCATION_S + NOTICED_S)

        # Nothing from the grid into it and nothing out on purpose without the allocator's word.
        assert alive.truth.battery[-1] <= max(0.0, sun_w - load_w) + 20
        assert alive.truth.grid[-1] > -50 or sun_w > 0

        alive.freeze("battery")
        await alive.live(LEASE_S + 1 + NOTICED_S)

        assert window(alive) == 0
        assert kept_by_law(alive, state)
