"""Faults on the wire while the whole service runs: no wrong figure is ever said, and the readings come back."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from busbar_contracts.meter import InverterReading, MeterReading, Quality
from services.meter.meter_house import GRID, HYBRID, SCALES, house, running, said
from services.meter.modbus_servers import CrookedServer, Fault
from services.meter.register_images import block, common, image

GRID_W, ROOF_W = -2100, 4200
FLOATS = image(
    common(name="Smart Meter TS 65A-3"),
    block(213, W=-2100.0, WphA=-700.0, WphB=-700.0, WphC=-700.0, AphA=3.04, AphB=3.05, AphC=3.06, PhVphA=230.1,
          PhVphB=230.2, PhVphC=230.3, Hz=50.0, TotWhImp=5.0, TotWhExp=6.0),
)  # fmt: skip
FLIPPED = image(
    common(name="Smart Meter TS 65A-3"),
    block(203, W=-21, WphA=-7, WphB=-7, WphC=-7, AphA=304, AphB=305, AphC=306, PhVphA=2301, PhVphB=2302, PhVphC=2303,
          Hz=5000, TotWhImp=5, TotWhExp=6, **{**SCALES, "W_SF": 2}),
)  # fmt: skip


def exception(code: int) -> Fault:
    return lambda pdu, honest: honest[:4] + b"\0\3" + honest[6:7] + bytes([pdu[0] | 0x80, code])


def zeros(pdu: bytes, honest: bytes) -> bytes:
    """What a hurried data manager answers: zeros behind honest headers."""
    return honest if len(honest) < 60 else honest[:13] + bytes(len(honest) - 13)


def noise(seed: int) -> Fault:
    dice = random.Random(seed)

    def bent(pdu: bytes, honest: bytes) -> bytes:
        if dice.random() < 0.5:
            return dice.randbytes(dice.randint(0, 40))
        spoiled = bytearray(honest)
        for _ in range(dice.randint(1, 4)):
            # Not in the registers: a wrong figure in a right frame cannot be told from a true one.
            spoiled[dice.randrange(0, 9)] = dice.randrange(256)
        return bytes(spoiled)

    return bent


FAULTS: dict[str, Fault] = {
    "replies torn in half": lambda pdu, honest: honest[: len(honest) // 2],
    "replies without their last byte": lambda pdu, honest: honest[:-1],
    "silence": lambda pdu, honest: None,
    "replies to another question": lambda pdu, honest: b"\x12\x34" + honest[2:],
    "replies of another unit": lambda pdu, honest: honest[:6] + b"\x63" + honest[7:],
    "blocks of zeros": zeros,
    "illegal function": exception(1),
    "illegal address": exception(2),
    "device failure by night": exception(4),
    "busy": exception(6),
    "a gateway without its unit": exception(11),
    "an exception nobody defined": exception(200),
    "a web server on the port": lambda pdu, honest: b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n",
    "noise": noise(1),
    "other noise": noise(2),
}


def wrong(bus) -> list[float]:
    """Powers that were said as known and never were."""
    found = []
    for _, message in bus.said:
        true = {MeterReading: GRID_W, InverterReading: ROOF_W}.get(type(message))
        if true is not None and message.power_w is not None and message.quality is not Quality.UNKNOWN:
            found += [message.power_w] if message.power_w != true else []
    return found


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_comes_and_goes(fault: str, tmp_path: Path) -> None:
    async with (
        CrookedServer(unit1=dict(HYBRID), unit200=dict(GRID)) as server,
        running(house(server.port, timeout_s=0.3), tmp_path) as bus,
    ):
        await said(bus, MeterReading)
        server.fault = FAULTS[fault]
        await asyncio.sleep(0.8)
        server.fault = None
        heard = len(bus.said)
        async with asyncio.timeout(30):
            while not any(isinstance(message, MeterReading) for _, message in bus.said[heard + 1 :]):
                await asyncio.sleep(0.02)

    assert wrong(bus) == []


@contextlib.asynccontextmanager
async def changing(server: CrookedServer, *images: dict[int, int]) -> AsyncIterator[None]:
    """The meter's registers become another image again and again, each time at once."""

    async def change() -> None:
        while True:
            for each in images:
                server.units[200] = dict(each)
                await asyncio.sleep(0.013)

    changes = asyncio.create_task(change())
    try:
        yield
    finally:
        changes.cancel()
        server.units[200] = dict(images[0])


@pytest.mark.parametrize(
    ("images", "least"),
    [
        pytest.param((GRID, FLIPPED), 3, id="the scale factor flips between the reads"),
        pytest.param((GRID, FLOATS), 0, id="another model variant on the same port, back and forth"),
    ],
)
async def test_a_meter_that_changes_while_it_is_read(
    images: tuple[dict[int, int], ...], least: int, tmp_path: Path
) -> None:
    async with (
        CrookedServer(unit1=dict(HYBRID), unit200=dict(GRID)) as server,
        running(house(server.port, timeout_s=0.3), tmp_path) as bus,
    ):
        await said(bus, MeterReading)
        async with changing(server, *images):
            await asyncio.sleep(1.5)
        during = len([1 for _, message in bus.said if isinstance(message, MeterReading)])
        heard = len(bus.said)
        async with asyncio.timeout(30):
            while not any(isinstance(message, MeterReading) for _, message in bus.said[heard:]):
                await asyncio.sleep(0.02)

    assert wrong(bus) == []
    assert during >= least


async def test_a_meter_switched_to_floats_is_read_on(tmp_path: Path) -> None:
    async with (
        CrookedServer(unit1=dict(HYBRID), unit200=dict(GRID)) as server,
        running(house(server.port, timeout_s=0.3), tmp_path) as bus,
    ):
        await said(bus, MeterReading)
        server.units[200] = dict(FLOATS)
        floats = await said(
            bus, MeterReading, lambda each: each.a.current_a == pytest.approx(-3.04, abs=1e-5)
        )
        bus.said.clear()
        later = await said(bus, MeterReading)

    assert (later.power_w, floats.power_w) == (GRID_W, GRID_W)


@pytest.mark.parametrize(
    "restart", [False, True], ids=["it comes back as it was", "it comes back with another meter"]
)
async def test_the_server_is_killed_in_the_middle_of_a_cycle(restart: bool, tmp_path: Path) -> None:
    async with (
        CrookedServer(unit1=dict(HYBRID), unit200=dict(GRID)) as server,
        running(house(server.port, timeout_s=0.3), tmp_path) as bus,
    ):
        await said(bus, MeterReading)
        asked = len(server.requests)
        killed: list[asyncio.Task[None]] = []

        def kill(pdu: bytes, honest: bytes) -> bytes | None:
            # After the first request of a cycle, before its answer.
            if len(server.requests) > asked + 1 and not killed:
                killed.append(asyncio.ensure_future(server.__aexit__()))
            return None if killed else honest

        server.fault = kill
        await _until(lambda: killed)
        await killed[0]
        server.fault = None
        if restart:
            server.units[200] = dict(FLOATS)
        bus.said.clear()
        await server.__aenter__()
        await said(bus, MeterReading)

    assert wrong(bus) == []


async def test_a_second_client_takes_the_only_connection_and_gives_it_back(tmp_path: Path) -> None:
    async with CrookedServer(unit1=dict(HYBRID), unit200=dict(GRID)) as server:
        server.only_one = True
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        async with running(house(server.port, timeout_s=0.3), tmp_path) as bus:
            roof = await said(bus, InverterReading)
            writer.close()
            await writer.wait_closed()
            grid = await said(bus, MeterReading)

    assert (roof.quality, grid.power_w) == (Quality.UNKNOWN, GRID_W)
    assert "no answer for" in roof.detail
    assert reader.at_eof()


async def _until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not happened():
            await asyncio.sleep(0.005)
