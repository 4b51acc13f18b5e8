"""One figure for the site, shared among several devices."""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, inf

from msgspec import Struct


class Part(Struct, frozen=True):
    """A device that may take part with at most `most` watts (`inf`: no limit), in proportion to `weight`."""

    id: str
    most: float
    weight: float


def shared(power: float, parts: Sequence[Part]) -> dict[str, float]:
    """Each device's share, all of one sign, none beyond its limit; what one cannot take goes to the others."""
    left = abs(power)
    given = dict.fromkeys((part.id for part in parts), 0.0)
    open_parts = [part for part in parts if part.most > 0]
    while open_parts and left > 1e-6:
        shares = _by_weight(left, open_parts)
        full = [part for part in open_parts if shares[part.id] >= part.most]
        if not full:
            given.update(shares)
            break
        for part in full:
            given[part.id] = part.most
            left -= part.most
        open_parts = [part for part in open_parts if part not in full]
    return {name: copysign(value, power) if value else 0.0 for name, value in given.items()}


def _by_weight(amount: float, parts: Sequence[Part]) -> dict[str, float]:
    total = sum(part.weight for part in parts)
    if not 0 < total < inf:
        return {part.id: amount / len(parts) for part in parts}
    return {part.id: amount * (part.weight / total) for part in parts}


class Output(Struct, frozen=True):
    """An inverter that can be capped: its nameplate and what it gives now, in W."""

    id: str
    rating: float
    power: float


def capped(total: float, outputs: Sequence[Output], room: float = 0.1) -> dict[str, float]:
    """Each inverter's cap; together they never exceed the total.

    By nameplate, except that one in the shade keeps only what it gives plus a tenth of its nameplate: the rest
    is of more use to the others.
    """
    wishes = [
        Part(one.id, min(one.rating, max(0.0, one.power) + room * one.rating), one.rating) for one in outputs
    ]
    caps = shared(total, wishes)
    left = max(0.0, total - sum(caps.values()))
    more = shared(left, [Part(one.id, one.rating - caps[one.id], one.rating) for one in outputs])
    return {name: cap + more[name] for name, cap in caps.items()}
