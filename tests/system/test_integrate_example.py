"""What the docs tell outsiders to run works as it stands: the example service, and the session with mosquitto's tools."""

import asyncio
import json
import os
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from busbar_cli.conformance import Conformance
from busbar_cli.punctual import Punctual
from busbar_cli.scene import Scene
from busbar_contracts.service import ServiceStatus
from busbar_shared.bus import RawHeard
from houses import DARK_HOUSE, charging, quick_site, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(360)]

ROOT = Path(__file__).parents[2]
LEASE_S = 15.0
"""Of the example."""


def block(page: str, language: str) -> str:
    """The only block of this language in a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    [found] = re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)
    return str(found)


def test_the_example_is_short_and_imports_nothing_of_ours() -> None:
    lines = [line for line in block("docs/integrate.md", "python").splitlines() if line.strip()]

    assert len(lines) <= 48
    assert not any("busbar" in line for line in lines)


async def test_the_example_service_limits_the_car_and_lets_go_when_it_dies(tmp_path: Path) -> None:
    (tmp_path / "ceiling.py").write_text(block("docs/integrate.md", "python"), encoding="utf-8")
    async with running(quick_site(more=DARK_HOUSE), tmp_path) as house:
        await charging(house)
        judged, states = Conformance("hems"), house.bus.listen_where((ServiceStatus, {"service": "ceiling"}))
        heard, expected = house.bus.listen_raw("hems/#"), Punctual(house.scene.site, time.monotonic())
        listening = asyncio.create_task(listen(heard, judged, expected))
        port = str(house.scene.site.broker.port)
        example = await asyncio.create_subprocess_exec(
            sys.executable, str(tmp_path / "ceiling.py"), env={**os.environ, "MQTT_PORT": port}
        )  # fmt: skip
        try:
            await house.until(lambda: house.amps() < 8.5, 20, "the example holds the car at 8 A")
            told = house.scene.chargers["left-1"].limit
            assert told is not None
            assert told.issuer == "ceiling"
            assert "the house imports" in told.reason
            await house.holds(lambda: house.amps() < 8.5, 8, "it renews its lease")
        finally:
            example.kill()
            await example.wait()
        await house.until(lambda: house.amps() > 15, LEASE_S + 20, "the lease ends and the car rises again")
        async with asyncio.timeout(30):
            async for one in states:
                if one.message.state == "offline":
                    break
        listening.cancel()
        assert judged.finish(40) == []
        assert expected.finish(time.monotonic()) == []


async def listen(heard: AsyncIterator[RawHeard], judged: Conformance, expected: Punctual) -> None:
    async for message in heard:
        judged.hear(message)
        expected.hear(message)


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto's tools are not on this machine")
async def test_the_session_with_mosquittos_tools_works_as_it_is_printed(tmp_path: Path) -> None:
    async with running(quick_site(more=DARK_HOUSE), tmp_path) as house:
        await charging(house)
        port = house.scene.site.broker.port
        # The page talks to a broker at the usual place; here it is at another port.
        here = "".join(
            f'{tool}() {{ command {tool} -h 127.0.0.1 -p {port} "$@"; }}\n'
            for tool in ("mosquitto_sub", "mosquitto_pub")
        )
        shell = await asyncio.create_subprocess_exec(
            "bash", "-e", "-c", here + block("contracts/README.md", "sh"), stdout=asyncio.subprocess.PIPE
        )  # fmt: skip
        async with asyncio.timeout(40):
            said, _ = await shell.communicate()
        assert shell.returncode == 0
        lines = [json.loads(line) for line in said.splitlines()]

        assert lines[0]["loads"]["left-1"]["reason"]
        assert [set(line) >= {"at", "power_w", "a", "b", "c"} for line in lines[1:4]] == [True] * 3
        assert lines[4]["modes"]
        assert (lines[-1]["import_limit_w"], lines[-1]["import_limit_source"]) == (4200.0, "grid-operator")
        await house.until(
            lambda: limit_of(house.scene) == (4200.0, "grid-operator"), 5, "the limit is in force"
        )
        await house.until(lambda: house.amps() == 0.0, 30, "at night a car on the sun alone stops")


def limit_of(scene: Scene) -> tuple[float | None, str | None]:
    allocation = scene.allocation
    assert allocation is not None
    return allocation.import_limit_w, allocation.import_limit_source
