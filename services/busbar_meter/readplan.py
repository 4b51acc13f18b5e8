"""Which registers to read together.

Fewest requests within the 125 registers one Modbus read may carry; a cut only ever falls between
points; a block's value and scale factor travel together; every block brings its own ID register,
so that a chain that moved (a Fronius switched from integer to float) is noticed in the same read.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from busbar_meter.block import Place
from busbar_meter.definitions import HEADER, Model

MOST = 125


class Span(Struct, frozen=True):
    """Registers that are read together, and the offsets inside at which a cut is harmless."""

    start: int
    count: int
    cuts: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        """The address behind the last register."""
        return self.start + self.count


class Read(Struct, frozen=True):
    """One request, made of spans that lie in one run of addresses."""

    spans: tuple[Span, ...]

    @property
    def start(self) -> int:
        """The first address."""
        return self.spans[0].start

    @property
    def count(self) -> int:
        """How many registers."""
        return self.spans[-1].end - self.start


def span_of(place: Place, definition: Model | None, through: str | None = None) -> Span:
    """A block from its ID to its end, or only up to the point `through`."""
    whole = HEADER + place.length
    last = definition.points.get(through) if definition and through else None
    count = min(whole, last.end) if last else whole
    edges = _edges(definition, whole) if definition else list(range(1, whole))
    return Span(place.start, count, tuple(place.start + edge for edge in edges if edge < count))


def _edges(definition: Model, whole: int) -> list[int]:
    edges = {point.end for point in definition.points.values()}
    if definition.stride:
        for base in range(definition.fixed, whole, definition.stride):
            edges |= {base} | {base + point.end for point in definition.repeated.values()}
    return sorted(edge for edge in edges if HEADER < edge < whole)


def plan(spans: Iterable[Span], most: int = MOST, gap: int = MOST) -> tuple[Read, ...]:
    """The fewest requests that read all spans, across no more than `gap` unwanted registers.

    Blocks of a SunSpec chain touch each other, so reading across unwanted blocks is legal; greedy
    from the left is optimal for pieces that must not be torn.
    """
    reads: list[Read] = []
    run: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start):
        for piece in _pieces(span, most):
            if run and (piece.end - run[0].start > most or piece.start - run[-1].end > gap):
                reads.append(Read(tuple(run)))
                run = []
            run.append(piece)
    if run:
        reads.append(Read(tuple(run)))
    return tuple(reads)


def _pieces(span: Span, most: int) -> list[Span]:
    pieces = []
    start = span.start
    while span.end - start > most:
        cuts = [cut for cut in span.cuts if start < cut <= start + most]
        cut = cuts[-1] if cuts else start + most
        pieces.append(_piece(span, start, cut))
        start = cut
    pieces.append(_piece(span, start, span.end))
    return pieces


def _piece(span: Span, start: int, end: int) -> Span:
    return Span(start, end - start, tuple(cut for cut in span.cuts if start < cut < end))


def narrower(read: Read) -> tuple[Read, ...]:
    """Smaller requests for one the device refused; empty when nothing smaller is left.

    First block by block, then halves on point boundaries: an SMA STP X refuses a read of the whole
    of model 714 although each half is answered.
    """
    if len(read.spans) > 1:
        return tuple(Read((span,)) for span in read.spans)
    [span] = read.spans
    if not span.cuts:
        return ()
    middle = min(span.cuts, key=lambda cut: abs(cut - span.start - span.count / 2))
    return (Read((_piece(span, span.start, middle),)), Read((_piece(span, middle, span.end),)))


def replaced(reads: Sequence[Read], refused: Read, parts: Sequence[Read]) -> tuple[Read, ...]:
    """The plan with the refused request replaced by its parts."""
    return tuple(part for read in reads for part in (parts if read == refused else (read,)))
