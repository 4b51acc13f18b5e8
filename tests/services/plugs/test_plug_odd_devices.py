"""Devices that babble, vanish, wake up, fall silent or do not obey: the service stays, and nothing goes on."""

from typing import Any

import pytest

from busbar_contracts.load import ManualSwitch

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


@pytest.mark.parametrize(
    "status",
    [
        pytest.param('"output":false,"source":"timer"', id="a timer of the device's own"),
        pytest.param(
            '"output":false,"source":"overpower","errors":["overpower"]', id="its overload protection"
        ),
    ],
)
async def test_what_the_device_itself_ended_after_a_hand_is_not_switched_on_again(
    status: str, house_of: Any, shelly: Any
) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(60)
        shelly.on = True
        shelly.say("button")
        await house.pass_time(60)
        assert house.state().manual is True
        shelly.on = False
        frame = '{"src":"shellyplus1pm-1","method":"NotifyStatus","params":{"ts":1.0,"switch:0":{"id":0,%s}}}'
        shelly.tell("shellyplus1pm-1/events/rpc", frame % status)
        await house.pass_time(300)

        assert house.state().manual is False
        assert shelly.history == [], "nothing was ordered"


async def test_a_wish_on_the_bus_outlives_our_own_timer(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(40)
        house.bus.feed(ManualSwitch(on=True), plug="boiler")
        await house.pass_time(5)
        shelly.deaf = True
        await house.pass_time(70)
        assert shelly.on is False, "its timer was not renewed"
        shelly.deaf = False
        await house.pass_time(60)

        assert shelly.on is True
        assert house.state().manual is True


async def test_a_plug_that_a_hand_switched_on_and_somebody_unplugged_wakes_up_off(
    house_of: Any, old_shelly: Any
) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(40)
        old_shelly.on = True
        old_shelly.say("")
        await house.pass_time(20)
        assert house.state().manual is True
        old_shelly.tell("shellies/shelly1-A/online", "false")
        await house.pass_time(20)
        old_shelly.on = False
        old_shelly.tell("shellies/shelly1-A/online", "true")
        old_shelly.say("")
        await house.pass_time(120)

    assert True not in [on for _, on in old_shelly.history], "nobody switched it on again"
