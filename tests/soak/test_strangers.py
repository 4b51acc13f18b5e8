"""Charge points that nobody here wrote the protocol of: started, charged, limited, cut off, reconnected, proven.

The OCPP service is the real process of `busbar up` at a real broker; the wire runs through a relay that the test
cuts. Packages of npm are fetched once, or taken from BUSBAR_NODE_MODULES. Some minutes; run by `make soak`.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from busbar_contracts.charger import ChargerAction, LeaseQuality
from ocpp_place import VALIDITY_S, place
from relay import Relay

pytestmark = [pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(400)]

HERE = Path(__file__).parent / "strangers"
PACKAGES = {
    "rpc": "ocpp-rpc@2.2.1",
    "ts": "ocpp-ts@0.3.0",
    "eliftech": "ocpp-eliftech@1.0.2 babel-runtime@6.26.0",
    "em": "em-ocpp-chargepoint-simulator@0.0.4",
}


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the npm packages are: BUSBAR_NODE_MODULES, else installed here and now."""
    given = os.environ.get("BUSBAR_NODE_MODULES")
    if given:
        return Path(given)
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed")
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", *" ".join(PACKAGES.values()).split()]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    if done.returncode != 0:
        pytest.skip("npm cannot fetch the charge points: no registry is reachable")
    return folder / "node_modules"


class Stranger:
    """One charge point as a process; what it said last, and what it complained of."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.state: dict[str, Any] = {}
        self.wrong: list[str] = []
        self.hearing = asyncio.create_task(self._hear())

    async def _hear(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if "limit" in said:
                    self.state = said
                if "wrong" in said:
                    self.wrong.append(said["wrong"])

    def draws(self, amps: float) -> bool:
        return abs(self.state.get("draw", -1.0) - amps) < 0.2

    async def do(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())
        await self.process.stdin.drain()


@asynccontextmanager
async def stranger(kind: str, version: str, port: int, modules: Path) -> AsyncIterator[Stranger]:
    """The charge point, running; ended by its id afterwards."""
    url = f"ws://127.0.0.1:{port}"
    command = ["node", str(HERE / f"{kind}.cjs"), url, "CP-1", version]
    if kind == "mobility":
        command = [sys.executable, str(HERE / "mobility.py"), f"{url}/CP-1", version]
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, "NODE_PATH": str(modules)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    guest = Stranger(process)
    try:
        yield guest
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        guest.hearing.cancel()


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        pytest.param("rpc", "1.6", id="ocpp-rpc with 1.6"),
        pytest.param("rpc", "2.0.1", id="ocpp-rpc with 2.0.1"),
        pytest.param("ts", "1.6", id="ocpp-ts with 1.6"),
        pytest.param("mobility", "1.6", id="the ocpp package with 1.6"),
        pytest.param("mobility", "2.0.1", id="the ocpp package with 2.0.1"),
        pytest.param("mobility", "2.1", id="the ocpp package with 2.1"),
    ],
)
async def test_a_stranger_lives_through_its_evening(
    tmp_path: Path, node_modules: Path, kind: str, version: str
) -> None:
    async with place(tmp_path) as house, Relay(house.port) as wire:
        house.limit_a = 13.0
        async with stranger(kind, version, wire.port, node_modules) as guest:
            await house.until(lambda: house.states[-1].link and len(house.states) > 2, 20, "it comes")
            await house.until(lambda: guest.state.get("limit") == 13.0, 40, "it holds its first limit")
            said = await house.ask(ChargerAction.START, 20, tag="TAG1")
            assert said == "start: Accepted"
            await house.until(lambda: guest.draws(13), 30, "it charges with what it may")
            await house.until(lambda: (house.states[-1].power_w or 0) > 8900, 10, "and says so")

            house.limit_a = 8.0
            cut_s = await house.until(lambda: guest.draws(8), 10, "it is cut")
            house.limit_a = 0.0
            await house.until(lambda: guest.draws(0), 10, "it is paused")
            house.limit_a = 13.0
            await house.until(lambda: guest.draws(13), 15, "it goes on")

            answer = await house.ask(ChargerAction.VERIFY, 150)
            assert answer.startswith("verify: lease: proven"), answer
            assert house.states[-1].lease is LeaseQuality.PROVEN
            await house.until(lambda: guest.draws(13), 20, "after the proof it has its grant again")

            wire.stall()
            silent_s = await house.until(lambda: not house.states[-1].link, 20, "the dead link is noticed")
            fell_s = await house.until(lambda: guest.draws(6), VALIDITY_S + 10, "cut off, it falls by itself")
            wire.mend()
            await house.until(lambda: house.states[-1].link, 30, "it is back")
            await house.until(lambda: guest.draws(13), 40, "and has its grant again")

            house.supervisor.children["ocpp"].hold()
            house.kill(signal.SIGKILL)
            alone_s = await house.until(
                lambda: guest.draws(6), VALIDITY_S + 10, "the service killed, it falls by itself"
            )
            house.supervisor.children["ocpp"].resume()
            await house.until(lambda: guest.draws(13), 60, "the service back, it charges on")

            house.kill(signal.SIGTERM)
            told_s = await house.until(
                lambda: guest.draws(6), 10, "the service stopped, it is told its safe limit"
            )
            await house.until(lambda: guest.draws(13), 60, "and charges on when the service is back")
            await guest.do("stop")
            await house.until(lambda: guest.draws(0), 10, "it stops")
            await house.until(lambda: house.transactions()[0].ended_at is not None, 10, "and is booked")

            print(
                f"{kind} {version}: cut in {cut_s:.1f} s, dead link noticed in {silent_s:.1f} s, fell by itself"
                f" {fell_s:.1f} s later, {alone_s:.1f} s after SIGKILL, told {told_s:.1f} s after SIGTERM; {answer}"
            )
            [entry] = house.transactions()
            assert (entry.energy_wh or 0) > 0
            assert guest.wrong == []


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("em", id="em-ocpp-chargepoint-simulator, which answers no profile"),
        pytest.param("eliftech", id="ocpp-eliftech, whose check refuses every profile"),
    ],
)
async def test_a_stranger_without_limits_is_named_before_it_is_granted_more(
    tmp_path: Path, node_modules: Path, kind: str
) -> None:
    async with place(tmp_path) as house, Relay(house.port) as wire:
        house.limit_a = 13.0
        async with stranger(kind, "1.6", wire.port, node_modules) as guest:
            await house.until(lambda: house.states[-1].lease is LeaseQuality.NONE, 60, "it is named")
            assert not house.states[-1].controllable
            said = await house.ask(ChargerAction.START, 30, tag="TAG1")
            assert said == "start: Accepted"
            await house.until(lambda: guest.state.get("draw", 0) > 0, 20, "it charges")
            await house.until(lambda: (house.states[-1].power_w or 0) > 4000, 10, "and says so")

            answer = await house.ask(ChargerAction.VERIFY, 150)

            print(f"{kind} 1.6: {answer}")
            assert answer.startswith("verify: lease: none")
            assert house.states[-1].lease is LeaseQuality.NONE
            assert [one.lease for one in house.states if one.limit and one.limit.confirmed] == []

            came = wire.connections
            wire.cut()
            await house.until(lambda: wire.connections > came, 30, "cut off, it comes again")
            await house.until(lambda: house.states[-1].link, 20, "and is heard")
            assert house.states[-1].lease is LeaseQuality.NONE
