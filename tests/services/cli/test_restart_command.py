"""`busbar restart` signals a service of this site that runs, and never a process that only has its old number."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from busbar_cli.restart import restart
from busbar_shared.config.load import read

SITE = read('[site]\nname = "Home"\n')
# Whoever runs the tests may ignore SIGHUP, as `nohup` does, and its children would inherit that.
WAITS = "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); print('here', flush=True); sys.stdin.read()"


@asynccontextmanager
async def process(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process with these words on its command line, which ends at SIGHUP as most do."""
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WAITS, *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert made.stdin is not None
    assert made.stdout is not None
    await made.stdout.readline()
    try:
        yield made
    finally:
        made.stdin.close()
        await made.wait()


def asked(folder: Path, service: str, kept: bytes) -> int:
    """The exit code of `busbar restart`, where `busbar up` has kept this of who is who."""
    (folder / "up.json").write_bytes(kept)
    return restart(SITE, service, {"BUSBAR_STATE_DIR": str(folder)})


async def test_a_service_that_runs_is_asked(tmp_path: Path) -> None:
    async with process("run", "allocator", "--config", "busbar.toml") as one:
        assert asked(tmp_path, "allocator", json.dumps({"allocator": one.pid}).encode()) == 0
        async with asyncio.timeout(30):
            assert await one.wait() < 0


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="nothing tells what a process is called")
@pytest.mark.parametrize(
    ("words", "name"),
    [
        pytest.param(("an", "editor"), "allocator", id="somebody else got the number after a power cut"),
        pytest.param(("run", "meter"), "allocator", id="another service got it"),
        pytest.param(("run", "allocator"), "supervisor", id="the supervisor is no service"),
        pytest.param(("run", "allocator"), "broker", id="nor is the broker"),
    ],
)
async def test_nobody_else_is_signalled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], name: str
) -> None:
    async with process(*words) as one:
        assert asked(tmp_path, name, json.dumps({name: one.pid, "supervisor": one.pid}).encode()) == 1
        assert "no `busbar up` runs for this site" in capsys.readouterr().err
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.wait(), 0.3)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[1]", b'{"allocator": "1"}'], ids=repr)
def test_a_torn_file_is_no_house_that_runs(tmp_path: Path, text: bytes) -> None:
    assert asked(tmp_path, "allocator", text) == 1
