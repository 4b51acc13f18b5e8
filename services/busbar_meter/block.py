"""One model block as read from a device, decoded point by point on demand.

Decoding is lazy: a reading needs some ten points of a block of a hundred.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from busbar_meter.definitions import HEADER, Model, Point
from busbar_meter.values import ACCUMULATORS, FLOATS, NUMBERS, Value, decode, scaled

# A scale factor that is not implemented.
NO_SCALE = 0x8000


class Place(Struct, frozen=True):
    """Where a block lies: its ID, the address of its ID register, and the device's own length."""

    model: int
    start: int
    length: int

    @property
    def end(self) -> int:
        """The address behind the block. The device's length decides, never the definition's."""
        return self.start + HEADER + self.length


class Block(Struct, frozen=True):
    """Registers of one block, by offset from its ID register. Registers not read are absent."""

    model: Model
    length: int
    registers: Mapping[int, int]

    def number(self, name: str) -> float | None:
        """A scaled number, or None when unknown, not implemented, or scaled by nonsense."""
        return self._number(self.model.points.get(name), 0)

    def whole(self, name: str) -> int | None:
        """An enumeration, bit field, count or unscaled raw integer."""
        point = self.model.points.get(name)
        value = None if point is None else self._raw(point, 0)
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str | None:
        """A string without its padding."""
        point = self.model.points.get(name)
        value = None if point is None else self._raw(point, 0)
        return value if isinstance(value, str) else None

    def has(self, name: str) -> bool:
        """Whether the point is there and implemented."""
        point = self.model.points.get(name)
        return point is not None and self._raw(point, 0) is not None

    def energy(self, name: str, *, running: bool) -> float | None:
        """Accumulated energy; a raw zero counts only while the device runs.

        Zero is "not accumulated" by the standard and also the first day of a new device.
        """
        point = self.model.points.get(name)
        if point is None:
            return None
        raw = self._registers(point, 0)
        if running and raw is not None and point.type in ACCUMULATORS and not any(raw):
            return 0.0
        value = self._number(point, 0)
        return None if value is not None and value < 0 else value

    def repetitions(self) -> Iterator["Repetition"]:
        """Each repetition that lies inside the device's own length.

        The device's own count may only make it fewer: it is often zero or not implemented.
        """
        if self.model.stride:
            room = max(0, (self.length + HEADER - self.model.fixed) // self.model.stride)
            said = self.whole(self.model.count) if self.model.count else None
            for index in range(min(said, room) if said else room):
                yield Repetition(self, self.model.fixed + index * self.model.stride)

    def all_zero(self) -> bool:
        """Whether everything behind the header is zero, as some gateways answer when hurried."""
        return not any(value for offset, value in self.registers.items() if offset >= HEADER)

    def mismatches(self, expect: Mapping[str, int]) -> list[str]:
        """The points that do not read as written; a device may round a scaled one by one."""
        found = []
        for name, value in expect.items():
            actual = self.whole(name)
            allowed = 1 if self.model.points[name].sf else 0
            if actual is None or abs(actual - value) > allowed:
                found.append(f"{name} reads {actual} instead of {value}")
        return found

    def unscaled(self) -> list[str]:
        """The points whose number is there while the device says nothing about its scale."""
        return [
            name
            for name, point in self.model.points.items()
            if isinstance(point.sf, str)
            and point.sf in self.model.points
            and self._raw(point, 0) is not None
            and self._registers(self.model.points[point.sf], 0) == [NO_SCALE]
        ]

    def scale_of(self, point: Point) -> int | None:
        """The exponent of a point in force in this very read, or None when it is unusable."""
        if point.sf is None:
            return 0
        if isinstance(point.sf, int):
            return point.sf
        factor = self.model.points.get(point.sf)
        raw = None if factor is None else self._registers(factor, 0)
        if factor is None or raw is None:
            return None
        exponent = decode("sunssf", raw)
        if exponent is None:
            # A scale factor that is not implemented reads as "no scale" only where it is optional.
            return None if factor.mandatory else 0
        return exponent if isinstance(exponent, int) and -10 <= exponent <= 10 else None

    def _registers(self, point: Point, base: int) -> list[int] | None:
        start = base + point.offset
        if start + point.size > self.length + HEADER:
            return None
        raw = [self.registers.get(start + step) for step in range(point.size)]
        return None if None in raw else [value for value in raw if value is not None]

    def _raw(self, point: Point, base: int) -> Value:
        raw = self._registers(point, base)
        return None if raw is None else decode(point.type, raw)

    def _number(self, point: Point | None, base: int) -> float | None:
        if point is None or point.type not in NUMBERS:
            return None
        raw = self._raw(point, base)
        if raw is None or isinstance(raw, str):
            return None
        exponent = self.scale_of(point)
        if exponent is None:
            return None
        if point.type in FLOATS or exponent == 0:
            return float(raw)
        return scaled(raw, exponent)


class Repetition(Struct, frozen=True):
    """One repetition of a block's repeated group, such as one MPPT input."""

    block: Block
    base: int

    def number(self, name: str) -> float | None:
        """A scaled number of this repetition."""
        return self.block._number(self.block.model.repeated.get(name), self.base)

    def whole(self, name: str) -> int | None:
        """An enumeration or raw integer of this repetition."""
        value = self._raw(name)
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str | None:
        """A string of this repetition."""
        value = self._raw(name)
        return value if isinstance(value, str) else None

    def _raw(self, name: str) -> Value:
        point = self.block.model.repeated.get(name)
        return None if point is None else self.block._raw(point, self.base)
