"""kill -9 in each state: dwell, minimum times, a boost that is done and the half hour go on where they were."""

from typing import Any

import pytest

from busbar_contracts.load import HeatMode, LoadMode, LoadSettings, ManualHeat

TANK = """
[heaters.tank]
rating_w = 2000
phases = ["a"]
[heaters.tank.topics]
temperature = { topic = "t/c" }
command = "t/set"
"""
PUMP = """
[heaters.pump]
kind = "sg_ready"
rating_w = 2000
phases = ["a"]
[heaters.pump.topics]
relay_a = { command = "p/a" }
relay_b = { command = "p/b" }
"""
MODES = (LoadMode.NORMAL, LoadMode.BOOST, LoadMode.SOLAR_ONLY, LoadMode.EXCESS, LoadMode.OFF)


class Killed:
    """What is on disk in the moment of the kill is all the next process finds."""

    def __init__(self, house: Any) -> None:
        self.folder = house.service.state_dir
        self.written = {file.name: file.read_bytes() for file in self.folder.glob("*.json")}

    def found(self) -> None:
        for file in self.folder.glob("*.json"):
            file.unlink()
        for name, raw in self.written.items():
            (self.folder / name).write_bytes(raw)


async def test_killed_two_seconds_after_the_heater_went_off_it_still_rests(house_of: Any) -> None:
    async with house_of(TANK) as house:
        await house.pass_time(60, HeatMode.NORMAL, t_c="40.0")
        assert house.told("t/set")[-1] == "ON"
        await house.pass_time(2, HeatMode.BLOCK, t_c="40.0")
        assert house.told("t/set")[-1] == "OFF"
        killed = Killed(house)
    killed.found()
    async with house_of(TANK) as house:
        await house.pass_time(110, HeatMode.NORMAL, t_c="40.0")
        assert house.told("t/set")[-1] == "OFF"
        await house.pass_time(30, HeatMode.NORMAL, t_c="40.0")
        assert house.told("t/set")[-1] == "ON"


@pytest.mark.parametrize("state", [3, 4])
async def test_killed_two_seconds_after_a_heat_pump_was_asked_for_more_its_dwell_goes_on(
    house_of: Any, state: int
) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(60, HeatMode.NORMAL, "pump")
        house.bus.feed(ManualHeat(sg_state=state), heater="pump")
        await house.pass_time(2, HeatMode.NORMAL, "pump")
        assert house.state("pump").sg_state == state
        killed = Killed(house)
    killed.found()
    async with house_of(PUMP) as house:
        house.bus.feed(ManualHeat(sg_state=None), heater="pump")
        await house.pass_time(500, HeatMode.NORMAL, "pump")
        assert house.state("pump").sg_state == state
        await house.pass_time(120, HeatMode.NORMAL, "pump")
        assert house.state("pump").sg_state == 2


async def test_killed_two_seconds_after_a_block_began_it_is_not_longer_for_that(house_of: Any) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(60, HeatMode.NORMAL, "pump")
        await house.pass_time(3, HeatMode.BLOCK, "pump")
        assert house.state("pump").sg_state == 1
        killed = Killed(house)
    killed.found()
    async with house_of(PUMP) as house:
        await house.pass_time(7100, HeatMode.BLOCK, "pump")
        assert house.state("pump").sg_state == 1
        await house.pass_time(110, HeatMode.BLOCK, "pump")
        assert house.state("pump").sg_state == 2


async def test_a_boost_that_has_reached_its_temperature_does_not_begin_again_with_a_restart(
    house_of: Any,
) -> None:
    boost = LoadSettings(mode=LoadMode.BOOST, modes=MODES, priority=1, enabled=True)
    async with house_of(TANK) as house:
        house.bus.feed(boost, load="tank")
        for celsius in range(58, 72, 3):
            await house.pass_time(60, HeatMode.BOOST, t_c=f"{celsius}.0")
        assert house.state().storage_demand is False
        killed = Killed(house)
    killed.found()
    async with house_of(TANK) as house:
        await house.pass_time(5, HeatMode.BOOST, t_c="62.0")
        house.bus.feed(boost, load="tank")
        await house.pass_time(60, HeatMode.BOOST, t_c="62.0")

        assert house.state().storage_demand is False
        assert "ON" not in house.told("t/set")


async def test_the_half_hour_is_on_disk_as_soon_as_it_is_done(house_of: Any) -> None:
    async with house_of(TANK) as house:
        await house.pass_time(2000, HeatMode.BLOCK, t_c="61.0")
        assert "legionella_done" in [code for code, _ in house.bus.events]
        killed = Killed(house)
    killed.found()

    assert b'"done_at":null' not in killed.written["learned.json"]
