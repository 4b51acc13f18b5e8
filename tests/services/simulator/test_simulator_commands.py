"""The simulator's commands for one device from a dump, and for a herd of charge points."""

import json
import struct
from pathlib import Path

import pytest
from typer.testing import CliRunner

from busbar_simulator.commands import app
from busbar_simulator.modbus_server import ModbusServer
from busbar_simulator.sunspec.replay import BadDump, replays

DUMP = {
    "units": [
        {"unit": 7, "base": 40000, "ended": "end block", "runs": [{"start": 40000, "values": [21365, 28243]}]}
    ],
    "program": "busbar",
}


def test_a_dump_answers_like_its_device() -> None:
    server = ModbusServer(replays(json.dumps(DUMP).encode()))

    assert server.answer(7, b"\x03" + struct.pack(">HH", 40000, 2)) == b"\x03\x04SunS"
    assert server.answer(7, b"\x03" + struct.pack(">HH", 40000, 3)) == b"\x83\x02"
    assert server.answer(7, b"\x06" + struct.pack(">HH", 40000, 3)) == b"\x86\x02"
    assert server.answer(8, b"\x03" + struct.pack(">HH", 40000, 2)) == b"\x83\x0b"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"units":[{"unit":1,"runs":[{"start":0,"values":[70000]}]}]}']
)
def test_what_is_no_dump(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadDump):
        replays(text.encode())
    file = tmp_path / "dump.json"
    file.write_text(text, encoding="utf-8")

    assert CliRunner().invoke(app, ["replay", str(file)]).exit_code == 2


@pytest.mark.parametrize(
    "arguments", [["--fault", "lazy"], ["--version", "1.5"]], ids=["no such fault", "no such version"]
)
def test_a_herd_that_cannot_be(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["chargers", "ws://127.0.0.1:1/", *arguments]).exit_code == 2
