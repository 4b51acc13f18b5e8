"""What is to be written to a block, in order, and what it must read like afterwards.

Only points that the model calls writable and the device implements are ever written, never "not
implemented", and never a scale factor, ID or length.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from busbar_meter.answers import Wire
from busbar_meter.block import Block
from busbar_meter.values import Unwritable, encode


class Write(Struct, frozen=True):
    """Neighbouring registers written at once; `points` names what they are."""

    points: tuple[str, ...]
    offset: int
    values: tuple[int, ...]

    @property
    def end(self) -> int:
        """The offset behind the last register."""
        return self.offset + len(self.values)


class Aim(Struct, frozen=True, kw_only=True):
    """The registers that carry an order out.

    `expect` are the raw values that must read back; `coarse` those of them that may lag behind a
    small change of up to `deadband`, so that a device's memory is not worn by noise.
    """

    writes: tuple[Write, ...]
    expect: dict[str, int]
    coarse: frozenset[str] = frozenset()
    deadband: int = 0
    releases: bool = False
    revert_s: float | None = None
    detail: str = ""


class NotOffered(Struct, frozen=True):
    """The device cannot be steered this way, and why."""

    why: str


def write(block: Block, name: str, value: int) -> Write:
    """One point as a write, or Unwritable when the device does not let it be written."""
    point = block.model.points.get(name)
    if point is None or not point.writable:
        raise Unwritable(f"{name} of model {block.model.id} is not a writable point")
    if not block.has(name):
        raise Unwritable(f"{name} of model {block.model.id} is not implemented by this device")
    return Write((name,), point.offset, tuple(encode(point.type, point.size, value)))


def bundled(writes: Iterable[Write]) -> tuple[Write, ...]:
    """The same writes in the same order, neighbours joined into one request."""
    joined: list[Write] = []
    for each in writes:
        if joined and joined[-1].end == each.offset:
            last = joined.pop()
            each = Write(last.points + each.points, last.offset, last.values + each.values)
        joined.append(each)
    return tuple(joined)


def arranged(writes: Sequence[Write], how: Literal["single", "multiple"]) -> tuple[Write, ...]:
    """Writes as the device takes them: joined for function 16, one by one for function 6."""
    return bundled(writes) if how == "multiple" else tuple(writes)


async def carry_out(
    wire: Wire, unit: int, start: int, writes: Iterable[Write], how: Literal["single", "multiple"]
) -> None:
    """Write in order; an error leaves the rest unwritten."""
    for each in writes:
        # Function 6 carries one register; a point of two registers cannot be written with it.
        single = how == "single" and len(each.values) == 1
        await wire.write(unit, start + each.offset, each.values, single=single)


class ReadBack(Protocol):
    """A device as just read, compared with what it was told."""

    def mismatches(self, expect: Mapping[str, int]) -> list[str]:
        """What does not read as written, in words."""
        ...
