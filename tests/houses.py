"""A whole house for system tests: real processes, a real broker, and the plant as the judge."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient

from busbar_cli.broker import free_port
from busbar_cli.scene import Scene
from busbar_cli.up import Supervisor
from busbar_contracts.service import PlantTruth
from busbar_shared.bus import MqttBus
from busbar_shared.config.load import read
from busbar_shared.life import connect

QUICK = """
[site]
id = "test"
lease_s = 6
meter_stale_s = 3
meter_lost_after_s = 6
excess_threshold_w = 3000
[broker]
host = "embedded"
port = {mqtt}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = {{ host = "127.0.0.1", port = {modbus}, unit = 200 }}
[inverters.roof]
modbus = {{ host = "127.0.0.1", port = {modbus}, unit = 1 }}
rating_w = 10000
[ocpp]
port = {ocpp}
security = 0
profile_validity_s = 24
sample_s = 5
[chargers.left]
charge_point = "CP-LEFT"
fallback_a = 6
mode = "{mode}"
[simulator]
modbus_port = {modbus}
seed = 3
speed = 1
start = "{start}"
{more}
"""
"""One charger and one car behind 25 A, with short leases so that a test does not last minutes."""

DARK_HOUSE = """
[simulator.house]
base_w = 0
kettles = 0
ovens = 0
machines = 0
[simulator.battery]
capacity_wh = 0
[simulator.sun]
peak_w = 0
"""
"""A night without sun, battery and family: only the car is on the wires."""

LEASE_S, LOST_S, VALIDITY_S = 6.0, 6.0, 24.0


FALLBACK_W = 4400.0
"""Above three legs of 6 A, and far below those of 16 A."""


class House:
    """A running house and what is truly so in it."""

    def __init__(self, supervisor: Supervisor, scene: Scene, bus: MqttBus) -> None:
        self.supervisor, self.scene, self.bus = supervisor, scene, bus

    @property
    def truth(self) -> PlantTruth:
        """The plant as it really is now."""
        assert self.scene.truth is not None
        return self.scene.truth

    def amps(self, load: str = "left-1") -> float:
        """What this load truly draws on its busiest leg."""
        return self.truth.loads.get(load, 0.0) if self.scene.truth is not None else 0.0

    async def until(self, what: Callable[[], bool], seconds: float, why: str) -> float:
        """Wait until this is so; returns how long it took. Fails with the sentence when it does not happen."""
        began = time.monotonic()
        while not what():
            waited = time.monotonic() - began
            assert waited < seconds, f"not within {seconds:g} s: {why}; {self.describe()}"
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def holds(self, what: Callable[[], bool], seconds: float, why: str) -> None:
        """Make sure this stays so for so long."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            assert what(), f"after {time.monotonic() - began:.1f} s: {why}; {self.describe()}"
            await asyncio.sleep(0.05)

    async def metered_w(self) -> float:
        """What the simulated grid meter shows now, read from its registers: true also while no broker is there."""
        place = self.scene.site.meters["grid"].modbus
        assert place is not None
        client = AsyncModbusTcpClient("127.0.0.1", port=place.port)
        try:
            assert await client.connect()
            # SunSpec: base 40000, model 1 has 66 registers, so the meter's model begins at 40070 (W at 18, W_SF at 22).
            answer = await client.read_holding_registers(40070, count=24, device_id=place.unit)
        finally:
            client.close()
        signed = [value - 0x10000 if value & 0x8000 else value for value in answer.registers]
        assert signed[0] in (201, 202, 203, 204), f"not a meter: model {signed[0]}"
        return float(signed[18] * 10.0 ** signed[22])

    def describe(self) -> str:
        """The house in one line, for a failure."""
        grants = self.scene.allocation.loads if self.scene.allocation is not None else {}
        told = {name: f"{grant.limit_a:g} A, {grant.reason}" for name, grant in grants.items()}
        loads = self.scene.truth.loads if self.scene.truth is not None else None
        return f"true loads {loads}, grants {told}, last events {[one.text for one in self.scene.events]}"

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End a process as a crash would, or send it another signal."""
        pid = self.supervisor.children[name].pid
        assert pid is not None, f"{name} does not run"
        os.kill(pid, number)

    async def stop(self, name: str) -> None:
        """Kill a process and keep it from being restarted."""
        child = self.supervisor.children[name]
        child.hold()
        self.kill(name)
        await self.until(lambda: child.pid is None, 5, f"{name} dies")

    def restart(self, name: str) -> None:
        """Let a stopped process be started again."""
        self.supervisor.children[name].resume()

    def memory_mib(self, name: str) -> float:
        """Resident memory of a service."""
        pages = int(Path(f"/proc/{self.supervisor.children[name].pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def quick_site(*, mode: str = "standard", start: str = "00:30", more: str = "", text: str = QUICK) -> str:
    """The configuration of a quick house with free ports."""
    return text.format(
        mqtt=free_port(), modbus=free_port(), ocpp=free_port(), mode=mode, start=start, more=more
    )


@asynccontextmanager
async def running(
    text: str,
    folder: Path,
    only: list[str] | None = None,
    dressed: Callable[[str, list[str]], list[str]] | None = None,
    more: dict[str, str] | None = None,
) -> AsyncIterator[House]:
    """The house of this configuration, running; ended cleanly afterwards. `more` goes into its environment."""
    (folder / "busbar.toml").write_text(text, encoding="utf-8")
    site = read(text)
    environ = {"BUSBAR_STATE_DIR": str(folder / "state"), "BUSBAR_CONFIG": str(folder / "busbar.toml")}
    environ |= more or {}
    broker = os.environ.get("BUSBAR_TEST_BROKER", "auto")
    supervisor = Supervisor(
        site, folder / "busbar.toml", only=only, broker=broker, logs=folder, environ=environ, dressed=dressed
    )
    scene = Scene(site)
    await supervisor.start()
    try:
        async with connect(site, "test", environ) as bus:
            hearing = asyncio.create_task(scene.hear(bus))
            house = House(supervisor, scene, bus)
            try:
                await house.until(lambda: scene.truth is not None, 20, "the simulated house speaks")
                yield house
            finally:
                hearing.cancel()
                # Its generator must be at rest before the loop closes it, or that fails as "already running".
                await asyncio.gather(hearing, return_exceptions=True)
    finally:
        await supervisor.stop()


async def charging(house: House, amps: float = 15.0, seconds: float = 40.0) -> None:
    """Wait until the car has all it can use."""
    await house.until(lambda: house.amps() > amps, seconds, "the car charges at full power")


async def killed_at_full_power(
    text: str, folder: Path, name: str, within_s: float, back_s: float = 40.0
) -> float:
    """Kill a part while the car charges, see the true current fall, let the part come back. Returns how long it took."""
    async with running(text, folder) as house:
        await charging(house, seconds=back_s)
        began, took = time.monotonic(), within_s
        await house.stop(name)
        if name == "broker":
            # Without a broker the truth cannot be heard, so the meter's own registers are read: 6 A are 4.1 kW.
            while await house.metered_w() > FALLBACK_W:
                assert time.monotonic() - began < within_s, (
                    f"not at its fallback {within_s:g} s after the broker died"
                )
                await asyncio.sleep(0.2)
            took = time.monotonic() - began
            house.restart(name)
            await house.until(lambda: house.bus.connected.is_set(), 15, "the broker is back")
        else:
            await house.until(lambda: house.amps() < 6.5, within_s, f"the car falls back after {name} died")
            took = time.monotonic() - began
            await house.holds(
                lambda: 5.0 < house.amps() < 6.5 or house.amps() == 0.0, 4, "it stays at its fallback"
            )
            house.restart(name)
        await charging(house, seconds=back_s)
        assert house.truth.verdict == "ok"
        return took
