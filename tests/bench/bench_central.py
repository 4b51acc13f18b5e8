"""How many calls a second the central system answers, beside a bare one on the `ocpp` library, same charge points.

    python tests/bench/bench_central.py [charge points] [seconds]

Each charge point sends its next MeterValues as soon as the last was answered; the server is another process.
The bare one only routes and answers; ours also checks, keeps sessions and says states.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

OURS = Path(__file__).parents[1] / "services" / "ocpp" / "bench_ocpp.py"


async def raw_central() -> None:
    """A central system of a dozen lines: says its port, lives until its input ends."""
    import logging

    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call_result
    from websockets.asyncio.server import serve
    from websockets.typing import Subprotocol

    logging.getLogger("ocpp").setLevel(logging.ERROR)

    class Bare(ChargePoint):
        """Accepts everything."""

        @on("BootNotification")
        def boot(self, **_: Any) -> Any:
            """Accept."""
            return call_result.BootNotification(datetime.now(UTC).isoformat(), 300, "Accepted")

        @on("StatusNotification")
        def status(self, **_: Any) -> Any:
            """Take note."""
            return call_result.StatusNotification()

        @on("MeterValues")
        def values(self, **_: Any) -> Any:
            """Take note."""
            return call_result.MeterValues()

    async def live(wire: Any) -> None:
        await Bare(wire.request.path.strip("/"), wire).start()

    async with serve(live, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], compression=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def charge(port: int, number: int, until: asyncio.Event, waits: list[float]) -> None:
    """One charge point that is never tired."""
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    async with connect(
        f"ws://127.0.0.1:{port}/CP-{number}", subprotocols=[Subprotocol("ocpp1.6")], proxy=None, compression=None
    ) as wire:  # fmt: skip
        count = 0

        async def call(action: str, payload: dict[str, Any]) -> None:
            nonlocal count
            count += 1
            await wire.send(json.dumps([2, str(count), action, payload]))
            async for text in wire:
                frame = json.loads(text)
                if frame[0] != 2:
                    return
                answer = (
                    {"configurationKey": []} if frame[2] == "GetConfiguration" else {"status": "Accepted"}
                )
                await wire.send(json.dumps([3, frame[1], answer]))

        await call("BootNotification", {"chargePointVendor": "Bench", "chargePointModel": "Many"})
        while not until.is_set():
            value = {"value": "9.9", "measurand": "Current.Import", "phase": "L1", "unit": "A"}
            values = [{"timestamp": datetime.now(UTC).isoformat(), "sampledValue": [value]}]
            began = time.perf_counter()
            await call("MeterValues", {"connectorId": 1, "meterValue": values})
            waits.append((time.perf_counter() - began) * 1000)


async def load(command: list[str], count: int, seconds: float) -> dict[str, float]:
    """Drive one server; calls a second, and what a call costs its processor."""
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )  # fmt: skip
    assert server.stdout is not None
    port, waits, until = int(server.stdout.readline()), [], asyncio.Event()
    tasks = [asyncio.create_task(charge(port, number, until, waits)) for number in range(count)]
    await asyncio.sleep(3.0)
    waits.clear()
    cpu, wall = _cpu_s(server.pid), time.perf_counter()
    await asyncio.sleep(seconds)
    cpu, wall, calls = _cpu_s(server.pid) - cpu, time.perf_counter() - wall, len(waits)
    until.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    server.communicate("", timeout=30)
    return {
        "calls_per_s": round(calls / wall), "cpu_ms_per_call": round(1000 * cpu / max(calls, 1), 3),
        "median_ms": round(statistics.median(waits), 1),
    }  # fmt: skip


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(count: int = 50, seconds: float = 6.0) -> dict[str, Any]:
    """Ours, the bare one, and how much dearer a call of ours is."""
    ours = asyncio.run(load([sys.executable, str(OURS), "--serve", str(count)], count, seconds))
    bare = asyncio.run(load([sys.executable, __file__, "--raw"], count, seconds))
    ratio = round(ours["cpu_ms_per_call"] / max(bare["cpu_ms_per_call"], 1e-9), 2)
    return {"charge_points": count, "ours": ours, "bare": bare, "cpu_ratio": ratio}


if __name__ == "__main__":
    if "--raw" in sys.argv:
        asyncio.run(raw_central())
    else:
        given = [float(one) for one in sys.argv[1:]]
        print(
            json.dumps(measure(int(given[0]) if given else 50, given[1] if len(given) > 1 else 6.0), indent=1)
        )
