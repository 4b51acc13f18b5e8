"""A charge point nobody here wrote: npm's ocpp-rpc in strict mode checks every frame we send."""

import asyncio
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ocpp_house import SITE, House
from ocpp_time import FastClock, until

PEER = Path(__file__).with_name("ocpp_rpc_peer.cjs")


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ocpp-rpc is: BUSBAR_NODE_MODULES, else installed here and now."""
    given = os.environ.get("BUSBAR_NODE_MODULES")
    if given:
        return Path(given)
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed")
    folder = tmp_path_factory.mktemp("node")
    done = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "ocpp-rpc@2.2.1"],
        cwd=folder, capture_output=True, timeout=90, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip("npm cannot fetch ocpp-rpc: no registry is reachable")
    return folder / "node_modules"


@pytest.mark.system
@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_strict_stranger_finds_no_fault(tmp_path: Path, node_modules: Path, protocol: str) -> None:
    # A busy machine lets a process of its own answer a ping late.
    site = SITE.replace("ping_s = 0.5", "ping_s = 10").replace("pong_s = 0.5", "pong_s = 10")
    async with House(tmp_path, clock=FastClock(1.0, start=datetime.now(UTC)), site=site) as house:
        peer = await asyncio.create_subprocess_exec(
            "node", str(PEER), f"ws://127.0.0.1:{house.port}", "CP-1", protocol,
            env={**os.environ, "NODE_PATH": str(node_modules)}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert peer.stdout is not None
        lines: list[dict[str, Any]] = []

        async def listen() -> None:
            assert peer.stdout is not None
            async for line in peer.stdout:
                lines.append(json.loads(line))

        listening = asyncio.create_task(listen())
        await until(lambda: any("charging" in line for line in lines), patience_s=40, what="the peer charges")
        house.order(11.0)
        ended = lambda: any("done" in line or "wrong" in line for line in lines)  # noqa: E731
        await until(ended, patience_s=40, what="the peer is done")
        await asyncio.wait_for(listening, 30)
        await peer.wait()

    assert [line["wrong"] for line in lines if "wrong" in line] == []
    limits = [
        period["limit"]
        for line in lines
        if line.get("told") == "SetChargingProfile"
        for period in _periods(line["params"])
    ]
    assert 11.0 in limits


def _periods(params: dict[str, Any]) -> list[dict[str, Any]]:
    profile = params.get("csChargingProfiles") or params["chargingProfile"]
    schedule = profile["chargingSchedule"]
    found: list[dict[str, Any]] = (schedule[0] if isinstance(schedule, list) else schedule)[
        "chargingSchedulePeriod"
    ]
    return found
