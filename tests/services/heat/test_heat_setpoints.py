"""Devices that round, cut or refuse a set-point, and devices that know better whether they heat or cool."""

from typing import Any

import pytest

from busbar_contracts.load import HeatMode
from busbar_heat import setpoint
from busbar_heat.actuator import Actuator, Drive, Number, Wires
from busbar_heat.setpoint import Setpoint
from busbar_shared.device_topics import Send

ROOM = """
[heaters.room]
kind = "setpoint"
comfort_c = 21
hysteresis_k = 0.5
phases = ["a"]
[heaters.room.topics]
temperature = { topic = "r/c" }
target = { topic = "r/target" }
device_mode = { topic = "r/mode" }
set_target = "r/set"
"""


@pytest.mark.parametrize(
    ("shows", "base_c", "by_owner"),
    [
        pytest.param([23.3], 21.3, False, id="as it was told"),
        pytest.param([21.3, 23.3], 21.3, False, id="late"),
        pytest.param([23.5], 21.3, False, id="rounded up to half a degree"),
        pytest.param([23.0, 23.0, 23.0], 21.3, False, id="rounded down to a whole one"),
        pytest.param([22.0, 22.0], 21.3, False, id="cut at its own limit"),
        pytest.param([21.3, 21.3, 21.3], 21.3, False, id="it does not take it at all"),
        pytest.param([23.5, 20.0], 20.0, True, id="rounded, and then the knob is turned"),
        pytest.param([23.3, 23.0], 23.0, True, id="taken, and then the knob is turned a little"),
        pytest.param([18.0], 18.0, True, id="the knob is turned the other way"),
        pytest.param([26.0], 26.0, True, id="the knob is turned further"),
    ],
)
def test_what_a_device_shows_after_it_was_told_23_3(
    shows: list[float], base_c: float, by_owner: bool
) -> None:
    point = setpoint.said(Setpoint(21.3, 2.0, 0.0), 23.3, 0.0)
    changed = False
    for number, celsius in enumerate(shows):
        # A valve on batteries says so minutes later.
        point, now_changed = setpoint.heard(point, celsius, 300.0 * (number + 1))
        changed = changed or now_changed

    assert (point.base_c, changed) == (base_c, by_owner)


def test_the_target_does_not_creep_up_with_a_device_that_rounds() -> None:
    rules = setpoint.SetpointRules()
    point, now = Setpoint(21.3), 0.0
    for day in range(30):
        for offset in (2.0, 0.0):
            now += 3600.0
            point = setpoint.moved(point, offset, now, rules)
            told = setpoint.in_force_c(point, rules)
            point = setpoint.said(point, told, now)
            point, by_owner = setpoint.heard(point, round(2 * told + 0.3) / 2, now + 120.0)
            assert not by_owner, f"day {day}"

    assert point.base_c == 21.3


async def test_a_device_that_cuts_the_set_point_is_not_told_again_and_again_and_its_owner_knows(
    house_of: Any,
) -> None:
    async with house_of(ROOM) as house:
        await house.pass_time(40, r_c="21.0", r_target="21", r_mode="heat")
        await house.pass_time(30, HeatMode.BOOST, "room", r_c="21.0", r_mode="heat")
        house.bus.said_raw.clear()
        await house.pass_time(900, HeatMode.BOOST, "room", r_c="21.0", r_target="22", r_mode="heat")

        assert [topic for topic, _ in house.bus.said_raw if topic == "r/set"] == []
        assert (house.state("room").target_c, house.state("room").offset_k) == (21.0, 1.0)
        told = [text for code, text in house.bus.events if code == "target_not_taken"]
        assert told == ["room: was told 23 °C and takes 22 °C, its own limit"]

    assert house.told("r/set")[-1] == "21"


async def test_a_device_that_does_not_take_the_set_point_is_reported(house_of: Any) -> None:
    async with house_of(ROOM) as house:
        await house.pass_time(40, r_c="21.0", r_target="21", r_mode="heat")
        await house.pass_time(700, HeatMode.BOOST, "room", r_c="21.0", r_target="21", r_mode="heat")

        told = [text for code, text in house.bus.events if code == "target_not_taken"]
        assert told == ["room: was told 23 °C and shows 21 °C"]
        assert "target_changed" not in [code for code, _ in house.bus.events]


@pytest.mark.parametrize(
    ("configured", "device", "told"),
    [
        pytest.param("heating", "cool", ["19"], id="the device cools, whatever the file says"),
        pytest.param("cooling", "heat", ["23"], id="the device heats, whatever the file says"),
        pytest.param("heating", "auto", ["23"], id="the device does not say: the file does"),
        pytest.param("device", "auto", [], id="nobody says: it is left alone"),
    ],
)
async def test_heating_or_cooling_is_what_the_device_says_else_the_file(
    house_of: Any, configured: str, device: str, told: list[str]
) -> None:
    text = ROOM.replace('phases = ["a"]', f'phases = ["a"]\nseason = "{configured}"')
    async with house_of(text) as house:
        await house.pass_time(60, HeatMode.BOOST, "room", r_c="21.0", r_target="21", r_mode=device)

        assert house.told("r/set") == told


async def test_killed_after_the_device_rounded_its_owners_target_is_still_known(house_of: Any) -> None:
    async with house_of(ROOM) as house:
        await house.pass_time(40, r_c="21.0", r_target="21.3", r_mode="heat")
        await house.pass_time(30, HeatMode.BOOST, "room", r_c="21.0", r_mode="heat")
        await house.pass_time(5, HeatMode.BOOST, "room", r_target="23.5", r_mode="heat")
        kept = (house.service.state_dir / "duties.json").read_bytes()
    (house.service.state_dir / "duties.json").write_bytes(kept)
    async with house_of(ROOM) as house:
        # It speaks only after minutes.
        await house.pass_time(120, HeatMode.BOOST, "room", r_c="21.0", r_mode="heat")
        await house.pass_time(5, HeatMode.BOOST, "room", r_target="23.5", r_mode="heat")

        assert house.state("room").target_c == 21.3
        assert "target_changed" not in [code for code, _ in house.bus.events]


def test_after_the_broker_was_away_a_set_point_that_nobody_reads_back_is_said_again() -> None:
    actuator = Actuator(Wires(target=Number("r/set")), 30.0)
    drive = Drive(target_c=23.0)

    def said(now_s: float) -> list[object]:
        return list(actuator.drive(drive, now_s, seen_on=None, seen_target_c=None))

    assert said(0.0) == [Send("r/set", "23")]
    assert said(10_000.0) == [], "it may be kept in flash"
    actuator.forget()
    assert said(10_001.0) == [Send("r/set", "23")]
