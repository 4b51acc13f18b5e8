"""What one SunSpec point's registers mean, and how a number becomes registers again.

"Not implemented" is decided by the type and the raw registers, before any scaling (SunSpec
"Common Models" 1.6, section 5): 0xFFFF is nothing in a uint16 and minus one in a scale factor.
"""

import math
import struct
from collections.abc import Sequence

Value = float | int | str | None

UNSIGNED = frozenset({"uint16", "enum16", "count", "uint32", "enum32", "uint64"})
SIGNED = frozenset({"int16", "int32", "int64"})
BITS = frozenset({"bitfield16", "bitfield32", "bitfield64"})
ACCUMULATORS = frozenset({"acc16", "acc32", "acc64"})
FLOATS = frozenset({"float32", "float64"})
NUMBERS = UNSIGNED | SIGNED | ACCUMULATORS | FLOATS

SF_RANGE = range(-10, 11)


def unsigned(registers: Sequence[int]) -> int:
    """Registers as one unsigned number, most significant word first."""
    value = 0
    for register in registers:
        value = value << 16 | register & 0xFFFF
    return value


def signed(registers: Sequence[int]) -> int:
    """Registers as one two's complement number, most significant word first."""
    bits = 16 * len(registers)
    value = unsigned(registers)
    return value - (1 << bits) if value >> (bits - 1) else value


def real(registers: Sequence[int]) -> float | None:
    """An IEEE 754 number, or None for any NaN and for infinities."""
    raw = struct.pack(f">{len(registers)}H", *registers)
    value: float = struct.unpack(">f" if len(registers) == 2 else ">d", raw)[0]
    return value if math.isfinite(value) else None


def text(registers: Sequence[int]) -> str | None:
    """A string without the NULs and blanks that pad it, or None when it is empty."""
    raw = struct.pack(f">{len(registers)}H", *registers)
    # Kostal pads with blanks, others with NUL, some leave rubbish behind the first NUL.
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace").strip() or None


def decode(kind: str, registers: Sequence[int]) -> Value:
    """The unscaled value of a point, or None when it is not implemented."""
    if kind == "string":
        return text(registers)
    if kind in FLOATS:
        return real(registers)
    if kind == "sunssf" or kind in SIGNED:
        value = signed(registers)
        return None if value == -(1 << (16 * len(registers) - 1)) else value
    value = unsigned(registers)
    ones = (1 << 16 * len(registers)) - 1
    if kind in BITS:
        # With the top bit set the other bits are to be ignored (Common Models 1.6).
        return None if value >> (16 * len(registers) - 1) else value
    if kind in ACCUMULATORS:
        return None if value in (0, ones) else value
    if kind in UNSIGNED or kind == "eui48":
        return None if value == ones else value
    if kind in ("ipaddr", "ipv6addr"):
        return value or None
    return None


def scaled(raw: float, exponent: int) -> float | None:
    """A value with its scale factor applied, or None when the factor makes no sense."""
    # Inverters send nonsense here while they wake up; believed, it makes any reading absurd.
    if exponent not in SF_RANGE:
        return None
    if exponent >= 0:
        return raw * 10.0**exponent
    return round(raw / 10.0**-exponent, -exponent)


class Unwritable(ValueError):
    """This value cannot be said in this point; nothing may be written instead."""


def encode(kind: str, size: int, value: int) -> list[int]:
    """The registers for an already scaled whole number, refusing overflow and the NI pattern."""
    bits = 16 * size
    if kind in SIGNED:
        # The most negative number is "not implemented" and must never be sent as a command.
        low, high = -(1 << (bits - 1)) + 1, (1 << (bits - 1)) - 1
    elif kind in UNSIGNED:
        low, high = 0, (1 << bits) - 2
    elif kind in BITS:
        low, high = 0, (1 << (bits - 1)) - 1
    else:
        raise Unwritable(f"a {kind} is not written")
    if not low <= value <= high:
        raise Unwritable(f"{value} does not fit a {kind} ({low} to {high})")
    value &= (1 << bits) - 1
    return [value >> shift & 0xFFFF for shift in range(bits - 16, -1, -16)]
