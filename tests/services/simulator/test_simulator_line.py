"""A Modbus line on a bad day."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

import pytest

from busbar_simulator.line import Line, LineFault, spoiled
from busbar_simulator.modbus_server import ModbusServer
from busbar_simulator.sunspec.device import Device
from busbar_simulator.sunspec.inverter import common
from busbar_simulator.sunspec.personality import PLAIN

ASK = struct.pack(">HHHBBHH", 7, 0, 6, 1, 3, 40_000, 2)
SUNS = struct.pack(">HHHBBB", 7, 0, 7, 1, 3, 4) + b"SunS"


@contextlib.asynccontextmanager
async def a_server(*faults: LineFault) -> AsyncIterator[ModbusServer]:
    """A server with one unit of model 1."""
    server = ModbusServer({1: Device([common(PLAIN, "SN")])}, faults=frozenset(faults))
    await server.start()
    yield server
    await server.stop()


async def asked(server: ModbusServer, frame: bytes = ASK) -> bytes:
    """All a client gets before the server hangs up or falls silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(frame)
    got = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(0.3):
            while more := await reader.read(100):
                got += more
                if len(got) >= len(SUNS):
                    break
    writer.close()
    return got


async def test_a_good_day() -> None:
    async with a_server() as server:
        assert await asked(server) == SUNS


async def test_a_silent_meter() -> None:
    async with a_server() as server:
        server.silent = True
        assert await asked(server) == b""


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="a browser"),
        pytest.param(struct.pack(">HHH", 1, 5, 6), id="another protocol"),
        pytest.param(struct.pack(">HHH", 1, 0, 60_000), id="a frame too long"),
    ],
)
async def test_what_is_not_modbus_is_hung_up_on(frame: bytes) -> None:
    async with a_server() as server:
        assert await asked(server, frame) == b""
        assert await asked(server) == SUNS, "others are still served"


async def test_a_device_for_one_client() -> None:
    async with a_server(LineFault.ONE_CLIENT) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(ASK)
        assert await reader.readexactly(len(SUNS)) == SUNS
        assert await asked(server) == b"", "the second is hung up on"
        writer.close()
        await writer.wait_closed()
        while await asked(server) != SUNS:
            await asyncio.sleep(0)


async def test_a_torn_answer() -> None:
    async with a_server(LineFault.TORN) as server:
        server.line.requests = 10
        assert await asked(server) == SUNS[:6]
        assert await asked(server) == SUNS


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        pytest.param(LineFault.ZERO_BLOCKS, [7, 14], id="every seventh"),
        pytest.param(LineFault.BUSY, [5, 10, 15], id="every fifth"),
        pytest.param(LineFault.SLOW, list(range(1, 16)), id="always"),
    ],
)
def test_when_a_fault_strikes(fault: LineFault, struck: list[int]) -> None:
    line = Line(frozenset({fault}))

    assert [number for number in range(1, 16) if fault in line.next()] == struck


@pytest.mark.parametrize(
    ("answer", "fault", "leaves"),
    [
        pytest.param(b"\x03\x02\x12\x34", LineFault.ZERO_BLOCKS, b"\x03\x02\x00\x00", id="zeros"),
        pytest.param(b"\x83\x02", LineFault.ZERO_BLOCKS, b"\x83\x02", id="a refusal stays one"),
        pytest.param(
            b"\x06\x00\x01\x00\x02", LineFault.ZERO_BLOCKS, b"\x06\x00\x01\x00\x02", id="an echo too"
        ),
        pytest.param(b"\x03\x02\x12\x34", LineFault.BUSY, b"\x83\x06", id="busy"),
    ],
)
def test_how_an_answer_is_spoiled(answer: bytes, fault: LineFault, leaves: bytes) -> None:
    assert spoiled(answer, frozenset({fault})) == leaves


def test_an_inverter_that_sleeps_at_night() -> None:
    device = Device([common(PLAIN, "SN")])
    server = ModbusServer({1: device}, faults=frozenset({LineFault.NIGHT}))
    awake = server.answer(1, ASK[7:])
    device.asleep = True

    assert awake == SUNS[7:]
    assert server.answer(1, ASK[7:]) == b"\x83\x0b"
