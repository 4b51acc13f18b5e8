"""`busbar ocpp ...` as an owner types it, against the real service with a charger: what it says and how it ends."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from busbar_ocpp.asked import NOBODY
from ocpp_place import Place, place

sys.path.insert(0, str(Path(__file__).parents[1] / "services" / "ocpp"))

from ocpp_charge_point import ChargePoint
from ocpp_time import FastClock

pytestmark = [pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(600)]

ROWS = [
    ("start left", 1, "a tag is needed"),
    ("start left --tag ANN", 0, "left-1: start: Accepted"),
    ("start right --tag ANN", 1, "the charger is not connected"),
    ("stop left", 1, "nothing runs"),
    ("unlock left", 0, "Unlocked"),
    ("trigger left Heartbeat", 1, "NotImplemented"),
    ("config get left HeartbeatInterval", 1, "unknown to the charger"),
    ("config set left HeartbeatInterval 300", 0, "Accepted"),
    ("config get left HeartbeatInterval", 0, "HeartbeatInterval = 300"),
    ("config get left AuthorizationKey", 1, "is a secret and is not shown"),
    ("availability left off", 0, "Accepted"),
    ("availability left on", 0, "Accepted"),
    ("diagnostics left ftp://192.0.2.1/", 1, "refused: NotImplemented"),
    ("clear left", 0, "profiles cleared and set again"),
    ("verify left", 1, "cannot be tried now"),
    ("accept right CP-1", 1, "CP-1 is left already"),
    ("reset left --on-idle", 0, "Accepted"),
    ("release left", 0, "released:"),
    ("accept left", 0, "accepted:"),
    ("show left", 0, "Acme"),
    ("list", 0, "Acme [/x]\N{REPLACEMENT CHARACTER}[31m"),
    ("sessions left", 0, ""),
    ("stop left --connector 2", 2, "left has no connector 2; there are: 1"),
]


async def typed(house: Place, folder: Path, line: str) -> tuple[int | None, str, str]:
    """How the command ended, what it said, and what it complained of."""
    environ = {**os.environ, "BUSBAR_STATE_DIR": str(house.folder), "PYTHONPATH": ":".join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "busbar_cli", "ocpp", *line.split(), "--config", str(folder / "busbar.toml"),
        env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(120):
        said, complained = await process.communicate()
    return process.returncode, said.decode(), complained.decode()


async def answered(house: Place, folder: Path, line: str) -> tuple[int | None, str, str]:
    """The same; that a busy machine answered nothing in time proves nothing, so it is asked again."""
    for _ in range(3):
        code, said, complained = await typed(house, folder, line)
        if NOBODY not in complained:
            break
    return code, said, complained


async def test_each_command_ends_with_0_only_when_it_was_done(tmp_path: Path) -> None:
    async with place(tmp_path) as house:
        charger = ChargePoint(FastClock(1.0, start=datetime.now(UTC)), house.port, "CP-1")
        charger.model_name = "[/x]\x1b[31m"  # what a charger calls itself neither colours nor ends a table
        await charger.connect()
        await charger.boot()
        await charger.status("Preparing")
        await house.until(lambda: house.states[-1].link, 20, "it is connected")
        wrong = []
        for line, code, text in ROWS:
            ended, said, complained = await answered(house, tmp_path, line)
            if ended != code or text not in said + complained or "Traceback" in complained:
                wrong.append((line, ended, said, complained))

        assert wrong == []
        code, said, _ = await answered(house, tmp_path, "start left --json")
        answer = json.loads(said)
        assert (code, answer["action"], answer["done"]) == (1, "start", False)
        await charger.disconnect()
