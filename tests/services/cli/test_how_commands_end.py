"""A command that cannot be done ends with a sentence and a code, never with a trace; also where no broker answers."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from busbar_cli.broker import free_port
from busbar_shared.asking import no_broker
from busbar_shared.config.load import read

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


async def ended(folder: Path, line: str, **more: str) -> tuple[int | None, str]:
    """How the command ended, and everything it said."""
    environ = {
        **os.environ,
        "BUSBAR_STATE_DIR": str(folder / "state"),
        "BUSBAR_CONFIG": str(folder / "busbar.toml"),
        "PYTHONPATH": ":".join(sys.path),
        **more,
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
    ("login", "sentence"),
    [
        pytest.param("", "the broker b:1 does not answer", id="a broker without accounts"),
        pytest.param(
            'username = "x"\n', "the broker b:1 does not answer, or does not let this account in", id="with accounts"
        ),
    ],
)  # fmt: skip
def test_a_broker_that_hangs_up_may_not_know_the_account(login: str, sentence: str) -> None:
    assert no_broker(read(f'[broker]\nhost = "b"\nport = 1\n{login}')) == sentence


async def test_without_the_password_every_command_names_it(tmp_path: Path) -> None:
    text = HOUSE.format(port=free_port()).replace(
        "[circuits.main]", 'username = "{service}"\npassword = "NOBODY_HAS_IT"\n[circuits.main]'
    )
    (tmp_path / "busbar.toml").write_text(text, encoding="utf-8")
    found = {}
    for begin in range(0, len(NOBODY), 5):
        some = NOBODY[begin : begin + 5]
        done = await asyncio.gather(*(ended(tmp_path, line) for line in some))
        found |= dict(zip(some, done, strict=True))

    # A look at the house (`doctor`, `health`) ends with 1, as for anything else that is wrong with it.
    assert {code for code, _ in found.values()} == {1, 2}
    assert [line for line, (_, said) in found.items() if "NOBODY_HAS_IT" not in said] == []
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
        pytest.param(
            "contract compare nowhere.json", 2, "nowhere.json cannot be read", id="no such contract"
        ),
        pytest.param("contract compare binary", 2, "binary", id="a contract that is not even text"),
        pytest.param("contract compare .", 2, "cannot be read: Is a directory", id="a folder for a contract"),
        pytest.param(
            "watch --topic charger#", 2, "the last step and alone in it", id="a filter without a slash"
        ),
        pytest.param("detect --base a+b", 2, "one whole step", id="a base that is no topic"),
        pytest.param(
            "demo --keep . --minutes 0.1", 2, "is there already and is not the demo's", id="a real site"
        ),
        pytest.param("demo --keep binary --minutes 0.1", 2, "cannot be written", id="a file for a folder"),
        pytest.param("demo --broker nats --minutes 0.1", 2, "found 'nats'", id="no such kind of broker"),
        pytest.param(
            "up --only laundry", 2, "it has meter, ocpp, plugs, allocator", id="only a service nobody has"
        ),
        pytest.param(
            "up --only prices", 2, "this site has no such service", id="only one that is not configured"
        ),
        pytest.param("contract export nowhere", 2, "cannot be written", id="no such folder"),
        pytest.param("replay .", 2, "Is a directory", id="a folder for a recording"),
        pytest.param("replay binary", 2, "binary cannot be read", id="a recording that is not even packed"),
        pytest.param(
            "record busbar.toml", 2, "is there already and is no recording", id="a slip of the hand"
        ),
        pytest.param(
            "config check --config .", 2, "cannot be read: Is a directory", id="a folder for a site"
        ),
        pytest.param("config check --config binary", 2, "is not UTF-8", id="a site that is not even text"),
        pytest.param(
            "status --config ünïcode.toml", 2, "ünïcode.toml cannot be read", id="a name with umlauts"
        ),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(tmp_path: Path, line: str, code: int, sentence: str) -> None:
    house = HOUSE.format(port=free_port())
    (tmp_path / "busbar.toml").write_text(house, encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    ended_with, said = await ended(tmp_path, line)

    assert (ended_with, sentence in said, "Traceback" in said) == (code, True, False), said
    assert (tmp_path / "busbar.toml").read_text(encoding="utf-8") == house


async def test_a_terminal_without_the_letter_shows_another_sign(tmp_path: Path) -> None:
    ended_with, said = await ended(tmp_path, "status --config ünïcode.toml", PYTHONIOENCODING="ascii")

    assert (ended_with, "code.toml cannot be read" in said, "Traceback" in said) == (2, True, False), said


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
