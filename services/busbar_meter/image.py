"""A register image for bug reports: everything a device's chain says, without its serial numbers.

The same file is replayed as if it were the device, in tests, by `busbar meter read --dump`, and by
whoever wants to reproduce a report.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from busbar_meter.answers import (
    ILLEGAL_ADDRESS,
    DeviceLater,
    DeviceRefused,
    UnitAbsent,
    Wire,
)
from busbar_meter.block import Place
from busbar_meter.definitions import model
from busbar_meter.discovery import COMMON, Chain
from busbar_meter.readplan import narrower, plan, span_of


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


async def take(wire: Wire, unit: int, chain: Chain) -> UnitImage:
    """All registers of a chain, serial numbers blotted out wherever they occur."""
    runs = [Run(chain.base, await wire.read(unit, chain.base, 2))]
    serials: set[bytes] = set()
    refused: list[str] = []
    for place in chain.places:
        found, problems = await registers_of(wire, unit, place)
        refused += problems
        serials |= _serial(place.model, found)
        runs += runs_of({place.start + offset: value for offset, value in found.items()})
    end = chain.places[-1].end if chain.places else chain.base + 2
    if chain.ended.startswith("end block"):
        runs.append(Run(end, (0xFFFF, 0) if chain.ended == "end block" else (0xFFFF,)))
    blotted = tuple(Run(run.start, without(run.values, serials)) for run in runs)
    return UnitImage(unit, chain.base, chain.ended, blotted, tuple(refused))


async def registers_of(wire: Wire, unit: int, place: Place) -> tuple[dict[int, int], list[str]]:
    """Everything a block says, by offset from its ID, and what it refused to say, in words.

    A refused request is asked again in smaller pieces: some devices blank a few registers by night.
    """
    found: dict[int, int] = {0: place.model, 1: place.length}
    refused: list[str] = []
    open_requests = list(reversed(plan([span_of(place, model(place.model))])))
    while open_requests:
        request = open_requests.pop()
        try:
            values = await wire.read(unit, request.start, request.count)
        except (DeviceRefused, DeviceLater) as error:
            smaller = narrower(request)
            open_requests += reversed(smaller)
            refused += [] if smaller else [str(error)]
        else:
            found |= {request.start - place.start + step: value for step, value in enumerate(values)}
    return found, refused


def runs_of(registers: Mapping[int, int]) -> list[Run]:
    """Registers by address as runs of neighbours."""
    runs: list[tuple[int, list[int]]] = []
    for at in sorted(registers):
        if runs and runs[-1][0] + len(runs[-1][1]) == at:
            runs[-1][1].append(registers[at])
        else:
            runs.append((at, [registers[at]]))
    return [Run(start, tuple(values)) for start, values in runs]


def _serial(number: int, found: Mapping[int, int]) -> set[bytes]:
    definition = model(number)
    if number != COMMON or definition is None:
        return set()
    point = definition.points["SN"]
    raw = _bytes([found.get(at, 0) for at in range(point.offset, point.end)]).strip(b"\0 ")
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

    connections = 1

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
