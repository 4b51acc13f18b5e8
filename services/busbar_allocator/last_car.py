"""How many legs a car will use that has shown none yet: as many as the last one at its connector, until it shows.

Most connectors serve one car. Where it uses one leg of three, Solar Only need not wait for the sun of three. A
guest may use them all: so its wires are kept free on every leg, it gets little more than its minimum, and the
first current on another leg ends it at once, which costs a few watt-hours once.
"""

from msgspec.structs import replace

from busbar_allocator import snapshot
from busbar_allocator.background import Book
from busbar_allocator.plan import LoadPlan
from busbar_allocator.state import Mind

LEGS: tuple[snapshot.Leg, ...] = ("l1", "l2", "l3")

OTHER_LEG_A = 2.0
"""More than this beyond what the expected legs may draw is no noise: no car draws less than 6 A on a leg it uses."""


def legs_expected(load: LoadPlan, mind: Mind) -> tuple[snapshot.Leg, ...] | None:
    """The legs a car is thought to use that has shown none; None where nothing is thought, or all of them.

    A charger that switches its phases finds its number by itself.
    """
    count = mind.legs_before
    if count is None or mind.legs is not None or load.switches_phases or not 0 < count < len(load.legs):
        return None
    return LEGS[:count]


def at_the_meter(load: LoadPlan, mind: Mind, book: Book | None) -> Mind:
    """The memory after the meter showed what the car draws on each phase: it may tell before the charger does."""
    expected = legs_expected(load, mind)
    draw = book.draws.get(load.id) if book is not None else None
    if expected is None or draw is None or mind.limit_a <= 0:
        return mind
    own = load.uses(len(draw.amps), len(expected))
    more = [amps - count * mind.limit_a for amps, count in zip(draw.amps, own, strict=True)]
    return mistaken(mind) if max(more) > OTHER_LEG_A else mind


def shown(mind: Mind, legs: int | None) -> Mind:
    """The memory after the car showed so many legs; None while it has shown none."""
    if not legs:
        return replace(mind, legs=None)
    wrong = mind.legs is None and mind.legs_before is not None and mind.legs_before < legs
    return replace(mistaken(mind) if wrong else mind, legs=legs, legs_before=legs)


def mistaken(mind: Mind) -> Mind:
    """The memory without what was thought: what it drew for it is no sun that fell, so no delay lets it run on."""
    permit = replace(mind.permit, short_since=mind.sampled_at, short_wh=float("inf"))
    return replace(mind, legs_before=None, holding=False, permit=permit)
