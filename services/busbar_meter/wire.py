"""The only file that knows pymodbus: one connection, one request in flight, errors in our words."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU

from busbar_meter.answers import (
    ABSENT,
    LATER,
    DeviceLater,
    DeviceRefused,
    DeviceSilent,
    LineAddress,
    LineLost,
    UnitAbsent,
)
from busbar_shared.clock import Clock
from busbar_shared.stopping import still_wanted

# It reports every timeout as an error; we do so in our own words, once.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

Client = AsyncModbusTcpClient | AsyncModbusSerialClient


class ModbusWire:
    """A Modbus line over TCP, RTU over TCP, or a serial port.

    It is used by one task only, so requests never overlap. After any silence the connection is
    dropped: a late reply must never be taken for the answer to the next question.
    """

    def __init__(
        self, address: LineAddress, clock: Clock, *, timeout_s: float = 2.0, gap_s: float = 0.01
    ) -> None:
        self.address = address
        self._clock = clock
        self._timeout_s = timeout_s
        self._gap_s = gap_s
        self._client: Client | None = None
        self._free_at = 0.0
        self._asked = 0
        self.connections = 0

    async def read(self, unit: int, start: int, count: int, *, function: int = 3) -> tuple[int, ...]:
        """Registers, all of them, or one of our errors."""
        what = f"registers {start} to {start + count - 1} of unit {unit} at {self.address}"

        def ask(client: Client) -> Awaitable[ModbusPDU]:
            if function == 4:
                return client.read_input_registers(start, count=count, device_id=unit)
            return client.read_holding_registers(start, count=count, device_id=unit)

        answer = await self._exchange(ask, what)
        registers = tuple(getattr(answer, "registers", ()) or ())
        if len(registers) != count:
            self.close()
            raise DeviceSilent(f"{what}: {len(registers)} registers came instead of {count}")
        return registers

    async def write(self, unit: int, start: int, values: Sequence[int], *, single: bool = False) -> None:
        """Write registers with function 16, or one register with function 6 when `single`."""
        what = f"writing {list(values)} to register {start} of unit {unit} at {self.address}"

        def ask(client: Client) -> Awaitable[ModbusPDU]:
            if single:
                return client.write_register(start, values[0], device_id=unit)
            return client.write_registers(start, list(values), device_id=unit)

        await self._exchange(ask, what)

    def close(self) -> None:
        """Drop the connection; the next question opens a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _exchange(self, ask: Callable[[Client], Awaitable[ModbusPDU]], what: str) -> ModbusPDU:
        client = await self._connected()
        self._asked += 1
        wait = self._free_at - self._clock.monotonic()
        if wait > 0:
            await self._clock.sleep(min(wait, self._gap_s))
        try:
            answer = await ask(client)
        except (TimeoutError, ModbusException, OSError) as error:
            lost = not client.connected
            self.close()
            raise (LineLost if lost else DeviceSilent)(f"{what}: no answer") from error
        except asyncio.CancelledError:
            # The answer is still on its way and would be taken for the next one's.
            self.close()
            raise
        finally:
            self._free_at = self._clock.monotonic() + self._gap_s
        still_wanted()
        return self._judged(answer, what)

    def _judged(self, answer: ModbusPDU, what: str) -> ModbusPDU:
        if not answer.isError():
            return answer
        code = int(getattr(answer, "exception_code", 0) or 0)
        refused = DeviceRefused(code, what)
        if code in ABSENT:
            raise UnitAbsent(str(refused))
        if code in LATER or code == 0:
            raise DeviceLater(code, what)
        raise refused

    async def _connected(self) -> Client:
        if self._client is not None and self._client.connected:
            return self._client
        self.close()
        client = self._new_client()
        try:
            connected = await client.connect()
        except (TimeoutError, ModbusException, OSError) as error:
            client.close()
            raise LineLost(f"{self.address}: {error}") from error
        except asyncio.CancelledError:
            client.close()
            raise
        if not connected:
            client.close()
            raise LineLost(f"{self.address}: no connection")
        still_wanted()
        # Transaction numbers go on where the last connection ended: some gateways hand a late reply
        # to whoever is connected now, and it must not carry a number we use again.
        client.ctx.next_tid = self._asked % 64_000
        self._client = client
        self.connections += 1
        return client

    def _new_client(self) -> Client:
        # Retries and reconnects are ours: the library's would repeat a write behind our back.
        if self.address.kind == "serial":
            return AsyncModbusSerialClient(
                self.address.host,
                framer=FramerType.RTU,
                baudrate=self.address.baudrate,
                parity=self.address.parity,
                stopbits=self.address.stopbits,
                timeout=self._timeout_s,
                retries=0,
                reconnect_delay=0,
            )
        return AsyncModbusTcpClient(
            self.address.host,
            port=self.address.port,
            framer=FramerType.RTU if self.address.kind == "rtu_over_tcp" else FramerType.SOCKET,
            timeout=self._timeout_s,
            retries=0,
            reconnect_delay=0,
        )
