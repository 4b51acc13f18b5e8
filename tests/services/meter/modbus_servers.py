"""Real Modbus TCP servers on free ports: pymodbus's own, and one that misbehaves byte by byte."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

# Request pdu (function, start, count or value) and the honest frame in, the bytes to send out.
Fault = Callable[[bytes, bytes], bytes | None]


@contextlib.asynccontextmanager
async def pymodbus_server(**units: dict[int, int]) -> AsyncIterator[int]:
    """Serves one image per unit; the port."""
    devices = [
        SimDevice(
            id=int(name.removeprefix("unit")),
            simdata=[
                SimData(
                    start, values=[registers[at] for at in range(start, end)], datatype=DataType.REGISTERS
                )
                for start, end in runs(registers)
            ],
        )
        for name, registers in units.items()
    ]
    server = ModbusTcpServer(devices, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


def runs(registers: dict[int, int]) -> list[tuple[int, int]]:
    """Runs of neighbouring addresses, as (first, behind the last)."""
    found: list[tuple[int, int]] = []
    for at in sorted(registers):
        if found and found[-1][1] == at:
            found[-1] = (found[-1][0], at + 1)
        else:
            found.append((at, at + 1))
    return found


class CrookedServer:
    """A Modbus TCP server of the standard library whose answers a test may bend."""

    def __init__(self, **units: dict[int, int]) -> None:
        self.units = {int(name.removeprefix("unit")): registers for name, registers in units.items()}
        self.fault: Fault | None = None
        self.only_one = False
        self.written: list[tuple[int, int, tuple[int, ...]]] = []
        self.refuse_writes = 0
        self.requests: list[tuple[int, int, int, int]] = []
        self.open = 0
        self.most_open = 0
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "CrookedServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.hang_up()
        await asyncio.sleep(0)

    def hang_up(self) -> None:
        """Drop every connection, as a SolarEdge does after two quiet minutes."""
        for writer in list(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.only_one and self.open:
            writer.close()
            return
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        self._writers.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    transaction, _, length = struct.unpack(">HHH", await reader.readexactly(6))
                    frame = await reader.readexactly(length)
                    pdu = self._answer(frame[0], frame[1:])
                    honest = struct.pack(">HHHB", transaction, 0, len(pdu) + 1, frame[0]) + pdu
                    bent = honest if self.fault is None else self.fault(frame[1:], honest)
                    if bent is not None:
                        writer.write(bent)
                        await writer.drain()
        finally:
            self.open -= 1
            self._writers.discard(writer)
            writer.close()

    def _answer(self, unit: int, pdu: bytes) -> bytes:
        function, start, count = struct.unpack(">BHH", pdu[:5])
        self.requests.append((unit, function, start, count))
        registers = self.units.get(unit)
        if registers is None:
            return bytes([function | 0x80, 0x0B])
        if function in (3, 4):
            if any(at not in registers for at in range(start, start + count)):
                return bytes([function | 0x80, 2])
            values = [registers[at] for at in range(start, start + count)]
            return struct.pack(f">BB{count}H", function, 2 * count, *values)
        if function in (6, 16) and self.refuse_writes:
            return bytes([function | 0x80, self.refuse_writes])
        if function == 6:
            self.written.append((unit, start, (count,)))
            registers[start] = count
            return pdu[:5]
        if function == 16:
            values = struct.unpack(f">{count}H", pdu[6 : 6 + 2 * count])
            self.written.append((unit, start, values))
            registers.update({start + step: value for step, value in enumerate(values)})
            return pdu[:5]
        return bytes([function | 0x80, 1])
