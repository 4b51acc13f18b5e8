"""The price service as a process of its own: what stays on the broker, and what says that it has gone."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bare_site import bare_site
from busbar_contracts.prices import PriceSeries
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


async def test_prices_stay_on_the_broker_and_their_availability_tells_who_keeps_them(
    broker: Any, tmp_path: Path
) -> None:
    (tmp_path / "prices.csv").write_text(csv(0.1))
    config = tmp_path / "busbar.toml"
    config.write_text(CONFIG.format(port=broker.port, folder=tmp_path))
    environ = dict(os.environ) | {
        "BUSBAR_STATE_DIR": str(tmp_path / "state"),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    said: dict[str, bytes] = {}
    arrived = asyncio.Event()

    async with connect(bare_site(broker.port), "test", {}) as bus:
        heard = bus.listen_raw("hems/prices/#")

        async def listen() -> None:
            async for one in heard:
                said[one.topic] = one.payload
                arrived.set()

        async def until(topic: str, wanted: bytes) -> None:
            async with asyncio.timeout(PATIENCE_S):
                while wanted not in said.get(topic, b""):
                    arrived.clear()
                    await arrived.wait()

        async def start() -> asyncio.subprocess.Process:
            words = ("-m", "busbar_cli", "run", "prices", "--config", str(config))
            return await asyncio.create_subprocess_exec(sys.executable, *words, env=environ)

        listening = asyncio.create_task(listen())
        process = await start()
        try:
            await until("hems/prices/availability", b"online")
            await until("hems/prices/import", b'"price":0.221')
            message = msgspec.json.decode(said["hems/prices/import"], type=PriceSeries)
            assert (len(message.slots), message.components, message.source) == (
                2,
                "all_in",
                "file:prices.csv",
            )
            assert message.slots[0].end == message.slots[1].start

            (tmp_path / "prices.csv").write_text(csv(0.2))
            await until("hems/prices/import", b'"price":0.342')

            process.send_signal(signal.SIGKILL)
            await process.wait()
            await until("hems/prices/availability", b"offline")
            assert b'"price":0.342' in said["hems/prices/import"]

            process = await start()
            await until("hems/prices/availability", b"online")
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
            await until("hems/prices/availability", b"offline")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
