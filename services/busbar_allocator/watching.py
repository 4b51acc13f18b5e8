"""Collects evidence about the wiring: a load's samples beside what the grid meter did in the same seconds."""

from bisect import bisect_left
from operator import attrgetter, sub

from msgspec import Struct
from msgspec.structs import replace

from busbar_allocator.background import Book
from busbar_allocator.detection import LEAST_MOVE_A, LEAST_NOISE_A, Evidence, scored, usual_noise
from busbar_allocator.draws import Draw
from busbar_allocator.known import Amps
from busbar_allocator.plan import LoadPlan, Plan

SHOWN_S = 0.8
"""The reading this long after a sample shows what the sample shows."""

PAIR_S = 1.2
STILL_A = 1.5
LONGEST_S = 90.0
MOST_LOADS = 20
"""In a fleet's car park too much moves at once to learn from it."""


class Instant(Struct, frozen=True):
    """One reading of the grid meter and what all loads were believed to draw."""

    at: float
    grid: Amps
    draws: dict[str, Draw]


class Watch(Struct, frozen=True):
    """What was seen of the wiring, by the name under which the owner knows a load."""

    history: tuple[Instant, ...] = ()
    waiting: dict[str, tuple[float, Amps]] = {}
    """Samples whose reading of the meter has not come yet."""
    last: dict[str, tuple[float, Amps]] = {}
    evidence: dict[str, Evidence] = {}
    noise: Amps = ()


def read(watch: Watch, book: Book) -> Watch:
    """The watch after one more reading of the grid meter."""
    if book.at is None or (watch.history and watch.history[-1].at == book.at):
        return watch
    start = book.at - LONGEST_S - 10
    kept = watch.history if not watch.history or watch.history[0].at >= start else watch.history[1:]
    return replace(watch, history=(*kept, Instant(book.at, book.grid, book.draws)))


def told(watch: Watch, load: LoadPlan, per_leg: Amps, at: float) -> Watch:
    """The watch after a load's own sample; one that still waits for the meter is not overtaken."""
    waiting, last = watch.waiting.get(load.owner), watch.last.get(load.owner)
    if waiting is not None and at - waiting[0] < SHOWN_S + PAIR_S:
        return watch
    if last is not None and at <= last[0]:
        # The same sample in another message says nothing of how still the house is.
        return watch
    amps = tuple((*per_leg, 0.0, 0.0, 0.0)[: load.to_find])
    return replace(watch, waiting={**watch.waiting, load.owner: (at, amps)})


def compared(watch: Watch, plan: Plan) -> Watch:
    """The watch after every sample that the meter has spoken of since."""
    for name, (at, amps) in watch.waiting.items():
        here = _shown(watch, at)
        if here is None and (not watch.history or watch.history[-1].at < at + SHOWN_S):
            continue
        before = watch.last.get(name)
        there = _shown(watch, before[0]) if before is not None and at - before[0] <= LONGEST_S else None
        if before is not None and there is not None and here is not None:
            watch = _judge(watch, plan, name, tuple(map(sub, amps, before[1])), there, here)
        waiting = {key: one for key, one in watch.waiting.items() if key != name}
        # A sample that the meter could not place is no ground for the next one either.
        last = {**watch.last, name: (at, amps)} if here is not None else watch.last
        watch = replace(watch, waiting=waiting, last=last)
    return watch


def _judge(watch: Watch, plan: Plan, name: str, moved: Amps, there: Instant, here: Instant) -> Watch:
    load = plan.known_as(name)
    own = frozenset(one.id for one in plan.loads.values() if one.owner == name)
    rest = tuple(map(sub, _without(here, own), _without(there, own)))
    if max(map(abs, moved)) < LEAST_MOVE_A:
        if max(map(abs, moved)) > 0.3 or _others(there, here, own) > 0.5:
            return watch
        noise = watch.noise or (1.0,) * len(rest)
        return replace(watch, noise=tuple(map(usual_noise, noise, rest)))
    evidence = watch.evidence.get(name) or Evidence(load.to_find, len(plan.phases), even=load.is_even)
    if evidence.legs > evidence.phases or len(set(load.legs)) < len(load.legs):
        return watch
    doubt = 0.5 * _others(there, here, own) + 0.05 * max(map(abs, moved))
    noise = tuple(max(LEAST_NOISE_A, one) + doubt for one in watch.noise or (1.0,) * len(rest))
    return replace(watch, evidence={**watch.evidence, name: scored(evidence, moved, rest, noise)})


def _without(instant: Instant, own: frozenset[str]) -> Amps:
    """The meter less what all other loads were believed to draw."""
    others = [draw.amps for load, draw in instant.draws.items() if load not in own]
    return tuple(map(sub, instant.grid, map(sum, zip(*others, strict=True)))) if others else instant.grid


def _others(there: Instant, here: Instant, own: frozenset[str]) -> float:
    """How much other loads moved between two readings, at most on any phase."""
    return max(
        (
            abs(now - before)
            for load, draw in here.draws.items()
            if load not in own and (old := there.draws.get(load)) is not None
            for now, before in zip(draw.amps, old.amps, strict=True)
        ),
        default=0.0,
    )


def _shown(watch: Watch, at: float) -> Instant | None:
    """The first reading that shows what was so at `at`; None while there is none, it came too late, or moved.

    A meter that moves in the very second of a sample may show what was before it or after.
    """
    history = watch.history
    place = bisect_left(history, at + SHOWN_S, key=_at)
    if place == len(history):
        return None
    instant = history[place]
    late = instant.at > at + SHOWN_S + PAIR_S
    moves = place > 0 and max(map(abs, map(sub, instant.grid, history[place - 1].grid))) > STILL_A
    return None if late or moves else instant


_at = attrgetter("at")
