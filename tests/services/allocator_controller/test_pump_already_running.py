"""A heat pump that ran before the allocator did: its place on the wires is its own from the first reading."""

from collections.abc import Callable

import pytest
from desk_table import Table

from busbar_contracts.load import HeatMode, HeatOrder, HeatState

CONTACTS = {"relay_a": {"command": "a"}, "relay_b": {"command": "b"}}
PUMP = {"kind": "sg_ready", "mode": "normal", "rating_w": 4000.0, "topics": CONTACTS, "phases": ["a"]}


def a_table(sg_state: int) -> tuple[Table, Callable[[], None]]:
    table = Table(
        chargers={}, heaters={"pump": PUMP},
        circuits={"main": {"limit_a": 25.0, "meter": "grid", "assumed_background_a": 5.0}},
    )  # fmt: skip

    def say() -> None:
        runs = sg_state != 1
        state = HeatState(
            at=table.wall, link=True, on=runs, sg_state=sg_state, min_w=4000.0, max_w=4000.0, measures=True,
            power_w=4000.0 if runs else 0.0, sampled_at=table.wall, comfort_demand=True, storage_demand=False,
        )  # fmt: skip
        table.hear(state, heater="pump")

    return table, say


@pytest.mark.parametrize(
    ("sg_state", "grid_a", "told"),
    [
        pytest.param(2, 20.0, HeatMode.NORMAL, id="it runs, so the line that is full of it has room for it"),
        pytest.param(2, 26.0, HeatMode.BLOCK, id="it runs on a line that does not bear it"),
        pytest.param(1, 20.0, HeatMode.BLOCK, id="it is blocked, and the line has no room for it"),
    ],
)
def test_a_heat_pump_that_nobody_told_anything(sg_state: int, grid_a: float, told: HeatMode) -> None:
    table, say = a_table(sg_state)
    table.seconds(90, grid_a, say)

    assert table.last(HeatOrder).mode is told
