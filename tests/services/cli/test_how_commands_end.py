"""A command that cannot be done ends with a sentence and a code, never with a trace; also where no broker answers."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from busbar_cli.broker import free_port

HOUSE = """
[broker]
host = "127.0.0.1"
port = {port}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = {{ host = "127.0.0.1" }}
[ocpp]
[chargers.left]
[plugs.pump]
topic = "pump"
"""

NOBODY = [
    "status", "status --json", "explain --live", "doctor --seconds 1", "health meter", "health meter --json",
    "watch --seconds 1", "record evening.busbar.gz --minutes 0.01", "detect --seconds 1", "discovery list",
    "discovery remove", "contract check --seconds 1", "ocpp list", "ocpp show left", "plug list",
]  # fmt: skip
"""Commands that ask the running site."""


async def ended(folder: Path, line: str) -> tuple[int | None, str]:
    """How the command ended, and everything it said."""
    environ = {
        **os.environ,
        "BUSBAR_STATE_DIR": str(folder / "state"),
        "BUSBAR_CONFIG": str(folder / "busbar.toml"),
        "PYTHONPATH": ":".join(sys.path),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "busbar_cli", *line.split(), env=environ, cwd=folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(90):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_without_a_broker_every_command_says_so_and_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "busbar.toml").write_text(HOUSE.format(port=free_port()), encoding="utf-8")
    found = {}
    for begin in range(0, len(NOBODY), 5):
        some = NOBODY[begin : begin + 5]
        done = await asyncio.gather(*(ended(tmp_path, line) for line in some))
        found |= dict(zip(some, done, strict=True))

    assert {line: code for line, (code, _) in found.items()} == dict.fromkeys(NOBODY, 1)
    assert [line for line, (_, said) in found.items() if "does not answer" not in said] == []
    assert [line for line, (_, said) in found.items() if "Traceback" in said] == []


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        pytest.param("status --config nowhere.toml", 2, "nowhere.toml cannot be read", id="no such file"),
        pytest.param("run laundry", 2, "there is no service 'laundry'", id="no such service"),
        pytest.param("restart allocator", 1, "no `busbar up` runs for this site", id="nothing to restart"),
        pytest.param("replay nowhere.gz", 2, "nowhere.gz cannot be read", id="no such recording"),
        pytest.param("replay busbar.toml", 2, "cannot be read", id="not a recording"),
        pytest.param("ocpp start right", 2, "no such charger", id="no such charger"),
        pytest.param("plug show kettle", 2, "kettle", id="no such plug"),
        pytest.param("stauts", 2, "No such command", id="no such command"),
        pytest.param("contract compare busbar.toml", 2, "busbar.toml", id="not a contract"),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(tmp_path: Path, line: str, code: int, sentence: str) -> None:
    (tmp_path / "busbar.toml").write_text(HOUSE.format(port=free_port()), encoding="utf-8")

    ended_with, said = await ended(tmp_path, line)

    assert (ended_with, sentence in said, "Traceback" in said) == (code, True, False), said


@pytest.mark.parametrize(
    "line",
    [
        "version", "config check", "config schema", "config example", "config reference", "commands", "ocpp password",
        "ocpp tags", "meter map list", "setup house --for up", "accounts --reference",
    ],
)  # fmt: skip
async def test_json_can_be_read_as_json(tmp_path: Path, line: str) -> None:
    (tmp_path / "busbar.toml").write_text(HOUSE.format(port=free_port()), encoding="utf-8")

    _, said = await ended(tmp_path, f"{line} --json")
    begins = min(said.find(one) for one in "{[" if one in said)

    assert json.loads(said[begins:]) is not None
