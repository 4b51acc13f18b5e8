"""Every file that any service keeps, spoiled: the house with everything starts again, and the car gets its current."""

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from whole_house import NIGHT, SERVICES, WholeHouse, whole_house

pytestmark = [pytest.mark.system, pytest.mark.timeout(560)]


def torn(file: Path) -> None:
    """As after a power cut on a bad card."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2] + b"\xff\x00 torn")


def of_another_version(file: Path) -> None:
    """Something that can be read, of a program we do not know."""
    file.write_text('{"version": 99, "kept": [1, {"x": null}]}')


def a_folder(file: Path) -> None:
    """Something that cannot even be opened."""
    file.unlink()
    file.mkdir()


async def all_online(whole: WholeHouse) -> None:
    """Every service says that it lives and is ready, and the car charges."""
    until = time.monotonic() + 90
    while True:
        known = whole.house.scene.services
        here = {name for name, one in known.items() if one.state == "online" and one.ready}
        if here >= set(SERVICES) and whole.house.amps() > 15:
            return
        assert time.monotonic() < until, f"missing {set(SERVICES) - here}; {whole.house.describe()}"
        await asyncio.sleep(0.2)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(torn, id="every file is torn in the middle", marks=pytest.mark.soak),
        pytest.param(of_another_version, id="every file is of another version", marks=pytest.mark.soak),
        pytest.param(a_folder, id="every file is a folder", marks=pytest.mark.soak),
    ],
)
async def test_a_house_with_spoiled_files_is_managed(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    night = {"mode": "standard", "pump": "continuous", "heat": "boost", "sky": NIGHT, "start": "00:30"}
    async with whole_house(first, **night) as whole:  # type: ignore[arg-type]
        await all_online(whole)
        await asyncio.sleep(6)
    shutil.copytree(first / "state", second / "state")
    files = [one for one in (second / "state").rglob("*") if one.is_file() and one.name != "mosquitto.conf"]
    assert {one.parent.name for one in files} >= {
        "allocator",
        "meter",
        "ocpp",
        "plugs",
        "heat",
        "battery",
        "chargeamps",
    }
    for file in files:
        spoil(file)

    async with whole_house(second, **night) as whole:  # type: ignore[arg-type]
        await all_online(whole)
        assert whole.house.truth.verdict == "ok"
        assert all(one.restarts == 0 for one in whole.house.supervisor.children.values()), (
            "no service died of it"
        )
