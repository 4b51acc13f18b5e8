"""A Modbus TCP server of the standard library: the one place where registers meet the wire.

It shares no code with the client it is read by (pymodbus), so that a misreading cannot hide on both sides.
Modbus Application Protocol 1.1b3 and Modbus Messaging on TCP/IP 1.0b: functions 3, 4, 6 and 16.
"""

import asyncio
import contextlib
import struct
from collections.abc import Mapping, Sequence
from typing import Protocol

from .line import LATE_S, SLOW_S, Line, LineFault, spoiled
from .sunspec.device import Refused

READS = (3, 4)
MOST_READ, MOST_WRITTEN = 125, 123
NO_TARGET = 0x0B


class Unit(Protocol):
    """Anything with registers. `asleep`: an inverter without sun, which a gateway may not reach."""

    asleep: bool

    def read(self, address: int, count: int) -> list[int]:
        """Registers, or Refused."""

    def write(self, function: int, address: int, values: Sequence[int]) -> None:
        """Take an order, or Refused."""


class ModbusServer:
    """Serves units by id. `silent` makes it answer nothing, as a meter that hangs does."""

    def __init__(
        self,
        units: Mapping[int, Unit],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: frozenset[LineFault] = frozenset(),
    ) -> None:
        self.units, self.host, self.port = units, host, port
        self.silent = False
        self.line = Line(faults)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen; the port that was given, or found when it was 0."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Drop everyone and stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.close()
        if self._serving:
            # Their reads end now; left to themselves they would be cancelled with a scream.
            await asyncio.wait(self._serving, timeout=1.0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if LineFault.ONE_CLIENT in self.line.faults and self._writers:
            writer.close()
            return
        self._writers.add(writer)
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is over."""
        transaction, protocol, length = struct.unpack(">HHH", await reader.readexactly(6))
        if protocol != 0 or not 2 <= length <= 254:
            # Not Modbus: the messaging guide says drop the connection.
            return False
        frame = await reader.readexactly(length)
        strikes = self.line.next()
        if self.silent:
            return True
        answer = spoiled(self.answer(frame[0], frame[1:]), strikes)
        reply = struct.pack(">HHHB", transaction, 0, len(answer) + 1, frame[0]) + answer
        if LineFault.SLOW in strikes:
            await asyncio.sleep(SLOW_S)
        if LineFault.LATE in strikes:
            await asyncio.sleep(LATE_S)
        torn = LineFault.TORN in strikes
        writer.write(reply[: len(reply) // 2] if torn else reply)
        await writer.drain()
        return not torn

    def answer(self, unit: int, pdu: bytes) -> bytes:
        """The response to one request, an exception response included."""
        function = pdu[0]
        device = self.units.get(unit)
        try:
            if device is None or (device.asleep and LineFault.NIGHT in self.line.faults):
                raise Refused(NO_TARGET, f"no unit {unit}")
            if function in READS:
                return _read(device, pdu)
            if function == 6:
                return _write_one(device, pdu)
            if function == 16:
                return _write_many(device, pdu)
            raise Refused(1, f"function {function}")
        except Refused as refused:
            return bytes([function | 0x80, refused.code])
        except struct.error:
            return bytes([function | 0x80, 3])


def _read(device: Unit, pdu: bytes) -> bytes:
    address, count = struct.unpack(">HH", pdu[1:])
    if not 1 <= count <= MOST_READ:
        raise Refused(3, f"{count} registers")
    return struct.pack(f">BB{count}H", pdu[0], 2 * count, *device.read(address, count))


def _write_one(device: Unit, pdu: bytes) -> bytes:
    address, value = struct.unpack(">HH", pdu[1:])
    device.write(6, address, [value])
    return pdu


def _write_many(device: Unit, pdu: bytes) -> bytes:
    address, count, size = struct.unpack(">HHB", pdu[1:6])
    if not 1 <= count <= MOST_WRITTEN or size != 2 * count:
        raise Refused(3, f"{count} registers in {size} bytes")
    device.write(16, address, struct.unpack(f">{count}H", pdu[6:]))
    return pdu[:5]
