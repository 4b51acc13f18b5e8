"""Plugs over a real broker, as processes that are killed: what the devices themselves then do."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from busbar_contracts.load import PlugState, PlugSwitch
from busbar_shared.bus import MqttBus
from busbar_shared.clock import RealClock
from busbar_shared.config.load import read_file
from busbar_shared.leases import OrderStamp
from busbar_shared.life import connect

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

SITE = """
[site]
id = "kills"
lease_s = 6
[broker]
host = "127.0.0.1"
port = {port}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid]
driver = "mqtt"
mqtt = {{ kind = "free", values = {{ power = {{ topic = "grid/w" }} }} }}
[plugs.timed]
topic = "shellyplus1pm-1"
device_lease_s = 9
poll_s = 2
[plugs.plain]
driver = "shelly_gen1"
topic = "shelly1-A"
poll_s = 2
[simulator]
modbus_port = 0
"""


class Plugs:
    """The plug service and the simulated devices, each a process, and what they say."""

    def __init__(self, folder: Path, bus: MqttBus) -> None:
        self.folder, self.bus = folder, bus
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.states: dict[str, PlugState] = {}
        self.relays: dict[str, tuple[bool, float]] = {}
        self.stamp = OrderStamp("allocator")

    async def start(self, name: str) -> None:
        environ = os.environ | {"BUSBAR_STATE_DIR": str(self.folder / "state")}
        self.processes[name] = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "busbar_cli", "run", name, "--config", str(self.folder / "site.toml"),
            env=environ, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def end(self, name: str, number: signal.Signals) -> None:
        process = self.processes.pop(name)
        # One that ended by itself must not hide why.
        if process.returncode is None:
            process.send_signal(number)
        await process.wait()

    async def hear(self) -> None:
        """Follow the states, and the relays as the devices say them."""

        async def states() -> None:
            async for one in self.bus.listen(PlugState):
                self.states[one.ids["plug"]] = one.message

        async def timed() -> None:
            async for one in self.bus.listen_raw("shellyplus1pm-1/events/rpc"):
                if b'"output"' in one.payload:
                    self.saw("timed", b'"output":true' in one.payload.replace(b" ", b""))

        async def plain() -> None:
            async for one in self.bus.listen_raw("shellies/shelly1-A/relay/0"):
                self.saw("plain", one.payload == b"on")

        await asyncio.gather(states(), timed(), plain())

    def saw(self, plug: str, on: bool) -> None:
        if plug not in self.relays or self.relays[plug][0] != on:
            self.relays[plug] = (on, time.monotonic())

    async def until(self, plug: str, on: bool, patience_s: float, *, ordered: bool) -> float:
        """Seconds until the relay stands so; meanwhile the order to be on is renewed or not."""
        began, said = time.monotonic(), 0.0
        while self.relays.get(plug, (None, 0.0))[0] is not on:
            assert time.monotonic() - began < patience_s, (
                f"{plug} is not {'on' if on else 'off'}: {self.states.get(plug)}"
            )
            if ordered and time.monotonic() - said > 2:
                said = time.monotonic()
                stamp = self.stamp.next(RealClock().now())
                await self.bus.say(PlugSwitch(**stamp, lease_s=6.0, reason="test", on=True), plug=plug)
            await asyncio.sleep(0.05)
        return time.monotonic() - began


@asynccontextmanager
async def house(folder: Path, port: int) -> AsyncIterator[Plugs]:
    (folder / "site.toml").write_text(SITE.format(port=port), encoding="utf-8")
    site = read_file(folder / "site.toml")
    async with connect(site, "watcher", {}) as bus:
        plugs = Plugs(folder, bus)
        hearing = asyncio.create_task(plugs.hear())
        try:
            await plugs.start("simulator")
            await plugs.start("plugs")
            yield plugs
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
            for name in list(plugs.processes):
                await plugs.end(name, signal.SIGKILL)


async def test_a_killed_service_leaves_a_plug_with_a_timer_to_its_timer(tmp_path: Path, broker: Any) -> None:
    async with house(tmp_path, broker.port) as plugs:
        await plugs.until("timed", True, 30, ordered=True)
        await plugs.end("plugs", signal.SIGKILL)

        assert await plugs.until("timed", False, 20, ordered=False) <= 9 + 4


async def test_a_killed_service_switches_a_plug_without_a_timer_off_when_it_is_back(
    tmp_path: Path, broker: Any
) -> None:
    async with house(tmp_path, broker.port) as plugs:
        await plugs.until("plain", True, 30, ordered=True)
        await plugs.end("plugs", signal.SIGKILL)
        await asyncio.sleep(7)
        assert plugs.relays["plain"][0] is True, "nobody is there to switch it off"

        await plugs.start("plugs")

        assert await plugs.until("plain", False, 40, ordered=False) <= 6 + 20, (
            "its lease, and the time to start on a busy machine"
        )


async def test_orders_that_end_and_sigterm_leave_plugs_off(tmp_path: Path, broker: Any) -> None:
    async with house(tmp_path, broker.port) as plugs:
        await plugs.until("plain", True, 30, ordered=True)
        assert await plugs.until("plain", False, 20, ordered=False) <= 6 + 6
        await plugs.until("timed", True, 30, ordered=True)
        began = time.monotonic()
        await plugs.end("plugs", signal.SIGTERM)
        await plugs.until("timed", False, 8, ordered=False)

        assert time.monotonic() - began < 8, "sooner than its own timer"
