"""How long a cold start takes to the first safe limit, and what each service keeps in memory.

    python tests/bench/bench_start.py

The demo's house: every service a process of its own, simulated devices over Modbus, OCPP and MQTT.
"""

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from busbar_cli.demo import ACCOUNT, demo_config
from busbar_cli.up import Supervisor
from busbar_contracts.allocation import Allocation
from busbar_contracts.charger import ChargerLimit, ChargerState
from busbar_contracts.meter import MeterReading
from busbar_shared.config.load import read
from busbar_shared.life import connect

WORKED_S = 20.0
"""Memory is read after so long at work."""


async def measure() -> dict[str, Any]:
    """Seconds from the start of all processes to each first, and MiB (resident, and own without what is shared)."""
    with tempfile.TemporaryDirectory(prefix="busbar-bench-") as name:
        folder = Path(name)
        text = demo_config(speed=1.0)
        (folder / "busbar.toml").write_text(text, encoding="utf-8")
        site = read(text)
        environ = ACCOUNT | {"BUSBAR_STATE_DIR": str(folder / "state")}
        supervisor = Supervisor(site, folder / "busbar.toml", logs=folder, environ=environ)
        began = time.monotonic()
        await supervisor.start()
        try:
            async with connect(site, "bench", {**os.environ, **environ}) as bus:
                firsts = await _firsts(
                    bus.listen(MeterReading, Allocation, ChargerLimit, ChargerState), began
                )
            await asyncio.sleep(max(0.0, WORKED_S - (time.monotonic() - began)))
            memory = {name: memory_of(child.pid) for name, child in supervisor.children.items() if child.pid}
        finally:
            await supervisor.stop()
    return {"seconds_to_first": firsts, "memory_mib": memory}


async def _firsts(heard: Any, began: float) -> dict[str, float]:
    firsts: dict[str, float] = {}
    wanted = {"reading of the meter", "allocation", "limit for a charger", "profile the charger accepted"}
    async with asyncio.timeout(90):
        async for one in heard:
            name = _name(one.message)
            if name:
                firsts.setdefault(name, round(time.monotonic() - began, 2))
            if wanted <= firsts.keys():
                break
    return firsts


def _name(message: object) -> str | None:
    if isinstance(message, MeterReading):
        return "reading of the meter"
    if isinstance(message, Allocation):
        return "allocation"
    if isinstance(message, ChargerLimit):
        return "limit for a charger"
    if isinstance(message, ChargerState) and message.limit is not None and message.limit.confirmed:
        return "profile the charger accepted"
    return None


def memory_of(pid: int) -> dict[str, float]:
    """Resident memory of a process, and its private part, in MiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    kib = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    private = kib["Private_Clean"] + kib["Private_Dirty"]
    return {"resident": round(kib["Rss"] / 1024, 1), "private": round(private / 1024, 1)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure()), indent=1))
