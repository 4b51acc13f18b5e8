"""`busbar up`: everything of a site as processes, together in life and in death."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from busbar_cli.broker import find_mosquitto, is_listening
from busbar_shared.config.load import read
from houses import quick_site

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def start(folder: Path, text: str) -> "subprocess.Popen[bytes]":
    """`busbar up` for this site, as a user would."""
    (folder / "busbar.toml").write_text(text, encoding="utf-8")
    log = (folder / "up.log").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", "busbar_cli", "up", "--config", str(folder / "busbar.toml")],
        env={**os.environ, "BUSBAR_STATE_DIR": str(folder / "state")}, stdout=log, stderr=log,
    )  # fmt: skip


def busbar(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Any other command for this site."""
    return subprocess.run(
        [sys.executable, "-m", "busbar_cli", *arguments, "--config", str(folder / "busbar.toml")],
        env={**os.environ, "BUSBAR_STATE_DIR": str(folder / "state")},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def pids(folder: Path) -> dict[str, int]:
    """The processes of the running site."""
    file = folder / "state" / "up.json"
    return json.loads(file.read_text()) if file.exists() else {}


def alive(pid: int) -> bool:
    """Whether this process runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def online(folder: Path, seconds: float = 40) -> dict[str, Any]:
    """Wait until `busbar status` says that every service is online."""
    until = time.monotonic() + seconds
    while True:
        done = await asyncio.to_thread(busbar, folder, "status", "--json")
        if done.returncode == 0:
            return json.loads(done.stdout)
        assert time.monotonic() < until, done.stdout + done.stderr + (folder / "up.log").read_text()
        await asyncio.sleep(0.5)


async def test_after_the_supervisor_was_killed_its_children_end_and_up_works_again(tmp_path: Path) -> None:
    text = quick_site()
    port = read(text).broker.port
    first = start(tmp_path, text)
    try:
        await online(tmp_path)
        children = pids(tmp_path)
        assert {"meter", "ocpp", "allocator", "simulator", "broker"} <= set(children)

        first.send_signal(signal.SIGKILL)
        first.wait()
        until = time.monotonic() + 20
        children.pop("supervisor")
        while left := [name for name, pid in children.items() if alive(pid)]:
            assert time.monotonic() < until, (
                f"still alive: {left}; {(tmp_path / 'up.log').read_text()[-1500:]}"
            )
            await asyncio.sleep(0.1)

        second = start(tmp_path, text)
        try:
            await online(tmp_path, 60)
        finally:
            second.terminate()
            assert second.wait(30) == 0
        assert not is_listening(port)
    finally:
        first.kill()
        for pid in pids(tmp_path).values():
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


async def test_a_frozen_child_does_not_outlive_its_supervisor(tmp_path: Path) -> None:
    first = start(tmp_path, quick_site())
    try:
        await online(tmp_path)
        children = pids(tmp_path)
        children.pop("supervisor")
        os.kill(children["meter"], signal.SIGSTOP)
        first.send_signal(signal.SIGKILL)
        first.wait()

        until = time.monotonic() + 40
        while left := [name for name, pid in children.items() if alive(pid)]:
            assert time.monotonic() < until, f"still there: {left}"
            await asyncio.sleep(0.2)
    finally:
        first.kill()
        for pid in pids(tmp_path).values():
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


async def test_a_second_up_of_the_same_site_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    first = start(tmp_path, quick_site())
    try:
        await online(tmp_path)
        before = pids(tmp_path)

        second = await asyncio.to_thread(busbar, tmp_path, "up")

        assert second.returncode == 2
        assert f"`busbar up` runs for this site already: process {first.pid}" in second.stderr
        assert pids(tmp_path) == before
        await online(tmp_path)
    finally:
        first.terminate()
        assert first.wait(30) == 0


async def test_status_and_restart_of_a_running_site(tmp_path: Path) -> None:
    process = start(tmp_path, quick_site())
    try:
        status = await online(tmp_path)
        assert {row["service"] for row in status["services"]} == {"simulator", "meter", "ocpp", "allocator"}
        before = pids(tmp_path)["allocator"]

        assert (await asyncio.to_thread(busbar, tmp_path, "restart", "allocator")).returncode == 0
        until = time.monotonic() + 20
        while pids(tmp_path).get("allocator") in (None, before):
            assert time.monotonic() < until
            await asyncio.sleep(0.1)
        await online(tmp_path)

        wrong = await asyncio.to_thread(busbar, tmp_path, "restart", "toaster")
        assert wrong.returncode == 1
        assert "'toaster' does not run" in wrong.stderr
        watched = await asyncio.to_thread(
            busbar, tmp_path, "watch", "--topic", "meter/#", "--seconds", "3", "--json"
        )
        lines = [json.loads(line) for line in watched.stdout.splitlines()]
        assert len(lines) >= 2
        assert all(line["problem"] is None for line in lines)
    finally:
        process.terminate()
        assert process.wait(30) == 0


async def test_a_wrong_configuration_ends_up_at_once_with_its_sentence(tmp_path: Path) -> None:
    process = start(tmp_path, quick_site().replace("limit_a = 25", "limit_a = -25"))

    assert await asyncio.to_thread(process.wait, 20) == 2
    assert "circuits.main.limit_a" in (tmp_path / "up.log").read_text()


@pytest.mark.soak  # `.ci/run` lives through both demos itself
@pytest.mark.parametrize("kind", ["mosquitto", "amqtt"])
async def test_the_demo_ends_by_itself_with_a_verdict(tmp_path: Path, kind: str) -> None:
    import importlib.util

    if kind == "mosquitto" and find_mosquitto() is None:
        pytest.skip("there is no mosquitto on this machine; the other broker is tested")
    if kind == "amqtt" and importlib.util.find_spec("amqtt") is None:
        pytest.skip("the extra `embedded` is not installed here; CI runs this in an environment that has it")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "busbar_cli", "demo", "--headless", "--minutes", "0.75", "--broker", kind,
         "--keep", str(tmp_path)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "no phase was over its breaker longer than allowed" in done.stdout
