"""What reading fifty Modbus devices each second costs: CPU of the meter service, and how late readings come.

    python tests/bench/bench_meter.py [--devices 50] [--seconds 10]

The devices are SunSpec meters on connections of their own, served by another process.
"""

import argparse
import asyncio
import multiprocessing
import resource
import sys
import tempfile
import time
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("contracts", "shared", "services", "tests")]

from busbar_contracts.meter import MeterReading  # noqa: E402
from busbar_meter.main import run  # noqa: E402
from busbar_shared.clock import RealClock  # noqa: E402
from busbar_shared.config.root import Site  # noqa: E402
from busbar_shared.fakes import FakeBus  # noqa: E402
from busbar_shared.life import Service  # noqa: E402
from services.meter.meter_house import GRID  # noqa: E402
from services.meter.modbus_servers import CrookedServer  # noqa: E402


def serve(devices: int, pipe: Connection) -> None:
    """The devices, in a process of their own, until the other side hangs up."""

    async def main() -> None:
        servers = [CrookedServer(unit1=dict(GRID)) for _ in range(devices)]
        for server in servers:
            await server.__aenter__()
        pipe.send([server.port for server in servers])
        await asyncio.to_thread(pipe.recv)

    asyncio.run(main())


def house(ports: list[int]) -> Site:
    """One meter at each port."""
    meters = {
        f"meter-{number}": {"modbus": {"host": "127.0.0.1", "port": port}, "every_s": 1.0}
        for number, port in enumerate(ports)
    }
    return msgspec.convert({"meters": meters}, Site)


async def measure(ports: list[int], seconds: float) -> None:
    """Read for a while and print what it took."""
    bus, folder = FakeBus(clock=RealClock()), Path(tempfile.mkdtemp())
    service = Service(name="meter", site=house(ports), bus=bus, clock=RealClock(), state_dir=folder)
    task = asyncio.create_task(run(service))
    await asyncio.sleep(3.0)
    bus.said.clear()
    cpu, wall = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    times: dict[str, list[float]] = {}
    for topic, message in bus.said:
        if isinstance(message, MeterReading):
            times.setdefault(topic, []).append(message.at.timestamp())
    gaps = sorted(later - earlier for each in times.values() for earlier, later in pairwise(each))
    lags = sorted(abs(gap - 1.0) * 1000 for gap in gaps)
    readings = sum(len(each) for each in times.values())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(ports)} devices each second for {wall:.0f} s: {readings} readings, {readings / wall:.1f}/s")
    print(f"CPU {100 * cpu / wall:.1f} % of one core, {1000 * cpu / max(readings, 1):.2f} ms per reading")
    middle, late, worst = lags[len(lags) // 2], lags[int(len(lags) * 0.99)], lags[-1]
    print(f"lag of a reading: median {middle:.1f} ms, 99 % {late:.1f} ms, worst {worst:.1f} ms")
    print(f"memory {memory:.0f} MiB (this bench included)")


def main() -> None:
    """Parse, serve, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(given.devices, theirs), daemon=True
    )
    server.start()
    try:
        asyncio.run(measure(ours.recv(), 3.0 if given.quick else given.seconds))
    finally:
        ours.send(None)
        server.join(2)


if __name__ == "__main__":
    main()
