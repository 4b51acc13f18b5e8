"""However a recording is ended, what was heard is in the file."""

import asyncio
import contextlib
import gzip
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from busbar_cli.recording import BadRecording, read
from busbar_shared.config.load import read as read_site
from busbar_shared.life import connect

pytestmark = [pytest.mark.system, pytest.mark.timeout(360)]

SITE = '[site]\nname = "Home"\n[broker]\nhost = "127.0.0.1"\nport = {port}\n'


def messages(file: Path) -> int:
    """How many messages can be read from the file by now."""
    with contextlib.suppress(BadRecording, FileNotFoundError):
        return len(list(read(file)[1]))
    return 0


def _hears_ctrl_c() -> None:
    """In the child: tests that run in the background inherit that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "code", "whole"),
    [
        pytest.param(signal.SIGINT, 0, True, id="ctrl-c"),
        pytest.param(signal.SIGTERM, 0, True, id="timeout or systemd ends it"),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, False, id="it is killed"),
    ],
)
async def test_a_recording_that_is_ended_is_good(
    broker: Any, tmp_path: Path, number: signal.Signals, code: int, whole: bool
) -> None:
    text, file = SITE.format(port=broker.port), tmp_path / "evening.busbar.gz"
    (tmp_path / "busbar.toml").write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "busbar_cli",
        "record",
        str(file),
        "--config",
        str(tmp_path / "busbar.toml"),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, "PYTHONPATH": ":".join(sys.path)}, stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=_hears_ctrl_c,
    )  # fmt: skip
    async with connect(read_site(text), "somebody", {}) as bus, asyncio.timeout(90):
        while messages(file) < 3:  # it comes onto the disk within some seconds, also while it goes on
            await bus.say_raw("hems/somebody", b'{"a": 1}', qos=1, retain=False)
            await asyncio.sleep(0.5)
        process.send_signal(number)
        assert await process.wait() == code

    assert messages(file) >= 3
    if whole:
        assert b"hems/somebody" in gzip.decompress(file.read_bytes())
