"""`busbar battery explain`: a line in, a line out, and never a trace."""

from __future__ import annotations

import json
import os
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from busbar_battery.commands import app
from busbar_battery.explain import LONGEST_LINE, as_line, explained, snapshots


def test_a_snapshot_is_answered_with_every_promised_field() -> None:
    row = explained(b'{"pv": 10000, "grid": -8000, "soc_target": 80, "export_limit": 5000}')

    assert row == {
        "battery": 5000.0,
        "export": 3000.0,
        "import": 0.0,
        "pv": 10000.0,
        "solar_limit": 12000.0,
        "ac_limit": 7000.0,
        "mode": "charge",
        "control": "apply",
        "flags": [],
        "reason": "Charging with 5000 W: battery first, below target; bound by the battery's charge limit. "
        "Exporting 3000 W.",
    }


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        pytest.param(b'{"pvv": 1}', "Object contains unknown field `pvv`", id="a misspelt name is named"),
        pytest.param(
            b'{"pv": "lots"}', "$.pv: Expected `float | null`, got `str` (found 'lots')", id="words for watts"
        ),
        pytest.param(
            b'{"charge_max": -1}',
            "charge_max: -1 is not a limit; it must be 0 or more watts, or null for none",
            id="a negative limit",
        ),
        pytest.param(
            b'{"export_limit": NaN}',
            "export_limit: nan is not a limit; it must be 0 or more watts, or null for none",
            id="a limit that is no number",
        ),
        pytest.param(
            b'{"import_limit": 1e300}',
            "import_limit: 1e+300 is not a limit; it must be 0 or more watts, or null for none",
            id="an absurd limit is a typing error, not a wish for no limit",
        ),
        pytest.param(
            b'{"soc_max": 120}', "soc_max: 120 is not a percentage between 0 and 100", id="more than full"
        ),
        pytest.param(
            b'{"priority": "batteryfirst"}',
            "priority: 'batteryfirst' is not known; it is battery_first or export_first",
            id="a priority nobody has heard of",
        ),
        pytest.param(b'{"grid_charging": "yes"}', "Expected `bool | null`", id="a yes in words"),
        pytest.param(b"[1, 2]", "one JSON object per line is expected, not list", id="a list"),
        pytest.param(b'{"pv": 1', "not JSON", id="half a message"),
        pytest.param(b"\xff\xfe\x00", "not JSON", id="bytes that are no text"),
        pytest.param(b"[" * 5000, "not JSON", id="brackets without end"),
        pytest.param(b'{"pv": ' + b"9" * 5000 + b"}", "not JSON", id="five thousand digits"),
        pytest.param(b'{"pv": 1' + b"0" * 400 + b"}", "", id="a number no float can hold"),
        pytest.param(b" " * 30_000 + b"{}", "at most 20000 are read", id="an endless line"),
        pytest.param(
            b'{"batteryStorageMode": 1}',
            "batteryStorageMode: refused; it would bypass every limit",
            id="the old raw mode is refused",
        ),
    ],
)
def test_what_cannot_be_understood_is_one_sentence(line: bytes, sentence: str) -> None:
    row = explained(line)

    assert list(row) == ["error"]
    assert sentence in row["error"]
    assert row["error"]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "null", "1e300"])
@pytest.mark.parametrize("name", ["grid", "battery"])
def test_a_reading_that_is_no_power_gives_the_battery_back(name: str, word: str) -> None:
    row = explained(f'{{"pv": 3000, "{name}": {word}}}')

    assert (row["control"], row["battery"], row["flags"]) == ("release", 0.0, ["measurement_invalid"])


@pytest.mark.parametrize("word", ["NaN", "Infinity", "null"])
def test_an_unknown_sun_leaves_the_battery_working_without_a_cap(word: str) -> None:
    row = explained(f'{{"pv": {word}, "grid": -3000, "export_limit": 5000}}')

    assert (row["battery"], row["pv"], row["solar_limit"], row["ac_limit"]) == (3000.0, None, None, None)
    assert "pv_unknown" in row["flags"]


@pytest.mark.parametrize("soc", ["null", "NaN", "-1", "101", "Infinity"])
def test_an_impossible_charge_is_unknown_and_never_discharges(soc: str) -> None:
    row = explained(f'{{"grid": 2000, "soc": {soc}}}')

    assert (row["battery"], row["flags"]) == (0.0, ["soc_unknown"])


def test_old_parameter_names_are_understood_and_told() -> None:
    row = explained('{"grid": 500, "batteryGridChargingEnabled": true, "batteryImportTargetWatts": 2000}')

    assert row["battery"] == 1500.0
    assert row["notes"] == [
        "batteryGridChargingEnabled is now called grid_charging",
        "batteryImportTargetWatts is now called import_target",
    ]


json_values = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5), st.just([]), st.just({"a": 1})
)
names = st.sampled_from(
    ["pv", "grid", "battery", "soc", "charge_max", "priority", "grid_charging", "deadband"]
)


@given(st.dictionaries(names, json_values))
def test_whatever_stands_in_a_field_the_answer_is_valid_json(row: dict[str, Any]) -> None:
    answer = explained(json.dumps(row))

    assert "error" in answer or answer["control"] in ("apply", "release")
    json.loads(as_line(answer), parse_constant=lambda word: pytest.fail(f"{word} in the answer"))


@given(st.binary(max_size=60))
def test_no_bytes_whatever_raise(line: bytes) -> None:
    assert explained(line)


def test_the_command_answers_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "snapshots.jsonl"
    file.write_text('{"grid": 2000}\n\nnonsense\n{"grid": NaN}\n')

    lines = CliRunner().invoke(app, ["explain", "--json", str(file)]).stdout.splitlines()

    assert [json.loads(line).get("mode", "error") for line in lines] == ["discharge", "error", "idle"]


def test_a_file_may_hold_one_snapshot_over_several_lines(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.json"
    file.write_text('{\n  "grid": 2000,\n  "soc": 60\n}\n')

    answer = CliRunner().invoke(app, ["explain", "--json", str(file)])

    assert [json.loads(line)["battery"] for line in answer.stdout.splitlines()] == [-2000.0]


def test_without_json_the_reason_alone_is_printed() -> None:
    answer = CliRunner().invoke(app, ["explain"], input='{"grid": 2000}\n')

    assert answer.stdout == ("Discharging with 2000 W: for the house. Nothing flows to or from the grid.\n")


def test_an_old_name_is_told_beside_the_reason() -> None:
    answer = CliRunner().invoke(app, ["explain"], input='{"batteryExportTargetWatts": 500}\n')

    assert answer.stdout.startswith("batteryExportTargetWatts is now called export_target\nDischarging with")


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    """What a shell makes of <(...): a path that is no file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text('{"grid": 2000}\n{"grid": 3000}\n'))
    writer.start()

    answer = CliRunner().invoke(app, ["explain", "--json", str(pipe)])
    writer.join()

    assert [json.loads(line)["battery"] for line in answer.stdout.splitlines()] == [-2000.0, -3000.0]


def test_a_long_file_is_read_line_by_line_and_loses_none() -> None:
    text = "\n".join(f'{{"grid": {watts}}}' for watts in range(1, 2001)).encode()

    rows = [explained(line) for line in snapshots(BytesIO(text))]

    assert len(text) > LONGEST_LINE
    assert [row["battery"] for row in rows] == [-float(watts) for watts in range(1, 2001)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param([".", "--json"], "Is a directory", id="a folder"),
        pytest.param(["nothing.json"], "No such file", id="no file"),
        pytest.param(["nothing.json", "--live"], "give one of the two", id="a file and the live site"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_sentence(arguments: list[str], sentence: str) -> None:
    answer = CliRunner().invoke(app, ["explain", *arguments])

    assert answer.exit_code == 2
    assert sentence in answer.output


def test_a_dash_is_what_is_piped_in() -> None:
    answer = CliRunner().invoke(app, ["explain", "--json", "-"], input='{"grid": 2000}\n')

    assert json.loads(answer.stdout)["battery"] == -2000.0


def test_a_refusal_names_the_field_and_what_stood_there() -> None:
    assert explained('{"pv": "3000"}') == {"error": "$.pv: Expected `float | null`, got `str` (found '3000')"}
