"""The heat service at work: grants and their ends, the owner's hands, kills and restarts, hostile sensors."""

import itertools
from typing import Any

import msgspec
import pytest

from busbar_contracts.allocation import Allocation, MeterHealth, Pools
from busbar_contracts.load import (
    HeatMode,
    HeatState,
    LoadMode,
    LoadSettings,
    ManualHeat,
    PlugState,
    PlugSwitch,
)
from busbar_heat.config import setups
from busbar_shared.clock import VirtualClock
from busbar_shared.config.load import BadConfig

TANK = """
[heaters.tank]
rating_w = 2000
[heaters.tank.topics]
temperature = { topic = "t/c" }
power = { topic = "t/w" }
command = "t/set"
"""
PLUGGED = """
[plugs.heater]
[heaters.tank]
plug = "heater"
[heaters.tank.topics]
temperature = { topic = "t/c" }
"""
ROOM = """
[heaters.room]
kind = "setpoint"
comfort_c = 21
hysteresis_k = 0.5
season = "device"
[heaters.room.topics]
temperature = { topic = "r/c" }
target = { topic = "r/target" }
device_mode = { topic = "r/mode" }
set_target = "r/set"
"""
PUMP = """
[heaters.pump]
kind = "sg_ready"
[heaters.pump.topics]
relay_a = { command = "p/a" }
relay_b = { command = "p/b" }
recommend_above_w = 1000
force_above_w = 3000
"""
MODES = (LoadMode.NORMAL, LoadMode.BOOST, LoadMode.SOLAR_ONLY, LoadMode.EXCESS, LoadMode.OFF)


def settings(mode: LoadMode) -> LoadSettings:
    return LoadSettings(mode=mode, modes=MODES, priority=1, enabled=True)


async def test_a_cold_tank_is_heated_when_granted_and_stops_with_the_grant(house_of: Any) -> None:
    async with house_of(TANK) as house:
        await house.pass_time(40, t_c="40.0")
        asked = house.state()
        await house.pass_time(60, HeatMode.NORMAL, t_c="40.0")
        assert house.told("t/set") == ["OFF", "ON"]
        assert house.state().order is HeatMode.NORMAL
        await house.pass_time(32, t_c="40.0")
        assert house.told("t/set") == ["OFF", "ON", "OFF"]

    assert asked.comfort_demand is True
    assert asked.storage_demand is True
    assert (asked.temperature_c, asked.target_c, asked.storage_c) == (40.0, 45.0, 70.0)


async def test_what_a_heater_says_is_the_contract(house_of: Any) -> None:
    async with house_of(TANK) as house:
        await house.pass_time(90, HeatMode.BOOST, t_c="40.0", t_w="1990")
        for topic, said in house.bus.said:
            if topic.startswith("hems/ha/"):
                continue  # what Home Assistant is shown is tested in tests/shared/discovery
            assert topic == "hems/heat/tank/state"
            assert msgspec.json.decode(msgspec.json.encode(said), type=HeatState) == said


async def test_a_block_from_anybody_counts_and_a_grant_from_a_stranger_does_not(house_of: Any) -> None:
    async with house_of(TANK) as house:
        await house.pass_time(60, HeatMode.NORMAL, t_c="40.0")
        house.order(HeatMode.BLOCK, issuer="grid-operator")
        await house.pass_time(3, t_c="40.0")
        assert house.told("t/set")[-1] == "OFF"
        assert house.state().issuer == "grid-operator"
        house.order(HeatMode.BOOST, issuer="neighbour")
        await house.pass_time(3, t_c="40.0")
        assert "neighbour" in house.state().last_refusal


async def test_a_restart_takes_grants_up_again_but_no_longer_than_they_held(
    house_of: Any, clock: VirtualClock
) -> None:
    async with house_of(TANK) as house:
        await house.pass_time(60, HeatMode.NORMAL, t_c="40.0")
    async with house_of(TANK) as house:
        restored = house.state()
    await clock.advance(60)
    async with house_of(TANK) as house:
        await house.pass_time(3, t_c="40.0")
        assert house.told("t/set") == ["OFF"], "what ran out while nobody looked is over at once"

    assert restored.order is HeatMode.NORMAL


async def test_a_restart_does_not_shorten_the_minimum_time_off(house_of: Any) -> None:
    async with house_of(TANK) as house:
        await house.pass_time(60, HeatMode.NORMAL, t_c="40.0")
        assert house.told("t/set")[-1] == "ON"
    async with house_of(TANK) as house:
        await house.pass_time(110, HeatMode.NORMAL, t_c="40.0")
        assert house.told("t/set") == ["OFF"]
        await house.pass_time(20, HeatMode.NORMAL, t_c="40.0")
        assert house.told("t/set") == ["OFF", "ON"]


async def test_sigterm_leaves_the_tank_off(house_of: Any) -> None:
    async with house_of(TANK) as house:
        await house.pass_time(60, HeatMode.NORMAL, t_c="40.0")

    assert house.told("t/set")[-1] == "OFF"


async def test_a_tank_behind_a_plug_is_switched_by_leases(house_of: Any) -> None:
    async with house_of(PLUGGED) as house:
        await house.pass_time(60, HeatMode.NORMAL, t_c="40.0")
        plug = PlugState(
            at=house.clock.now(),
            link=True,
            on=True,
            power_w=1980.0,
            sampled_at=house.clock.now(),
            energy_wh=5.0,
        )
        house.bus.feed(plug, plug="heater")
        await house.pass_time(2, HeatMode.NORMAL, t_c="40.0")
        state = house.state()
        orders = [one for topic, one in house.bus.said if isinstance(one, PlugSwitch)]

    assert {topic for topic, one in house.bus.said if isinstance(one, PlugSwitch)} == {
        "hems/plug/heater/switch/set"
    }
    assert [order.on for order in orders][-1] is True
    assert all(order.issuer == "heat" for order in orders)
    assert [later.seq - earlier.seq for earlier, later in itertools.pairwise(orders)] == [1] * (
        len(orders) - 1
    )
    assert len([order for order in orders if order.on]) >= 2, "renewed at a third of its lease"
    assert (state.on, state.power_w) == (True, 1980.0)


async def test_a_hostile_thermometer_is_reported_and_never_heats(house_of: Any) -> None:
    async with house_of(TANK) as house:
        await house.pass_time(60, HeatMode.NORMAL, t_c="60.0")
        for payload in ("nan", "-127", "1e9", "cold", "[]", "", "{}", "true"):
            await house.pass_time(5, HeatMode.NORMAL, t_c=payload)
        assert house.told("t/set") == ["OFF"]
        assert house.state().temperature_c == 60.0
        assert {"not_finite", "out_of_range", "not_a_number"} <= {code for code, _ in house.bus.events}


async def test_a_number_of_hundreds_of_digits_does_not_end_the_service(house_of: Any) -> None:
    in_json = TANK.replace('{ topic = "t/c" }', '{ topic = "t/c", path = "c" }')
    assert in_json != TANK
    async with house_of(in_json) as house:
        await house.pass_time(5, HeatMode.NORMAL, t_c='{"c":' + "9" * 400 + "}")
        await house.pass_time(5, HeatMode.NORMAL, t_c='{"c":60.0}')

        assert house.state().temperature_c == 60.0
        assert "out_of_range" in [code for code, _ in house.bus.events]


async def test_an_old_retained_temperature_is_not_a_temperature(house_of: Any) -> None:
    async with house_of(TANK) as house:
        house.bus.feed_raw("t/c", "30.0", retained=True)
        await house.pass_time(60, HeatMode.NORMAL)
        assert house.state().temperature_c is None
        assert house.told("t/set") == ["OFF"]


async def test_mode_off_blocks_whatever_is_ordered(house_of: Any) -> None:
    async with house_of(TANK) as house:
        house.bus.feed(settings(LoadMode.OFF), load="tank")
        await house.pass_time(60, HeatMode.BOOST, t_c="30.0")
        assert house.told("t/set") == ["OFF"]
        assert house.state().comfort_demand is False


async def test_a_room_is_made_warmer_in_winter_and_cooler_in_summer_and_given_back(house_of: Any) -> None:
    async with house_of(ROOM) as house:
        await house.pass_time(40, r_c="21.0", r_target="21", r_mode="heat")
        assert house.told("r/set") == [], "what is already right is not said"
        await house.pass_time(60, HeatMode.BOOST, "room", r_c="21.0", r_mode="heat")
        assert house.told("r/set") == ["23"]
        assert house.state("room").offset_k == 2.0
        house.bus.feed_raw("r/target", "23")
        await house.pass_time(200, HeatMode.BOOST, "room", r_c="21.0", r_mode="cool")
        assert house.told("r/set") == ["23", "19"]
        house.bus.feed_raw("r/target", "19")
        await house.pass_time(5, HeatMode.BOOST, "room")

    assert house.told("r/set") == ["23", "19", "21"]


async def test_a_room_is_blocked_only_when_something_is_withheld_from_it(house_of: Any) -> None:
    async with house_of(ROOM) as house:
        await house.pass_time(60, HeatMode.BLOCK, "room", r_c="21.6", r_mode="heat")
        assert house.told("r/set") == []
        assert house.state("room").comfort_demand is False
        await house.pass_time(40, HeatMode.BLOCK, "room", r_c="20.3", r_mode="heat")
        assert house.told("r/set") == ["19"]
        await house.pass_time(200, HeatMode.NORMAL, "room", r_c="20.3", r_mode="heat")
        assert house.told("r/set") == ["19", "21"]


async def test_a_room_whose_season_is_unknown_is_left_alone(house_of: Any) -> None:
    async with house_of(ROOM) as house:
        await house.pass_time(100, HeatMode.BOOST, "room", r_c="21.0")
        assert house.told("r/set") == []
        assert "unknown" in house.state("room").problem


async def test_the_owner_turns_the_knob_and_keeps_it(house_of: Any) -> None:
    async with house_of(ROOM) as house:
        await house.pass_time(60, HeatMode.BOOST, "room", r_c="21.0", r_mode="heat")
        house.bus.feed_raw("r/target", "23")
        await house.pass_time(200, HeatMode.BOOST, "room", r_c="21.0")
        house.bus.feed_raw("r/target", "19")
        await house.pass_time(5, HeatMode.NORMAL, "room", r_c="21.0")
        state = house.state("room")
    async with house_of(ROOM) as house:
        await house.pass_time(5)
        remembered = house.state("room").target_c

    assert (state.target_c, state.offset_k) == (19.0, 0.0)
    assert "target_changed" in [code for code, _ in house.bus.events] or remembered == 19.0
    assert remembered == 19.0


def pools(house: Any, excess_w: float) -> None:
    at = house.clock.now()
    house.bus.feed(
        Allocation(at=at, meter=MeterHealth.FRESH, loads={}, circuits={}, pools=Pools(excess_w=excess_w))
    )


async def test_a_heat_pump_follows_the_surplus_in_steps_of_ten_minutes(house_of: Any) -> None:
    async with house_of(PUMP) as house:
        house.bus.feed(settings(LoadMode.EXCESS), load="pump")
        await house.pass_time(40)
        assert (house.told("p/a"), house.told("p/b")) == (["OFF"], ["OFF"])
        pools(house, 1500.0)
        await house.pass_time(5, HeatMode.BOOST, "pump")
        assert house.state("pump").sg_state == 3
        pools(house, 5000.0)
        await house.pass_time(20, HeatMode.BOOST, "pump")
        assert house.state("pump").sg_state == 3
        for _ in range(60):
            pools(house, 5000.0)
            await house.pass_time(10, HeatMode.BOOST, "pump")
        assert house.state("pump").sg_state == 4
        await house.pass_time(30, HeatMode.BLOCK, "pump")
        assert house.state("pump").sg_state == 1

    assert (house.told("p/a")[-1], house.told("p/b")[-1]) == ("OFF", "OFF"), "SIGTERM leaves it normal"


async def test_a_blocked_heat_pump_stays_blocked_when_the_allocator_dies_but_not_for_ever(
    house_of: Any,
) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(40)
        await house.pass_time(30, HeatMode.BLOCK, "pump")
        await house.pass_time(3600)
        assert house.state("pump").sg_state == 1
        await house.pass_time(3600)
        assert house.state("pump").sg_state == 2


async def test_the_owner_sets_the_four_states_by_hand(house_of: Any) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(40, HeatMode.NORMAL, "pump")
        house.bus.feed(ManualHeat(sg_state=4), heater="pump")
        await house.pass_time(3, HeatMode.NORMAL, "pump")
        assert house.state("pump").sg_state == 4
        assert (house.state("pump").comfort_demand, house.state("pump").storage_demand) == (True, False)
        house.bus.feed(ManualHeat(sg_state=1), heater="pump")
        await house.pass_time(3, HeatMode.NORMAL, "pump")
        assert house.state("pump").comfort_demand is False, "blocked by hand it keeps no place on the wires"
        house.bus.feed(ManualHeat(sg_state=None), heater="pump")
        await house.pass_time(601, HeatMode.NORMAL, "pump")
        assert house.state("pump").sg_state == 2


@pytest.mark.parametrize(
    ("heaters", "sentence"),
    [
        pytest.param(
            '[heaters.x]\nkind="setpoint"\n', "heaters.x.topics.set_target: is needed to move a set-point", id="no set-point"
        ),
        pytest.param(
            '[heaters.x]\nkind="sg_ready"\n[heaters.x.topics]\nrelay_a={command="a"}\n',
            "heaters.x.topics: an SG Ready heat pump needs relay_a and relay_b, or plug_a and plug_b",
            id="one contact",
        ),
        pytest.param(
            "[heaters.x]\n",
            "heaters.x: needs plug, topics.command, topics.set_power or topics.set_target",
            id="a tank nobody can switch",
        ),
        pytest.param(
            '[heaters.x]\n[heaters.x.topics]\ncommand="a/#"\n',
            "heaters.x.topics.command: 'a/#' is no topic of one device",
            id="a wildcard would switch the neighbour's",
        ),
        pytest.param(
            '[heaters.x]\nmax_c=61\nstorage_c=60\n[heaters.x.topics]\ncommand="a"\n',
            "heaters.x.legionella_c: 60 °C cannot be held below max_c, 61 °C",
            id="a programme that cannot be met",
        ),
        pytest.param(
            '[heaters.x]\n[heaters.x.topics]\ncommand="a"\ntemprature={topic="t"}\n',
            "heaters.x.topics: Object contains unknown field `temprature`",
            id="a wrong key",
        ),
        pytest.param(
            '[heaters.x]\n[heaters.x.topics]\nset_target="a"\n',
            "heaters.x.topics.idle_c: say which set-point makes the tank rest",
            id="a tank with a set-point only",
        ),
    ],
)  # fmt: skip
def test_a_wrong_configuration_is_a_sentence(heaters: str, sentence: str, site_from: Any) -> None:
    with pytest.raises(BadConfig) as error:
        setups(site_from(heaters))

    assert str(error.value) == sentence


async def test_a_service_killed_right_after_moving_a_set_point_still_knows_the_owners_target(
    house_of: Any,
) -> None:
    async with house_of(ROOM) as house:
        await house.pass_time(39, r_c="21.0", r_target="20", r_mode="heat")
        house.order(HeatMode.BOOST, "room")
        await house.pass_time(1)
        assert house.told("r/set") == ["22"]
        kept = (house.service.state_dir / "duties.json").read_bytes()
    (house.service.state_dir / "duties.json").write_bytes(kept)
    async with house_of(ROOM) as house:
        await house.pass_time(5, r_target="22", r_mode="heat")

        assert house.state("room").target_c == 20.0


RANGED = """
[heaters.tank]
rating_w = 3000
min_w = 500
step_w = 250
[heaters.tank.topics]
temperature = { topic = "t/c" }
set_power = "t/power"
set_power_payload = '{"kw":{value}}'
set_power_unit = "kW"
"""


@pytest.mark.parametrize(
    ("granted_w", "said"),
    [
        pytest.param(1900.0, '{"kw":1.75}', id="on its step, rounded down"),
        pytest.param(9000.0, '{"kw":3}', id="at most its rating"),
        pytest.param(400.0, '{"kw":0}', id="off below its least"),
        pytest.param(None, '{"kw":0.5}', id="without a figure its least"),
    ],
)
async def test_a_heater_with_a_range_runs_at_what_was_granted(
    house_of: Any, granted_w: float | None, said: str
) -> None:
    async with house_of(RANGED) as house:
        await house.pass_time(40, t_c="40.0")
        house.order(HeatMode.NORMAL, power_w=granted_w)
        await house.pass_time(5, t_c="40.0")
        assert house.told("t/power")[-1] == said
        assert (house.state().min_w, house.state().max_w, house.state().step_w) == (500.0, 3000.0, 250.0)

    assert house.told("t/power")[-1] == '{"kw":0}'


async def test_a_granted_heater_that_does_not_draw_for_two_minutes_says_that_it_is_idle(
    house_of: Any,
) -> None:
    pump = """
[heaters.pump]
kind = "sg_ready"
rating_w = 2500
[heaters.pump.topics]
relay_a = { command = "relays/a/set" }
relay_b = { command = "relays/b/set" }
power = { topic = "pump/power" }
"""
    async with house_of(pump) as house:
        await house.pass_time(100, HeatMode.NORMAL, heater="pump", pump_power="4")
        assert house.state("pump").idle is False
        await house.pass_time(60, HeatMode.NORMAL, heater="pump", pump_power="4")
        assert house.state("pump").idle is True
        await house.pass_time(40, HeatMode.NORMAL, heater="pump", pump_power="2100")
        assert house.state("pump").idle is False
        await house.pass_time(200, HeatMode.BLOCK, heater="pump", pump_power="4")
        assert house.state("pump").idle is True, "whoever blocked it, the sun is not for it"
