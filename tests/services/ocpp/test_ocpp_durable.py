"""A transaction is answered when it is on the disk, and a slow disk holds up nobody else."""

import asyncio
import os
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import pytest
from ocpp_house import House
from ocpp_time import until

from busbar_ocpp.durable import CHECKPOINT_BYTES, Durable, without_waiting
from busbar_ocpp.ledger import Ledger
from busbar_ocpp.main import run

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


class Disk:
    """A disk that can be made to wait or to fail."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.syncs = 0
        self.broken = False

    def sync(self, file: int) -> None:
        self.free.wait(60)
        self.syncs += 1
        if self.broken:
            raise OSError(5, "Input/output error")
        os.fsync(file)


class HouseWithDisk(House):
    """The service on such a disk."""

    disk: Disk

    async def __aenter__(self) -> "HouseWithDisk":
        self.disk = Disk()
        self._task = asyncio.create_task(
            run(self.service, opened_on=self._opened, to_disk=self.disk.sync, patience_s=60)
        )
        self.port = await self._opened
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disk.free.set()
        await super().__aexit__(kind, error, trace)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_while_the_disk_waits_the_answer_waits_and_cuts_do_not(tmp_path: Path, version: str) -> None:
    async with HouseWithDisk(tmp_path, factor=10) as house:
        charger, other = await house.arrived(version=version), await house.arrived("CP-2")
        house.order(13.0)
        house.order(13.0, "right")
        await until(lambda: charger.limit() == 13.0 and other.limit() == 13.0, what="both are granted")
        house.disk.free.clear()

        starting = asyncio.create_task(charger.start())
        await until(lambda: booked(tmp_path), what="it is booked")
        house.order(8.0)
        house.order(9.0, "right")
        await until(lambda: charger.limit() == 8.0, what="its own cut")
        await until(lambda: other.limit() == 9.0, what="the cut of another")
        assert not starting.done(), "what is not on the disk is not answered"
        told = [
            one.get("csChargingProfiles", one.get("chargingProfile"))
            for one in charger.told("SetChargingProfile")
        ]
        assert [one for one in told if one["chargingProfilePurpose"] == "TxProfile"] == []

        house.disk.free.set()
        id = await starting
        await until(
            lambda: any(one.purpose == "TxProfile" for one in charger.model.stored), what="its own profile"
        )
        assert charger.limit() == 8.0
        assert booked(tmp_path) == [id]


async def test_a_sample_wears_no_disk_and_waits_for_none(tmp_path: Path) -> None:
    async with HouseWithDisk(tmp_path, factor=1) as house:
        charger = house.guest(version="2.0.1")
        await charger.connect()
        await charger.boot()
        id = await charger.start()
        await house.clock.sleep(0.5)
        house.disk.free.clear()

        for seq in range(1, 4):
            values = [{"value": 1000.0 + seq}]
            assert await charger.event("Updated", id, seq=seq, values=values, state="Charging") == {}
        claims = asyncio.create_task(charger.event("Ended", id, seq=4))
        await asyncio.sleep(0.3)
        assert not claims.done(), "an end waits for the disk"

        house.disk.free.set()
        await claims


async def test_a_disk_that_fails_costs_no_car_its_answer(tmp_path: Path) -> None:
    async with HouseWithDisk(tmp_path) as house:
        charger = await house.arrived()
        house.disk.broken = True

        assert int(await charger.start()) > 0
        await charger.stop()


async def test_who_comes_while_the_disk_is_busy_shares_the_next_turn(tmp_path: Path) -> None:
    disk = Disk()
    disk.free.clear()
    ledger = Ledger(tmp_path / "t.sqlite3", SIX_PM, disk.sync, 60)
    begin(ledger, "0")
    first = asyncio.create_task(ledger.durable())
    await asyncio.sleep(0.05)
    later = []
    for number in range(1, 6):
        begin(ledger, str(number))
        later.append(asyncio.create_task(ledger.durable()))
    await asyncio.sleep(0.05)
    assert not any(one.done() for one in (first, *later))

    disk.free.set()
    await asyncio.gather(first, *later)

    assert disk.syncs == 2
    ledger.close()


async def test_a_disk_that_hangs_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    disk, db = Disk(), sqlite3.connect(tmp_path / "t.sqlite3", isolation_level=None)
    without_waiting(db)
    db.execute("CREATE TABLE t (x)")
    durable = Durable(db, disk.sync, patience_s=0.1)
    disk.free.clear()

    await durable.wait()
    await durable.wait()

    assert disk.syncs == 0
    disk.free.set()
    await until(lambda: disk.syncs >= 1, what="it goes on when the disk does")
    await durable.wait()
    db.close()


async def test_a_book_in_memory_waits_for_no_disk() -> None:
    ledger = Ledger(None, SIX_PM)
    begin(ledger, "1")

    await ledger.durable(notes=True)


async def test_a_long_log_is_written_back_into_its_book(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "t.sqlite3", SIX_PM)
    log = tmp_path / "t.sqlite3-wal"
    for number in range(600):
        begin(ledger, f"{number}-{'x' * 4000}")
    await ledger.durable()
    longest = log.stat().st_size
    assert longest > CHECKPOINT_BYTES
    assert (tmp_path / "t.sqlite3").stat().st_size > 2_000_000

    for number in range(600, 1200):
        begin(ledger, f"{number}-{'x' * 4000}")
        await ledger.durable()

    assert log.stat().st_size < longest + CHECKPOINT_BYTES
    assert len(ledger.history(most=2000)) == 1200
    ledger.close()


def booked(folder: Path) -> list[str]:
    """The transactions as another process would read them."""
    ledger = Ledger(folder / "transactions.sqlite3", SIX_PM)
    entries = ledger.history()
    ledger.close()
    return [entry.wire_id for entry in entries]


def begin(ledger: Ledger, tag: str) -> None:
    ledger.start(charger="left", connector=1, at=SIX_PM, said=SIX_PM, tag=tag, meter_wh=0.0)
