"""One model as a block of registers, written by point names and plain values."""

from .definitions import Layout, Point
from .encoding import decoded, encoded, highest, unknown


class Block:
    """A model's registers. Points nobody set say "not implemented"."""

    def __init__(self, layout: Layout, *, read_only: frozenset[str] = frozenset()) -> None:
        self.layout = layout
        self.read_only = read_only
        self.registers: list[int] = []
        for point in layout.points.values():
            self.registers += unknown(point.kind, point.size)
        self.put("ID", layout.model)
        self.put("L", layout.length)

    def put(self, name: str, value: float | str | None) -> None:
        """Set a point to a value in its unit, scaled by its present factor; None is "not implemented"."""
        point = self.layout.points[name]
        if value is None:
            self._write(point, unknown(point.kind, point.size))
            return
        if not isinstance(value, str) and point.scale is not None:
            value = value / 10.0 ** (self.raw(point.scale) or 0)
        self._write(point, encoded(point.kind, point.size, value))

    def scale(self, factor: str, exponent: int, largest: float = 0.0) -> None:
        """Set a scale factor, raised as far as needed for a value of this size to fit."""
        users = [p for p in self.layout.points.values() if p.scale == factor]
        top = min((highest(p.kind, p.size) for p in users), default=2**15)
        while abs(largest) / 10.0**exponent > top and exponent < 10:
            exponent += 1
        self.put(factor, exponent)

    def finest(self, factor: str, largest: float) -> None:
        """Set a scale factor as fine as a value of this size allows, as inverters do that move theirs."""
        self.scale(factor, -3, max(abs(largest), 1e-3))

    def raw(self, name: str) -> float | None:
        """The raw number of a point."""
        point = self.layout.points[name]
        return decoded(point.kind, self.registers[point.offset : point.offset + point.size])

    def value(self, name: str) -> float | None:
        """A point in its unit, or None when it is not implemented."""
        raw, factor = self.raw(name), self.layout.points[name].scale
        return None if raw is None else raw * 10.0 ** ((self.raw(factor) or 0) if factor else 0)

    def has(self, name: str) -> bool:
        """Whether the model knows the point."""
        return name in self.layout.points

    def may_write(self, offset: int, count: int) -> bool:
        """Whether all of these registers are whole writable points of this device."""
        touched = [
            p for p in self.layout.points.values() if offset < p.offset + p.size and p.offset < offset + count
        ]
        whole = all(offset <= p.offset and p.offset + p.size <= offset + count for p in touched)
        return whole and all(p.writable and p.name not in self.read_only for p in touched)

    def _write(self, point: Point, registers: list[int]) -> None:
        self.registers[point.offset : point.offset + point.size] = registers
