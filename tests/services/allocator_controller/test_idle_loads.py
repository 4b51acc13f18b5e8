"""A plug that is on but satisfied, in the controller: the sun it leaves goes on, its place on the wire does not."""

from collections.abc import Callable

import pytest
from desk_table import Table

from busbar_contracts.charger import ChargerLimit
from busbar_contracts.load import PlugState, PlugSwitch

BOILER = {"rating_w": 2300.0, "phases": ["a"]}


def boiler(table: Table, *, idle: bool, draws_w: float) -> Callable[[], None]:
    """A boiler that is on, as its plug tells it each second."""

    def say() -> None:
        table.hear(
            PlugState(
                at=table.wall, link=True, on=True, power_w=draws_w, sampled_at=table.wall, max_w=2300.0, min_w=2300.0,
                wants_power=True, idle=idle, measures=True, order_on=True,
            ),
            plug="boiler",
        )  # fmt: skip

    return say


@pytest.mark.parametrize(
    ("idle", "draws_w", "grid_a", "limit_a"),
    [
        pytest.param(True, 2.0, -14.0, 13.9, id="what a satisfied boiler does not take charges the car"),
        pytest.param(False, 2300.0, -4.0, 0.0, id="a boiler that draws has the sun before the car"),
        pytest.param(False, 2.0, -14.0, 0.0, id="a boiler that is not yet known to be done keeps its share"),
    ],
)
def test_the_sun_a_satisfied_boiler_leaves(idle: bool, draws_w: float, grid_a: float, limit_a: float) -> None:
    table = Table(chargers={"left": {"mode": "solar_only", "legs": ["a"]}}, plugs={"boiler": BOILER})
    table.plug_in()
    table.seconds(60, grid_a, boiler(table, idle=idle, draws_w=draws_w))

    assert table.last(PlugSwitch).on
    assert table.last(ChargerLimit).limit_a == pytest.approx(limit_a, abs=0.15)


def test_the_wire_keeps_the_place_of_a_satisfied_boiler_because_it_may_draw_in_any_second() -> None:
    table = Table(chargers={"left": {"legs": ["a"]}}, plugs={"boiler": BOILER})
    table.plug_in()
    table.seconds(60, 2.0, boiler(table, idle=True, draws_w=2.0))

    # 25 A less 2 A of house and the boiler's 10 A.
    assert table.last(ChargerLimit).limit_a == pytest.approx(13.0, abs=0.05)
    assert table.last(PlugSwitch).on
