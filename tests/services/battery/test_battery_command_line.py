"""`busbar battery explain --json` as a stranger calls it: a process, lines in, lines out, in the same order."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from battery_oracle import answer

ROOT = Path(__file__).parents[3]
TABLE = yaml.safe_load((Path(__file__).parents[2] / "cases" / "battery_flow.yaml").read_text())
PROMISED = (
    "battery", "export", "import", "pv", "solar_limit", "ac_limit", "mode", "control", "flags", "reason",
)  # fmt: skip
# What the service tells on top of what the definition asks for.
MORE_FLAGS = {"wire_limit_stale", "export_limit_unproven"}


def asked(text: bytes) -> list[dict[str, Any]]:
    """The answers of the command to these bytes on its standard input."""
    source = os.pathsep.join(str(ROOT / name) for name in ("contracts", "shared", "services"))
    done = subprocess.run(
        [sys.executable, "-m", "busbar_cli", "battery", "explain", "--json"],
        input=text,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": source},
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    # Strict JSON: what another language cannot read is no answer.
    return [
        json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} in an answer"))
        for line in done.stdout.splitlines()
    ]


def near(row: dict[str, Any], name: str, expected: float | None) -> bool:
    """Half a watt is no difference."""
    found = row[name]
    return found is None if expected is None else found is not None and abs(found - expected) <= 0.5


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\n\n"], ids=["LF", "CRLF", "blank lines between"])
def test_every_worked_case_is_answered_as_written(ends: bytes) -> None:
    lines = [json.dumps(case["in"]).encode() for case in TABLE["cases"]]

    rows = asked(ends.join(lines))

    assert len(rows) == len(lines)
    for case, row in zip(TABLE["cases"], rows, strict=True):
        if case["out"].get("error"):
            assert list(row) == ["error"], case["id"]
            continue
        assert set(PROMISED) <= set(row), case["id"]
        for name, expected in ({"control": "apply"} | case["out"]).items():
            if name == "flags":
                assert set(expected) <= set(row["flags"]), case["id"]
            elif isinstance(expected, str):
                assert row[name] == expected, case["id"]
            else:
                assert near(row, name, expected), f"{case['id']}: {name} is {row[name]}"


def test_three_thousand_houses_are_decided_as_a_search_that_shares_nothing_with_the_service_decides() -> None:
    dice = random.Random("houses")
    houses = [a_house(dice) for _ in range(3000)]

    rows = asked("\n".join(json.dumps(house) for house in houses).encode())

    assert len(rows) == len(houses)
    for house, row in zip(houses, rows, strict=True):
        assert disagreement(house, row) is None, f"{disagreement(house, row)}: {json.dumps(house)}: {row}"


def disagreement(house: dict[str, Any], row: dict[str, Any]) -> str | None:
    """The first field in which the service and the search differ."""
    expected = answer(house)
    if "error" in row or expected.get("error"):
        return None if ("error" in row) == bool(expected.get("error")) else "error"
    flags = expected.pop("flags")
    if not flags <= set(row["flags"]):
        return "flags"
    if expected["control"] == "apply" and set(row["flags"]) - flags - MORE_FLAGS:
        return "flags"
    for name, value in expected.items():
        if isinstance(value, str):
            # Less than a hundredth of a watt has no direction.
            if row[name] != value and abs(expected["battery"]) > 0.01:
                return name
        elif not near(row, name, value):
            return name
    return None


def a_house(dice: random.Random) -> dict[str, Any]:
    """Any house: mostly one whose readings balance, at round figures as often as at crooked ones."""

    def watts() -> float:
        return dice.choice([0, dice.randint(0, 120) * 100, dice.randint(0, 12_000), dice.random() * 12_000])

    pv, load, battery = watts(), watts(), dice.choice([-1, 0, 1]) * watts()
    house: dict[str, Any] = {"pv": pv, "battery": battery, "grid": load + battery - pv}
    if dice.random() < 0.1:
        house["grid"] = watts()
    for name in ("pv", "grid", "battery"):
        if dice.random() < 0.04:
            house[name] = dice.choice([float("nan"), float("inf"), float("-inf"), None])
        elif dice.random() < 0.05:
            del house[name]
    if dice.random() < 0.8:
        house["soc"] = dice.choice([0, 20, 50, 80, 100, dice.random() * 100, None, float("nan"), -1, 101])
    wishes = {
        **dict.fromkeys(("soc_target", "soc_min", "soc_max"), (None, 0, 20, 50, 80, 100, dice.randint(0, 100))),
        "deadband": (0, 50, 500, None),
        "grid_charging": (True, True, False, None),
        "priority": (None, "battery_first", "export_first"),
        "unknown_soc": ("conservative", "permissive"),
        "topology": ("ac", "hybrid"),
    }  # fmt: skip
    house |= {name: dice.choice(values) for name, values in wishes.items() if dice.random() < 0.5}
    if dice.random() < 0.15:
        house["wire_stale"] = True
    for name in LIMITS:
        if dice.random() < 0.45:
            house[name] = dice.choice([None, 0, dice.randint(0, 80) * 100, dice.random() * 8000])
        if dice.random() < 0.005:
            house[name] = dice.choice([-1, -0.001, float("nan"), float("inf")])
    return house


LIMITS = (
    "charge_max", "discharge_max", "wire_charge_max", "wire_discharge_max", "export_limit", "import_limit",
    "gen_limit", "grid_charging_max", "import_target", "export_target",
)  # fmt: skip


RELEASED, REFUSED = "release", "error"


ODD_LINES = {
    "a key twice: the last, as JSON has it": (b'{"grid": 2000, "grid": 3000}', "apply"),
    "a byte order mark before the line": (b'\xef\xbb\xbf{"grid": 2000}', "apply"),
    "blanks after the line": (b'{"grid": 2000}   \t', "apply"),
    "nothing given is a quiet house": (b"{}", "apply"),
    "an inverter that draws at night": (b'{"pv": -20, "grid": 500}', "apply"),
    "a reading beyond every float": (b'{"grid": 1e309}', RELEASED),
    "a reading of thirty digits": (b'{"grid": 123456789012345678901234567890}', RELEASED),
    "no reading of the battery": (b'{"battery": null}', RELEASED),
    "an infinite meter": (b'{"grid": -Infinity, "soc": null}', RELEASED),
    "a number in quotes": (b'{"grid": "2000"}', REFUSED),
    "true is no power": (b'{"grid": true}', REFUSED),
    "an object for a power": (b'{"grid": {"w": 1}}', REFUSED),
    "a word for a charge": (b'{"soc": "unknown"}', REFUSED),
    "one is not true": (b'{"grid_charging": 1}', REFUSED),
    "infinity is no limit: none is null": (b'{"charge_max": Infinity}', REFUSED),
    "a limit of twenty digits": (b'{"charge_max": 99999999999999999999}', REFUSED),
    "a negative dead band": (b'{"deadband": -1}', REFUSED),
    "a minimum above 100 %": (b'{"soc_min": 130}', REFUSED),
    "a target that is no number": (b'{"soc_target": NaN}', REFUSED),
    "a negative target": (b'{"import_target": -0.5}', REFUSED),
    "a topology nobody has heard of": (b'{"topology": "dc"}', REFUSED),
    "a number for a mode": (b'{"priority": 7}', REFUSED),
    "two objects in one line": (b'{"pv": 1} {"pv": 2}', REFUSED),
    "null instead of an object": (b"null", REFUSED),
    "a key nobody knows": (b'{"id": "A01", "in": {}}', REFUSED),
    "half a line": (b'{"grid": 2000', REFUSED),
    "no text at all": (b"\x00\xff", REFUSED),
}  # fmt: skip


@pytest.fixture(scope="module")
def odd_answers() -> list[dict[str, Any]]:
    """The answers to all odd lines in one stream, each between two sound ones."""
    sound = b'{"grid": 1000}'
    return asked(b"\n".join(part for line, _ in ODD_LINES.values() for part in (sound, line)) + b"\n" + sound)


@pytest.mark.parametrize("what", ODD_LINES)
def test_an_odd_line_has_an_answer_of_its_own(odd_answers: list[dict[str, Any]], what: str) -> None:
    row = odd_answers[2 * list(ODD_LINES).index(what) + 1]

    assert row.get("control", REFUSED) == ODD_LINES[what][1]
    assert row.get("error", "fine")


def test_odd_lines_hurt_no_other(odd_answers: list[dict[str, Any]]) -> None:
    assert len(odd_answers) == 2 * len(ODD_LINES) + 1
    assert {row["battery"] for row in odd_answers[::2]} == {-1000.0}
