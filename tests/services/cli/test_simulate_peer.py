"""Another controller on the same plant and traces: what it is shown, what it may order, and how it goes wrong."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from busbar_cli.main import app
from busbar_cli.simulate import REFERENCES, Simulation, simulate
from busbar_cli.simulate_outcome import Ran
from busbar_cli.simulate_peer import BadPeer, Peer
from busbar_cli.simulate_references import Equal, Surplus
from busbar_cli.simulate_scenario import Scenario, scenario_of

SCENARIOS = Path(__file__).parents[2] / "scenarios" / "simulate"

SITE: dict[str, Any] = {
    "circuits": {"main": {"limit_a": 25, "meter": "grid", "assumed_background_a": 8}},
    "meters": {"grid": {"driver": "sunspec", "modbus": {"host": "127.0.0.1"}}},
    "ocpp": {"security": 0},
    "chargers": {"left": {"fallback_a": 0, "legs": ["a", "b", "c"]}},
    "simulator": {"seed": 3, "house": {"volts": [230, 230, 230]}, "battery": {"capacity_wh": 0},
                  "sun": {"peak_w": 0}, "cars": {"left": {}}},
    "simulate": {"hours": 0.1, "house": {"a": {"points": [[0, 690]]}}},
}  # fmt: skip


def a_scenario(**changes: Any) -> Scenario:
    """A car alone in a house; double underscores are dots."""
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    return scenario_of(json.loads(json.dumps(SITE)), dotted)


class Scripted:
    """A controller made of a list of answers; the last one stays."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    def ask(self, line: bytes) -> bytes:
        self.asked.append(json.loads(line))
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]).encode()

    def close(self) -> None:
        self.answers = [""]


def lived(talk: Scripted, scenario: Scenario, seconds: float) -> Ran:
    """A run steered by a scripted controller."""
    simulation = Simulation(scenario)
    simulation.mind = Peer(scenario.site, talk)
    for _ in simulation.run(seconds):
        pass
    return simulation.ran()


def test_a_set_point_holds_until_it_is_changed() -> None:
    talk = Scripted("{}", '{"chargers": {"left-1": 10}}', "{}")
    ran = lived(talk, a_scenario(), 300)

    assert [(load, amps) for _, load, amps in ran.orders] == [("left-1", 10.0)]
    # 10 A on three legs of 230 V for five minutes, less the seconds before the car takes it.
    assert ran.figures.cars_kwh == pytest.approx(6.9 / 12, rel=0.05)


def test_it_is_told_the_site_first_and_then_what_is_measured() -> None:
    talk = Scripted('{"chargers": {"left-1": 16}}', "{}")
    lived(talk, a_scenario(simulate__tariff={"buy": [["00:00", 0.25]]}), 120)
    site, *seen = talk.asked

    assert site["site"]["circuits"]["main"] == {
        "limit_a": {"a": 25.0, "b": 25.0, "c": 25.0}, "meter": "grid", "parent": None,
    }  # fmt: skip
    assert site["site"]["chargers"]["left-1"]["legs"] == ["a", "b", "c"]
    assert len(seen) == pytest.approx(120, abs=2)
    last = seen[-1]
    assert last["meters"]["grid"]["current_a"] == pytest.approx({"a": 19.0, "b": 16.0, "c": 16.0}, abs=0.05)
    assert last["meters"]["grid"]["age_s"] == pytest.approx(0.5, abs=0.3)
    assert last["chargers"]["left-1"]["legs_a"] == [16.0, 16.0, 16.0]
    assert last["chargers"]["left-1"]["status"] == "Charging"
    assert last["prices"] == {"import": 0.25, "export": 0.08}


def test_nobody_asks_it_while_it_is_dead_and_what_it_wanted_holds() -> None:
    event = {"at_s": 60, "for_s": 120, "allocator_dead": True}
    talk = Scripted('{"chargers": {"left-1": 16}}', "{}")
    ran = lived(talk, a_scenario(simulate__events=[event]), 240)

    assert len(talk.asked) == pytest.approx(121, abs=3)
    assert ran.figures.cars_kwh > 0.65


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        pytest.param("sixteen amps", "no answer", id="no JSON"),
        pytest.param('{"charger": {"left-1": 16}}', "charger", id="a word that is not known"),
        pytest.param('{"chargers": {"right-1": 16}}', "chargers.right-1", id="a charger that is not there"),
        pytest.param('{"chargers": {"left-1": "16"}}', "no answer", id="a text for a number"),
    ],
)
def test_an_answer_that_cannot_be_understood_ends_the_run(answer: str, sentence: str) -> None:
    with pytest.raises(BadPeer, match=sentence):
        lived(Scripted("{}", answer), a_scenario(), 5)


def test_a_program_decides_as_the_same_code_in_this_process() -> None:
    program = f"{sys.executable} -m busbar_cli.simulate_references surplus 30"
    changes: dict[str, Any] = {
        "chargers__left__mode": "solar_only", "simulator__sun__peak_w": 9000,
        "simulate__sun": {"points": [[0, 9000], [200, 5000]]},
        "inverters__roof__driver": "sunspec", "inverters__roof__modbus__host": "127.0.0.1",
    }  # fmt: skip
    inside, outside = (simulate(a_scenario(**changes), controller=one) for one in ("surplus-30", program))

    assert inside == outside
    assert inside.figures.cars_kwh > 0


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        pytest.param(" ", "neither a name nor a program", id="nothing at all"),
        pytest.param("no-such-program-anywhere", "cannot be started", id="it is not there"),
        pytest.param(f"{sys.executable} -c pass", "has ended", id="it ends at once"),
    ],
)
def test_a_program_that_fails_is_a_sentence(program: str, sentence: str) -> None:
    with pytest.raises(BadPeer, match=sentence):
        simulate(a_scenario(), controller=program)


def seen(grid_w: float, legs_a: list[float], s: float = 0.0, phase_a: float = 5.0) -> dict[str, Any]:
    """One moment of a house with one charger."""
    return {
        "s": s, "prices": {},
        "meters": {"grid": {"power_w": grid_w, "current_a": {"a": phase_a, "b": 1.0, "c": 1.0}}},
        "chargers": {"left-1": {"status": "Charging", "legs_a": legs_a}},
    }  # fmt: skip


def the_site(mode: str) -> dict[str, Any]:
    """A charger on 25 A."""
    return {
        "grid_meter": "grid", "excess_threshold_w": 3000,
        "circuits": {"main": {"limit_a": {"a": 25, "b": 25, "c": 25}, "meter": "grid", "parent": None}},
        "chargers": {"left-1": {"legs": ["a", "b", "c"], "min_a": 6, "max_a": 16, "step_a": 1, "mode": mode,
                                "priority": 1, "circuit": "main", "grid_price_max": None}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "grid_w", "legs_a", "phase_a", "limit_a"),
    [
        pytest.param("standard", 3000, [0, 0, 0], 5, 16, id="from the grid it gets all"),
        pytest.param("standard", 9000, [10, 10, 10], 24, 11, id="the breaker less the highest phase, its own back"),
        pytest.param("standard", 9000, [0, 0, 0], 24, 0, id="less than 6 A is nothing"),
        pytest.param("solar_priority", -6900, [0, 0, 0], 5, 10, id="6.9 kW of sun on three phases are 10 A"),
        pytest.param("solar_priority", 2000, [6, 6, 6], 8, 6, id="its minimum comes from the grid"),
        pytest.param("solar_only", -6900, [0, 0, 0], 5, 0, id="sun must last a minute before it starts"),
    ],
)  # fmt: skip
def test_the_reference_follows_its_rule(
    mode: str, grid_w: float, legs_a: list[float], phase_a: float, limit_a: float
) -> None:
    one = Surplus(the_site(mode), 30)

    assert one.decide(seen(grid_w, legs_a, phase_a=phase_a)) == {"chargers": {"left-1": limit_a}}
    assert one.decide(seen(grid_w, legs_a, 29.0, phase_a)) == {}


def test_the_reference_starts_after_a_minute_of_sun_and_stops_after_three_of_shade() -> None:
    one = Surplus(the_site("solar_only"), 30)
    answers = [one.decide(seen(-6900, [0, 0, 0], s))["chargers"]["left-1"] for s in (0, 30, 60)]
    shade = [one.decide(seen(4140, [6, 6, 6], s))["chargers"]["left-1"] for s in (90, 120, 240, 270)]

    assert answers == [0, 0, 10]
    assert shade == [6, 6, 6, 0]


def test_equal_parts_of_what_the_highest_phase_leaves() -> None:
    site = the_site("standard")
    site["chargers"]["right-1"] = site["chargers"]["left-1"]
    moment = seen(9000, [8, 8, 8], phase_a=20)
    moment["chargers"]["right-1"] = {"status": "Charging", "legs_a": [0, 0, 0]}

    # 25 A less 20 A, 8 A given back, are 13 A for two: 6.5 A, in steps of 1 A.
    assert Equal(site, 10).decide(moment) == {"chargers": {"left-1": 6, "right-1": 6}}


def test_the_command_sets_controllers_side_by_side() -> None:
    words = ["simulate", str(SCENARIOS / "under_drawing.toml"), "--days", "0.003", "--json"]
    answer = CliRunner().invoke(app, [*words, *(w for name in REFERENCES for w in ("--controller", name))])

    assert answer.exit_code == 0, answer.output
    assert list(json.loads(answer.stdout)) == ["as it is", "surplus-30", "surplus-10", "equal-10"]


def test_a_controller_that_is_not_there_ends_with_code_1() -> None:
    words = [
        "simulate",
        str(SCENARIOS / "under_drawing.toml"),
        "--days",
        "0.001",
        "--controller",
        "nobody-here",
    ]
    answer = CliRunner().invoke(app, words)

    assert answer.exit_code == 1
    assert "nobody-here" in answer.output
