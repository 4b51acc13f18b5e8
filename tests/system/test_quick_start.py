"""A newcomer types what the quick start prints, and it works: from no file to a house that is managed."""

import asyncio
import json
import os
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from busbar_cli.broker import free_port

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
BUSBAR = f'busbar() {{ "{sys.executable}" -m busbar_cli "$@"; }}\n'


def blocks(heading: str, page: str = "docs/quick-start.md") -> list[str]:
    """The shell blocks of one chapter of a page."""
    chapter = (ROOT / page).read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", chapter, re.M | re.S)


async def typed(text: str, folder: Path, *, exec_last: bool = False) -> asyncio.subprocess.Process:
    """A shell in which this is typed; the environment is that of a newcomer."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("BUSBAR_")},
        "BUSBAR_STATE_DIR": str(folder / "state"),
    }
    text = (
        f'exec "{sys.executable}" -m busbar_cli {text.removeprefix("busbar ")}'
        if exec_last
        else BUSBAR + text
    )
    return await asyncio.create_subprocess_exec(
        "bash", "-e", "-c", text, cwd=folder, env=environ,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


def on_free_ports(file: Path) -> None:
    """Several tests run on one machine, so none may use the usual ports."""
    text, modbus = file.read_text(encoding="utf-8"), free_port()
    text = text.replace('host = "embedded"', f'host = "embedded"\nport = {free_port()}')
    text = text.replace("port = 15020", f"port = {modbus}").replace("port = 9000", f"port = {free_port()}")
    text = text.replace("[simulator]\n", f"[simulator]\nmodbus_port = {modbus}\n")
    file.write_text(text, encoding="utf-8")


async def a_session_with_mosquittos_tools(folder: Path) -> None:
    """What contracts/README.md prints, at the broker of this house."""
    if shutil.which("mosquitto_sub") is None:
        return
    port = re.findall(
        r"^port = (\d+)$", (folder / "house" / "busbar.toml").read_text(encoding="utf-8"), re.M
    )[0]
    [session] = blocks("A session with mosquitto's tools", "contracts/README.md")
    here = "".join(
        f'{one}() {{ command {one} -p {port} "$@"; }}\n' for one in ("mosquitto_sub", "mosquitto_pub")
    )
    # A reader's machine is not busy with a hundred other tests.
    looked = await typed(here + "sleep() { command sleep 6; }\n" + session, folder)
    async with asyncio.timeout(180):
        said, _ = await looked.communicate()
    assert looked.returncode == 0, said.decode()
    answered = said.decode().splitlines()
    assert any('"mode":"solar_only"' in line for line in answered), said.decode()
    assert '"import_limit_w":4200' in answered[-1], said.decode()


async def recorded_and_replayed(folder: Path) -> None:
    """What docs/record.md prints, in a hurry."""
    shown, what_if = (ROOT / "docs/record.md").read_text(encoding="utf-8").split("## What if")
    [first] = re.findall(r"^```sh\n(.*?)^```", shown, re.M | re.S)
    [second] = re.findall(r"^```sh\n(.*?)^```", what_if, re.M | re.S)
    text = "export BUSBAR_CONFIG=house/busbar.toml\n" + first.replace("--minutes 10", "--minutes 0.1")
    # A difference is an answer: the exit code of a what-if is 0 or 1.
    looked = await typed(text + "set +e\n" + second + "test $? -le 1", folder)
    async with asyncio.timeout(180):
        said, _ = await looked.communicate()
    assert looked.returncode == 0, said.decode()
    assert said.decode().count("digest") == 3, said.decode()


async def until_all_live(folder: Path, since: datetime) -> None:
    """Wait until every service is online, and the allocator is one that was started after this."""
    async with asyncio.timeout(120):
        while True:
            looked = await typed("busbar status --json --config house/busbar.toml", folder)
            said, _ = await looked.communicate()
            begin = said.find(b'{"services"')
            rows = json.loads(said[begin:])["services"] if begin >= 0 else []
            started = {row["service"]: row.get("started_at") for row in rows if row["state"] == "online"}
            allocator = started.get("allocator")
            if looked.returncode == 0 and allocator and datetime.fromisoformat(allocator) > since:
                return
            await asyncio.sleep(1)


async def test_a_site_to_play_with_is_set_up_run_and_looked_at(tmp_path: Path) -> None:
    first, second = blocks("A site to play with")
    setup, up = first.strip().splitlines()
    made = await typed(setup, tmp_path)
    said, _ = await made.communicate()
    assert made.returncode == 0, said.decode()
    on_free_ports(tmp_path / "house" / "busbar.toml")

    running = await typed(up, tmp_path, exec_last=True)
    try:
        await until_all_live(tmp_path, datetime.min.replace(tzinfo=UTC))
        await asyncio.sleep(20)
        restarted_after = datetime.now(UTC)
        looked = await typed("set -x\n" + second, tmp_path)
        async with asyncio.timeout(120):
            said, _ = await looked.communicate()
        assert looked.returncode == 0, said.decode()
        for word in ("allocator", "left-1", "to get more", "0 problems"):
            assert word in said.decode(), said.decode()
        # What is said to a service while it starts again is heard by nobody.
        await until_all_live(tmp_path, restarted_after)
        await a_session_with_mosquittos_tools(tmp_path)
        await recorded_and_replayed(tmp_path)
    finally:
        running.terminate()
        async with asyncio.timeout(30):
            await running.communicate()
    assert running.returncode == 0


async def test_the_first_own_file_is_made_and_checked(tmp_path: Path) -> None:
    made = await typed(blocks("Your own site")[0], tmp_path)
    said, _ = await made.communicate()

    assert made.returncode == 0, said.decode()
    assert "The configuration of Home is good" in said.decode()
