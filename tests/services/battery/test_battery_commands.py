"""`busbar battery simulate`, its picture, and what the command line makes of a value."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from typer.testing import CliRunner

from busbar_battery.asked import as_json
from busbar_battery.commands import app, as_typed, known_keys
from busbar_battery.day import day, totals
from busbar_battery.inputs import Inputs


def simulated(*options: str) -> dict[str, float]:
    answer = CliRunner().invoke(app, ["simulate", "--json", *options])
    assert answer.exit_code == 0, answer.output
    sums: dict[str, float] = json.loads(answer.stdout)
    return sums


def test_export_first_loses_less_sun_under_a_tight_export_limit() -> None:
    battery_first = simulated("--export-limit", "4000")
    export_first = simulated("--export-limit", "4000", "--mode", "export_first")

    assert export_first["curtailed"] < battery_first["curtailed"]
    assert export_first["exported"] > battery_first["exported"]


def test_without_a_limit_no_sun_is_lost() -> None:
    assert simulated()["curtailed"] == 0


def test_people_and_programs_are_told_the_same_of_a_day() -> None:
    sums = simulated("--export-limit", "4000")
    lines = CliRunner().invoke(app, ["simulate", "--export-limit", "4000"]).stdout.splitlines()

    told = {line.split()[0]: float(line.split()[1]) for line in lines[:-1]}
    assert told == {name: kwh for name, kwh in sums.items() if name != "soc_at_end_percent"}
    assert lines[-1] == f"charge at the end {sums['soc_at_end_percent']:.0f} %"


def test_the_energies_of_a_day_balance() -> None:
    sums = totals(day(Inputs(soc_target=80.0, export_limit=3000.0)))

    inflow = sums.generated + sums.imported + sums.discharged
    assert inflow == pytest.approx(sums.consumed + sums.exported + sums.charged, abs=0.05)


def test_cheap_hours_charge_the_battery_from_the_grid() -> None:
    minutes = day(
        Inputs(soc_target=80.0, grid_charging=True, grid_charging_max=3000.0), cheap_hours=(1.0, 4.0)
    )

    assert max(one.grid for one in minutes if 1 <= one.hour < 2) == pytest.approx(3280, abs=20)
    assert max(one.battery for one in minutes if one.hour < 1) <= 0


def test_the_picture_is_svg_and_says_its_title(tmp_path: Path) -> None:
    file = tmp_path / "day.svg"
    simulated("--export-limit", "4000", "--svg", str(file))

    root = ElementTree.fromstring(file.read_text())
    assert root.tag.endswith("svg")
    assert "battery_first, export limit 4000 W" in [element.text for element in root.iter() if element.text]
    assert len([element for element in root.iter() if element.tag.endswith("polyline")]) == 5


@pytest.mark.parametrize(
    "options",
    [
        ["--mode", "greedy"], ["--export-limit", "-5"], ["--target", "120"], ["--capacity", "0"], ["--capacity", "inf"],
        ["--peak", "nan"], ["--peak", "-1"], ["--soc", "200"], ["--svg", "no/such/folder/day.svg"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_setting_that_cannot_be_is_a_sentence(options: list[str]) -> None:
    answer = CliRunner().invoke(app, ["simulate", *options])

    assert answer.exit_code == 2
    assert "Traceback" not in answer.output
    assert answer.output.strip()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        pytest.param("70", 70, id="a number"),
        pytest.param("true", True, id="a yes"),
        pytest.param("null", None, id="no limit"),
        pytest.param("export_first", "export_first", id="a word"),
        pytest.param("1e400", "1e400", id="a number beyond every float is a word too"),
        pytest.param("NaN", "NaN", id="not a number is a word, and is refused as one"),
    ],
)
def test_what_is_typed_becomes_json(typed: str, meant: object) -> None:
    assert as_json(typed) == meant


def test_a_negative_value_is_a_value_and_no_option(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["set", "charge_max_w", "-1", "--config", str(tmp_path / "no.toml")])

    assert "No such option" not in answer.output
    assert "no.toml cannot be read" in answer.output


@pytest.mark.parametrize(
    ("value", "word"),
    [(True, "true"), (None, "null"), (2000.0, "2000"), ("export_first", "export_first")],
    ids=["a yes", "no limit", "watts", "a mode"],
)
def test_a_setting_is_told_in_the_word_that_sets_it(value: object, word: str) -> None:
    assert as_typed(value) == word
    assert as_json(word) == value


def test_who_asks_for_a_key_that_is_none_is_told_those_there_are() -> None:
    assert "soc_target_percent, " in known_keys("$: Object contains unknown field `banana`")
    assert known_keys("$.soc_target_percent: Expected `float` <= 100.0") == ""


DOCS = Path(__file__).parents[3] / "docs"


def test_the_example_in_the_docs_is_what_the_command_answers() -> None:
    asked, answered = re.findall(r"```json\n(.*?)\n```", (DOCS / "battery.md").read_text(), re.DOTALL)

    answer = CliRunner().invoke(app, ["explain", "--json"], input=asked + "\n")

    assert json.loads(answer.stdout) == json.loads(answered)


@pytest.mark.parametrize("mode", ["battery_first", "export_first"])
def test_the_plots_in_the_docs_are_what_the_command_draws(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "day.svg"
    simulated("--mode", mode, "--export-limit", "5000", "--svg", str(file))

    assert file.read_text() == (DOCS / f"battery-day-{mode.replace('_', '-')}.svg").read_text()
