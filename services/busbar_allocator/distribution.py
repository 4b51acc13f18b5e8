"""How what is there is shared inside a round: starting, rising, and the two modes that need no more.

A mode is begun once per round with all its claims in rank order, then goes through them urgency by urgency,
because inside the first round Standard rises before Solar Priority does.
"""

from typing import Protocol

from busbar_allocator.claims import Claim
from busbar_allocator.site_model import TINY

AT_MOST = -1
"""Bound by its own maximum."""
TAKEN = -2
"""Bound by the other connector of its charger."""
BEHIND = -3
"""Bound by its rank: someone before it is not satisfied."""
EMPTY = -4
"""Bound by a battery below its minimum while loads may not take from the grid."""

EPS = 1e-9
INFINITE = float("inf")

Used = list[float]
"""What is used of every counter so far."""


class Mode(Protocol):
    """A distribution mode at work; `used` is what it fills."""

    def begin(self, claims: list[Claim]) -> None:
        """Reserve what a round reserves before anyone rises."""

    def go(self, claims: list[Claim]) -> None:
        """Give the loads of one urgency what they get, in rank order."""


def start(claim: Claim, used: Used) -> bool:
    """Give a claim its minimum if every counter has room for it, else nothing: between there is no running."""
    if claim.alone_with is not None and any(c.runs for c in claim.alone_with if c is not claim):
        claim.tight = TAKEN
        return False
    if claim.gate is not None and used[claim.gate[0]] > claim.gate[1] - TINY:
        claim.tight, claim.short = claim.gate[0], 0.0
        return False
    rows = claim.start.rows
    least = claim.least
    left, tight = INFINITE, AT_MOST
    for counter, per_amp in claim.uses:
        room = (rows[counter] - used[counter]) / per_amp
        if room < left:
            left, tight = room, counter
    if left < least - EPS:
        claim.tight, claim.short, claim.by_others = tight, left, False
        return False
    if claim.beside and not _bears_beside(claim, used):
        return False
    for counter, per_amp in claim.uses:
        used[counter] += per_amp * least
    claim.grant = least
    claim.runs = True
    return True


def _bears_beside(claim: Claim, used: Used) -> bool:
    """Whether the wires bear a claim on all its legs, those included that its car is thought to leave alone.

    They are kept free for it from its first order on; before it nobody's current is taken away for a thought.
    """
    own, rows, most = dict(claim.uses), claim.wires.rows, claim.most
    for counter, per_amp in claim.beside:
        room = (rows[counter] - used[counter]) / (per_amp + own.get(counter, 0.0))
        if room < most - EPS:
            claim.tight, claim.short, claim.by_others = counter, room, True
            return False
    if claim.state is not None and claim.state.limit_given_a:
        for counter, per_amp in claim.beside:
            used[counter] += per_amp * most
    return True


def rise(claim: Claim, used: Used) -> None:
    """Raise a running claim by whole steps as far as its counters and its own maximum go."""
    left = claim.most - claim.grant
    tight = AT_MOST
    if left <= 0 and claim.beside:
        # What is kept free for its other legs is no want of sun.
        claim.tight = tight
        return
    rows = claim.rise.rows
    for counter, per_amp in claim.uses:
        room = (rows[counter] - used[counter]) / per_amp
        if room < left - EPS:
            left, tight = room, counter
    claim.tight = tight
    steps = int(left / claim.step + TINY) if left > 0 else 0
    if steps:
        more = steps * claim.step
        claim.grant += more
        for counter, per_amp in claim.uses:
            used[counter] += per_amp * more


class Priority:
    """Minimums in rank order, then each in rank order as far as it goes."""

    def __init__(self, used: Used) -> None:
        """Fill `used`."""
        self.used = used

    def begin(self, claims: list[Claim]) -> None:
        """Reserve the minimums; the second connector of a sequential charger waits for the first."""
        for claim in claims:
            if not claim.deferred:
                start(claim, self.used)

    def go(self, claims: list[Claim]) -> None:
        """Each in rank order as far as it goes."""
        for claim in claims:
            if claim.runs or (claim.deferred and start(claim, self.used)):
                rise(claim, self.used)


class Strict:
    """Each in rank order to its ceiling; nobody gets anything while one before is not satisfied."""

    def __init__(self, used: Used) -> None:
        """Fill `used`."""
        self.used = used
        self.blocked: tuple[int, int, int] | None = None
        """The rank of the first that is left wanting."""

    def begin(self, claims: list[Claim]) -> None:
        """Strict reserves nothing. Who was left wanting in an earlier round still comes before."""

    def go(self, claims: list[Claim]) -> None:
        """Each to its ceiling, until one is held down by something that is not its source."""
        for claim in claims:
            if self.blocked:
                claim.tight = BEHIND
            elif start(claim, self.used):
                rise(claim, self.used)
                self.blocked = None if satisfied(claim, self.used) else claim.rank


def satisfied(claim: Claim, used: Used) -> bool:
    """It has its maximum, or all that its source allows."""
    if claim.grant > claim.most - claim.step + EPS:
        return True
    sources = claim.rise.sources
    for counter, per_amp in claim.uses:
        if counter in sources and (sources[counter][1] - used[counter]) / per_amp < claim.step - EPS:
            return True
    return False
