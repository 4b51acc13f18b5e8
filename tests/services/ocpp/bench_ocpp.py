"""Many charge points on one process: how fast they come in, how fast they are answered, what each costs.

    python tests/services/ocpp/bench_ocpp.py [charge points] [seconds]

The service runs in a process of its own without a broker; the charge points are another process, which is as busy
as the service and answers its questions late. So one more charge point, in a third process, asks every 50 ms and
tells how long the service alone takes.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / part) for part in ("contracts", "shared", "services")]

SITE = """
[circuits.main]
limit_a = 100000
meter = "grid"
assumed_background_a = 10
[ocpp]
port = 0
security = 0
"""


def resident_kib(pid: int | str = "self") -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1024


async def serve(count: int, kept: str | None = None) -> None:
    """The service; says its port, then lives until its input ends. Its state is kept in a folder where one is given."""
    import msgspec

    from busbar_ocpp.main import run
    from busbar_shared.clock import RealClock
    from busbar_shared.config.root import Site
    from busbar_shared.life import Service

    class SilentBus:
        """A bus on which nobody is."""

        def listen(self, *kinds: object) -> object:
            async def nothing() -> object:
                await asyncio.Event().wait()
                yield None

            return nothing()

        def listen_where(self, *wanted: object) -> object:
            return self.listen()

        def listen_raw(self, *filters: str) -> object:
            return self.listen()

        async def say_raw(self, topic: str, payload: object, **more: object) -> None:
            pass

        async def say(self, message: object, **ids: str) -> None:
            msgspec.json.encode(message)

        async def event(self, code: str, text: str, **more: str) -> None:
            pass

    chargers = "".join(f'[chargers.c{n}]\ncharge_point = "CP-{n}"\nfallback_a = 6\n' for n in range(count))
    site = msgspec.toml.decode(SITE + chargers, type=Site)
    opened: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with tempfile.TemporaryDirectory() as folder:
        service = Service("ocpp", site, SilentBus(), RealClock(), Path(kept or folder))  # type: ignore[arg-type]
        running = asyncio.create_task(run(service, opened_on=opened))
        print(await opened, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def charge(port: int, n: int, seconds: float, waits: list[float], ready: "asyncio.Semaphore") -> None:
    """One charge point: boots, starts, sends a sample each 10 s, accepts everything."""
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    async with ready:
        wire = await connect(
            f"ws://127.0.0.1:{port}/CP-{n}", subprotocols=[Subprotocol("ocpp1.6")], proxy=None, compression=None,
            ping_interval=None,
        )  # fmt: skip
    pending: dict[str, tuple[float, asyncio.Future[None]]] = {}

    async def hear() -> None:
        async for text in wire:
            frame = json.loads(text)
            if frame[0] == 2:
                answer = (
                    {"status": "Accepted"} if frame[2] != "GetConfiguration" else {"configurationKey": []}
                )
                await wire.send(json.dumps([3, frame[1], answer]))
            elif frame[1] in pending:
                began, done = pending.pop(frame[1])
                waits.append(time.perf_counter() - began)
                done.set_result(None)

    hearing = asyncio.create_task(hear())
    count = 0

    async def call(action: str, payload: dict[str, object]) -> None:
        nonlocal count
        count += 1
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        pending[str(count)] = time.perf_counter(), done
        await wire.send(json.dumps([2, str(count), action, payload]))
        await done

    def now() -> str:
        return datetime.now(UTC).isoformat()

    await call("BootNotification", {"chargePointVendor": "Bench", "chargePointModel": "Many"})
    await call(
        "StatusNotification",
        {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": now()},
    )
    end = time.perf_counter() + seconds
    await asyncio.sleep(n % 100 / 10)
    while time.perf_counter() < end:
        values = [
            {"value": "9.9", "measurand": "Current.Import", "phase": phase, "unit": "A"}
            for phase in ("L1", "L2", "L3")
        ]
        values.append({"value": str(count), "measurand": "Energy.Active.Import.Register", "unit": "Wh"})
        await call(
            "MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": now(), "sampledValue": values}]}
        )
        await asyncio.sleep(10)
    hearing.cancel()
    await wire.close()


async def watch(port: int, n: int, seconds: float) -> None:
    """One charge point on its own; prints when it asked and how long each answer took."""
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    asked: dict[str, tuple[float, float]] = {}
    took: list[tuple[float, float]] = []
    async with connect(
        f"ws://127.0.0.1:{port}/CP-{n}", subprotocols=[Subprotocol("ocpp1.6")], proxy=None, compression=None
    ) as wire:

        async def hear() -> None:
            async for text in wire:
                frame = json.loads(text)
                if frame[0] == 2:
                    await wire.send(json.dumps([4, frame[1], "NotImplemented", "", {}]))
                elif frame[1] in asked:
                    wall, began = asked.pop(frame[1])
                    took.append((wall, time.perf_counter() - began))

        hearing = asyncio.create_task(hear())
        end = time.time() + seconds
        count = 0
        while time.time() < end:
            count += 1
            asked[str(count)] = time.time(), time.perf_counter()
            await wire.send(json.dumps([2, str(count), "Heartbeat", {}]))
            await asyncio.sleep(0.05)
        hearing.cancel()
    print(json.dumps(took))


async def drive(count: int, seconds: float) -> None:
    """Both sides, and the figures."""
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(count + 1)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    port = int(server.stdout.readline())
    watcher = subprocess.Popen(
        [sys.executable, __file__, "--watch", str(port), str(count), str(seconds + 12)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    await asyncio.sleep(1.5)
    waits: list[float] = []
    ready = asyncio.Semaphore(50)
    empty = resident_kib(server.pid)
    began = time.perf_counter()
    first = [asyncio.create_task(charge(port, n, seconds + 5, waits, ready)) for n in range(min(100, count))]
    while len(waits) < 2 * len(first):
        await asyncio.sleep(0.05)
    await asyncio.sleep(4)
    hundred = resident_kib(server.pid)
    rest_began, rest_at = time.perf_counter(), time.time()
    rest = [asyncio.create_task(charge(port, n, seconds, waits, ready)) for n in range(100, count)]
    while rest and len(waits) < 2 * count:
        await asyncio.sleep(0.05)
    connected_s = time.perf_counter() - rest_began + (hundred and min(rest_began - began - 4, 30))
    in_at = time.time()
    await asyncio.sleep(min(seconds / 2, 15))  # greetings and first limits
    storm = len(waits)
    await asyncio.sleep(min(seconds / 2, 12))
    full = resident_kib(server.pid)
    await asyncio.gather(*first, *rest)
    cpu = Path(f"/proc/{server.pid}/stat").read_text().split()
    cpu_s = (int(cpu[13]) + int(cpu[14])) / 100
    settled = sorted(waits[storm:]) or [0.0]
    ordered = sorted(waits[:storm])
    print(f"charge points            {count}")
    print(f"all in and booted        {connected_s:.1f} s")
    print(f"calls answered           {len(waits)}, cpu {cpu_s:.1f} s")
    for name, some in (("while all come in", ordered), ("afterwards", settled)):
        median, slow = statistics.median(some) * 1000, some[int(len(some) * 0.99)] * 1000
        print(f"answered {name:<18} median {median:.1f} ms, 99 % {slow:.1f} ms")
    watched = json.loads(watcher.communicate(timeout=60)[0])
    for name, some in (
        ("while all come in", [one for at, one in watched if rest_at <= at <= in_at]),
        ("afterwards", [one for at, one in watched if at > in_at]),
    ):
        ordered = sorted(some) or [0.0]
        median, slow = statistics.median(ordered) * 1000, ordered[int(len(ordered) * 0.99)] * 1000
        print(f"one more, {name:<18} median {median:.1f} ms, 99 % {slow:.1f} ms of {len(some)}")
    print(
        f"memory                   {empty / 1024:.1f} MiB empty, {hundred / 1024:.1f} with 100, {full / 1024:.1f} all"
    )
    if count > 100:
        print(f"memory per further one   {(full - hundred) / (count - 100):.0f} KiB")
    server.communicate("", timeout=20)


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(serve(int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
    elif "--watch" in sys.argv:
        asyncio.run(watch(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
    else:
        given = [float(one) for one in sys.argv[1:]]
        asyncio.run(drive(int(given[0]) if given else 1000, given[1] if len(given) > 1 else 30.0))
