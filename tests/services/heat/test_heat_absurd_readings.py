"""Thermometers that lie for a moment, hang, or fell off the tank: nothing is heated on their word, and it is said."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from busbar_contracts.load import HeatMode
from busbar_heat import thermal, unmoved
from busbar_heat.thermometer import POWER_ON_C, Thermometer

TANK = """
[heaters.tank]
rating_w = 2000
phases = ["a"]
legionella_days = 1
[heaters.tank.topics]
temperature = { topic = "t/c" }
power = { topic = "t/w" }
command = "t/set"
"""

HOUR = 3600.0
Said = list[tuple[float, float]]


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        pytest.param([(0, 48.0), (60, 48.2)], 48.2, id="what moves slowly is believed at once"),
        pytest.param([(0, 48.0), (60, 5.0)], 48.0, id="a sudden cold is not believed yet"),
        pytest.param([(0, 48.0), (60, 5.0), (120, 5.2)], 5.2, id="said again it is"),
        pytest.param([(0, 48.0), (60, 5.0), (120, 48.1)], 48.1, id="contradicted it is forgotten"),
        pytest.param([(0, 48.0), (60, 5.0), (120, 75.0)], 48.0, id="two different jumps agree on nothing"),
        pytest.param([(0, 48.0), (60, 85.0)], 48.0, id="85 is what a DS18B20 says without supply"),
        pytest.param([(0, 48.0)] + [(60.0 * n, 85.0) for n in range(1, 10)], 48.0, id="however often"),
        pytest.param([(0, 85.0)], None, id="also as its first word"),
        pytest.param(
            [(0, 70.0), (600, 76.0), (1200, 82.0), (1800, 85.0)], 85.0, id="water that really is so hot"
        ),
        pytest.param([(0, 60.0), (60, 50.0), (120, 38.0)], 38.0, id="a bath is let in: fast, but by degrees"),
    ],
)
def test_what_a_thermometer_is_believed(said: Said, believed: float | None) -> None:
    one = Thermometer()
    for at_s, celsius in said:
        one.says(celsius, at_s)

    assert one.believed(said[-1][0], 900.0) == believed


READINGS = st.lists(
    st.tuples(st.floats(1.0, 600.0), st.one_of(st.floats(-55.0, 125.0), st.sampled_from([85.0, 20.0, 48.0]))),
    min_size=1,
    max_size=30,
)


@given(READINGS)
@example([(1.0, 0.0), (1.0, 80.0), (120.0, 85.0)])
def test_whatever_it_says_only_what_was_said_is_believed_and_the_hottest_is_never_hidden(
    readings: list[tuple[float, float]],
) -> None:
    one, now = Thermometer(), 0.0
    for pause_s, celsius in readings:
        now += pause_s
        before = one.believed(now, math.inf)
        one.says(celsius, now)
        believed, hottest = one.believed(now, 900.0), one.hottest(now, 900.0)
        assert believed is None or believed in {value for _, value in readings}
        assert (hottest is None) == (believed is None)
        if believed is not None and hottest is not None:
            assert hottest >= max(believed, celsius)
        if celsius == POWER_ON_C and believed == POWER_ON_C:
            assert before is not None
            assert abs(before - celsius) <= 5.0


def test_a_jump_that_stands_without_contradiction_is_true_after_two_minutes() -> None:
    one = Thermometer()
    one.says(60.0, 0.0)
    assert one.says(30.0, 60.0) == "it jumped from 60 to 30 °C; believed when it says so again"

    assert one.believed(179.0, 900.0) == 60.0
    assert one.believed(180.0, 900.0) == 30.0


def test_what_might_be_too_hot_counts_as_too_hot_at_once() -> None:
    one = Thermometer()
    one.says(55.0, 0.0)
    one.says(85.0, 30.0)

    assert one.hottest(31.0, 900.0) == 85.0
    assert one.hottest(2000.0, 900.0) is None


@pytest.mark.parametrize(
    ("celsius", "hours", "stuck"),
    [
        pytest.param(48.0, 23.0, False, id="an evening and a night at one number may be"),
        pytest.param(48.0, 25.0, True, id="a day may not: warm water cools"),
        pytest.param(21.0, 100.0, False, id="a cold tank in a cellar stands still for days"),
    ],
)
def test_a_number_that_stands_still(celsius: float, hours: float, stuck: bool) -> None:
    one = Thermometer()
    for minute in range(round(hours * 60) + 1):
        one.says(celsius, minute * 60.0)

    assert one.is_stuck(hours * HOUR, None, 20.0) is stuck
    one.says(celsius - 0.1, hours * HOUR)
    assert one.is_stuck(hours * HOUR, None, 20.0) is False


def test_a_thermometer_that_fell_off_is_noticed_by_the_heat_that_does_not_show() -> None:
    known = thermal.Model(capacity_wh_per_k=232.0, confidence=0.8)
    state = unmoved.Unmoved()
    for minute in range(200):
        state = unmoved.after(state, 20.0 + 0.3 * (minute % 3), 2000.0, minute * 60.0)

    assert state.heated_wh == pytest.approx(199 / 60 * 2000)
    assert unmoved.is_elsewhere(state, known)
    assert not unmoved.is_elsewhere(state, thermal.Model()), "a tank of unknown size may be large"
    moved = unmoved.after(state, 23.0, 2000.0, 12_000.0)
    assert not unmoved.is_elsewhere(moved, known)


async def test_a_spike_of_cold_does_not_heat_and_one_of_heat_does_not_count_against_legionella(
    house_of: Any,
) -> None:
    async with house_of(TANK) as house:
        await house.pass_time(60, HeatMode.NORMAL, t_c="50.0", t_w="0")
        house.bus.feed_raw("t/c", "3.0")
        await house.pass_time(20, HeatMode.NORMAL)
        assert house.told("t/set") == ["OFF"]
        assert house.state().temperature_c == 50.0
        await house.pass_time(60, HeatMode.NORMAL, t_c="50.0", t_w="0")
        await house.pass_time(2400, HeatMode.NORMAL, t_c="85.0", t_w="0")

        codes = [code for code, _ in house.bus.events]
        assert "temperature_doubtful" in codes
        assert "legionella_done" not in codes
        assert "sensor_lost" in codes, "after a quarter of an hour without a good figure it is lost"


@pytest.mark.parametrize(
    "payload",
    ["-127", "-127.00", "1e9", "NaN", "hot", "", "[50]", '{"t":50}', "9" * 400],
)
async def test_a_reading_that_is_none_leaves_the_last_good_one(house_of: Any, payload: str) -> None:
    async with house_of(TANK) as house:
        await house.pass_time(40, HeatMode.NORMAL, t_c="30.0")
        assert house.told("t/set")[-1] == "ON"
        house.bus.feed_raw("t/c", payload)
        await house.pass_time(5, HeatMode.NORMAL)

        assert house.state().temperature_c == 30.0
        assert house.bus.events != []


async def test_a_week_without_heat_is_told_also_when_nobody_can_see_the_tank(house_of: Any) -> None:
    async with house_of(TANK.replace("legionella_days = 1", "legionella_days = 0.05")) as house:
        await house.pass_time(40, HeatMode.BLOCK, t_c="40.0", t_w="0")
        await house.pass_time(4500, HeatMode.BLOCK)

        assert "legionella_overdue" in [code for code, _ in house.bus.events]
        assert house.state().problem == "its temperature is unknown; it is not heated"
        await house.pass_time(40, HeatMode.BLOCK, t_c="40.0", t_w="0")
        assert house.state().problem == "it was not hot enough for half an hour within 0.05 days"


async def test_a_heater_that_does_not_obey_its_own_switch_is_reported_once(house_of: Any) -> None:
    async with house_of(TANK + 'on = { topic = "t/on" }\n') as house:
        for _ in range(10):
            await house.pass_time(30, HeatMode.BLOCK, t_c="50.0", t_on="ON")

        told = [text for code, text in house.bus.events if code == "heater_does_not_obey"]
        assert told == ["tank was told off and says that it is on"]


async def test_a_heater_whose_own_thermostat_has_opened_obeys(house_of: Any) -> None:
    async with house_of(TANK + 'on = { topic = "t/on" }\n') as house:
        for _ in range(10):
            await house.pass_time(30, HeatMode.NORMAL, t_c="40.0", t_on="OFF")

        assert house.told("t/set")[-1] == "ON"
        assert house.bus.events == []
