"""On which phase a plug or a heater hangs: learned when it is switched, said to the owner, used when asked."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from allocator_house import House, Plug, a_site
from desk_table import Table
from test_detection import a_noisy_phase

from busbar_allocator.detection import SURE, Evidence, finding, scored
from busbar_contracts.allocation import Allocation
from busbar_contracts.load import HeatMode, HeatState, LoadSettingsSet, PlugState
from busbar_shared.config.root import Site
from busbar_shared.config.wiring import standings

QUIET = (0.4, 0.4, 0.4)


def seen(legs: int, *events: tuple[tuple[float, ...], tuple[float, ...]]) -> Evidence:
    evidence = Evidence(legs, 3, even=True)
    for moved, grid in events:
        evidence = scored(evidence, moved, grid, QUIET)
    return evidence


@pytest.mark.parametrize(
    ("evidence", "phases"),
    [
        pytest.param(seen(1, ((8.7,), (0, 0.2, 8.6)), ((-8.7,), (0, 0, -8.8))), (2,), id="a socket on c"),
        pytest.param(
            seen(2, ((6, 6), (6.1, 0, 6)), ((-6, -6), (-6, 0.1, -6))), (0, 2), id="a heater between a and c"
        ),
    ],
)
def test_phases_of_a_load_whose_legs_carry_the_same(evidence: Evidence, phases: tuple[int, ...]) -> None:
    found = finding(evidence)

    assert found is not None
    assert (found.legs, found.alike) == (phases, False)
    assert found.confidence >= SURE


def a_switched_house(seed: int, **site: Any) -> tuple[House, str]:
    """A noisy house with a plug that is configured on a; the thing behind it comes and goes by itself."""
    random = Random(seed)
    true = random.choice("abc")
    plug = Plug(phase=true, sample_s=30, phase_s=random.uniform(0, 30))
    config = a_site(chargers={}, plugs={"dryer": {"phases": ["a"], "rating_w": 2000.0}}, site=site)
    config["circuits"]["main"]["limit_a"] = 63.0
    house = House(config, plugs={"dryer": plug}, house={p: a_noisy_phase(random) for p in "abc"}, seed=seed)
    for _ in range(30):
        plug.watts = random.choice([0.0, 1000.0, 2000.0])
        house.run(20)
    return house, true


def test_what_is_said_of_a_plug_with_confidence_is_right() -> None:
    stated = right = 0
    for seed in range(16):
        house, true = a_switched_house(seed)
        assert house.allocation is not None
        detection = house.allocation.loads["dryer"].detection
        if detection is not None and detection.confidence >= SURE:
            stated += 1
            right += detection.legs == (true,)
    assert stated >= 12
    assert right >= 0.95 * stated - 0.5


def test_a_plug_on_another_phase_is_reported_in_the_words_of_the_configuration() -> None:
    house, true = a_switched_house(5)

    assert true == "c"
    [refusal] = [one for one in house.refusals if one.code == "phase_map"]
    assert refusal.text.startswith('dryer: phases = ["c"] fits what was measured')
    assert house.allocation is not None
    assert house.allocation.loads["dryer"].legs == ("a",), "advice first, change only when asked"


def test_with_auto_apply_the_plug_counts_where_it_hangs() -> None:
    house, true = a_switched_house(5, auto_apply=True)

    assert true == "c"
    assert house.allocation is not None
    assert house.allocation.loads["dryer"].legs == ("c",)


def on_phase_b(table: Table, draws_w: Callable[[], float]) -> Callable[[], tuple[float, float, float]]:
    """The grid meter of a house of 2 A per phase with one load on b."""
    return lambda: (2.0, 2.0 + draws_w() / 230, 2.0)


def test_a_heater_is_one_thing_on_the_wires_and_both_its_parts_move_when_the_owner_says_so() -> None:
    table = Table(chargers={}, heaters={"tank": {"rating_w": 2300.0, "phases": ["a"]}})

    def draws_w() -> float:
        return 2300.0 if table.now % 120 >= 60 else 0.0

    def say() -> None:
        if table.now % 10 == 5:
            state = HeatState(
                at=table.wall, link=True, on=draws_w() > 0, power_w=draws_w(), power_at=table.wall,
                sampled_at=table.wall, max_w=2300.0, min_w=2300.0, comfort_demand=True, measures=True,
            )  # fmt: skip
            table.hear(state, heater="tank")

    table.seconds(400, on_phase_b(table, draws_w), say)
    parts = table.last(Allocation).loads
    for part in ("tank/comfort", "tank/storage"):
        detection = parts[part].detection
        assert detection.legs == ("b",)
        assert detection.advice.startswith('phases = ["b"] fits what was measured')
        assert parts[part].legs == ("a",)

    table.hear(LoadSettingsSet(apply_detection=True), load="tank")
    table.seconds(12, on_phase_b(table, draws_w), say)

    assert {part: grant.legs for part, grant in table.last(Allocation).loads.items()} == {
        "tank/comfort": ("b",),
        "tank/storage": ("b",),
    }


def test_a_sample_that_is_told_again_and_again_does_not_make_the_house_look_still() -> None:
    table = Table(chargers={}, plugs={"fan": {"rating_w": 50.0}})
    at = table.wall + timedelta(seconds=5)

    def say() -> None:
        if table.now >= 5:
            table.hear(
                PlugState(at=table.wall, link=True, on=True, power_w=50.0, sampled_at=at, measures=True),
                plug="fan",
            )

    table.seconds(60, 2.0, say)

    assert table.desk.state.watch.noise == ()


UNKNOWN = {"phase_unknown": True}


class Socket:
    """A kettle of 2.3 kW that nobody knows the phase of; it hangs on c, and draws when its plug is on."""

    def __init__(self, house_a: tuple[float, float, float], **told: Any) -> None:
        self.table = Table(chargers={}, plugs={"kettle": {"rating_w": 2300.0, **(told or UNKNOWN)}})
        self.house_a, self.drawing = house_a, True

    def draws_w(self) -> float:
        told = self.table.told.get("kettle")
        return 2300.0 if told is not None and told.on and self.drawing else 0.0

    def grid_a(self) -> tuple[float, float, float]:
        a, b, c = self.house_a
        return (a, b, c + self.draws_w() / 230)

    def say(self) -> None:
        table = self.table
        if table.now % 5:
            return
        told = table.told.get("kettle")
        state = PlugState(
            at=table.wall, link=True, on=told is not None and told.on, power_w=self.draws_w(), measures=True,
            sampled_at=table.wall, min_w=2300.0, max_w=2300.0, wants_power=True,
        )  # fmt: skip
        table.hear(state, plug="kettle")

    def live(self, seconds: int) -> Any:
        self.table.seconds(seconds, self.grid_a, self.say)
        return self.table.desk.state.minds["kettle"].limit_a


@pytest.mark.parametrize(
    ("house_a", "amps"),
    [
        pytest.param((2.0, 2.0, 2.0), 10.0, id="with room on every phase it runs"),
        pytest.param((18.0, 2.0, 2.0), 0.0, id="a full phase keeps it off, for it may hang there"),
        pytest.param((2.0, 2.0, 18.0), 0.0, id="whichever phase it is"),
    ],
)
def test_until_its_phase_is_known_a_plug_counts_on_every_phase(
    house_a: tuple[float, float, float], amps: float
) -> None:
    assert Socket(house_a).live(40) == amps
    assert Socket(house_a, phases=None).live(40) == amps, "left out is unknown"


@pytest.mark.parametrize(
    ("house_a", "mode"),
    [
        pytest.param((2.0, 2.0, 2.0), HeatMode.NORMAL, id="with room on every phase it is heated"),
        pytest.param(
            (18.0, 2.0, 2.0), HeatMode.BLOCK, id="a full phase keeps it cold, for it may hang there"
        ),
        pytest.param((2.0, 2.0, 18.0), HeatMode.BLOCK, id="whichever phase it is"),
    ],
)
def test_a_heater_whose_phases_are_left_out_counts_on_every_phase(
    house_a: tuple[float, float, float], mode: HeatMode
) -> None:
    table = Table(chargers={}, heaters={"tank": {"rating_w": 2300.0}})

    def say() -> None:
        heater = HeatState(
            at=table.wall,
            link=True,
            on=False,
            temperature_c=30.0,
            comfort_demand=True,
            min_w=2300.0,
            max_w=2300.0,
        )
        table.hear(heater, heater="tank")

    table.seconds(40, lambda: house_a, say)

    assert table.told["tank"].mode is mode
    if mode is HeatMode.NORMAL:
        grant = table.last(Allocation).loads["tank/comfort"]
        assert (grant.limit_w, grant.legs) == (2300.0, ("a", "b", "c"))


def test_a_heater_with_a_range_on_an_unknown_phase_is_told_its_power_once() -> None:
    table = Table(chargers={}, heaters={"tank": {"rating_w": 2300.0, "min_w": 230.0, "step_w": 230.0}})

    def say() -> None:
        heater = HeatState(
            at=table.wall, link=True, on=False, temperature_c=30.0, comfort_demand=True, min_w=230.0, max_w=2300.0,
            step_w=230.0,
        )  # fmt: skip
        table.hear(heater, heater="tank")

    table.seconds(60, lambda: (2.0, 2.0, 19.0), say)

    assert table.told["tank"].power_w == 1380.0, "six ampere are free on the fullest phase"


def test_the_meter_shows_where_it_hangs_and_the_owner_applies_it() -> None:
    socket = Socket((2.0, 2.0, 2.0))
    for _ in range(4):
        socket.drawing = not socket.drawing
        socket.live(60)
    grant = socket.table.last(Allocation).loads["kettle"]
    assert grant.limit_w == 2300.0
    assert grant.legs == ("a", "b", "c")
    assert grant.detection.legs == ("c",)
    assert grant.detection.advice.startswith('phases = ["c"] fits what was measured')
    assert grant.detection.advice.endswith("the configuration says [unknown]")

    socket.table.hear(LoadSettingsSet(apply_detection=True), load="kettle")
    socket.live(15)
    assert socket.table.last(Allocation).loads["kettle"].legs == ("c",)
    assert socket.table.last(Allocation).loads["kettle"].limit_w == 2300.0

    # A full phase elsewhere is no concern of it any more.
    socket.house_a = (24.0, 2.0, 2.0)

    assert socket.live(20) == 10.0


def test_a_freezer_on_an_unknown_phase_must_fit_beside_the_background_on_each() -> None:
    plug = {"rating_w": 230.0, "safe_state": "on", "phase_unknown": True}
    site = msgspec.convert(a_site(chargers={}, plugs={"freezer": plug}), Site)

    [standing] = standings(site)

    assert standing.amps == {"a": 1.0, "b": 1.0, "c": 1.0}
