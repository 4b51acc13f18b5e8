"""What the bus adds to a message: from saying to hearing, typed and checked, beside raw aiomqtt on the same broker.

    python tests/bench/bench_bus.py

Both ways use two connections to one broker on loopback, quality of service 0, one message at a time.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
from bench_latency import reading

from busbar_cli.broker import BrokerProcess, broker_process, free_port, is_listening
from busbar_contracts.meter import MeterReading
from busbar_shared.config.load import read
from busbar_shared.life import connect

COUNT = 500


async def measure(kind: str, count: int = COUNT) -> dict[str, Any]:
    """Milliseconds from publish to receive: ours, raw, and the ratio of the medians."""
    with tempfile.TemporaryDirectory(prefix="busbar-bench-") as name:
        port = free_port()
        broker = broker_process(port, Path(name), kind)
        process = await asyncio.create_subprocess_exec(*broker.command, stderr=asyncio.subprocess.DEVNULL)
        try:
            await _until_listening(broker, port)
            # Alternately, so that a busy machine is busy for both.
            ours, raw = [], []
            for _ in range(3):
                ours += await _ours(port, count // 3)
                raw += await _raw(port, count // 3)
        finally:
            process.terminate()
            await process.wait()
    figures = {"broker": broker.kind, "ours_ms": summary(ours), "raw_ms": summary(raw)}
    figures["ratio"] = round(figures["ours_ms"]["median"] / figures["raw_ms"]["median"], 2)
    return figures


async def _until_listening(broker: BrokerProcess, port: int) -> None:
    for _ in range(100):
        if is_listening(port):
            return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"{broker.kind} did not open its port")


async def _ours(port: int, count: int) -> list[float]:
    site = read(f'[site]\nid = "bench"\n[broker]\nport = {port}\n')
    times: list[float] = []
    async with connect(site, "bench-a", os.environ) as say, connect(site, "bench-b", os.environ) as hear:
        heard = aiter(hear.listen(MeterReading))
        waiting = asyncio.ensure_future(anext(heard))
        await asyncio.sleep(0.3)
        for number in range(count):
            began = time.perf_counter()
            await say.say(reading(8.0 + number / 100, 6.0), meter="grid")
            await waiting
            times.append((time.perf_counter() - began) * 1000)
            waiting = asyncio.ensure_future(anext(heard))
        waiting.cancel()
    return times


async def _raw(port: int, count: int) -> list[float]:
    times: list[float] = []
    async with aiomqtt.Client("127.0.0.1", port) as say, aiomqtt.Client("127.0.0.1", port) as hear:
        await hear.subscribe("bench/raw")
        for number in range(count):
            payload = msgspec.json.encode(reading(8.0 + number / 100, 6.0))
            began = time.perf_counter()
            await say.publish("bench/raw", payload)
            await anext(aiter(hear.messages))
            times.append((time.perf_counter() - began) * 1000)
    return times


def summary(values: list[float]) -> dict[str, float]:
    """Median and 99 %."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"median": round(cuts[49], 2), "p99": round(cuts[98], 2)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure("auto")), indent=1))
