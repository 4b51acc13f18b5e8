"""A newcomer types what the quick start prints, and it works: from no file to a house that is managed."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from busbar_cli.broker import free_port

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

PAGE = (Path(__file__).parents[2] / "docs" / "quick-start.md").read_text(encoding="utf-8")
BUSBAR = f'busbar() {{ "{sys.executable}" -m busbar_cli "$@"; }}\n'


def blocks(heading: str) -> list[str]:
    """The shell blocks of one chapter."""
    chapter = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
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


async def test_a_site_to_play_with_is_set_up_run_and_looked_at(tmp_path: Path) -> None:
    first, second = blocks("A site to play with")
    setup, up = first.strip().splitlines()
    made = await typed(setup, tmp_path)
    said, _ = await made.communicate()
    assert made.returncode == 0, said.decode()
    on_free_ports(tmp_path / "house" / "busbar.toml")

    running = await typed(up, tmp_path, exec_last=True)
    try:
        await asyncio.sleep(25)
        looked = await typed("set -x\n" + second, tmp_path)
        async with asyncio.timeout(120):
            said, _ = await looked.communicate()
        assert looked.returncode == 0, said.decode()
        for word in ("allocator", "left-1", "to get more", "0 problems"):
            assert word in said.decode(), said.decode()
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
