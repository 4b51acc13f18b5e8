"""The price service as a process of its own: what stays on the broker, and what says that it has gone."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bare_site import bare_site
from busbar_contracts.prices import PriceSeries
from busbar_shared.bus import MqttBus
from busbar_shared.life import connect

pytestmark = pytest.mark.system

PATIENCE_S = 30.0
CONFIG = """
[site]
id = "test"
timezone = "Europe/Amsterdam"
[broker]
host = "127.0.0.1"
port = {port}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = {{ host = "127.0.0.1", port = 1, unit = 1 }}
[prices]
every_s = 10
[prices.series.import]
kind = "file"
file = "{folder}/prices.csv"
vat_percent = 21
fixed_per_kwh = 0.1
"""


def csv(price: float) -> str:
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [begin + timedelta(hours=i) for i in range(3)]
    lines = [f"{start.isoformat()},{end.isoformat()},{price}" for start, end in pairwise(hours)]
    return "\n".join(["start,end,price", *reversed(lines)]) + "\n"


class Portal:
    """The price service as a process, and what stands on the broker of it."""

    def __init__(self, bus: MqttBus, port: int, folder: Path) -> None:
        (folder / "busbar.toml").write_text(CONFIG.format(port=port, folder=folder))
        self._bus, self._folder = bus, folder
        self._arrived = asyncio.Event()
        self.said: dict[str, bytes] = {}
        self.process: asyncio.subprocess.Process | None = None

    async def listen(self) -> None:
        async for one in self._bus.listen_raw("hems/prices/#"):
            self.said[one.topic] = one.payload
            self._arrived.set()

    async def until(self, topic: str, wanted: bytes) -> None:
        """Wait until this stands on the topic."""
        async with asyncio.timeout(PATIENCE_S):
            while wanted not in self.said.get(topic, b""):
                self._arrived.clear()
                await self._arrived.wait()

    async def start(self) -> None:
        environ = dict(os.environ) | {
            "BUSBAR_STATE_DIR": str(self._folder / "state"),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        words = ("-m", "busbar_cli", "run", "prices", "--config", str(self._folder / "busbar.toml"))
        self.process = await asyncio.create_subprocess_exec(sys.executable, *words, env=environ)
        await self.until("hems/prices/availability", b"online")

    async def end(self, number: signal.Signals) -> int:
        """The code it ended with, when its end is known at the broker."""
        assert self.process is not None
        self.process.send_signal(number)
        code = await self.process.wait()
        await self.until("hems/prices/availability", b"offline")
        return code


@pytest.fixture
async def portal(broker: Any, tmp_path: Path) -> AsyncIterator[Portal]:
    async with connect(bare_site(broker.port), "test", {}) as bus:
        made = Portal(bus, broker.port, tmp_path)
        listening = asyncio.create_task(made.listen())
        yield made
        if made.process is not None and made.process.returncode is None:
            made.process.kill()
            await made.process.wait()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_prices_stay_on_the_broker_and_their_availability_tells_who_keeps_them(
    portal: Portal, tmp_path: Path
) -> None:
    (tmp_path / "prices.csv").write_text(csv(0.1))
    await portal.start()
    await portal.until("hems/prices/import", b'"price":0.221')
    message = msgspec.json.decode(portal.said["hems/prices/import"], type=PriceSeries)
    assert (len(message.slots), message.components, message.source) == (2, "all_in", "file:prices.csv")
    assert message.slots[0].end == message.slots[1].start

    (tmp_path / "prices.csv").write_text(csv(0.2))
    await portal.until("hems/prices/import", b'"price":0.342')

    assert await portal.end(signal.SIGKILL) == -signal.SIGKILL
    assert b'"price":0.342' in portal.said["hems/prices/import"]

    await portal.start()
    assert await portal.end(signal.SIGTERM) == 0
