"""`busbar config check` says everything that any service would refuse, before anything is opened."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from busbar_shared.config.describe import example_text

HOUSE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = { host = "192.0.2.1" }
"""


def check(folder: Path, text: str, *more: str) -> "subprocess.CompletedProcess[str]":
    """The command as a user types it."""
    file = folder / "busbar.toml"
    file.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "busbar_cli", "config", "check", "--config", str(file), *more],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("[site]\nid = 5\n", "site.id", id="a number for a name"),
        pytest.param(
            HOUSE.replace("[meters.grid]", "[meters.grid]\ndriver = 'toaster'"),
            "meters.grid",
            id="a driver nobody has",
        ),
        pytest.param(
            HOUSE + '[plugs.pump]\ndriver = "generic"\n[plugs.pump.generic]\nstate = 5\n',
            "plugs.pump",
            id="a topic that is a number",
        ),
        pytest.param(
            HOUSE + '[heaters.tank]\nkind = "tank"\n', "heaters.tank", id="a tank that nothing switches"
        ),
        pytest.param(
            HOUSE + "[simulator.sun]\nbright = true\n",
            "simulator.sun",
            id="a sun with a key it does not have",
        ),
    ],
)
def test_what_a_service_would_refuse_is_said_before_it_starts(
    tmp_path: Path, text: str, sentence: str
) -> None:
    done = check(tmp_path, text)

    assert done.returncode == 2, done.stdout
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_the_times_of_the_safety_ladder_are_those_of_the_site(tmp_path: Path) -> None:
    done = check(
        tmp_path, HOUSE.replace("[circuits.main]", "[site]\nlease_s = 12\n[circuits.main]"), "--json"
    )

    assert done.returncode == 0, done.stderr
    rungs = {row["what"]: row["within_s"] for row in json.loads(done.stdout)["safe_within"]}
    assert rungs == {"grid meter": 31.0, "allocator, or broker": 13.0}


def test_the_example_passes(tmp_path: Path) -> None:
    done = check(tmp_path, example_text())

    assert done.returncode == 0, done.stderr
