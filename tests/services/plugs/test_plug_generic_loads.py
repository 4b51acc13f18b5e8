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
]


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
