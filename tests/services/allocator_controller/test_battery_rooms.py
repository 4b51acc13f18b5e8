"""What the wires leave a battery: less of it is told with the reading that shows it, whoever else is told nothing."""

import pytest
from desk_table import Table

from busbar_allocator.rooms import Rooms, is_tighter
from busbar_contracts.allocation import Allocation
from busbar_contracts.battery import BatteryReading

CHARGES_W = 3000.0
CHARGES_A = CHARGES_W / 230 / 3


def rooms_told(table: Table) -> list[float]:
    return [one.batteries["cellar"].charge_limit_w for one in table.said if isinstance(one, Allocation)]


def test_an_oven_beside_a_battery_that_charges_from_the_grid_is_told_with_its_first_reading() -> None:
    table = Table(batteries={"cellar": {"modbus": {"host": "h"}, "capacity_wh": 10_000}})

    def charges() -> None:
        reading = BatteryReading(at=table.wall, power_w=CHARGES_W, soc_percent=40, charge_limit_w=11_000)
        table.hear(reading, battery="cellar")

    table.seconds(15, grid_a=CHARGES_A + 2.0, each=charges)
    before, table.said = rooms_told(table)[-1], []
    table.seconds(1, grid_a=CHARGES_A + 20.0, each=charges)

    assert (before, rooms_told(table)) == (5000.0, [pytest.approx(5.0 * 230 * 3, abs=100)])


@pytest.mark.parametrize(
    ("said", "now", "tighter"),
    [
        pytest.param({}, {"cellar": (1000.0, 2000.0)}, False, id="nobody was told anything yet"),
        pytest.param({"cellar": (1000.0, 2000.0)}, {"cellar": (1000.0, 2000.0)}, False, id="the same"),
        pytest.param({"cellar": (1000.0, 2000.0)}, {"cellar": (5000.0, 5000.0)}, False, id="more can wait"),
        pytest.param({"cellar": (1000.0, 2000.0)}, {"cellar": (960.0, 1960.0)}, False, id="a flicker of the meter"),
        pytest.param({"cellar": (1000.0, 2000.0)}, {"cellar": (940.0, 2000.0)}, True, id="less to charge"),
        pytest.param({"cellar": (1000.0, 2000.0)}, {"cellar": (1500.0, 1900.0)}, True, id="less to discharge"),
        pytest.param(
            {"cellar": (1000.0, 2000.0), "attic": (500.0, 500.0)},
            {"cellar": (1000.0, 2000.0), "attic": (0.0, 500.0)}, True, id="less for one of two",
        ),
    ],
)  # fmt: skip
def test_what_is_told_at_once(said: Rooms, now: Rooms, tighter: bool) -> None:
    assert is_tighter(now, said) is tighter
