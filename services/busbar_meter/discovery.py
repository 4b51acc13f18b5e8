"""Finding the SunSpec blocks of one unit, without doing any I/O.

`survey` is a generator: it yields what to read next, is sent the answer, and returns the chain.
A device that stays silent is the caller's matter (silence is no proof of absence: the inverter
may sleep), so the generator only ever hears registers or a refusal.
"""

from collections.abc import Generator, Sequence

from msgspec import Struct

from busbar_meter.block import Place
from busbar_meter.definitions import HEADER

SUNS = (0x5375, 0x6E53)
# SunSpec Common Models 1.6 section 8, in the order pysunspec2 tries them.
BASES = (40000, 0, 50000)
COMMON = 1
END = 0xFFFF
# A device has one of each of these; a second one behind the same model 1 is a second device.
ONE_EACH = frozenset((101, 102, 103, 111, 112, 113, 201, 202, 203, 204, 211, 212, 213, 214, 701))
# Guards against chains that never end; the longest seen in captures has some 40 blocks.
MOST_BLOCKS = 100
LAST_HEADER = 65533
LONGEST = 3000


class Ask(Struct, frozen=True):
    """Registers to read next; `chained` behind at least one block of a chain."""

    start: int
    count: int
    chained: bool = False


class Refusal(Struct, frozen=True):
    """The device answered with a Modbus exception."""

    code: int


Answer = Sequence[int] | Refusal


class Part(Struct, frozen=True):
    """One logical device: the blocks behind one model 1. A unit may hold several."""

    common: Place
    blocks: tuple[Place, ...]

    def first(self, *models: int) -> Place | None:
        """The first block of the first of these models that is there."""
        for wanted in models:
            for place in self.blocks:
                if place.model == wanted:
                    return place
        return None


class Chain(Struct, frozen=True):
    """All blocks of a unit in the order of the wire, and how the chain ended."""

    base: int
    places: tuple[Place, ...]
    ended: str

    @property
    def parts(self) -> tuple[Part, ...]:
        """The blocks grouped by the model 1 before them, and by the inverter or meter they begin with."""
        groups: list[tuple[Place, list[Place]]] = []
        for place in self.places:
            if place.model == COMMON:
                groups.append((place, []))
            elif groups:
                common, blocks = groups[-1]
                if place.model in ONE_EACH and any(each.model == place.model for each in blocks):
                    groups.append((common, []))
                groups[-1][1].append(place)
        return tuple(Part(common, tuple(blocks)) for common, blocks in groups)


class NotSunSpec(Struct, frozen=True):
    """No base register carried the SunSpec mark; each with what it answered."""

    tried: tuple[str, ...]


Survey = Generator[Ask, Answer, Chain | NotSunSpec]


def survey(bases: Sequence[int] = BASES) -> Survey:
    """Find the mark, then walk the chain to its end.

    Some devices count from one, so that everything lies one address further: tried when nothing else fits.
    """
    tried = []
    for base in (*bases, *(base + 1 for base in bases)):
        answer = yield Ask(base, 2)
        if isinstance(answer, Refusal):
            tried.append(f"{base}: exception {answer.code}")
        elif tuple(answer) != SUNS:
            tried.append(f"{base}: {' '.join(f'0x{word:04X}' for word in answer)}")
        else:
            return (yield from _walk(base))
    return NotSunSpec(tuple(tried))


def _walk(base: int) -> Generator[Ask, Answer, Chain]:
    places: list[Place] = []
    at = base + 2
    while len(places) < MOST_BLOCKS:
        if at > LAST_HEADER:
            return Chain(base, tuple(places), f"at the end of the address space ({at})")
        answer = yield Ask(at, HEADER, chained=bool(places))
        if isinstance(answer, Refusal):
            return Chain(base, tuple(places), (yield from _why_refused(at, answer)))
        model, length = answer
        if model == END:
            return Chain(base, tuple(places), "end block")
        if length == 0 or length > LONGEST:
            # Stepping by nothing would read the same header for ever, and a torn length leads astray.
            return Chain(base, tuple(places), f"model {model} at {at} says length {length}")
        places.append(Place(model, at, length))
        at = places[-1].end
    return Chain(base, tuple(places), f"stopped after {MOST_BLOCKS} blocks")


def _why_refused(at: int, refusal: Refusal) -> Generator[Ask, Answer, str]:
    # Some devices have an end ID without a length behind it, some (SMA STP) no end block at all.
    answer = yield Ask(at, 1, chained=True)
    if not isinstance(answer, Refusal) and answer[0] == END:
        return "end block without length"
    return f"no end block (exception {refusal.code} at {at})"
