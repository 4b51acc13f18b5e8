"""Generic loads in the service: a range, a number instead of a switch, and configurations that cannot be."""

from typing import Any

import pytest

from busbar_contracts.load import ManualSwitch
from busbar_plugs.config import setups
from busbar_shared.clock import VirtualClock
from busbar_shared.config.load import BadConfig

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
    pytest.param(
        '[plugs.x]\ntopic = "dev"\n[plugs.y]\ntopic = "dev"\n',
        "plugs.y: switches the same relay as plugs.x",
        id="one Shelly twice",
    ),
    pytest.param(
        '[plugs.x]\ndriver = "tasmota"\ntopic = "dev"\n[plugs.y]\ndriver = "tasmota"\ntopic = "dev"\nchannel = 1\n',
        "plugs.y: switches the same relay as plugs.x",
        id="the only relay of a Tasmota is its first",
    ),
    pytest.param(
        '[plugs.x]\ndriver = "zigbee2mqtt"\ntopic = "dev"\n[plugs.y]\ndriver = "zigbee2mqtt"\n'
        'topic = "zigbee2mqtt/dev"\n',
        "plugs.y: switches the same relay as plugs.x",
        id="one Zigbee plug under two spellings",
    ),
]


def test_the_relays_of_one_device_are_plugs_of_their_own(site_from: Any) -> None:
    text = (
        '[plugs.a]\ntopic = "dev"\n[plugs.b]\ntopic = "dev"\nchannel = 1\n'
        '[plugs.c]\ndriver = "zigbee2mqtt"\ntopic = "z"\nendpoint = "l1"\n'
        '[plugs.d]\ndriver = "zigbee2mqtt"\ntopic = "z"\nendpoint = "l2"\n'
    )

    assert [one.id for one in setups(site_from(text))] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("plugs", "sentence"), WRONG)
def test_a_wrong_configuration_is_a_sentence(plugs: str, sentence: str, site_from: Any) -> None:
    with pytest.raises(BadConfig) as error:
        setups(site_from(plugs))

    assert str(error.value) == sentence


async def test_the_owner_may_start_a_load_that_knows_only_a_number(house_of: Any) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(5, order=False, plug="pump")
        house.bus.feed(ManualSwitch(on=True), plug="pump")
        await house.pass_time(5, order=False, plug="pump")
        assert house.bus.said_raw[-1] == ("pump/set", b"1500")
        house.bus.feed(ManualSwitch(on=False), plug="pump")
        await house.pass_time(5, order=False, plug="pump")
        assert house.bus.said_raw[-1] == ("pump/set", b"0")


async def test_a_load_that_takes_another_power_than_it_was_told_is_reported_once(house_of: Any) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(40, order=False, plug="pump")
        for _ in range(12):
            await house.pass_time(10, order=True, plug="pump", power_w=1000.0)
            house.bus.feed_raw("pump/is", "700")
        told = [text for code, text in house.bus.events if code == "power_not_taken"]

        assert told == ["pump was set to 1000 W and says that it is set to 700 W"]
        assert house.state("pump").last_refusal == told[0]
        assert house.state("pump").manual is False


async def test_a_load_that_climbs_to_its_power_slowly_is_not_reported(house_of: Any) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(40, order=False, plug="pump")
        for watts in ("300", "600", "900", "1000", "1000", "1000", "1000", "1000"):
            await house.pass_time(10, order=True, plug="pump", power_w=1000.0)
            house.bus.feed_raw("pump/is", watts)

        assert "power_not_taken" not in [code for code, _ in house.bus.events]


async def test_a_load_that_says_it_still_runs_is_told_to_be_off_until_it_is(house_of: Any) -> None:
    async with house_of(PUMP) as house:
        await house.pass_time(40, order=False, plug="pump")
        await house.pass_time(5, order=True, plug="pump", power_w=1000.0)
        house.bus.feed_raw("pump/is", "1000")
        await house.pass_time(30, order=True, plug="pump", power_w=1000.0)
        house.bus.said_raw.clear()
        for _ in range(6):
            await house.pass_time(10, order=False, plug="pump")
            house.bus.feed_raw("pump/is", "1000")
        offs = [payload for topic, payload in house.bus.said_raw if topic == "pump/set"]

        assert set(offs) == {b"0"}
        assert len(offs) >= 4
        assert "plug_does_not_obey" in [code for code, _ in house.bus.events]


FAN = """
[plugs.fan]
driver = "generic"
phases = ["a"]
[plugs.fan.generic]
command = "fan/set"
"""


async def test_a_load_that_never_answers_is_told_to_be_off_four_times_in_case_one_is_lost(
    house_of: Any,
) -> None:
    async with house_of(FAN) as house:
        await house.pass_time(40, order=True, plug="fan")
        house.bus.said_raw.clear()
        await house.pass_time(600, order=False, plug="fan")
        told = [payload for topic, payload in house.bus.said_raw if topic == "fan/set"]

    assert told[:4] == [b"OFF"] * 4
    assert len(told) <= 5, "and then left in peace"


@pytest.mark.parametrize(
    ("said", "on"),
    [
        pytest.param('{"on":1}', True, id="1 in JSON"),
        pytest.param('{"on":0}', False, id="0 in JSON"),
        pytest.param('{"on":"1"}', True, id="the same as text"),
        pytest.param('{"on":3}', True, id="the owner's own number for on"),
        pytest.param('{"on":2}', None, id="a number nobody named"),
        pytest.param('{"on":1e400}', None, id="beyond a float"),
        pytest.param('{"on":[1]}', None, id="an array"),
    ],
)
async def test_a_generic_load_may_say_on_with_a_number(house_of: Any, said: str, on: bool | None) -> None:
    text = FAN + 'state = { topic = "fan/is", path = "on" }\non = "3"\n'
    async with house_of(text) as house:
        house.bus.feed_raw("fan/is", said)
        await house.pass_time(2)

        assert house.state("fan").on is on
        assert [code for code, _ in house.bus.events] == ([] if on is not None else [house.bus.events[0][0]])
