"""What one asks of a wire, and how a device may fail to answer, by what the asker should do."""

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
# Modbus application protocol 1.1b3 section 7.
EXCEPTIONS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not respond",
}
# Answered, but not with a no: the unit behind the gateway sleeps, or the device has no time.
GATEWAY_TARGET = 11
ABSENT = (10, GATEWAY_TARGET)
LATER = (4, 5, 6)


class DeviceSilent(Exception):
    """No usable answer. Keep the last word for as long as it is valid, back off and ask again."""


class LineLost(DeviceSilent):
    """The connection itself is gone or cannot be made: no unit on it can answer."""


class UnitAbsent(DeviceSilent):
    """The gateway answers, the unit behind it does not: an inverter asleep at night."""


class ChainMoved(DeviceSilent):
    """A block is not where it was: the device changed its models and must be searched again."""


class DeviceLater(DeviceSilent):
    """An answer that says not now: busy, or a failure that may pass."""

    def __init__(self, code: int, what: str) -> None:
        super().__init__(f"{what}: {EXCEPTIONS.get(code, 'exception')} ({code})")
        self.code = code


class DeviceRefused(Exception):
    """An answer, and it is no. Asking the same again will not help."""

    def __init__(self, code: int, what: str) -> None:
        super().__init__(f"{what}: {EXCEPTIONS.get(code, 'exception')} ({code})")
        self.code = code


class LineAddress(Struct, frozen=True):
    """One physical line. All units behind the same address share one connection."""

    kind: Literal["tcp", "rtu_over_tcp", "serial"]
    host: str
    port: int = 502
    baudrate: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1

    def __str__(self) -> str:
        return self.host if self.kind == "serial" else f"{self.host}:{self.port}"


class Wire(Protocol):
    """A Modbus line, asked one question at a time by the one task that owns it."""

    @property
    def connections(self) -> int:
        """How often it was connected so far: behind a new connection another device may answer."""
        ...

    async def read(self, unit: int, start: int, count: int, *, function: int = 3) -> tuple[int, ...]:
        """Registers, all of them, or one of the errors above."""
        ...

    async def write(self, unit: int, start: int, values: Sequence[int], *, single: bool = False) -> None:
        """Write registers with function 16, or one register with function 6 when `single`."""
        ...

    def close(self) -> None:
        """Drop the connection; the next question opens a new one."""
        ...
