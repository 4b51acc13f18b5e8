"""Which loads the allocator sees in a site."""

import pytest

from busbar_allocator.plan import plan_of
from busbar_shared.config.load import read

HOUSE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid]
modbus = { host = "192.0.2.1" }
[plugs.pump]
rating_w = 900
[plugs.boiler]
rating_w = 3500
"""
TANK = '[heaters.water]\nrating_w = 3500\nplug = "boiler"\n'
PUMP = (
    '[heaters.pump-room]\nkind = "sg_ready"\nrating_w = 2000\n'
    '[heaters.pump-room.topics]\nplug_a = "pump"\nplug_b = "boiler"\n'
)


@pytest.mark.parametrize(
    ("more", "loads"),
    [
        pytest.param("", ["boiler", "pump"], id="plugs alone are loads"),
        pytest.param(
            TANK,
            ["pump", "water/comfort", "water/storage"],
            id="the plug that switches a tank is the tank's hand",
        ),
        pytest.param(
            PUMP, ["pump-room/comfort", "pump-room/storage"], id="so are the contacts of a heat pump"
        ),
    ],
)
def test_what_counts_as_a_load(more: str, loads: list[str]) -> None:
    assert sorted(plan_of(read(HOUSE + more)).loads) == loads
