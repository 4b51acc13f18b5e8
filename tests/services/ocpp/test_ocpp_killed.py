"""The service as a process of its own, killed with SIGKILL in the middle of transactions."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import bench_ocpp
from ocpp_charge_point import ChargePoint
from ocpp_time import FastClock, until

from busbar_ocpp.ledger import Ledger


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[int]:
    """The service over this folder; killed, not stopped, at the end."""
    process = subprocess.Popen(
        [sys.executable, bench_ocpp.__file__, "--serve", "2", str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield int(await asyncio.to_thread(process.stdout.readline))
    finally:
        process.kill()
        process.communicate()


async def test_nothing_is_lost_or_booked_twice_over_three_kills(tmp_path: Path) -> None:
    clock = FastClock(1.0, start=datetime.now(UTC))
    charger = ChargePoint(clock, 0, "CP-0")
    said: dict[str, object] = {}
    ids: list[int] = []
    for round_ in range(3):
        async with service(tmp_path) as port:
            charger.port = port
            await charger.connect()
            await charger.boot()
            if round_:  # what was answered before the kill is resent, as after a lost answer
                again = await charger.call("StartTransaction", said)
                assert again["transactionId"] == ids[-1]
                stop = {"transactionId": ids[-1], "meterStop": 500, "timestamp": charger.own_time}
                await charger.call("StopTransaction", stop)
                await charger.call("StopTransaction", stop)
            said = {"connectorId": 1, "idTag": f"T{round_}", "meterStart": 100, "timestamp": charger.own_time}
            ids.append((await charger.call("StartTransaction", said))["transactionId"])
            await charger.measure(amps=8.0)
        await until(lambda: charger.closed)

    entries = Ledger(tmp_path / "transactions.sqlite3", datetime.now(UTC)).history()

    assert [entry.number for entry in reversed(entries)] == ids
    assert len(set(ids)) == 3
    assert [entry.ended_at is not None for entry in reversed(entries)] == [True, True, False]
    assert charger.errors == []
