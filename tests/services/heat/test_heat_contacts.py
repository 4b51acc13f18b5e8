"""Two plugs as the contacts of a heat pump: contact A alone would be a block, so it never closes alone by accident."""

from typing import Any

import pytest

from busbar_contracts.allocation import Allocation, LoadGrant, MeterHealth, Pools
from busbar_contracts.load import HeatMode, LoadMode, LoadSettings, ManualHeat, PlugState, PlugSwitch
from busbar_heat.config import setups
from busbar_shared.config.load import BadConfig

PLUGGED = """
[plugs.one]
phases = ["a"]
[plugs.two]
phases = ["a"]
[heaters.pump]
kind = "sg_ready"
rating_w = 2000
phases = ["a"]
dwell_s = 10
[heaters.pump.topics]
plug_a = "one"
plug_b = "two"
"""


class Pair:
    """The two plugs, which do as they are told unless one is broken."""

    def __init__(self, house: Any) -> None:
        self.house, self.heard = house, 0
        self.closed = {"one": False, "two": False}
        self.broken: set[str] = set()
        self.was: list[tuple[bool, bool]] = []

    async def pass_time(self, seconds: int, mode: HeatMode = HeatMode.NORMAL) -> None:
        for _ in range(seconds):
            await self.house.pass_time(1, mode, "pump")
            said = self.house.bus.said
            for topic, message in said[self.heard :]:
                if isinstance(message, PlugSwitch):
                    name = topic.split("/")[2]
                    if name not in self.broken:
                        self.closed[name] = message.on
                        self._note()
            self.heard = len(said)
            for name, on in self.closed.items():
                self.house.bus.feed(PlugState(at=self.house.clock.now(), link=True, on=on), plug=name)

    def _note(self) -> None:
        now = (self.closed["one"], self.closed["two"])
        if not self.was or self.was[-1] != now:
            self.was.append(now)


async def test_every_state_is_reached_without_passing_through_a_block(house_of: Any) -> None:
    async with house_of(PLUGGED) as house:
        pair = Pair(house)
        await pair.pass_time(40)
        for state in (4, 2, 3, 4, 3, 2, 4, 2):
            house.bus.feed(ManualHeat(sg_state=state), heater="pump")
            await pair.pass_time(30)
            assert house.state("pump").sg_state == state
            assert (pair.closed["one"], pair.closed["two"]) == (state == 4, state in (3, 4))

        assert (True, False) not in pair.was


async def test_a_force_whose_contact_b_does_not_close_stays_a_recommendation_and_is_told(
    house_of: Any,
) -> None:
    async with house_of(PLUGGED) as house:
        pair = Pair(house)
        pair.broken.add("two")
        await pair.pass_time(40)
        house.bus.feed(ManualHeat(sg_state=4), heater="pump")
        await pair.pass_time(240)

        assert pair.closed == {"one": False, "two": False}
        assert house.state("pump").problem == "contact B is open and was told otherwise"
        told = [text for code, text in house.bus.events if code == "heater_does_not_obey"]
        assert told == ["pump: contact B is open and was told otherwise"]
        pair.broken.clear()
        await pair.pass_time(30)
        assert pair.closed == {"one": True, "two": True}
        assert house.state("pump").problem is None


async def test_contact_a_opens_when_b_falls_off_under_a_force(house_of: Any) -> None:
    async with house_of(PLUGGED) as house:
        pair = Pair(house)
        await pair.pass_time(40)
        house.bus.feed(ManualHeat(sg_state=4), heater="pump")
        await pair.pass_time(30)
        assert pair.closed == {"one": True, "two": True}
        pair.broken.add("two")
        pair.closed["two"] = False
        await pair.pass_time(3)

        assert pair.closed == {"one": False, "two": False}


@pytest.mark.parametrize("mode", [HeatMode.BLOCK])
async def test_a_block_closes_a_alone_which_is_what_it_is(house_of: Any, mode: HeatMode) -> None:
    async with house_of(PLUGGED) as house:
        pair = Pair(house)
        await pair.pass_time(40)
        await pair.pass_time(30, mode)

        assert pair.closed == {"one": True, "two": False}


async def test_a_tank_has_no_states_to_be_set_by_hand_and_says_so(house_of: Any) -> None:
    tank = '[heaters.tank]\nphases = ["a"]\n[heaters.tank.topics]\ntemperature = { topic = "t" }\ncommand = "t/set"\n'
    async with house_of(tank) as house:
        house.bus.feed(ManualHeat(sg_state=4), heater="tank")
        await house.pass_time(2)

        assert house.state().last_refusal == "it is a tank and has no SG Ready states"
        assert "not_sg_ready" in [code for code, _ in house.bus.events]


WIRED = '[heaters.{}]\nkind = "sg_ready"\n[heaters.{}.topics]\n{}\n'
TANKS = "[plugs.one]\n" + "".join(
    f'[heaters.{name}]\nplug = "one"\n[heaters.{name}.topics]\ntemperature = {{ topic = "t" }}\n'
    for name in "xy"
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            "[plugs.one]\n" + WIRED.format("hp", "hp", 'plug_a = "one"\nplug_b = "one"'),
            "heaters.hp.topics contact B: plug 'one' is already switched by heaters.hp.topics contact A",
            id="both contacts on one plug",
        ),
        pytest.param(
            WIRED.format("hp", "hp", 'relay_a = { command = "r" }\nrelay_b = { command = "r" }'),
            "heaters.hp.topics contact B: 'r' is already switched by heaters.hp.topics contact A",
            id="both contacts on one topic",
        ),
        pytest.param(
            TANKS,
            "heaters.y.plug: plug 'one' is already switched by heaters.x.plug",
            id="two tanks on one plug",
        ),
    ],
)
def test_whatever_is_switched_has_one_master(text: str, sentence: str, site_from: Any) -> None:
    with pytest.raises(BadConfig) as error:
        setups(site_from(text))

    assert str(error.value) == sentence


def test_two_contacts_on_one_topic_with_words_of_their_own_are_two(site_from: Any) -> None:
    contacts = 'relay_a = { command = "r", on = "a1", off = "a0" }\nrelay_b = { command = "r", on = "b1", off = "b0" }'

    assert len(setups(site_from(WIRED.format("hp", "hp", contacts)))) == 1


RELAYS = """
[heaters.pump]
kind = "sg_ready"
phases = ["a"]
[heaters.pump.topics]
relay_a = { command = "p/a" }
relay_b = { command = "p/b" }
recommend_above_w = 1000
"""


@pytest.mark.parametrize(
    ("counts_as", "sg_state"),
    [
        pytest.param(LoadMode.STANDARD, 3, id="a cheap hour or a boost needs no sun"),
        pytest.param(LoadMode.EXCESS, 2, id="its own mode does"),
    ],
)
async def test_a_heat_pump_that_may_store_from_any_source_is_asked_to_at_night(
    house_of: Any, counts_as: LoadMode, sg_state: int
) -> None:
    grant = LoadGrant(limit_a=8.7, target_a=8.7, available_a=8.7, reason="cheap", binding="", mode=counts_as)
    modes = (LoadMode.NORMAL, LoadMode.EXCESS)
    async with house_of(RELAYS) as house:
        house.bus.feed(LoadSettings(mode=LoadMode.EXCESS, modes=modes, priority=1, enabled=True), load="pump")
        for _ in range(7):
            night = Allocation(
                at=house.clock.now(), meter=MeterHealth.FRESH, loads={"pump/storage": grant}, circuits={},
                pools=Pools(excess_w=-800.0),
            )  # fmt: skip
            house.bus.feed(night)
            await house.pass_time(10, HeatMode.BOOST, "pump")

        assert house.state("pump").sg_state == sg_state
