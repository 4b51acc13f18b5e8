"""RTU frames: over TCP as gateways pass them on, and on a serial line (a pseudo terminal)."""

import asyncio
import contextlib
import os
import struct
from collections.abc import AsyncIterator

import pytest
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from busbar_meter.answers import DeviceSilent, LineAddress
from busbar_meter.wire import ModbusWire
from busbar_shared.clock import RealClock
from services.meter.register_images import block, common, image

REGISTERS = image(common(), block(203, W=-1500, W_SF=0))


def crc(frame: bytes) -> bytes:
    """CRC-16 of Modbus over serial line, low byte first."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


@contextlib.asynccontextmanager
async def meter_on_a_serial_line(bend=lambda frame: frame) -> AsyncIterator[str]:
    """A meter with unit id 7 behind a pseudo terminal; the path of the terminal."""
    inner, outer = os.openpty()
    loop = asyncio.get_running_loop()

    def answer() -> None:
        request = os.read(inner, 256)
        if len(request) == 8 and request[0] == 7 and crc(request[:-2]) == request[-2:]:
            start, count = struct.unpack(">HH", request[2:6])
            values = [REGISTERS.get(start + step, 0) for step in range(count)]
            frame = bytes([7, 3, 2 * count]) + struct.pack(f">{count}H", *values)
            os.write(inner, bend(frame + crc(frame)))

    loop.add_reader(inner, answer)
    try:
        yield os.ttyname(outer)
    finally:
        loop.remove_reader(inner)
        os.close(inner)
        os.close(outer)


async def test_a_meter_on_a_serial_line() -> None:
    async with meter_on_a_serial_line() as path:
        wire = ModbusWire(LineAddress("serial", path, 0, 9600, "N"), RealClock(), timeout_s=10.0)
        try:
            assert await wire.read(7, 40000, 2) == (0x5375, 0x6E53)
            assert (await wire.read(7, 40070, 107))[18] == 0x10000 - 1500
        finally:
            wire.close()


async def test_noise_on_the_line_is_silence_not_a_reading() -> None:
    async with meter_on_a_serial_line(lambda frame: frame[:-1] + bytes([frame[-1] ^ 1])) as path:
        wire = ModbusWire(LineAddress("serial", path, 0), RealClock(), timeout_s=0.2)
        with pytest.raises(DeviceSilent):
            await wire.read(7, 40000, 2)
        wire.close()


async def test_rtu_frames_over_tcp() -> None:
    values = [REGISTERS[at] for at in range(40000, 40000 + len(REGISTERS))]
    device = SimDevice(id=7, simdata=[SimData(40000, values=values, datatype=DataType.REGISTERS)])
    server = ModbusTcpServer(device, framer=FramerType.RTU, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = server.transport.sockets[0].getsockname()[1]
    wire = ModbusWire(LineAddress("rtu_over_tcp", "127.0.0.1", port), RealClock(), timeout_s=10.0)
    try:
        assert (await wire.read(7, 40070, 107))[18] == 0x10000 - 1500
    finally:
        wire.close()
        await server.shutdown()


@contextlib.asynccontextmanager
async def simple_gateway(bends: list) -> AsyncIterator[int]:
    """A gateway that passes RTU frames on as they come: each bend spoils one answer, then they are honest."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await reader.readexactly(8)
                start, count = struct.unpack(">HH", request[2:6])
                values = [REGISTERS.get(start + step, 0) for step in range(count)]
                frame = bytes([7, 3, 2 * count]) + struct.pack(f">{count}H", *values)
                honest = frame + crc(frame)
                writer.write(bends.pop(0)(honest) if bends else honest)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(lambda frame: frame[:-1] + bytes([frame[-1] ^ 1]), id="a wrong checksum"),
        pytest.param(lambda frame: frame[:3] + b"\xff" + frame[4:], id="a torn register"),
        pytest.param(lambda frame: frame[: len(frame) // 2], id="half a frame"),
        pytest.param(lambda frame: b"", id="nothing"),
        pytest.param(lambda frame: bytes([9]) + frame[1:-2] + crc(bytes([9]) + frame[1:-2]), id="the answer of another unit"),
    ],
)  # fmt: skip
async def test_a_spoilt_frame_through_a_gateway_is_silence_and_the_next_one_is_read(bend) -> None:
    async with simple_gateway([bend]) as port:
        wire = ModbusWire(LineAddress("rtu_over_tcp", "127.0.0.1", port), RealClock(), timeout_s=0.3)
        try:
            with pytest.raises(DeviceSilent):
                await wire.read(7, 40000, 2)
            async with asyncio.timeout(30):
                answer = None
                while answer is None:
                    with contextlib.suppress(DeviceSilent):
                        answer = await wire.read(7, 40000, 2)
        finally:
            wire.close()

    assert answer == (0x5375, 0x6E53)
