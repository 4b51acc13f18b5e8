"""Falls at a meter that some load with an older sample may explain: until it speaks, they are not the house's."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from busbar_allocator.draws import Draw

Falls = tuple[tuple[float, float], ...]
"""When the meter fell, and by how much nobody could account for."""


def explained(falls: Falls, draws: Iterable[Draw], phase: int) -> tuple[float, Falls]:
    """How much of the falls of a phase loads may explain, and the falls that still matter, oldest first.

    A load explains only what came after its last sample, and in sum no more than it drew then.
    """
    if not falls:
        return 0.0, ()
    latest = falls[-1][0]
    plain: list[tuple[float, float]] = []
    special: list[Draw] = []
    for draw in draws:
        amps = draw.amps[phase]
        if amps > 0 and draw.sampled_at is not None and (known := draw.known_at()) < latest:
            if draw.whole or draw.since:
                special.append(draw)
            else:
                plain.append((known, amps))
    if not plain and not special:
        return 0.0, ()
    plain.sort()
    sums = [0.0, *accumulate(amps for _, amps in plain)]
    total = 0.0
    kept = []
    for at, amount in falls:
        able = sums[bisect_left(plain, (at, 0.0))]
        for draw in special:
            if draw.known_at() < at and draw.could_fall(phase, amount):
                able += max(0.0, draw.drew(phase, at))
        if able > 0:
            total += min(amount, max(0.0, able - total))
            kept.append((at, amount))
    return total, tuple(kept)
