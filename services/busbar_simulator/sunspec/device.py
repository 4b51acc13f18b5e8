"""A unit on the Modbus line: a chain of blocks to read, and orders written to it."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .block import Block

SUNS = (0x5375, 0x6E53)


class Refused(Exception):
    """The device says no; `code` is the Modbus exception it answers with (1, 2, 3, 4)."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Write:
    """One line of a device's write log."""

    at_s: float
    function: int
    address: int
    values: tuple[int, ...]
    points: tuple[str, ...]
    refused: int | None


class Controls(Protocol):
    """What a device does with a write: check it on a trial copy, then act."""

    def check(self, block: Block, points: tuple[str, ...]) -> None:
        """Raise Refused if the block as it would be is not acceptable."""

    def act(self, block: Block, points: tuple[str, ...], now_s: float) -> None:
        """Make the plant follow."""


class Device:
    """A SunSpec device at one base address."""

    def __init__(
        self, blocks: Sequence[Block], *, base: int = 40_000, controls: Controls | None = None
    ) -> None:
        self.base, self.blocks, self.controls = base, list(blocks), controls
        self.log: deque[Write] = deque(maxlen=1000)
        self.now_s = 0.0
        self.asleep = False
        # Kostal takes 123 only through function 6, APsystems only function 16 (sunspec.md section 1.13).
        self.functions = frozenset({6, 16})

    def block(self, model: int) -> Block:
        """The first block of that model."""
        return next(block for block in self.blocks if block.layout.model == model)

    def image(self) -> list[int]:
        """All registers from the base on."""
        registers = list(SUNS)
        for block in self.blocks:
            registers += block.registers
        return [*registers, 0xFFFF, 0]

    def read(self, address: int, count: int) -> list[int]:
        """Registers, or Refused with code 2 outside the chain."""
        image, start = self.image(), address - self.base
        if start < 0 or start + count > len(image):
            raise Refused(2, f"no registers {address} to {address + count - 1}")
        return image[start : start + count]

    def write(self, function: int, address: int, values: Sequence[int]) -> None:
        """Take an order, or Refused; either way it is in the log."""
        points: tuple[str, ...] = ()
        try:
            block, offset = self._find(address)
            points = tuple(
                p.name for p in block.layout.points.values() if offset <= p.offset < offset + len(values)
            )
            if function not in self.functions:
                raise Refused(1, f"function {function} is not taken here")
            self._try(block, offset, values, points)
        except Refused as refused:
            self._note(function, address, values, points, refused.code)
            raise
        self._note(function, address, values, points, None)

    def _find(self, address: int) -> tuple[Block, int]:
        start = self.base + len(SUNS)
        for block in self.blocks:
            if start <= address < start + len(block.registers):
                return block, address - start
            start += len(block.registers)
        raise Refused(2, f"no register {address}")

    def _try(self, block: Block, offset: int, values: Sequence[int], points: tuple[str, ...]) -> None:
        inside = offset + len(values) <= len(block.registers)
        if self.controls is None or not inside or not block.may_write(offset, len(values)):
            raise Refused(2, "read only")
        before = list(block.registers)
        block.registers[offset : offset + len(values)] = values
        try:
            self.controls.check(block, points)
        except Refused:
            block.registers[:] = before
            raise
        self.controls.act(block, points, self.now_s)

    def _note(
        self, function: int, address: int, values: Sequence[int], points: tuple[str, ...], refused: int | None
    ) -> None:
        self.log.append(
            Write(
                at_s=self.now_s, function=function, address=address, values=tuple(values),
                points=points, refused=refused,
            )
        )  # fmt: skip
