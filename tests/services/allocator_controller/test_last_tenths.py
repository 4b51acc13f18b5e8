"""A car that a wire leaves nearly all it can take: who breathes there is the house, not the car."""

from itertools import pairwise
from math import sin

import pytest
from desk_table import Table


@pytest.mark.parametrize(
    ("house_a", "lowest_a"),
    [
        pytest.param(9.0, 15.9, id="the line is full at its most"),
        pytest.param(9.1, 15.8, id="a tenth of an ampere less"),
    ],
)
def test_a_car_is_not_moved_with_every_breath_of_the_house(house_a: float, lowest_a: float) -> None:
    table, limits = Table(chargers={"left": {"legs": ["a"]}}), [0.0]

    def lives() -> None:
        table.plug_in(draws_a=limits[-1])

    def grid() -> tuple[float, float, float]:
        return (house_a + 0.1 * sin(table.now) + limits[-1], 2.0, 2.0)

    for _ in range(300):
        table.seconds(1, grid_a=grid, each=lives)
        limits.append(table.told["left-1"].limit_a if "left-1" in table.told else 0.0)
    settled = limits[-240:]

    assert min(settled) >= lowest_a
    # Down with a breath and up after half a minute, at most.
    assert sum(1 for before, now in pairwise(settled) if before != now) <= 16
