"""One unit on a line: found once, then read each period with the fewest requests."""

import logging
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from busbar_meter.answers import (
    DEVICE_FAILURE,
    ChainMoved,
    DeviceLater,
    DeviceRefused,
    DeviceSilent,
    LineLost,
    UnitAbsent,
    Wire,
)
from busbar_meter.asking import Asking
from busbar_meter.block import Block, Place
from busbar_meter.definitions import model
from busbar_meter.discovery import BASES, SUNS, Chain, NotSunSpec, Part
from busbar_meter.next_search import NextSearch
from busbar_meter.readplan import Read, Span, span_of
from busbar_meter.walk import find_chain, whole_block
from busbar_meter.wanted import THROUGH, chosen, trusted
from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

# A refused request is split at most this often in one cycle; the rest waits for the next cycles.
DEEPEST_SPLIT = 3


class NotADevice(DeviceSilent):
    """The unit answers, and is not a SunSpec device."""


class Identity(Struct, frozen=True):
    """Who a logical device is, by its model 1."""

    manufacturer: str | None
    model: str | None
    serial: str | None
    version: str | None = None
    # What it was set up as, for example "Production" or "Export+Import" of a meter behind a SolarEdge.
    option: str | None = None


def identity_of(common: Block) -> Identity:
    """What model 1 says."""
    return Identity(*(common.text(name) for name in ("Mn", "Md", "SN", "Vr", "Opt")))


class PartRead(Struct, frozen=True):
    """One logical device as just read: blocks by model, where they start, and when they were answered."""

    identity: Identity
    blocks: Mapping[int, Block]
    times: Mapping[int, datetime]
    starts: Mapping[int, int]


class Unit:
    """A SunSpec unit. `fast` models are read each cycle, `slow` ones now and then."""

    def __init__(
        self, number: int, clock: Clock, *, bases: tuple[int, ...] = BASES, slow_every_s: float = 60.0
    ) -> None:
        self.number = number
        self.chain: Chain | None = None
        self._clock = clock
        self._bases = bases
        self._slow_every_s = slow_every_s
        self._fast: frozenset[int] = frozenset()
        self._slow: frozenset[int] = frozenset()
        self._asking = Asking()
        self._kept: dict[int, Mapping[int, int]] = {}
        self._slow_due = 0.0
        self._verified = False
        self._connection = 0
        self._identities: tuple[Identity, ...] = ()
        """Who the logical devices are, in the order of `parts`."""
        self._next_search = NextSearch()

    def want(self, fast: frozenset[int], slow: frozenset[int]) -> None:
        """Say which models matter; blocks of other models are never read."""
        if (fast, slow) != (self._fast, self._slow):
            self._fast, self._slow = fast, slow
            self._asking = Asking()
            self._slow_due = 0.0

    @property
    def parts(self) -> tuple[Part, ...]:
        """The logical devices found; empty before the survey."""
        return self.chain.parts if self.chain else ()

    def forget(self) -> None:
        """Search again before the next reading, whatever was known."""
        self.chain = None
        self._asking = Asking()
        self._kept = {}
        self._slow_due = 0.0
        self._verified = False
        self._next_search.begun()

    def search_soon(self) -> None:
        """Search again after a while: something that should be here was not found or not readable."""
        self._next_search.soon(self._clock.monotonic())

    def missing(self) -> None:
        """Search again within seconds: what the unit is wanted for was not found."""
        self._next_search.sooner(self._clock.monotonic())

    def doubt(self) -> None:
        """After a silence: make sure it is still the same device before anything is believed or written."""
        self._verified = False
        self._slow_due = 0.0

    async def prepare(self, wire: Wire) -> None:
        """Survey the unit, or verify that it is still the one surveyed."""
        before, asking = self.chain, self._asking
        if self._next_search.is_due(self._clock.monotonic()):
            self.forget()
        if self.chain is None:
            self.chain = await self._surveyed(wire)
            self._identities = await self._identified(wire, self.chain)
            self._verified, self._connection = True, wire.connections
            if not self.chain.ended.startswith("end block"):
                # It may go on behind the header that was refused.
                self.search_soon()
            wanted = ((slow, place.start) for slow in (True, False) for place in self._places(slow))
            if self.chain == before and not asking.lost(wanted):
                # Nothing has moved and nothing is missing: what was learned of its holes still holds.
                self._asking = asking.searched_again()
        elif not self._verified:
            await self._verify(wire, self.chain)

    async def read(self, wire: Wire) -> tuple[PartRead, ...]:
        """All wanted blocks, fresh ones from this cycle and settings from the last slow one."""
        await self.prepare(wire)
        slow = self._clock.monotonic() >= self._slow_due
        times: dict[int, datetime] = {}
        if slow:
            await self._try_dropped(wire)
            await self._gather(wire, times, slow=True)
            self._slow_due = self._clock.monotonic() + self._slow_every_s
        await self._gather(wire, times, slow=False)
        wanted = self._places(slow=False)
        if wanted and not any(place.start in times for place in wanted):
            # It refuses everything, as some do by night: no lesson about single registers is to be drawn.
            self.forget()
            raise DeviceSilent(f"unit {self.number} refuses every block that is wanted of it")
        return tuple(
            self._part_read(part, identity, times)
            for part, identity in zip(self.parts, self._identities, strict=True)
        )

    async def assure(self, wire: Wire) -> None:
        """Before a write: behind a connection that was made anew meanwhile it must be the same device still."""
        if self.chain is not None and wire.connections != self._connection:
            await self._verify(wire, self.chain)

    async def _surveyed(self, wire: Wire) -> Chain:
        try:
            found = await find_chain(wire, self.number, self._bases)
        except (LineLost, UnitAbsent):
            raise
        except DeviceSilent:
            # Some devices leave an address they do not have unanswered: begin with the next base next time.
            self._bases = (*self._bases[1:], self._bases[0])
            raise
        if isinstance(found, NotSunSpec):
            raise NotADevice(f"unit {self.number} is not a SunSpec device ({'; '.join(found.tried)})")
        if not found.parts:
            raise NotADevice(
                f"unit {self.number}: no model 1 behind the mark at {found.base} ({found.ended})"
            )
        return found

    async def _identified(self, wire: Wire, chain: Chain) -> tuple[Identity, ...]:
        return tuple([await self._identity(wire, part) for part in chain.parts])

    async def _identity(self, wire: Wire, part: Part) -> Identity:
        return identity_of(await whole_block(wire, self.number, part.common))

    async def _verify(self, wire: Wire, chain: Chain) -> None:
        try:
            marked = await wire.read(self.number, chain.base, 2) == SUNS
        except DeviceRefused:
            marked = False
        if not marked:
            self.forget()
            raise ChainMoved(f"unit {self.number}: the SunSpec mark at {chain.base} is gone")
        if await self._identified(wire, chain) != self._identities:
            self.forget()
            raise ChainMoved(f"unit {self.number}: another device answers now")
        self._verified, self._connection = True, wire.connections

    async def _gather(self, wire: Wire, times: dict[int, datetime], *, slow: bool) -> None:
        read: dict[int, dict[int, int]] = {}
        places = {place.start: place for place in self._places(slow)}
        for start in places:
            # What is not answered in this cycle is unknown; an older answer must not stand in for it.
            self._kept.pop(start, None)
        asked = self._asking.reads(slow, lambda: self._spans(slow))
        for request in asked:
            for start, registers in (await self._perform(wire, request, slow, 0)).items():
                place = _owner(places, start)
                read.setdefault(place.start, {}).update(
                    {start - place.start + step: value for step, value in enumerate(registers)}
                )
                times[place.start] = self._clock.now()
        for start, found in read.items():
            self._check(places[start], found)
            self._kept[start] = found
        self._asking.all_answered(slow, asked)

    async def _try_dropped(self, wire: Wire) -> None:
        """Ask once for one of the points that were refused: some devices blank them by night only."""
        request = self._asking.next_dropped()
        if request is None:
            return
        try:
            await wire.read(self.number, request.start, request.count)
        except (DeviceRefused, DeviceLater):
            return
        self._asking = Asking()

    async def _perform(self, wire: Wire, request: Read, slow: bool, depth: int) -> dict[int, tuple[int, ...]]:
        """The registers of each span; a refused request is narrowed now and for all later cycles."""
        try:
            registers = await self._read(wire, request)
        except DeviceRefused as refused:
            pieces: dict[int, tuple[int, ...]] = {}
            smaller = self._asking.narrowed(slow, request, refused.code)
            log.info("%s; asking in %d smaller pieces from now on", refused, len(smaller))
            self.search_soon()
            for part in smaller:
                if depth < DEEPEST_SPLIT:
                    pieces.update(await self._perform(wire, part, slow, depth + 1))
            return pieces
        return {
            span.start: registers[span.start - request.start : span.end - request.start]
            for span in request.spans
        }

    async def _read(self, wire: Wire, request: Read) -> tuple[int, ...]:
        try:
            registers = await wire.read(self.number, request.start, request.count)
        except DeviceLater as later:
            if later.code == DEVICE_FAILURE and self._asking.failed(request):
                raise DeviceRefused(later.code, str(later)) from later
            raise
        self._asking.answered(request)
        return registers

    def _check(self, place: Place, found: Mapping[int, int]) -> None:
        if found.get(0, place.model) != place.model or found.get(1, place.length) != place.length:
            moved = f"{found.get(0)} with length {found.get(1)}"
            self.forget()
            raise ChainMoved(
                f"unit {self.number}: at {place.start} is now model {moved}, was model {place.model}"
            )

    def _spans(self, slow: bool) -> list[Span]:
        return [span_of(place, model(place.model), THROUGH.get(place.model)) for place in self._places(slow)]

    def _places(self, slow: bool) -> list[Place]:
        wanted = self._slow if slow else self._fast
        return [
            place
            for part in self.parts
            for number in sorted(chosen(wanted, frozenset(each.model for each in part.blocks)))
            if (place := part.first(number)) is not None and trusted(place)
        ]

    def _part_read(self, part: Part, identity: Identity, times: Mapping[int, datetime]) -> PartRead:
        blocks: dict[int, Block] = {}
        moments: dict[int, datetime] = {}
        starts: dict[int, int] = {}
        for place in part.blocks:
            definition = model(place.model) if place.start in self._kept else None
            if definition is not None and place.model not in blocks:
                blocks[place.model] = Block(definition, place.length, self._kept[place.start])
                starts[place.model] = place.start
                if place.start in times:
                    moments[place.model] = times[place.start]
        return PartRead(identity, blocks, moments, starts)


def _owner(places: Mapping[int, Place], start: int) -> Place:
    return places[max(at for at in places if at <= start)]
