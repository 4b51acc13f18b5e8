"""A register image for bug reports: everything a device's chain says, without its serial numbers.

The same file is replayed as if it were the device, in tests, by `busbar meter read --dump`, and by
whoever wants to reproduce a report.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from busbar_meter.answers import ILLEGAL_ADDRESS, DeviceRefused, UnitAbsent, Wire
from busbar_meter.block import Place
from busbar_meter.definitions import model
from busbar_meter.discovery import BASES, COMMON, Chain, NotSunSpec, Refusal, survey
from busbar_meter.readplan import plan, span_of


class Run(Struct, frozen=True):
    """Neighbouring registers."""

    start: Annotated[int, Meta(ge=0, le=65535)]
    values: tuple[Annotated[int, Meta(ge=0, le=65535)], ...]


class UnitImage(Struct, frozen=True):
    """The registers of one unit, and the blocks it refused to read."""

    unit: Annotated[int, Meta(ge=0, le=255)]
    base: int
    ended: str
    runs: tuple[Run, ...]
    refused: tuple[str, ...] = ()

    def registers(self) -> dict[int, int]:
        """All registers by address."""
        return {run.start + step: value for run in self.runs for step, value in enumerate(run.values)}


class Dump(Struct, frozen=True):
    """A dump file."""

    units: tuple[UnitImage, ...]
    taken_at: datetime | None = None
    program: str = ""
    busbar_dump: int = 1


async def find_chain(wire: Wire, unit: int, bases: Sequence[int] = BASES) -> Chain | NotSunSpec:
    """Walk the chain of a unit over a wire."""
    search = survey(bases)
    ask = next(search)
    while True:
        try:
            try:
                answer = await wire.read(unit, ask.start, ask.count)
            except DeviceRefused as refused:
                ask = search.send(Refusal(refused.code))
            else:
                ask = search.send(answer)
        except StopIteration as done:
            found: Chain | NotSunSpec = done.value
            return found


async def take(wire: Wire, unit: int, chain: Chain) -> UnitImage:
    """All registers of a chain, serial numbers blotted out wherever they occur."""
    runs = [Run(chain.base, await wire.read(unit, chain.base, 2))]
    serials: set[bytes] = set()
    refused: list[str] = []
    for place in chain.places:
        try:
            values = await _block(wire, unit, place)
            serials |= _serial(place.model, values)
            runs.append(Run(place.start, values))
        except DeviceRefused as error:
            refused.append(str(error))
            runs.append(Run(place.start, (place.model, place.length)))
    end = chain.places[-1].end if chain.places else chain.base + 2
    if chain.ended.startswith("end block"):
        runs.append(Run(end, (0xFFFF, 0) if chain.ended == "end block" else (0xFFFF,)))
    blotted = tuple(Run(run.start, without(run.values, serials)) for run in runs)
    return UnitImage(unit, chain.base, chain.ended, blotted, tuple(refused))


async def _block(wire: Wire, unit: int, place: Place) -> tuple[int, ...]:
    values: list[int] = []
    for request in plan([span_of(place, model(place.model))]):
        values += await wire.read(unit, request.start, request.count)
    return tuple(values)


def _serial(number: int, values: Sequence[int]) -> set[bytes]:
    definition = model(number)
    if number != COMMON or definition is None:
        return set()
    point = definition.points["SN"]
    raw = _bytes(values[point.offset : point.end]).strip(b"\0 ")
    return {raw} if raw else set()


def without(values: Sequence[int], serials: Iterable[bytes]) -> tuple[int, ...]:
    """Registers with every occurrence of these texts crossed out; vendor blocks repeat them."""
    raw = _bytes(values)
    for serial in serials:
        # Very short ones would cross out figures that happen to look alike; they identify nobody.
        if len(serial) >= 4:
            raw = raw.replace(serial, b"X" * len(serial))
    return struct.unpack(f">{len(values)}H", raw)


def _bytes(values: Sequence[int]) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


class DumpWire:
    """A dump that answers like the device it was taken from."""

    def __init__(self, dump: Dump) -> None:
        self.units: Mapping[int, dict[int, int]] = {image.unit: image.registers() for image in dump.units}

    async def read(self, unit: int, start: int, count: int, *, function: int = 3) -> tuple[int, ...]:
        """Registers of the dump, or the refusal the device would give."""
        if unit not in self.units:
            raise UnitAbsent(f"unit {unit} is not in the dump")
        registers = self.units[unit]
        wanted = range(start, start + count)
        if count > 125 or any(at not in registers for at in wanted):
            raise DeviceRefused(ILLEGAL_ADDRESS, f"registers {start} to {start + count - 1} of unit {unit}")
        return tuple(registers[at] for at in wanted)

    async def write(self, unit: int, start: int, values: Sequence[int], *, single: bool = False) -> None:
        """A dump is not written to."""
        raise DeviceRefused(ILLEGAL_ADDRESS, f"writing register {start} of a dump")

    def close(self) -> None:
        """Nothing to hang up."""
