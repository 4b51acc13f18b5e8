"""Devices that restart, vanish and come back: whatever they wake up as is nobody's wish."""

from typing import Any

import pytest

BOILER = '[plugs.boiler]\ntopic = "shellyplus1pm-1"\nphases = ["a"]\n'
TASMOTA = '[plugs.boiler]\ndriver = "tasmota"\ntopic = "plug1"\nphases = ["a"]\n'
OLD = '[plugs.boiler]\ndriver = "shelly_gen1"\ntopic = "shelly1-A"\nphases = ["a"]\n'


def switched_by_hand(house: Any) -> bool:
    return "switched_by_hand" in {code for code, _ in house.bus.events}


@pytest.mark.parametrize(
    ("plugs", "kind", "topic", "greeting"),
    [
        pytest.param(BOILER, "shelly", "shellyplus1pm-1/online", "true", id="a Shelly"),
        pytest.param(OLD, "old_shelly", "shellies/shelly1-A/online", "true", id="an old Shelly"),
        pytest.param(TASMOTA, "tasmota", "tele/plug1/LWT", "Online", id="a Tasmota"),
    ],
)
async def test_a_device_that_restarts_so_fast_that_no_last_will_is_sent_and_comes_back_on_is_switched_off(
    house_of: Any, request: Any, plugs: str, kind: str, topic: str, greeting: str
) -> None:
    device = request.getfixturevalue(kind)
    async with house_of(plugs, device) as house:
        await house.pass_time(40, order=False)
        device.on = True
        device.tell(topic, greeting)
        device.say("init")
        await house.pass_time(5, order=False)

        assert device.on is False
        assert house.state().manual is False
        assert not switched_by_hand(house)


async def test_only_the_first_word_after_the_connection_is_excused(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(40, order=False)
        shelly.tell("shellyplus1pm-1/online", "true")
        shelly.say("init")
        await house.pass_time(5, order=False)
        shelly.on = True
        shelly.say("button")
        await house.pass_time(5, order=False)

        assert shelly.on is True
        assert house.state().manual is True


async def test_a_plug_that_went_away_while_we_did_not_hear_is_no_hand_when_it_comes_back_off(
    house_of: Any, shelly: Any
) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(40, order=True)
        # Our own connection was broken: the broker replays the last will of the plug to us.
        shelly.deaf = True
        shelly.tell("shellyplus1pm-1/online", "false", retained=True)
        await house.pass_time(2, order=True)
        assert house.state().link is False
        assert house.state().on is None
        shelly.on, shelly.timer_until_s, shelly.deaf = False, None, False
        shelly.tell("shellyplus1pm-1/online", "true")
        shelly.say("init")
        await house.pass_time(130, order=True)

        assert not switched_by_hand(house)
        assert shelly.on is True, "it is granted, so it goes on again"


async def test_a_retained_online_of_a_device_that_says_nothing_any_more_is_believed_for_two_minutes(
    house_of: Any, shelly: Any
) -> None:
    shelly.deaf = True
    async with house_of(BOILER, shelly) as house:
        shelly.tell("shellyplus1pm-1/online", "true", retained=True)
        await house.pass_time(60)
        assert house.state().link is True
        await house.pass_time(65)

        assert house.state().link is False
        assert "link_lost" in {code for code, _ in house.bus.events}


async def test_a_relay_that_chatters_is_reported_and_nobodys_hand(house_of: Any, old_shelly: Any) -> None:
    async with house_of(OLD, old_shelly) as house:
        await house.pass_time(40, order=False)
        for flip in range(20):
            old_shelly.on = flip % 2 == 0
            old_shelly.say("")
            await house.pass_time(1, order=False if flip % 10 == 0 else None)
        await house.pass_time(5, order=False)

        codes = [code for code, _ in house.bus.events]
        assert codes.count("relay_chatters") == 1
        assert codes.count("switched_by_hand") <= 4
        assert house.state().manual is False
        assert old_shelly.on is False


async def test_an_energy_counter_that_begins_anew_is_told_as_it_is(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        shelly.deaf = True
        for total in ("5000.5", "0.0", "1.5"):
            shelly.tell("shellyplus1pm-1/status/switch:0", f'{{"id":0,"aenergy":{{"total":{total}}}}}')
            await house.pass_time(2)
            assert house.state().energy_wh == float(total)
        assert {code for code, _ in house.bus.events} <= {"power_on_state"}


async def test_a_renamed_zigbee_plug_loses_its_link_and_is_not_switched_on(house_of: Any) -> None:
    async with house_of('[plugs.boiler]\ndriver = "zigbee2mqtt"\ntopic = "old"\nphases = ["a"]\n') as house:
        house.bus.feed_raw("zigbee2mqtt/old", '{"state":"OFF","power":0}')
        await house.pass_time(5, order=False)
        assert house.state().link is True
        # The bridge takes away what it had retained under the old name.
        house.bus.feed_raw("zigbee2mqtt/old", "")
        house.bus.feed_raw("zigbee2mqtt/new", '{"state":"OFF","power":0}')
        await house.pass_time(130, order=True)

        assert house.state().link is False
        house.bus.said_raw.clear()
        await house.pass_time(60, order=True)
        assert [topic for topic, _ in house.bus.said_raw if topic.endswith("/set")] == []


async def test_a_zigbee_bridge_that_publishes_each_value_on_its_own_topic_is_understood(
    house_of: Any,
) -> None:
    # Koenkk/zigbee2mqtt issue 32463: the same plug, value by value.
    async with house_of('[plugs.boiler]\ndriver = "zigbee2mqtt"\ntopic = "z1"\nphases = ["a"]\n') as house:
        for name, value in (("power", "0"), ("state", "OFF"), ("voltage", "243"), ("energy", "12.05")):
            house.bus.feed_raw(f"zigbee2mqtt/z1/{name}", value)
        house.bus.feed_raw("zigbee2mqtt/z1/state", "")
        house.bus.feed_raw("zigbee2mqtt/z1/power", "null")
        await house.pass_time(2)

        assert (house.state().on, house.state().power_w, house.state().energy_wh) == (False, 0.0, 12050.0)
        assert house.bus.events == []
        house.bus.feed_raw("zigbee2mqtt/z1/power", "1e12")
        house.bus.feed_raw("zigbee2mqtt/z1/state", "perhaps")
        await house.pass_time(2)
        assert (house.state().on, house.state().power_w) == (False, 0.0)
        assert {"out_of_range", "not_a_switch"} <= {code for code, _ in house.bus.events}


TANKS_PLUG = (
    BOILER
    + '[heaters.tank]\nplug = "boiler"\nphases = ["a"]\n[heaters.tank.topics]\ntemperature = { topic = "t" }\n'
)


@pytest.mark.parametrize(
    ("issuer", "stays_on"),
    [
        pytest.param("heat", False, id="the tank's own service knows that it is at its maximum"),
        pytest.param("neighbour", True, id="a stranger may not end the owner's hand"),
    ],
)
async def test_what_a_hand_switched_on_ends_when_the_tank_is_at_its_maximum(
    house_of: Any, shelly: Any, issuer: str, stays_on: bool
) -> None:
    async with house_of(TANKS_PLUG, shelly) as house:
        await house.pass_time(40)
        shelly.on = True
        shelly.say("button")
        house.order(False, issuer="heat")
        await house.pass_time(5)
        assert shelly.on is True, "warm enough is no reason against a hand"
        house.order(False, issuer=issuer, ends_hand=True)
        await house.pass_time(3)

        assert shelly.on is stays_on
        assert ("hand_ended" in {code for code, _ in house.bus.events}) is not stays_on


async def test_phases_that_are_left_out_are_told_once(house_of: Any) -> None:
    plugs = '[plugs.fan]\ntopic = "fan"\n[plugs.lamp]\ntopic = "lamp"\nphases = ["b"]\n'
    async with house_of(plugs) as house:
        await house.pass_time(60)

        told = [text for code, text in house.bus.events if code == "phase_unknown"]
        assert len(told) == 1
        assert told[0].startswith("plugs.fan.phases: not written, so it counts on every phase")


async def test_two_houses_on_one_broker_ask_under_names_of_their_own(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(5)
        asked = [payload for topic, payload in house.bus.said_raw if topic == "shellyplus1pm-1/rpc"]
        shelly.tell("busbar/elsewhere/boiler/rpc", '{"id":2,"src":"theirs","result":{"id":0,"output":true}}')
        await house.pass_time(2)

        assert all(b'"src":"busbar/home/boiler"' in payload for payload in asked)
        assert house.state().on is False
