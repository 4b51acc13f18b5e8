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


class Kitchen:
    """A boiler and a car on one phase, both measured each second; what the meter and the plug show may differ."""

    def __init__(self) -> None:
        self.table = Table(chargers={"left": {"legs": ["a"]}}, plugs={"boiler": BOILER})
        self.house_a, self.boiler_w, self.said_w = 2.0, 2.0, 2.0

    def grid_a(self) -> tuple[float, float, float]:
        return (self.house_a + self.boiler_w / 230 + self.car_a, 2.0, 2.0)

    @property
    def car_a(self) -> float:
        told = self.table.told
        return float(told["left-1"].limit_a) if "left-1" in told else 0.0

    def say(self) -> None:
        self.table.plug_in(draws_a=self.car_a)
        boiler(self.table, idle=self.said_w < 100, draws_w=self.said_w)()

    def live(self, seconds: int) -> float:
        """What the car may take in the end."""
        self.table.seconds(seconds, self.grid_a, self.say)
        return self.car_a


def test_a_boiler_that_draws_again_takes_the_place_that_was_kept_for_it() -> None:
    kitchen = Kitchen()
    assert kitchen.live(60) == pytest.approx(13.0, abs=0.05)

    # The meter shows it a second before its plug says so.
    kitchen.boiler_w = 2300.0
    limits = {round(kitchen.live(1))}
    kitchen.said_w = 2300.0
    limits |= {round(kitchen.live(1)) for _ in range(20)}

    assert limits == {13}
    assert kitchen.table.told["boiler"].on


def test_what_is_too_small_to_be_the_boiler_is_the_house() -> None:
    kitchen = Kitchen()
    kitchen.live(60)
    kitchen.house_a = 5.0

    # 3 A more of house: the car gives way, the boiler's place is kept.
    assert kitchen.live(2) == pytest.approx(10.0, abs=0.05)


def test_an_oven_of_the_boilers_size_is_found_out_by_the_boilers_next_sample() -> None:
    kitchen = Kitchen()
    kitchen.live(60)
    kitchen.house_a = 11.5
    kitchen.live(1)
    assert kitchen.table.told["boiler"].on, "it may be the boiler"
    kitchen.live(3)

    # It was not: beside 11.5 A of house and 13 A of the car there is no place for the boiler any more.
    assert not kitchen.table.told["boiler"].on
    assert kitchen.car_a == pytest.approx(13.0, abs=0.6)


def test_an_oven_that_overloads_the_line_is_answered_in_the_same_second() -> None:
    kitchen = Kitchen()
    kitchen.live(60)
    kitchen.house_a = 14.0
    kitchen.live(1)

    assert not kitchen.table.told["boiler"].on
    assert kitchen.car_a == pytest.approx(11.0, abs=0.05)
