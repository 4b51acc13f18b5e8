"""A service that dies is started again, whatever it died of, and its owner is told what that was."""

import asyncio
import os
import signal
import sys

import pytest

from busbar_cli.child import Child


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        pytest.param("sys.exit(3)", "exit code 3", id="it ends by itself"),
        pytest.param(f"os.kill(os.getpid(), {signal.SIGKILL:d})", "signal SIGKILL", id="somebody kills it"),
        pytest.param(
            "os.kill(os.getpid(), 36)",
            "signal 36",
            id="a signal without a name ends it",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux has real-time signals"),
        ),
    ],
)
async def test_it_is_started_again(ends: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    started: set[int] = set()
    twice = asyncio.Event()
    command = [sys.executable, "-I", "-S", "-c", f"import os, signal, sys; {ends}"]
    child = Child("meter", command, dict(os.environ), None)

    def noted() -> None:
        started.update(() if child.pid is None else (child.pid,))
        if len(started) > 1:
            twice.set()

    life = asyncio.create_task(child.live(noted))
    try:
        async with asyncio.timeout(60):
            await twice.wait()
    finally:
        life.cancel()
        await child.stop()
    assert f"meter ended with {told}; starting it again" in capsys.readouterr().err
