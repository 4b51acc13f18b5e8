"""What the house takes beside the managed loads, although nobody samples at the same instant.

The meter speaks each second, a charger each ten, a plug each three hundred, all with their own clocks.
`background = grid - draws` is only true for one instant, so the draws are carried from their samples to
the instant of the meter, and every doubt falls on the side that grants less:

* after a cut a load draws its old current until the meter shows the step or its dead time is over;
* after a raise a rise at the meter, up to the raise, is that load's while its dead time runs;
* a fall that a load with an older sample could explain is that load's until its next sample;
* every other rise is the house's.

A `Book` holds this for one meter. It knows phases by their position and time as monotonic seconds.
"""

from operator import add, sub

from msgspec import Struct
from msgspec.structs import replace

from busbar_allocator.doubt import Falls, doubts, explained, risen_again
from busbar_allocator.draws import (
    LAG_S,
    Amps,
    Draw,
    late_room,
    may_rise_unseen,
    measured,
    not_taken,
    raise_left,
    rest_of_cut,
    take,
    take_late,
    taken_unmeasured,
    told,
)
from busbar_allocator.told_twice import (
    NOISE_A,
    Lent,
    Steps,
    awaited,
    left_of,
    matched,
    opened,
    returned,
    taken,
)

SOURCE_LAG_S = 4.0
"""Meter and inverter are read each in its own second, of registers refreshed each in its own: what one shows,
the other shows this much later at most."""

METER_LAG_S = LAG_S
"""What a sample shows, the meter shows this much later at most."""

LEAST_STEP_A = 0.4
MOST_STEP_A = 1.0
STEP_SHARE = 0.08
"""A fall that may be a load's is at least this share of what the loads draw, within these bounds; less is
the flicker of a house. A load that fell by less keeps its whole grant reserved all the same."""

DRIFT_A_PER_S = 0.33
"""A decline slower than this is the sun's or the house's, not the step of a load."""

MATCH = 1.4
"""A rise of more than this share of a raise is not its answer alone."""

CLEAR_A = 2.0
"""A rise of more than this that is all that one load waits for is that load's, whoever else waits."""

MOST_HELD = 8

MOST_FALLS = 12
"""Falls remembered per phase; beyond it neighbours are joined under the later time, which keeps the doubt."""


class Book(Struct, frozen=True):
    """One meter and the loads behind it, as believed at the instant of its last reading."""

    at: float | None = None
    grid: Amps = ()
    """The meter plus what sources were measured to give: the house and the loads, whatever sun and battery do."""
    sources: Amps = ()
    """What sun and battery were measured to give at that reading; empty when nobody measures them."""
    level: Amps = ()
    """`grid` less the believed draws."""
    peak: Amps = ()
    """Where the level stood lately, sinking slowly, to tell a step down from a drift."""
    draws: dict[str, Draw] = {}
    held: dict[str, tuple[tuple[float, Amps], ...]] = {}
    """Samples of which the meter has not spoken yet."""
    ahead: tuple[tuple[float, Amps], ...] = ()
    """Falls that a source told before the meter showed them: until when they are expected, and how much."""
    falls: tuple[Falls, ...] = ()
    """Per phase the falls that some load may explain: when, and how much."""
    background: Amps = ()
    """What is not managed, doubt on the safe side: the ground for raising anyone."""
    keep: Amps = ()
    """The same, giving loads the late rises they were allowed: the ground for cutting anyone."""
    rose: Steps = ()
    """Rises of the house that a source which fell may tell of in a moment."""
    gone: Steps = ()
    """Falls of a source that the meter may show in a moment."""
    lent: tuple[Lent, ...] = ()
    """Rises that were taken for the answer of a load, and that a source may claim in a moment."""


def sampled(book: Book, load: str, at: float, amps: Amps, *, whole: bool = False) -> Book:
    """The book with a load's own measurement taken at `at`; an older one than known changes nothing.

    It counts from the reading of the meter that must show what it shows: subtracting a rise before would
    invent room for a second, and a fall would invent an oven. `whole` tells a load that is on or off.
    """
    draw = book.draws.get(load)
    if draw is not None and draw.sampled_at is not None and at <= draw.sampled_at:
        return book
    waiting = book.held.get(load, ())
    if waiting and at <= waiting[-1][0]:
        return book
    draws = book.draws if draw is not None else {**book.draws, load: Draw((0.0,) * len(amps), whole=whole)}
    held = {**book.held, load: (*waiting[-MOST_HELD:], (at, amps))}
    new = _changed(book, draws=draws, held=held)
    return (
        new
        if book.at is not None and book.at < at + METER_LAG_S
        else _judged(_accepted(new, book.at or at + METER_LAG_S))
    )


def ordered(book: Book, load: str, before: Amps, after: Amps, at: float, dead_time_s: float) -> Book:
    """The book with an order at `at` that changes a load's allowed current per phase."""
    draw = book.draws.get(load) or Draw((0.0,) * len(after))
    return _changed(book, draws={**book.draws, load: told(draw, before, after, at, dead_time_s)})


def forgotten(book: Book, load: str) -> Book:
    """The book without a load whose figures are no longer believed: what it drew is the house's."""
    if load not in book.draws:
        return book
    draws = {key: draw for key, draw in book.draws.items() if key != load}
    held = {key: samples for key, samples in book.held.items() if key != load}
    level = _less(book.grid, draws) if book.grid else ()
    return _judged(_changed(book, draws=draws, held=held, level=level))


def metered(book: Book, at: float, meter: Amps, sources: Amps = (), lag_s: float = SOURCE_LAG_S) -> Book:
    """The book at the instant of a new reading of its meter; an older one than known changes nothing.

    `sources` is what sun and battery are measured to give, generation positive: their steps are no load's. They
    tell of a step `lag_s` later than the meter at most, or earlier.
    """
    if book.at is not None and at <= book.at:
        return book
    accepted = _accepted(book, at)
    sampled_a = tuple(map(sub, book.level, accepted.level))
    book = _settled(accepted, at)
    watched = bool(sources)
    sources = sources or (0.0,) * len(meter)
    grid = tuple(map(add, meter, sources))
    draws = dict(book.draws)
    open_orders = [load for load, draw in draws.items() if draw.due and at <= draw.due_until]
    unseen = [load for load, draw in draws.items() if may_rise_unseen(draw)]
    less = _less(grid, draws)
    level = list(book.level or less)
    sunk = DRIFT_A_PER_S * (at - book.at) if book.at is not None else 0.0
    peak = [max(now, before - sunk) for now, before in zip(level, book.peak or level, strict=True)]
    falls = list(book.falls or ((),) * len(grid))
    ahead, rose, gone = opened(book.ahead, at), opened(book.rose, at), opened(book.gone, at)
    given = list(map(sub, sources, book.sources or sources))
    lent = [one for one in book.lent if one.until > at]
    for p, moved in enumerate(map(sub, less, level)):
        if moved > 0:
            if given[p] > 0:
                _from_source(falls, ahead, p, min(moved, given[p]), at)
            told = matched(gone, p, moved) if gone else 0.0
            falls[p] = _without(falls[p], told, at - lag_s, at)
            before = dict(draws) if watched and open_orders else draws
            # What a source told of before the meter is no load's answer, however well it would fit.
            # Nor is what a sample told in this very second: taken once more it would be a raise answered twice.
            told += max(0.0, min(moved - told, sampled_a[p])) if sampled_a else 0.0
            house = told + _rise(draws, open_orders, unseen, p, moved - told, at)
            level[p] += house
            if watched:
                lent += taken(before, draws, p, at, at + lag_s)
                awaited(rose, len(grid), p, house - told, at + lag_s)
            peak[p] = max(peak[p], level[p])
            continue
        shown = 0.0
        if given[p] < 0:
            lost = min(-moved, -given[p])
            back = returned(draws, lent, p, lost, at)
            moved, lost = moved + back, lost - back
            shown = matched(rose, p, lost)
            awaited(gone, len(grid), p, lost - shown, at + lag_s)
            peak[p] -= shown
        level[p] += moved
        if open_orders:
            level[p] += _cuts_seen(draws, open_orders, p, -moved - shown, at)
        sunken = peak[p] - level[p]
        if sunken > LEAST_STEP_A and sunken > min(STEP_SHARE * _drawn(draws, p), MOST_STEP_A):
            fall = _fall(draws, ahead, p, sunken, at)
            peak[p] = level[p] = grid[p] - _drawn(draws, p)
            if fall > NOISE_A:
                falls[p] = _join((*falls[p], (at, fall)))
    new = Book(
        at, grid, sources, tuple(level), tuple(peak), draws, book.held, left_of(ahead), tuple(falls),
        rose=left_of(rose), gone=left_of(gone), lent=tuple(lent),
    )  # fmt: skip
    return _judged(new)


def _drawn(draws: dict[str, Draw], phase: int) -> float:
    return sum([draw.amps[phase] for draw in draws.values()])


def _accepted(book: Book, at: float) -> Book:
    """The book that believes the samples which a reading at `at` must show; a fall told twice counts once."""
    shown = at - METER_LAG_S
    due = {
        load: [sample for sample in waiting if sample[0] <= shown]
        for load, waiting in book.held.items()
        if waiting[0][0] <= shown
    }
    if not due:
        return book
    draws, held, falls = dict(book.draws), dict(book.held), book.falls
    for load, samples in due.items():
        taken_at, amps = samples[-1]
        old = draws[load]
        new = draws[load] = measured(old, taken_at, amps)
        _rises_shared(draws, load, old, new)
        later = held.pop(load)[len(samples) :]
        if later:
            held[load] = later
        if falls and any(falls):
            falls = tuple(
                _without(fallen, max(0.0, before - now), taken_at, taken_at + METER_LAG_S)
                for fallen, before, now in zip(falls, old.amps, new.amps, strict=True)
            )
    doubted = list(map(sub, map(add, book.background, book.sources), book.level))
    if doubted and max(doubted) > NOISE_A:
        for p, cleared in enumerate(map(sub, doubted, doubts(falls, draws))):
            if cleared > NOISE_A:
                risen_again(draws, due, p, cleared, falls[p][0][0] if falls[p] else at)
    level = _less(book.grid, draws) if book.grid else ()
    return _changed(book, draws=draws, held=held, level=level, falls=falls)


def _rises_shared(draws: dict[str, Draw], load: str, old: Draw, new: Draw) -> None:
    """What a sample shows beyond what was believed may have been taken for another load's rise: then it is not both's.

    Counted twice it would be sun on a line that has none.
    """
    for p, more in enumerate(map(sub, new.amps, old.amps)):
        for name, draw in draws.items() if more > NOISE_A else ():
            if name != load and (step := min(more, taken_unmeasured(draw, p, old))) > 0:
                draws[name] = not_taken(draw, p, step)
                more -= step


def _settled(book: Book, at: float) -> Book:
    """The book once the dead times that ended by `at` have ended: a cut load draws at most its limit."""
    over = {load: rest_of_cut(draw) for load, draw in book.draws.items() if draw.due and at > draw.due_until}
    if not over:
        return book
    level = list(book.level)
    for load, draw in over.items():
        for p in range(len(level)):
            level[p] += book.draws[load].amps[p] - draw.amps[p]
    return _changed(book, draws={**book.draws, **over}, level=tuple(level))


def _from_source(
    falls: list[Falls], ahead: list[tuple[float, list[float]]], phase: int, amps: float, at: float
) -> None:
    """A source told a step that the meter showed a moment ago, or will show in a moment."""
    falls[phase] = _without(falls[phase], amps, at - 2 * METER_LAG_S, at)
    expected = [0.0] * len(falls)
    expected[phase] = amps
    ahead.append((at + 2 * METER_LAG_S, expected))


def _rise(
    draws: dict[str, Draw], open_orders: list[str], unseen: list[str], phase: int, moved: float, at: float
) -> float:
    """What of a rise is the house's, after loads with a raise under way took theirs."""
    house = moved
    waiting: dict[str, float] = {}
    if open_orders:
        waiting = {load: left for load in open_orders if (left := raise_left(draws[load], phase, at)) > 0}
    # A rise beyond what was allowed is an oven's at least in part: then nobody's raise is proven by it.
    if waiting and moved <= MATCH * sum(waiting.values()) + NOISE_A:
        for load in sorted(waiting, key=lambda one: abs(waiting[one] - moved) > NOISE_A or moved < CLEAR_A):
            step = min(waiting[load], house)
            if step > 0:
                draws[load] = take(
                    draws[load], phase, step, at, alone=len(waiting) == 1 and moved <= waiting[load] + NOISE_A
                )
                house -= step
    doubtful = house
    for load in unseen:
        if doubtful <= 0:
            break
        if (room := late_room(draws[load], phase, doubtful)) > 0:
            draws[load] = take_late(draws[load], phase, min(room, doubtful), at)
            doubtful -= min(room, doubtful)
    return house


def _cuts_seen(draws: dict[str, Draw], open_orders: list[str], phase: int, fallen: float, at: float) -> float:
    """What of a fall is the answer of loads with a cut under way; they draw that much less from now on."""
    seen = 0.0
    for load in open_orders:
        step = min(-draws[load].due[phase], draws[load].amps[phase], fallen - seen)
        if step > 0:
            draws[load] = take(draws[load], phase, -step, at)
            seen += step
    return seen


def _fall(
    draws: dict[str, Draw], ahead: list[tuple[float, list[float]]], phase: int, moved: float, at: float
) -> float:
    """What of a fall nobody expected, after sources ahead of the meter took theirs."""
    for _, amps in ahead:
        step = min(amps[phase], moved)
        amps[phase] -= step
        moved -= step
    for load in [load for load, draw in draws.items() if draw.sampled_at is None and draw.amps[phase] > 0]:
        # What never measures cannot be asked later: its share of a fall is gone for good.
        if moved > NOISE_A:
            amps_now = draws[load].amps[phase]
            step = amps_now if moved >= amps_now - NOISE_A else moved
            draws[load] = take(draws[load], phase, -step, at)
            moved -= step
    return max(0.0, moved)


def _judged(book: Book) -> Book:
    """The book with its background: the level, plus every fall that a load may explain, less the sources."""
    if book.at is None or not book.grid:
        return book
    background = list(map(sub, book.level, book.sources))
    falls = book.falls
    if any(falls):
        draws = [(draw.known_at(), draw) for draw in book.draws.values() if draw.sampled_at is not None]
        kept = list(falls)
        for p, fallen in enumerate(falls):
            if fallen:
                doubt, kept[p] = explained(fallen, draws, p)
                background[p] += doubt
        falls = tuple(kept)
    keep = background
    for late in [draw.late for draw in book.draws.values() if draw.late]:
        keep = list(map(sub, keep, late))
    return replace(book, falls=falls, background=tuple(background), keep=tuple(keep))


def _without(falls: Falls, amount: float, start: float, end: float) -> Falls:
    """The falls, less what of those between two moments turned out to be known otherwise."""
    if amount <= 0:
        return falls
    kept = []
    for when, fallen in falls:
        used = min(fallen, amount) if start <= when <= end else 0.0
        amount -= used
        if fallen - used > NOISE_A:
            kept.append((when, fallen - used))
    return tuple(kept)


def _join(falls: Falls) -> Falls:
    if len(falls) <= MOST_FALLS:
        return falls
    (_, first), (at, second), *rest = falls
    return ((at, first + second), *rest)


def _less(grid: Amps, draws: dict[str, Draw]) -> Amps:
    """The meter less all draws, per phase."""
    if not draws:
        return grid
    return tuple(map(sub, grid, map(sum, zip(*[draw.amps for draw in draws.values()], strict=True))))


def _changed(
    book: Book,
    *,
    draws: dict[str, Draw],
    held: dict[str, tuple[tuple[float, Amps], ...]] | None = None,
    level: Amps | None = None,
    falls: tuple[Falls, ...] | None = None,
) -> Book:
    new = book.level if level is None else level
    peak = tuple([old + now - before for old, now, before in zip(book.peak, new, book.level, strict=True)])
    return replace(
        book, level=new, peak=peak, draws=draws, held=book.held if held is None else held,
        falls=book.falls if falls is None else falls,
    )  # fmt: skip
