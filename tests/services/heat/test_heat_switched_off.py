"""A heat pump that regulates itself and is switched off by its owner: a block that was ordered ends by its own time."""

from typing import Any

from busbar_contracts.load import HeatMode, LoadMode, LoadSettings

PUMP = """
[heaters.pump]
kind = "sg_ready"
dwell_s = 30
block_max_s = 300
[heaters.pump.topics]
relay_a = { command = "p/a" }
relay_b = { command = "p/b" }
"""
ROOM = """
[heaters.room]
kind = "setpoint"
comfort_c = 21
phases = ["a"]
min_on_s = 30
block_max_s = 300
[heaters.room.topics]
temperature = { topic = "r/c" }
set_target = "r/set"
"""


def switched_off(enabled: bool = False) -> LoadSettings:
    return LoadSettings(
        mode=LoadMode.NORMAL, modes=(LoadMode.NORMAL, LoadMode.OFF), priority=1, enabled=enabled
    )


async def test_a_blocked_heat_pump_that_its_owner_switches_off_does_not_start_in_that_moment(
    house_of: Any,
) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(60, HeatMode.BLOCK, "pump")
        house.bus.feed(switched_off(), load="pump")
        await house.pass_time(200, HeatMode.BLOCK, "pump")
        assert house.state("pump").sg_state == 1
        await house.pass_time(60, HeatMode.BLOCK, "pump")
        assert house.state("pump").sg_state == 2, "its longest block is over"


async def test_a_heat_pump_that_may_run_is_left_to_itself_when_its_owner_switches_it_off(
    house_of: Any,
) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(60, HeatMode.NORMAL, "pump")
        house.bus.feed(switched_off(), load="pump")
        await house.pass_time(120, HeatMode.BLOCK, "pump")

        assert house.state("pump").sg_state == 2


async def test_a_blocked_room_that_its_owner_switches_off_is_not_made_warmer_in_that_moment(
    house_of: Any,
) -> None:
    async with house_of(ROOM) as house:
        await house.pass_time(90, HeatMode.BLOCK, "room", r_c="18.0")
        assert house.told("r/set")[-1] == "19"
        house.bus.feed(switched_off(), load="room")
        await house.pass_time(120, HeatMode.BLOCK, "room", r_c="18.0")
        assert house.told("r/set")[-1] == "19"
        await house.pass_time(120, HeatMode.BLOCK, "room", r_c="18.0")
        assert house.told("r/set")[-1] == "21", "its longest block is over"
