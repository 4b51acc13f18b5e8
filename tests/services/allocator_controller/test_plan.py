"""Which loads the allocator sees in a site."""

import pytest

from busbar_allocator.config import plan_from
from busbar_allocator.plan import plan_of
from busbar_shared.config.load import BadConfig, read

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


def test_a_site_without_a_breaker_is_a_sentence() -> None:
    with pytest.raises(BadConfig, match="circuits: none; the allocator needs the main breaker"):
        plan_from(read(""))
