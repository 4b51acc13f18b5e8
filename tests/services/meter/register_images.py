"""Register images of SunSpec devices, made point by point, and a wire that reads them.

`block(103, W=4200, W_SF=-1)` gives raw registers; every point not named is "not implemented".
Offsets come from pysunspec2's files through our definitions, whose offsets test_definitions pins.
"""

import struct
from collections.abc import Sequence

from busbar_meter.answers import DeviceRefused, DeviceSilent
from busbar_meter.definitions import Point, model

NOTHING = {
    "int16": 0x8000, "uint16": 0xFFFF, "enum16": 0xFFFF, "count": 0xFFFF, "bitfield16": 0xFFFF,
    "acc16": 0, "acc32": 0, "acc64": 0, "int32": 0x80000000, "uint32": 0xFFFFFFFF,
    "enum32": 0xFFFFFFFF, "bitfield32": 0xFFFFFFFF, "uint64": (1 << 64) - 1, "int64": 1 << 63,
    "float32": 0x7FC00000, "sunssf": 0x8000, "string": 0, "pad": 0x8000,
}  # fmt: skip


def words(point: Point, value: float | str | None) -> list[int]:
    """The registers of one point for a raw value."""
    size = point.size
    if isinstance(value, str):
        raw = value.encode().ljust(2 * size, b"\0")
        return list(struct.unpack(f">{size}H", raw))
    if point.type == "float32" and value is not None:
        return list(struct.unpack(">2H", struct.pack(">f", value)))
    number = NOTHING[point.type] if value is None else int(value)
    number &= (1 << 16 * size) - 1
    return [number >> shift & 0xFFFF for shift in range(16 * (size - 1), -1, -16)]


def block(number: int, length: int | None = None, inputs: Sequence[dict] = (), **values) -> list[int]:
    """One block with its header. `inputs` are the repetitions of models 160 and 714."""
    definition = model(number)
    registers: list[int] = []
    for point in definition.points.values():
        registers += words(point, values.get(point.name))
    for repetition in inputs:
        for point in definition.repeated.values():
            registers += words(point, repetition.get(point.name))
    body = registers[2:]
    if length is not None:
        body = (body + [0xFFFF] * length)[:length]
    return [number, len(body), *body]


def common(
    maker: str = "Fronius", name: str = "Symo GEN24 8.0", serial: str = "34567890", length: int = 66
) -> list[int]:
    """Model 1."""
    return block(1, length=length, Mn=maker, Md=name, SN=serial, Vr="1.36.5-1", DA=1)


END = [0xFFFF, 0]


def image(*blocks: Sequence[int], base: int = 40000, end: Sequence[int] = END) -> dict[int, int]:
    """A chain from its mark to its end, by address."""
    flat = [0x5375, 0x6E53]
    for each in blocks:
        flat += each
    flat += end
    return {base + step: value for step, value in enumerate(flat)}


class PaperWire:
    """A wire made of dicts: one image per unit, and what was asked of it."""

    def __init__(self, **units: dict[int, int]) -> None:
        self.images = {int(name.removeprefix("unit")): registers for name, registers in units.items()}
        self.asked: list[tuple[int, int, int]] = []
        self.written: list[tuple[int, int, tuple[int, ...]]] = []
        self.refuse: dict[tuple[int, int], int] = {}
        self.silent = False
        self.read_only: set[int] = set()
        self.closed = 0
        self.connections = 1

    async def read(self, unit: int, start: int, count: int, *, function: int = 3) -> tuple[int, ...]:
        self.asked.append((unit, start, count))
        if self.silent or unit not in self.images:
            raise DeviceSilent("no answer")
        if (start, count) in self.refuse:
            raise DeviceRefused(self.refuse[start, count], "refused by the test")
        registers = self.images[unit]
        wanted = range(start, start + count)
        if count > 125 or any(at not in registers for at in wanted):
            raise DeviceRefused(2, f"registers {start} to {start + count - 1}")
        return tuple(registers[at] for at in wanted)

    async def write(self, unit: int, start: int, values: Sequence[int], *, single: bool = False) -> None:
        if self.silent or unit not in self.images:
            raise DeviceSilent("no answer")
        wanted = range(start, start + len(values))
        if any(at in self.read_only or at not in self.images[unit] for at in wanted):
            raise DeviceRefused(2, f"writing {start}")
        self.written.append((unit, start, tuple(values)))
        self.images[unit].update(zip(wanted, values, strict=True))

    def close(self) -> None:
        self.closed += 1
