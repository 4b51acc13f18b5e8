"""The plug service at work: orders and their ends, the owner's hand, kills and restarts, and hostile devices."""

import asyncio
from typing import Any

import msgspec
import pytest

from busbar_contracts.load import LoadMode, LoadSettings, ManualSwitch, PlugState
from busbar_plugs.config import setups
from busbar_shared.clock import VirtualClock
from busbar_shared.config.load import BadConfig

BOILER = """
[plugs.boiler]
driver = "shelly"
topic = "shellyplus1pm-1"
rating_w = 2000
"""
OLD_BOILER = """
[plugs.boiler]
driver = "shelly_gen1"
topic = "shelly1-A"
"""
TASMOTA = """
[plugs.boiler]
driver = "tasmota"
topic = "plug1"
use_pulse_time = true
"""


async def test_an_order_switches_and_its_end_switches_back(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(20, order=True)
        running = house.state()
        await house.pass_time(18)
        still_on = shelly.on
        await house.pass_time(3)

    assert running.on is True
    assert (running.order_on, running.issuer) == (True, "allocator")
    assert running.device_timer is True
    assert still_on is True
    assert [on for _, on in shelly.history] == [True, False]


async def test_what_a_plug_says_is_the_contract(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(60, order=True)
        for topic, said in house.bus.said:
            assert topic == "hems/plug/boiler/state"
            assert msgspec.json.decode(msgspec.json.encode(said), type=PlugState) == said


async def test_the_state_is_said_on_change_and_not_more_than_once_a_second(
    house_of: Any, shelly: Any
) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(10)
        house.bus.said.clear()
        for _ in range(50):
            shelly.tell("shellyplus1pm-1/status/switch:0", '{"id":0,"apower":5}')
            await house.clock.advance(0.1)
        said = len(house.bus.said)

    assert said <= 6


async def test_a_plug_with_a_timer_is_off_within_its_lease_when_the_service_is_killed(
    house_of: Any, shelly: Any
) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(25, order=True)
        house.task.cancel()
        house.bus.devices = ()  # killed: nothing it says arrives any more
        await asyncio.gather(house.task, return_exceptions=True)
        killed_at = house.clock.monotonic()
        await house.pass_time(61)

    assert [on for _, on in shelly.history] == [True, False]
    assert shelly.history[-1][0] - killed_at <= 60


async def test_a_plug_without_a_timer_is_off_as_soon_as_the_service_is_back(
    house_of: Any, old_shelly: Any
) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(25, order=True)
        house.bus.devices = ()
    async with house_of(OLD_BOILER, old_shelly) as house:
        assert house.state().device_timer is False
        await house.pass_time(29)

    assert [on for _, on in old_shelly.history] == [True, False]


async def test_a_restart_restores_the_lease_with_what_is_left_of_it(house_of: Any, old_shelly: Any) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(25, order=True)
        house.bus.devices = ()
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(5)
        restored = house.state()
        await house.pass_time(20, order=True)
        kept = old_shelly.on

    assert restored.order_on is True
    assert kept is True
    assert [on for _, on in old_shelly.history][:1] == [True]


async def test_a_service_without_memory_leaves_a_plug_alone_for_one_lease_and_then_makes_it_safe(
    house_of: Any, old_shelly: Any
) -> None:
    old_shelly.on = True
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(27)
        before = old_shelly.on
        await house.pass_time(5)

    assert before is True
    assert old_shelly.on is False


async def test_sigterm_leaves_the_plug_off(house_of: Any, old_shelly: Any) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(20, order=True)
        assert old_shelly.on is True

    assert old_shelly.on is False


async def test_a_restart_does_not_shorten_the_minimum_time_off(house_of: Any, old_shelly: Any) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(20, order=True)
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(110, order=True)
        assert old_shelly.on is False
        await house.pass_time(20, order=True)
        assert old_shelly.on is True


async def test_a_freezer_falls_back_to_on_and_has_no_timer(house_of: Any, shelly: Any) -> None:
    shelly.on = True
    async with house_of(BOILER + 'safe_state = "on"\nmin_off_s = 30\n', shelly) as house:
        await house.pass_time(40, order=False)
        assert shelly.on is False
        await house.pass_time(60)
        assert shelly.on is True
        assert shelly.timer_until_s is None
        assert house.state().device_timer is False


async def test_the_owners_button_is_respected_and_reported(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(60, order=False)
        shelly.move(True)
        shelly.say("button")
        await house.pass_time(60, order=False)
        held = house.state()
        await house.pass_time(1700, order=False)
        on_before_the_end = shelly.on
        await house.pass_time(60, order=False)

    assert held.manual is True
    assert ("switched_by_hand", "boiler was switched on by hand; respected for 30 min") in house.bus.events
    assert on_before_the_end is True
    assert shelly.on is False


async def test_the_owner_may_also_say_it_on_the_bus(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(5, order=False)
        house.bus.feed(ManualSwitch(on=True), plug="boiler")
        await house.pass_time(600, order=False)

        assert shelly.on is True
        assert house.state().manual is True


async def test_an_order_from_a_stranger_switches_nothing_on_but_may_switch_off(
    house_of: Any, shelly: Any
) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(5)
        house.order(True, issuer="neighbour")
        await house.pass_time(5)
        assert shelly.on is False
        assert "neighbour" in house.state().last_refusal
        await house.pass_time(20, order=True)
        house.order(False, issuer="grid-operator")
        await house.pass_time(15, order=True)
        assert shelly.on is False
        assert house.state().issuer == "grid-operator"


async def test_an_old_burst_of_orders_switches_nothing_on(
    house_of: Any, shelly: Any, clock: VirtualClock
) -> None:
    async with house_of(BOILER, shelly) as house:
        clock.jump(3600)
        house.order(True)
        clock.jump(-3600)
        await house.pass_time(5)
        assert shelly.on is False


async def test_pulse_time_is_armed_and_the_owners_setting_comes_back(house_of: Any, tasmota: Any) -> None:
    tasmota.pulse = 220
    async with house_of(TASMOTA, tasmota) as house:
        await house.pass_time(30)
        assert tasmota.pulse == 160
        assert house.state().device_timer is True
        await house.pass_time(300, order=True)
        assert [on for _, on in tasmota.history] == [True]

    assert tasmota.pulse == 220
    assert tasmota.on is False


async def test_after_a_kill_our_own_pulse_time_is_not_taken_for_the_owners(
    house_of: Any, tasmota: Any
) -> None:
    tasmota.pulse = 220
    async with house_of(TASMOTA, tasmota) as house:
        await house.pass_time(40)
        house.bus.devices = ()
        house.service.state_dir.joinpath("leases.json").rename(house.service.state_dir / "kept")
    house.service.state_dir.joinpath("kept").rename(house.service.state_dir / "leases.json")
    assert tasmota.pulse == 160
    async with house_of(TASMOTA, tasmota) as house:
        await house.pass_time(40)

    assert tasmota.pulse == 220


async def test_without_leave_a_tasmota_keeps_its_pulse_time_and_claims_no_timer(
    house_of: Any, tasmota: Any
) -> None:
    tasmota.pulse = 220
    async with house_of(TASMOTA.replace("use_pulse_time = true", ""), tasmota) as house:
        await house.pass_time(60, order=True)
        assert tasmota.pulse == 220
        assert house.state().device_timer is False


async def test_a_retained_old_reading_is_neither_fresh_nor_a_hand(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        shelly.deaf = True
        shelly.tell("shellyplus1pm-1/status/switch:0", '{"id":0,"output":true,"apower":1800}', retained=True)
        await house.pass_time(5)
        state = house.state()

    assert state.power_w in (None, 0.0)
    assert state.manual is False


async def test_a_device_that_babbles_nonsense_changes_nothing_and_is_reported_once(
    house_of: Any, shelly: Any
) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(30, order=True)
        good = house.state()
        for payload in (
            '{"apower":1e9,"output":[1]}',
            "nonsense",
            '{"apower":NaN}',
            '["on"]',
            '{"id":1,"output":false}',
        ):
            for _ in range(5):
                shelly.tell("shellyplus1pm-1/status/switch:0", payload)
        await house.pass_time(5, order=True)
        after = house.state()

    assert (after.on, after.power_w) == (good.on, good.power_w) == (True, 2000.0)
    assert "1e+09" in " ".join(text for code, text in house.bus.events if code == "out_of_range")
    assert len([code for code, _ in house.bus.events if code == "out_of_range"]) == 1
    assert [on for _, on in shelly.history] == [True, False], "on by order, off at the end, nothing between"


async def test_a_device_that_comes_and_goes_is_never_switched_on_by_that(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        for _ in range(10):
            shelly.tell("shellyplus1pm-1/online", "false")
            await house.pass_time(3, order=False)
            shelly.tell("shellyplus1pm-1/online", "true")
            await house.pass_time(3, order=False)

        assert shelly.history == []
        assert {"link_lost", "link_back"} <= {code for code, _ in house.bus.events}


async def test_a_plug_that_wakes_up_on_is_switched_off_and_not_taken_for_the_owner(
    house_of: Any, shelly: Any
) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(10, order=False)
        shelly.deaf = True
        shelly.tell("shellyplus1pm-1/online", "false")
        await house.pass_time(2, order=False)
        shelly.on, shelly.deaf = True, False
        shelly.tell("shellyplus1pm-1/online", "true")
        shelly.say("init")
        await house.pass_time(5, order=False)

        assert shelly.on is False
        assert house.state().manual is False


async def test_a_silent_device_loses_its_link(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(10)
        assert house.state().link is True
        shelly.deaf = True
        await house.pass_time(130)
        assert house.state().link is False


async def test_a_device_that_does_not_obey_is_reported(house_of: Any, old_shelly: Any) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(5)
        old_shelly.hear = lambda topic, payload: None
        old_shelly.tell("shellies/shelly1-A/relay/0", "off")
        await house.pass_time(60, order=True)

    assert "plug_does_not_obey" in [code for code, _ in house.bus.events]


async def test_flapping_orders_stay_within_the_switches_of_an_hour(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER + "min_off_s = 10\n", shelly) as house:
        for turn in range(180):
            await house.pass_time(20, order=turn % 2 == 0)
        switched = len(shelly.history)

    assert switched <= 12


async def test_a_satisfied_boiler_in_solar_only_is_done_and_asks_again_later(
    house_of: Any, shelly: Any
) -> None:
    settings = LoadSettings(
        mode=LoadMode.SOLAR_ONLY,
        modes=(LoadMode.CONTINUOUS, LoadMode.SOLAR_ONLY, LoadMode.EXCESS),
        priority=1,
        enabled=True,
    )
    async with house_of(BOILER, shelly) as house:
        house.bus.feed(settings, load="boiler")
        await house.pass_time(5)
        assert house.state().wants_power is True, "off is not absent"
        await house.pass_time(300, order=True)
        assert house.state().wants_power is True
        shelly.watts = 1.0
        await house.pass_time(200, order=True)
        assert house.state().wants_power is False
        await house.pass_time(900, order=False)
        assert house.state().wants_power is False
        await house.pass_time(1000, order=False)
        assert house.state().wants_power is True
        await house.pass_time(100, order=True)
        assert (shelly.on, house.state().wants_power) == (True, True), (
            "it is given time to show whether it draws"
        )
        await house.pass_time(60, order=True)
        assert house.state().wants_power is False
        await house.pass_time(1900, order=False)
        shelly.watts = 2000.0
        await house.pass_time(60, order=True)
        assert house.state().wants_power is True


PUMP = """
[plugs.pump]
driver = "generic"
rating_w = 1500
min_w = 300
max_w = 1500
step_w = 100
[plugs.pump.generic]
level = { topic = "pump/is", unit = "W" }
set_power = "pump/set"
"""


@pytest.mark.parametrize(
    ("asked", "set_to"),
    [
        pytest.param(750.0, "700", id="on its step, rounded down"),
        pytest.param(5000.0, "1500", id="at most its maximum"),
        pytest.param(None, "300", id="without a figure its minimum"),
    ],
)
async def test_a_pump_with_a_range_is_set_to_what_was_granted(
    house_of: Any, clock: VirtualClock, asked: float | None, set_to: str
) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(40)
        await house.pass_time(5, order=True, plug="pump", power_w=asked)
        assert house.bus.said_raw[-1] == ("pump/set", set_to.encode())
        house.bus.feed_raw("pump/is", set_to)
        await house.pass_time(60)

    assert house.bus.said_raw[-1] == ("pump/set", b"0")


async def test_a_pump_is_off_below_its_minimum(house_of: Any) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(5, order=True, plug="pump", power_w=200.0)

    assert {payload for topic, payload in house.bus.said_raw if topic == "pump/set"} <= {b"0"}


async def test_a_load_that_knows_only_a_number_may_still_be_on_or_off(house_of: Any) -> None:
    async with house_of(PUMP.replace("step_w = 100\n", "").replace("min_w = 300\n", "")) as house:
        await house.pass_time(40)
        await house.pass_time(5, order=True, plug="pump")
        assert house.bus.said_raw[-1] == ("pump/set", b"1500")
        assert (house.state("pump").min_w, house.state("pump").max_w, house.state("pump").step_w) == (
            1500,
            1500,
            None,
        )


WRONG = [
    pytest.param(
        "[plugs.x]\nstep_w = 100\n",
        "plugs.x.step_w: 100 W needs driver generic with generic.set_power",
        id="a relay with steps",
    ),
    pytest.param(
        '[plugs.x]\ntopic = "a/+"\n', "plugs.x.topic: 'a/+' is no topic of one device", id="a wildcard"
    ),
    pytest.param(
        '[plugs.x]\ndriver = "generic"\n',
        "plugs.x.generic: needs command or set_power, or nothing can be switched",
        id="nothing to switch with",
    ),
    pytest.param(
        '[plugs.x]\ndriver = "generic"\n[plugs.x.generic]\ncommand = "a"\npower = { topic = "b", unit = "hp" }\n',
        "plugs.x.generic.power.unit: 'hp' is not one of W, kW, mW",
        id="horsepower",
    ),
    pytest.param(
        '[plugs.x]\ndriver = "generic"\n[plugs.x.generic]\ncomand = "a"\n',
        "plugs.x.generic: Object contains unknown field `comand`",
        id="a wrong key",
    ),
]


@pytest.mark.parametrize(("plugs", "sentence"), WRONG)
def test_a_wrong_configuration_is_a_sentence(plugs: str, sentence: str, site_from: Any) -> None:
    with pytest.raises(BadConfig) as error:
        setups(site_from(plugs))

    assert str(error.value) == sentence


async def test_a_planned_restart_leaves_the_plug_as_it_is(house_of: Any, old_shelly: Any) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(40, order=True)
        house.service.handing_over = True
    assert old_shelly.on is True
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(20, order=True)

        assert [on for _, on in old_shelly.history] == [True]


async def test_a_younger_instance_listens_and_says_nothing_to_a_device(
    house_of: Any, old_shelly: Any
) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        house.service.passive = True
        house.bus.said_raw.clear()
        await house.pass_time(60, order=True)

    assert house.bus.said_raw == []
    assert old_shelly.on is False


async def test_a_heaters_plug_obeys_its_heater_and_not_the_allocator(house_of: Any, shelly: Any) -> None:
    heater = '[heaters.tank]\nplug = "boiler"\n'
    async with house_of(BOILER + heater, shelly) as house:
        await house.pass_time(5, order=True)
        assert shelly.on is False
        house.order(True, issuer="heat")
        await house.pass_time(15, order=False)
        assert shelly.on is True
        assert house.state().issuer == "heat"


async def test_a_tasmota_is_armed_within_two_seconds(house_of: Any, tasmota: Any) -> None:
    async with house_of(TASMOTA, tasmota) as house:
        await house.pass_time(2)

        assert tasmota.pulse == 160


async def test_the_owner_may_start_a_load_that_knows_only_a_number(house_of: Any) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(5, order=False, plug="pump")
        house.bus.feed(ManualSwitch(on=True), plug="pump")
        await house.pass_time(5, order=False, plug="pump")
        assert house.bus.said_raw[-1] == ("pump/set", b"1500")
        house.bus.feed(ManualSwitch(on=False), plug="pump")
        await house.pass_time(5, order=False, plug="pump")
        assert house.bus.said_raw[-1] == ("pump/set", b"0")


async def test_the_owners_pulse_time_is_on_disk_before_ours_is_in_the_device(
    house_of: Any, tasmota: Any
) -> None:
    tasmota.pulse = 220
    async with house_of(TASMOTA, tasmota) as house:
        await house.pass_time(2)
        kept = house.service.state_dir.joinpath("leases.json").read_text()
        assert tasmota.pulse == 160

    assert '"owner_pulse":220' in kept
