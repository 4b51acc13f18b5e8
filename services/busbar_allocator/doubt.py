"""Falls at a meter that some load with an older sample may explain: until it speaks, they are not the house's."""

from collections.abc import Collection

from busbar_allocator.draws import Draw, not_taken

Falls = tuple[tuple[float, float], ...]
"""When the meter fell, and by how much nobody could account for."""


def explained(falls: Falls, draws: list[tuple[float, Draw]], phase: int) -> tuple[float, Falls]:
    """How much of the falls of a phase loads may explain, and the falls that still matter, oldest first.

    `draws` are the loads that measure, each with the moment until which its draw is beyond doubt. A load explains
    only what came after that moment, and in sum no more than it drew then.
    """
    latest = falls[-1][0]
    could = [one for one in draws if one[0] < latest and one[1].amps[phase] > 0]
    total = 0.0
    kept = []
    for at, amount in falls if could else ():
        able = 0.0
        for known, draw in could:
            if known >= at:
                continue
            if not (draw.whole or draw.since):
                able += draw.amps[phase]
            elif draw.could_fall(phase, amount):
                able += max(0.0, draw.drew(phase, at))
        if able > 0:
            total += min(amount, max(0.0, able - total))
            kept.append((at, amount))
    return total, tuple(kept)


def doubts(falls: tuple[Falls, ...], draws: dict[str, Draw]) -> list[float]:
    """How much of the falls of each phase loads may explain."""
    if not any(falls):
        return [0.0] * len(falls)
    known = [(draw.known_at(), draw) for draw in draws.values() if draw.sampled_at is not None]
    return [explained(fallen, known, p)[0] if fallen else 0.0 for p, fallen in enumerate(falls)]


def risen_again(
    draws: dict[str, Draw], told: Collection[str], phase: int, cleared: float, start: float
) -> None:
    """A load that draws after a fall which it may have been has risen again: others' rises since may be its own."""
    for name, draw in draws.items():
        rises = sum(step[phase] for when, step in draw.since if when > start and step[phase] > 0)
        step = min(cleared, rises, draw.amps[phase])
        if name not in told and step > 0:
            draws[name] = not_taken(draw, phase, step)
            cleared -= step
