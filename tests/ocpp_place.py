"""The OCPP service alone as the real process of `busbar up`, at a real broker, and what a test orders of it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from busbar_cli.broker import free_port
from busbar_cli.up import Supervisor
from busbar_contracts.charger import ChargerAction, ChargerCommand, ChargerLimit, ChargerState
from busbar_ocpp.entry import Entry
from busbar_ocpp.ledger import Ledger
from busbar_shared.bus import MqttBus
from busbar_shared.clock import RealClock
from busbar_shared.config.load import read
from busbar_shared.leases import OrderStamp
from busbar_shared.life import connect

SITE = """
[site]
id = "place"
lease_s = 6
[broker]
host = "embedded"
port = {mqtt}
[circuits.main]
limit_a = 40
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = {{ host = "127.0.0.1", port = 1502 }}
[ocpp]
port = {ocpp}
security = 0
profile_validity_s = 24
ping_s = 3
pong_s = 3
sample_s = 2
{more}
[chargers.left]
charge_point = "CP-1"
fallback_a = 6
[chargers.right]
charge_point = "CP-2"
fallback_a = 6
"""
VALIDITY_S = 24.0


class Place:
    """The running service with what a test hears and orders."""

    def __init__(self, supervisor: Supervisor, bus: MqttBus, port: int, state: Path) -> None:
        self.supervisor, self.bus, self.port, self.folder = supervisor, bus, port, state
        self.states: list[ChargerState] = []
        self.stamp = OrderStamp("allocator")
        self.limit_a: float | None = None

    async def hear(self) -> None:
        """Keep the states of the charger `left`."""
        async for one in self.bus.listen(ChargerState):
            if one.ids.get("charger") == "left":
                self.states.append(one.message)

    async def order(self) -> None:
        """Renew the order as the allocator does."""
        while True:
            if self.limit_a is not None:
                stamped = self.stamp.next(RealClock().now())
                made = ChargerLimit(**stamped, lease_s=6.0, reason="a test", limit_a=self.limit_a)
                await self.bus.say(made, charger="left", connector="1")
            await asyncio.sleep(1.5)

    async def until(self, what: Callable[[], bool], seconds: float, why: str) -> float:
        began = time.monotonic()
        while not what():
            waited = time.monotonic() - began
            last = self.states[-1] if self.states else None
            assert waited < seconds, f"not within {seconds:g} s: {why}; the state is {last}"
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def ask(self, action: ChargerAction, seconds: float, **more: str) -> str:
        """The answer to a command."""
        mark = f"{time.monotonic():.3f}"
        command = ChargerCommand(action=action, id=mark, **more)
        await self.bus.say(command, charger="left", connector="1")
        await self.until(lambda: (self.states[-1].last_answer or "").startswith(f"[{mark}]"), seconds, action)
        return (self.states[-1].last_answer or "").partition("] ")[2]

    @property
    def memory_mib(self) -> float:
        """Resident memory of the service."""
        pages = int(Path(f"/proc/{self.supervisor.children['ocpp'].pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def kill(self, number: int) -> None:
        pid = self.supervisor.children["ocpp"].pid
        assert pid is not None
        os.kill(pid, number)

    def transactions(self) -> list[Entry]:
        ledger = Ledger(self.folder / "ocpp" / "transactions.sqlite3", RealClock().now())
        entries = ledger.history()
        ledger.close()
        return entries


@asynccontextmanager
async def place(folder: Path, *, more: str = "") -> AsyncIterator[Place]:
    """A broker and the OCPP service, each a process."""
    port = free_port()
    text = SITE.format(mqtt=free_port(), ocpp=port, more=more)
    (folder / "busbar.toml").write_text(text, encoding="utf-8")
    site, environ = read(text), {"BUSBAR_STATE_DIR": str(folder / "state")}
    broker = os.environ.get("BUSBAR_TEST_BROKER", "auto")
    supervisor = Supervisor(
        site, folder / "busbar.toml", only=["ocpp"], broker=broker, logs=folder, environ=environ
    )
    await supervisor.start()
    try:
        async with connect(site, "test", environ) as bus:
            made = Place(supervisor, bus, port, folder / "state")
            tasks = [asyncio.create_task(made.hear()), asyncio.create_task(made.order())]
            try:
                await made.until(lambda: bool(made.states), 20, "the service speaks")
                yield made
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await supervisor.stop()
