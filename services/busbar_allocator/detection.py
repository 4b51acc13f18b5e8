"""Which leg of a load hangs on which phase of the house, and whether a current transformer is turned.

When the own meter of a charger, a plug or a heater moves and the grid meter moves with it, that is evidence. Every arrangement of
legs, with every single phase of the meter possibly turned, is a hypothesis; a move of the house that happens
to fit is as likely as the house's usual noise makes it, and a large one is always possible. What comes out
is a probability that can be believed: it is measured on simulated houses (docs/allocator.md).
"""

from functools import lru_cache
from itertools import combinations, permutations
from math import exp, log, pi, sqrt

from msgspec import Struct
from msgspec.structs import replace

LEAST_MOVE_A = 2.0
"""A charger that moves less than this tells nothing."""

OUTLIER = 0.15
"""How often the house does something large of its own while a charger moves."""

RANGE_A = 60.0
TEMPER = 0.7
"""Events of one evening resemble each other, so each counts less than a fresh one would."""

MIRRORED = 0.03
"""Share of three-leg chargers whose legs do not follow the phases in their turning order."""

TURNED = 0.1
"""How likely any one phase's transformer was put on the wrong way round, before anything was seen."""

SURE = 0.95
CLEAR = 0.8
LEAST_NOISE_A = 0.4


class Evidence(Struct, frozen=True):
    """What is known of one load's wiring: a score for each hypothesis, in the order of `hypotheses`."""

    legs: int
    phases: int
    scores: tuple[float, ...] = ()
    events: int = 0
    even: bool = False
    """Its legs always carry the same, as those of a plug or heater do: only which phases they are on can be known."""


class Finding(Struct, frozen=True):
    """The most likely wiring: the phase of each leg by position, and how likely it is."""

    legs: tuple[int, ...]
    confidence: float
    alike: bool
    """Another arrangement fits as well: nothing seen so far can tell them apart."""
    turned: tuple[float, ...]
    """How likely each phase of the meter is turned."""


@lru_cache(maxsize=16)
def hypotheses(legs: int, phases: int, even: bool = False) -> tuple[tuple[tuple[int, ...], int | None], ...]:
    """Every arrangement of legs on phases, each with no phase of the meter turned or with one of them."""
    maps = tuple((combinations if even else permutations)(range(phases), legs))
    return tuple((one, turned) for one in maps for turned in (None, *range(phases)))


def scored(
    evidence: Evidence, moved: tuple[float, ...], grid: tuple[float, ...], noise: tuple[float, ...]
) -> Evidence:
    """The evidence after a load's legs moved by `moved` while the rest of the grid meter moved by `grid`."""
    if max(map(abs, moved)) < LEAST_MOVE_A:
        return evidence
    # What each phase did is as likely as the leg on it makes it, whichever leg is on the others.
    seen = list(zip(grid, noise, strict=True))
    bare = [_log_likely(amps, wide) for amps, wide in seen]
    straight = [[_log_likely(amps - step, wide) for amps, wide in seen] for step in moved]
    crossed = [[_log_likely(amps + step, wide) for amps, wide in seen] for step in moved]
    found = []
    before = evidence.scores or tuple(_prior(evidence))
    for score, (legs, turned) in zip(
        before, hypotheses(evidence.legs, evidence.phases, evidence.even), strict=True
    ):
        fit = list(bare)
        for leg, phase in enumerate(legs):
            fit[phase] = (straight if phase != turned else crossed)[leg][phase]
        found.append(score + TEMPER * sum(fit))
    most = max(found)
    return replace(evidence, scores=tuple(score - most for score in found), events=evidence.events + 1)


@lru_cache(maxsize=256)
def finding(evidence: Evidence) -> Finding | None:
    """The most likely wiring; None before anything was seen."""
    if not evidence.scores:
        return None
    weights = [exp(score) for score in evidence.scores]
    total = sum(weights)
    maps: dict[tuple[int, ...], float] = {}
    turned = [0.0] * evidence.phases
    for weight, (legs, phase) in zip(
        weights, hypotheses(evidence.legs, evidence.phases, evidence.even), strict=True
    ):
        maps[legs] = maps.get(legs, 0.0) + weight / total
        if phase is not None:
            turned[phase] += weight / total
    ranked = sorted(maps.items(), key=lambda one: -one[1])
    alike = len(ranked) > 1 and ranked[1][1] > 0.5 * ranked[0][1]
    return Finding(ranked[0][0], min(ranked[0][1], 0.999), alike, tuple(turned))


def usual_noise(known: float, seen: float) -> float:
    """The house's usual move between two samples, after one more in which no charger moved."""
    return known + 0.1 * (min(abs(seen), 5.0) * 1.25 - known)


def _prior(evidence: Evidence) -> list[float]:
    found = []
    straight = 1.0 - TURNED * evidence.phases
    for legs, turned in hypotheses(evidence.legs, evidence.phases, evidence.even):
        likely = MIRRORED if evidence.legs == evidence.phases == 3 and _mirrored(legs) else 1.0 - MIRRORED
        found.append(log(likely * (TURNED if turned is not None else straight)))
    return found


def _mirrored(legs: tuple[int, ...]) -> bool:
    return (legs[1] - legs[0]) % 3 != 1


def _log_likely(rest: float, wide: float) -> float:
    """How likely the house moved by `rest`: mostly as usual, sometimes by anything."""
    usual = exp(-0.5 * (rest / wide) ** 2) / (wide * sqrt(2 * pi))
    return log((1 - OUTLIER) * usual + OUTLIER / RANGE_A)
