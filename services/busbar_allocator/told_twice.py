"""Steps that meter and source each tell of, in their own second: what one told, the other tells once more.

A battery that takes more is a rise at the meter, and a fall of what it gives in its own figures. Between the two
the rise looks like the house's, or like the answer of a car that was raised.
"""

from typing import NamedTuple

from busbar_allocator.draws import Amps, Draw, given_back, take_late

NOISE_A = 0.3

Steps = tuple[tuple[float, Amps], ...]
"""Until when a step may find its other half, and how much is left of it on each phase."""


class Lent(NamedTuple):
    """A rise of a phase that was taken for a load's."""

    at: float
    until: float
    load: str
    phase: int
    amps: float


def opened(steps: Steps, at: float) -> list[tuple[float, list[float]]]:
    """Those that still wait for their other half, to be worked on."""
    return [(until, list(amps)) for until, amps in steps if until > at] if steps else []


def left_of(steps: list[tuple[float, list[float]]]) -> Steps:
    """What is left of them, to be remembered."""
    return tuple([(until, tuple(amps)) for until, amps in steps if max(amps) > 0]) if steps else ()


def awaited(
    steps: list[tuple[float, list[float]]], phases: int, phase: int, amps: float, until: float
) -> None:
    """Remember a step whose other half meter or source may tell until then."""
    if amps > NOISE_A:
        steps.append((until, [amps if p == phase else 0.0 for p in range(phases)]))


def taken(before: dict[str, Draw], draws: dict[str, Draw], phase: int, at: float, until: float) -> list[Lent]:
    """The rises that loads took of this reading, which a source may claim until then."""
    return [
        Lent(at, until, load, phase, more)
        for load, draw in draws.items()
        if draw is not before[load] and (more := draw.amps[phase] - before[load].amps[phase]) > NOISE_A
    ]


def returned(draws: dict[str, Draw], lent: list[Lent], phase: int, most: float, at: float) -> float:
    """How much of a source's fall was taken for loads' rises, which is theirs no longer; told only once."""
    found = 0.0
    for place, one in enumerate(lent):
        draw = draws.get(one.load)
        if one.phase != phase or draw is None or (draw.sampled_at or one.at) > one.at:
            continue
        step = min(one.amps, most - found, draw.amps[phase])
        if step > 0:
            # It may be the load's all the same: nobody is cut for it.
            draws[one.load] = take_late(given_back(draw, phase, step, at), phase, step, at)
            lent[place] = one._replace(amps=one.amps - step)
            found += step
    return found


def matched(steps: list[tuple[float, list[float]]], phase: int, most: float) -> float:
    """How much of a step was told by the other side before; it is told only once."""
    found = 0.0
    for _, amps in steps:
        step = max(0.0, min(amps[phase], most - found))
        amps[phase] -= step
        found += step
    return found
