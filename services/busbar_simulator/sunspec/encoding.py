"""Values to registers and back, and what each type says when it does not know (SunSpec 1.6, section 6)."""

import struct

# "Not implemented" by type; strings are all zero, floats are NaN.
UNKNOWN = {
    "int16": [0x8000],
    "uint16": [0xFFFF],
    "count": [0xFFFF],
    "enum16": [0xFFFF],
    "bitfield16": [0xFFFF],
    "acc16": [0],
    "sunssf": [0x8000],
    "pad": [0x8000],
    "int32": [0x8000, 0],
    "uint32": [0xFFFF, 0xFFFF],
    "enum32": [0xFFFF, 0xFFFF],
    "bitfield32": [0xFFFF, 0xFFFF],
    "acc32": [0, 0],
    "float32": [0x7FC0, 0],
    "ipaddr": [0, 0],
    "int64": [0x8000, 0, 0, 0],
    "uint64": [0xFFFF] * 4,
    "bitfield64": [0xFFFF] * 4,
    "acc64": [0] * 4,
    "eui48": [0xFFFF] * 4,
}

SIGNED = {"int16", "int32", "int64", "sunssf"}


def unknown(kind: str, size: int) -> list[int]:
    """The registers of a point that is not implemented."""
    return list(UNKNOWN.get(kind, [0] * size))


def highest(kind: str, size: int) -> int:
    """The largest raw value that is not the pattern of "not implemented"."""
    bits = 16 * size
    return int(2 ** (bits - 1) - 1 if kind in SIGNED or kind.startswith("acc") else 2**bits - 2)


def encoded(kind: str, size: int, value: float | str) -> list[int]:
    """Registers of a raw (already scaled) value; what does not fit is clamped, never wrapped."""
    if isinstance(value, str):
        text = value.encode("utf-8")[: 2 * size].ljust(2 * size, b"\0")
        return list(struct.unpack(f">{size}H", text))
    if kind == "float32":
        return list(struct.unpack(">2H", struct.pack(">f", value)))
    top = highest(kind, size)
    raw = min(max(round(value), -top if kind in SIGNED else 0), top)
    return [(raw >> 16 * place) & 0xFFFF for place in reversed(range(size))]


def decoded(kind: str, registers: list[int]) -> float | None:
    """The raw number in the registers, or None when they say "not implemented"."""
    if registers == UNKNOWN.get(kind):
        return None
    if kind == "float32":
        number = struct.unpack(">f", struct.pack(">2H", *registers))[0]
        return None if number != number else float(number)
    raw = 0
    for register in registers:
        raw = raw << 16 | register
    bits = 16 * len(registers)
    return raw - 2**bits if kind in SIGNED and raw >= 2 ** (bits - 1) else raw
