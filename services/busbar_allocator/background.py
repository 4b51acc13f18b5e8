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

from msgspec import Struct

from busbar_allocator.draws import Amps, Draw, late_room, measured, rest_of_cut, take, take_late, told

METER_LAG_S = 1.0
"""How far a meter may lag behind a step: what a sample shows, the meter shows this much later."""

NOISE_A = 0.3
"""Falls that stay below this are the flicker of a house, and no load's."""

MATCH = 1.4
"""A rise of more than this share of a raise is not its answer alone."""

MOST_HELD = 8

MOST_FALLS = 12
"""Falls remembered per phase; beyond it neighbours are joined under the later time, which keeps the doubt."""

Falls = tuple[tuple[float, float], ...]


class Book(Struct, frozen=True):
    """One meter and the loads behind it, as believed at the instant of its last reading."""

    at: float | None = None
    grid: Amps = ()
    """The meter plus what sources were measured to give: the house and the loads, whatever sun and battery do."""
    sources: Amps = ()
    """What sun and battery were measured to give at that reading; empty when nobody measures them."""
    level: Amps = ()
    """`grid` less the believed draws, without its flicker."""
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


def sampled(book: Book, load: str, at: float, amps: Amps, *, whole: bool = False) -> Book:
    """The book with a load's own measurement taken at `at`; an older one than known changes nothing.

    It counts from the reading of the meter that must show what it shows: subtracting a rise before would
    invent room for a second, and a fall would invent an oven. `whole` tells a load that is on or off.
    """
    draw = book.draws.get(load)
    if draw is not None and draw.sampled_at is not None and at <= draw.sampled_at:
        return book
    draw = draw or Draw((0.0,) * len(amps), whole=whole)
    if book.at is None or book.at >= at + METER_LAG_S:
        return _judged(_accepted(book, load, draw, at, amps))
    waiting = book.held.get(load, ())
    if waiting and at <= waiting[-1][0]:
        return book
    draws = book.draws if load in book.draws else {**book.draws, load: draw}
    held = {**book.held, load: (*waiting[-MOST_HELD:], (at, amps))}
    return Book(
        book.at,
        book.grid,
        book.sources,
        book.level,
        draws,
        held,
        book.ahead,
        book.falls,
        book.background,
        book.keep,
    )


def ordered(book: Book, load: str, before: Amps, after: Amps, at: float, dead_time_s: float) -> Book:
    """The book with an order at `at` that changes a load's allowed current per phase."""
    draw = book.draws.get(load) or Draw((0.0,) * len(after))
    draws = {**book.draws, load: told(draw, before, after, at, dead_time_s)}
    return Book(
        book.at,
        book.grid,
        book.sources,
        book.level,
        draws,
        book.held,
        book.ahead,
        book.falls,
        book.background,
        book.keep,
    )


def forgotten(book: Book, load: str) -> Book:
    """The book without a load whose figures are no longer believed: what it drew is the house's."""
    if load not in book.draws:
        return book
    draws = {key: draw for key, draw in book.draws.items() if key != load}
    held = {key: sample for key, sample in book.held.items() if key != load}
    level = _less(book.grid, draws) if book.grid else ()
    return _judged(Book(book.at, book.grid, book.sources, level, draws, held, book.ahead, book.falls))


def metered(book: Book, at: float, meter: Amps, sources: Amps = ()) -> Book:
    """The book at the instant of a new reading of its meter; an older one than known changes nothing.

    `sources` is what sun and battery are measured to give, generation positive: their steps are no load's.
    """
    if book.at is not None and at <= book.at:
        return book
    sources = sources or (0.0,) * len(meter)
    grid = tuple(map(sum, zip(meter, sources, strict=True)))
    for load, waiting in book.held.items():
        due = [sample for sample in waiting if at >= sample[0] + METER_LAG_S]
        if due:
            book = _accepted(book, load, book.draws[load], *due[-1])
    draws = {load: rest_of_cut(draw, at) for load, draw in book.draws.items()}
    level = list(book.level or _less(grid, draws))
    if book.grid:
        for load, draw in draws.items():
            if draw is not book.draws[load]:
                _lift(level, book.draws[load].amps, draw.amps)
    falls = book.falls or ((),) * len(grid)
    ahead = [(until, list(amps)) for until, amps in book.ahead if until > at]
    told_s = [now - old for now, old in zip(sources, book.sources or sources, strict=True)]
    new_falls = []
    for p in range(len(grid)):
        moved = grid[p] - sum(draw.amps[p] for draw in draws.values()) - level[p]
        fall = 0.0
        if moved > 0 and told_s[p] > 0:
            # The source told a step that the meter showed a moment ago, or will show in a moment.
            falls = (
                *falls[:p],
                _without(falls[p], min(moved, told_s[p]), at - 2 * METER_LAG_S, at),
                *falls[p + 1 :],
            )
            ahead.append(
                (at + 2 * METER_LAG_S, [min(moved, told_s[p]) if q == p else 0.0 for q in range(len(grid))])
            )
        if moved > 0:
            level[p] += _rise(draws, p, moved, at)
        elif moved < -NOISE_A:
            fall = _fall(draws, ahead, p, -moved, at)
            level[p] = grid[p] - sum(draw.amps[p] for draw in draws.values())
        new_falls.append(_join((*falls[p], (at, fall))) if fall > NOISE_A else falls[p])
    left = tuple((until, tuple(amps)) for until, amps in ahead if max(amps) > 0)
    return _judged(Book(at, grid, sources, tuple(level), draws, book.held, left, tuple(new_falls)))


def _accepted(book: Book, load: str, draw: Draw, at: float, amps: Amps) -> Book:
    """The book that believes a sample, as of its last reading; a fall that both told is counted once."""
    new = measured(draw, at, amps)
    later = tuple(sample for sample in book.held.get(load, ()) if sample[0] > at)
    held = {key: samples for key, samples in book.held.items() if key != load}
    if later:
        held[load] = later
    draws = {**book.draws, load: new}
    falls = tuple(
        _without(fallen, max(0.0, before - now), at, at + METER_LAG_S)
        for fallen, before, now in zip(book.falls, draw.amps, new.amps, strict=False)
    )
    level = _less(book.grid, draws) if book.grid else ()
    return Book(book.at, book.grid, book.sources, level, draws, held, book.ahead, falls)


def _rise(draws: dict[str, Draw], phase: int, moved: float, at: float) -> float:
    """What of a rise is the house's, after loads with a raise under way took theirs."""
    house = moved
    waiting = [
        load for load, draw in draws.items() if draw.due and draw.due[phase] > 0 and at <= draw.due_until
    ]
    # A rise beyond what was allowed is an oven's at least in part: then nobody's raise is proven by it.
    if moved > MATCH * sum(draws[load].due[phase] for load in waiting) + NOISE_A:
        waiting = []
    for load in waiting:
        if house <= 0:
            break
        draw = draws[load]
        step = min(draw.due[phase], house)
        draws[load] = take(draw, phase, step, at, alone=len(waiting) == 1)
        house -= step
    doubtful = house
    for load, draw in draws.items():
        if doubtful <= 0:
            break
        if draw.ordered_at <= at and (room := late_room(draw, phase)) > 0:
            draws[load] = take_late(draw, phase, min(room, doubtful))
            doubtful -= min(room, doubtful)
    return house


def _fall(
    draws: dict[str, Draw], ahead: list[tuple[float, list[float]]], phase: int, moved: float, at: float
) -> float:
    """What of a fall nobody expected, after cuts under way and samples ahead of the meter took theirs."""
    for load, draw in draws.items():
        if moved <= 0:
            break
        if draw.due and draw.due[phase] < 0 and at <= draw.due_until:
            step = min(-draw.due[phase], draw.amps[phase], moved)
            draws[load] = take(draw, phase, -step, at)
            moved -= step
    for _, amps in ahead:
        step = min(amps[phase], moved)
        amps[phase] -= step
        moved -= step
    for load, draw in draws.items():
        # What never measures cannot be asked later: its share of a fall is gone for good.
        if moved > NOISE_A and draw.sampled_at is None and draw.amps[phase] > 0:
            gone = moved >= draw.amps[phase] - NOISE_A
            step = draw.amps[phase] if gone else moved
            draws[load] = take(draw, phase, -step, at)
            moved -= step
    return max(0.0, moved)


def _judged(book: Book) -> Book:
    """The book with its background: the level, plus every fall that a load may explain."""
    if book.at is None or not book.grid:
        return book
    background = [level - given for level, given in zip(book.level, book.sources, strict=True)]
    falls = []
    for p, fallen in enumerate(book.falls):
        doubt, kept = _explained(fallen, book.draws, p)
        background[p] += doubt
        falls.append(kept)
    keep = list(background)
    for draw in book.draws.values():
        if draw.late:
            keep = [room - late for room, late in zip(keep, draw.late, strict=True)]
    return Book(
        book.at, book.grid, book.sources, book.level, book.draws, book.held, book.ahead, tuple(falls), tuple(background),
        tuple(keep),
    )  # fmt: skip


def _explained(falls: Falls, draws: dict[str, Draw], phase: int) -> tuple[float, Falls]:
    """How much of the falls loads with older samples may explain, and the falls that still matter."""
    explained = 0.0
    kept = []
    for at, amount in falls:
        able = sum(
            max(0.0, draw.drew(phase, at))
            for draw in draws.values()
            if draw.sampled_at is not None and draw.known_at() < at and draw.could_fall(phase, amount)
        )
        if able > 0:
            explained += min(amount, max(0.0, able - explained))
            kept.append((at, amount))
    return explained, tuple(kept)


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
    return tuple(amps - sum(draw.amps[p] for draw in draws.values()) for p, amps in enumerate(grid))


def _lift(level: list[float], before: Amps, after: Amps) -> None:
    for p in range(len(level)):
        level[p] += before[p] - after[p]
