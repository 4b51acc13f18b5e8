"""Limits first, history second: a disk that is broken, full or read-only stops no control."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from houses import DARK_HOUSE, LEASE_S, charging, quick_site, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

FILES = (
    "allocator/kept.json", "allocator/discovery.json", "meter/orders.json", "meter/discovery.json", "ocpp/held.json",
    "ocpp/learned.json", "ocpp/discovery.json", "ocpp/transactions.sqlite3", "ocpp/outbox.sqlite3", "up.json",
)  # fmt: skip
"""Everything that a running house was seen to keep."""


def broken(state: Path) -> None:
    """Every file is there, and none can be read."""
    for name in FILES:
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_bytes(b"\xff\x00 torn in the middle {" * 400)


def of_another_version(state: Path) -> None:
    """Every file holds something of a program we do not know."""
    for name in FILES:
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_text('{"version": 99, "loads": [1, 2], "x": {"y": null}}')


def no_folder(state: Path) -> None:
    """Where a service wants its folder there is a file, so that nothing can be written or even opened."""
    state.mkdir(parents=True, exist_ok=True)
    for name in ("allocator", "meter", "ocpp", "simulator"):
        (state / name).write_text("not a folder")


CASES: list[object] = [
    pytest.param(broken, id="every file is broken"),
    pytest.param(of_another_version, id="every file is of another version", marks=pytest.mark.soak),
    pytest.param(no_folder, id="no service can make its folder", marks=pytest.mark.soak),
]


@pytest.mark.parametrize("spoil", CASES)
async def test_the_house_is_managed_all_the_same(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(tmp_path / "state")

    await managed(tmp_path)


@pytest.mark.parametrize("how", ["full", "read-only"])
async def test_on_a_disk_of_its_own(tmp_path: Path, how: str) -> None:
    state = tmp_path / "state"
    state.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(state)], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("this needs a disk of its own, which only root may mount")
    try:
        if how == "read-only":
            subprocess.run(["mount", "-o", "remount,ro", str(state)], check=True)
            await managed(tmp_path)
        else:
            await managed(tmp_path, lambda: fill(state / "filler"))
    finally:
        subprocess.run(["umount", "-l", str(state)], check=True)


def fill(file: Path) -> None:
    """Write until the disk has no room left."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (4096, 64, 1):
            with suppress(OSError):
                while True:
                    os.write(handle, b"x" * size)
    finally:
        os.close(handle)


async def managed(folder: Path, then: Callable[[], None] | None = None) -> None:
    """The car gets its current and falls back without an allocator; `then` happens while it charges."""
    async with running(quick_site(more=DARK_HOUSE), folder) as house:
        await charging(house)
        if then is not None:
            then()
            # A start must work on the bad disk too.
            house.kill("ocpp")
            house.kill("meter")
            await asyncio.sleep(2.0)
            await charging(house)
        await house.stop("allocator")
        await house.until(lambda: house.amps() < 6.5, LEASE_S + 1 + 5.5, "the car falls back")

        assert house.truth.verdict == "ok"
