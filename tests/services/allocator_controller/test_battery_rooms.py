"""What the wires leave a battery: less of it is told with the reading that shows it, whoever else is told nothing."""

import pytest
from desk_table import Table

from busbar_allocator.answer import BatteryGrant
from busbar_allocator.rooms import Rooms
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


def room(charge_w: float, discharge_w: float = 2000.0) -> dict[str, BatteryGrant]:
    return {"cellar": BatteryGrant(charge_w, discharge_w)}


@pytest.mark.parametrize(
    ("said", "now", "tighter"),
    [
        pytest.param({}, room(1000.0), False, id="nobody was told anything yet"),
        pytest.param(room(1000.0), room(1000.0), False, id="the same"),
        pytest.param(room(1000.0), room(5000.0, 5000.0), False, id="more can wait"),
        pytest.param(room(1000.0), room(960.0, 1960.0), False, id="a flicker of the meter"),
        pytest.param(room(1000.0), room(940.0), True, id="less to charge"),
        pytest.param(room(1000.0), room(1500.0, 1900.0), True, id="less to discharge"),
    ],
)
def test_what_is_told_at_once(
    said: dict[str, BatteryGrant], now: dict[str, BatteryGrant], tighter: bool
) -> None:
    rooms = Rooms()
    rooms.was_said(said)

    assert rooms.is_tighter(now) is tighter


def test_more_room_is_told_when_it_has_stood_and_less_at_once() -> None:
    rooms = Rooms()
    decided = [(0, 1000.0), (1, 1900.0), (2, 1000.0), (5, 3000.0), (7, 3000.0), (8, 3000.0), (9, 500.0)]

    told = [rooms.take(at_s, room(watts))["cellar"].charge_limit_w for at_s, watts in decided]

    assert told == [1000.0, 1000.0, 1000.0, 1000.0, 1000.0, 3000.0, 500.0]
