"""What a battery is told of its room: steady while figures cross, less at once, and never what a cut still holds."""

from itertools import count

import pytest
from desk_table import Table
from hypothesis import given
from hypothesis import strategies as st

from busbar_allocator.rooms import _word
from busbar_allocator.steady import Beside, held
from busbar_contracts.allocation import Allocation
from busbar_contracts.battery import BatteryReading
from busbar_contracts.load import LoadSettingsSet

STANDS_S = 5.0
INSIDE, ABOVE, BELOW = (0,), (1,), (-1,)


def after(readings: list[float], over: set[int] | None = None) -> list[float]:
    """What counts after each of these readings, one a second; `over` numbers those with the meter above its limit."""
    found, beside = [], None
    for second, amps in zip(count(), readings):
        beside = held(beside, float(second), (amps,), STANDS_S, ABOVE if second in (over or ()) else INSIDE)
        found.append(beside.held[0])
    return found


QUIET = [3.0] * 6


@pytest.mark.parametrize(
    ("readings", "counts"),
    [
        pytest.param([3.0, 9.0, 3.0, 3.0], [3.0, 9.0, 9.0, 9.0], id="at first the highest counts"),
        pytest.param([*QUIET, 0.5, 9.0, 3.0], [*QUIET, 3.0, 3.0, 3.0], id="a battery that crosses its meter"),
        pytest.param(
            [*QUIET, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0], [*QUIET, *[3.0] * 5, 8.0, 8.0],
            id="an oven that stays, with room on the line",
        ),
        pytest.param(
            [*QUIET, 1.0, 1.5, 1.0, 1.0, 1.0, 1.0], [*QUIET, *[3.0] * 5, 1.5],
            id="what ended counts as far as all readings agree",
        ),
    ],
)  # fmt: skip
def test_what_is_beside_loads_and_batteries(readings: list[float], counts: list[float]) -> None:
    assert after(readings) == counts


def test_a_meter_above_its_limit_is_believed_at_once_and_for_as_long_as_anything_else() -> None:
    assert after([*QUIET, 20.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0], over={6}) == [*QUIET, *[20.0] * 6, 3.0]


def test_a_meter_below_its_limit_of_export_is_believed_at_once() -> None:
    before = held(held(None, 0.0, (3.0,), STANDS_S, INSIDE), 1.0, (3.0,), STANDS_S, INSIDE)

    assert held(before, 2.0, (-20.0,), STANDS_S, BELOW).held == (-20.0,)


def test_after_a_pause_of_the_meter_nothing_old_counts() -> None:
    before = held(None, 0.0, (9.0,), STANDS_S, INSIDE)

    assert held(before, 20.0, (3.0,), STANDS_S, INSIDE) == Beside((3.0,), 20.0, ((20.0, (3.0,)),))


@given(st.lists(st.floats(-30, 60), min_size=1, max_size=40))
def test_it_is_never_above_or_below_all_readings_of_the_last_seconds(readings: list[float]) -> None:
    for second, now in enumerate(after(readings)):
        lately = readings[max(0, second - int(STANDS_S)) : second + 1]
        assert min(lately) <= now <= max(lately)


@pytest.mark.parametrize(
    ("said", "most", "word"),
    [
        pytest.param(float("inf"), 2000.0, 1950.0, id="the first word"),
        pytest.param(1950.0, 1960.0, 1950.0, id="still true"),
        pytest.param(1950.0, 2049.0, 1950.0, id="a flicker more"),
        pytest.param(1950.0, 2060.0, 2010.0, id="more"),
        pytest.param(1950.0, 1949.0, 1899.0, id="less"),
        pytest.param(1950.0, -300.0, 0.0, id="nothing is free"),
        pytest.param(1950.0, 5200.0, 5000.0, id="all it can take"),
        pytest.param(5000.0, 5001.0, 5000.0, id="all it can take, and hardly more is free"),
    ],
)
def test_the_word_that_is_said(said: float, most: float, word: float) -> None:
    assert _word(said, most, flicker_w=50.0, own_w=5000.0) == word


CHARGES_W = 3000.0
CHARGES_A = CHARGES_W / 230 / 3


def rooms_told(table: Table) -> list[float]:
    return [one.batteries["cellar"].charge_limit_w for one in table.said if isinstance(one, Allocation)]


@pytest.mark.parametrize(
    ("house_a", "told"),
    [
        pytest.param(21.0, [(25 - 21) * 230 * 3 - 138], id="an oven takes the phases above their breaker"),
        pytest.param(2.0, [], id="nothing happens"),
    ],
)
def test_a_battery_hears_of_an_oven_with_its_first_reading(house_a: float, told: list[float]) -> None:
    table = Table(batteries={"cellar": {"modbus": {"host": "h"}, "capacity_wh": 10_000}})

    def charges() -> None:
        reading = BatteryReading(at=table.wall, power_w=CHARGES_W, soc_percent=40, charge_limit_w=11_000)
        table.hear(reading, battery="cellar")

    table.seconds(21, grid_a=CHARGES_A + 2.0, each=charges)
    before, table.said = rooms_told(table)[-1], []
    table.seconds(1, grid_a=CHARGES_A + house_a, each=charges)

    assert before == 5000.0
    assert rooms_told(table) == pytest.approx(told, abs=1)


def test_a_battery_that_gives_hears_of_the_sun_with_its_first_reading() -> None:
    """It gives 4.6 kW on one phase, and the sun brings that above its breaker."""
    table = Table(batteries={"cellar": {"modbus": {"host": "h"}, "capacity_wh": 10_000, "phases": ["a"]}})

    def gives() -> None:
        reading = BatteryReading(at=table.wall, power_w=-4600.0, soc_percent=90, charge_limit_w=11_000)
        table.hear(reading, battery="cellar")

    table.seconds(21, grid_a=lambda: (2.0 - 20.0, 2.0, 2.0), each=gives)
    table.said = []
    table.seconds(1, grid_a=lambda: (-8.0 - 20.0, -8.0, -8.0), each=gives)

    assert table.last(Allocation).batteries["cellar"].discharge_limit_w == pytest.approx((25 - 8) * 230 - 46)


@pytest.mark.parametrize(
    ("battery_w", "car_a"),
    [
        pytest.param(0.0, 16.0, id="the battery rests"),
        pytest.param(1840.0, 8.0, id="the battery takes half of it"),
        pytest.param(None, 0.0, id="nobody knows what the battery takes"),
    ],
)
def test_a_car_beside_a_battery_on_a_garage_line_without_a_meter(
    battery_w: float | None, car_a: float
) -> None:
    """The house's meter cannot show what is free there: the battery's own figure counts, or the most it may take."""
    table = Table(
        circuits={
            "main": {"limit_a": 63.0, "meter": "grid", "assumed_background_a": 15.0},
            "garage": {"limit_a": 16.0, "parent": "main", "background_a": 0.0},
        },
        chargers={"left": {"circuit": "garage", "legs": ["a"]}},
        batteries={
            "cellar": {
                "modbus": {"host": "h"}, "capacity_wh": 10_000, "circuit": "garage", "phases": ["a"],
                "charge_limit_w": 3680,
            }
        },
    )  # fmt: skip

    def lives() -> None:
        reading = BatteryReading(at=table.wall, power_w=battery_w, soc_percent=40, charge_limit_w=3680)
        table.hear(reading, battery="cellar")
        table.plug_in(draws_a=table.told["left-1"].limit_a if "left-1" in table.told else 0.0)

    table.seconds(60, grid_a=lambda: (2.0 + (battery_w or 0.0) / 230, 2.0, 2.0), each=lives)

    assert table.told["left-1"].limit_a == pytest.approx(car_a, abs=0.1)


@pytest.mark.parametrize("stops_s", [60, 62, 64, 66, 68])
def test_a_car_that_stops_long_after_anyone_would_have_thought_holds_its_wires_until_the_meter_shows_it(
    stops_s: int,
) -> None:
    """It was never seen to be slow: after the dead time that is believed, only the meter knows that it draws on."""
    table = Table(
        chargers={"left": {"legs": ["a"], "fallback_a": 6}},
        batteries={"cellar": {"modbus": {"host": "h"}, "capacity_wh": 10_000}},
        circuits={"main": {"limit_a": 25.0, "meter": "grid", "assumed_background_a": 6.0}},
    )
    draws = [0.0]

    def lives() -> None:
        reading = BatteryReading(at=table.wall, power_w=0.0, soc_percent=40, charge_limit_w=11_000)
        table.hear(reading, battery="cellar")
        table.plug_in(draws_a=draws[0])

    def house() -> tuple[float, float, float]:
        return (5.0 + draws[0], 5.0, 5.0)

    for _ in range(stops_s):
        draws[0] = table.told["left-1"].limit_a if "left-1" in table.told else 0.0
        table.seconds(1, grid_a=house, each=lives)
    assert draws[0] == 16
    table.hear(LoadSettingsSet(enabled=False), load="left-1")
    table.said = []
    table.seconds(40, grid_a=house, each=lives)
    deaf, draws[0] = max(rooms_told(table)), 0.0
    table.seconds(20, grid_a=house, each=lives)

    # 4 A of each phase, less a flicker; then all it can take.
    assert deaf == pytest.approx(4 * 230 * 3 - 138, abs=140)
    assert rooms_told(table)[-1] == 5000


def test_after_standing_still_nobody_has_more_on_the_first_of_the_messages_that_waited() -> None:
    table = Table(batteries={"cellar": {"modbus": {"host": "h"}, "capacity_wh": 10_000}})

    def charges() -> None:
        reading = BatteryReading(at=table.wall, power_w=CHARGES_W, soc_percent=40, charge_limit_w=11_000)
        table.hear(reading, battery="cellar")

    table.seconds(21, grid_a=CHARGES_A + 21.0, each=charges)
    before = rooms_told(table)[-1]
    table.now += 20
    table.seconds(1, grid_a=CHARGES_A + 2.0, each=charges)
    at_once = rooms_told(table)[-1]
    table.seconds(20, grid_a=CHARGES_A + 2.0, each=charges)

    assert at_once == before
    assert rooms_told(table)[-1] == 5000


def test_no_word_raises_a_room_that_the_meter_does_not_show_free() -> None:
    """The house fell by 18 A on each phase for seven seconds; when the next word is due the 18 A are back."""
    table = Table(batteries={"cellar": {"modbus": {"host": "h"}, "capacity_wh": 10_000}})

    def charges() -> None:
        reading = BatteryReading(at=table.wall, power_w=CHARGES_W, soc_percent=40, charge_limit_w=11_000)
        table.hear(reading, battery="cellar")

    table.seconds(21, grid_a=CHARGES_A + 20.0, each=charges)
    table.seconds(7, grid_a=CHARGES_A + 2.0, each=charges)
    table.seconds(5, grid_a=CHARGES_A + 20.0, each=charges)

    # 5 A of each phase, less a flicker.
    assert rooms_told(table)[-1] == pytest.approx(5 * 230 * 3 - 138)
