"""A hundred thousand frames no charger would send, against the real process, while another charger charges.

The service, the sender of nonsense and the charger that charges are three processes. BUSBAR_FUZZ_FRAMES for another
number; about a minute for each protocol. Run by `make soak`.
"""

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ocpp_place import place

sys.path.insert(0, str(Path(__file__).parents[1] / "services" / "ocpp"))

from ocpp_charge_point import ChargePoint
from ocpp_time import FastClock

HERE = Path(__file__).parents[1] / "services" / "ocpp"

pytestmark = [pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(1800)]

FRAMES = int(os.environ.get("BUSBAR_FUZZ_FRAMES", "100000"))
LEAK_MIB = 30.0


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_hundred_thousand_bent_frames_disturb_no_other_charger(tmp_path: Path, protocol: str) -> None:
    async with place(tmp_path) as house:
        good = ChargePoint(FastClock(1.0, start=datetime.now(UTC)), house.port, "CP-1")
        good.car_a[1] = 16.0
        await good.connect()
        await good.boot()
        await good.status("Preparing")
        await good.start()
        house.limit_a = 9.0
        await house.until(lambda: good.limit() == 9.0, 30, "the grant")
        process, pid = house.supervisor.children["ocpp"].process, house.supervisor.children["ocpp"].pid
        script = [str(HERE / "test_ocpp_fuzz.py"), str(house.port), protocol]

        async def flooding(count: int) -> int:
            sender = await asyncio.create_subprocess_exec(
                sys.executable, *script, str(count), "CP-2", stdout=asyncio.subprocess.PIPE
            )
            said, _ = await sender.communicate()
            return int(said)

        await flooding(2000)
        before_mib, began, waits = house.memory_mib, time.monotonic(), []
        flood = asyncio.create_task(flooding(FRAMES))
        while not flood.done():
            asked = time.monotonic()
            await good.measure()
            waits.append(time.monotonic() - asked)
            assert good.limit() == 9.0, f"after {time.monotonic() - began:.0f} s"
            house.limit_a = 9.0
            await asyncio.sleep(0.25)
        connections, took_s = await flood, time.monotonic() - began

        waits.sort()
        print(
            f"{protocol}: {FRAMES} frames in {took_s:.0f} s over {connections} connections; the other charger was"
            f" answered in {waits[len(waits) // 2] * 1000:.0f} ms (median), {waits[int(len(waits) * 0.99)] * 1000:.0f} ms"
            f" (99 %); memory {before_mib:.1f} to {house.memory_mib:.1f} MiB"
        )
        assert house.supervisor.children["ocpp"].pid == pid
        assert process is not None
        assert process.returncode is None, "it did not crash"
        assert house.memory_mib - before_mib < LEAK_MIB
        house.limit_a = 8.0
        await house.until(lambda: good.limit() == 8.0, 10, "and is cut as ever")
        assert good.errors == []
        await good.disconnect()
