"""Optimized: each to its ceiling in rank order, but no amps are left over that nobody can use.

When a load finds more than nothing but less than its minimum, the nearest load before it that alone can give
up just enough does so, if more power is used in total. What that frees elsewhere is offered again.

In a small round everybody before is asked. In a large one whoever was stopped waits at the one counter that
stopped it, sorted by how far that counter must empty before it could move, so that an exchange asks only
those whom it may concern.
"""

from bisect import insort
from collections.abc import Iterator
from heapq import heappop, heappush
from math import ceil

from busbar_allocator.claims import Claim
from busbar_allocator.distribution import AT_MOST, EPS, Used, rise, start
from busbar_allocator.site_model import TINY

SMALL = 16
"""Up to so many loads in a round it is quicker to ask them all than to keep books."""

Waiting = list[tuple[float, int, Claim]]
"""A heap: how far the counter must empty (negated), a tie breaker, and who waits."""

Lacks = list[tuple[int, float, float]]
"""The counters without room for a minimum: counter, its use per A, what is missing."""


class Optimized:
    """Each in rank order to its ceiling, with gifts."""

    def __init__(self, used: Used, small: int = SMALL) -> None:
        """Fill `used`; rounds up to `small` loads are asked one by one."""
        self.used = used
        self.small = small
        self.done: dict[int, list[Claim]] = {}
        self.waiting: dict[int, Waiting] = {}
        self.changes: dict[int, int] = {}
        self.refused: dict[tuple[object, ...], int] = {}
        self.waits = 0
        self.large = False
        self.before: list[Claim] = []

    def begin(self, claims: list[Claim]) -> None:
        """Nobody gives across rounds. Who began a moment ago keeps its minimum."""
        self.done, self.waiting, self.refused, self.before = {}, {}, {}, []
        self.large = len(claims) > self.small
        for claim in claims:
            if claim.keeps:
                start(claim, self.used)

    def go(self, claims: list[Claim]) -> None:
        """Each to its ceiling; who falls short of its minimum may be given it."""
        used = self.used
        for claim in claims:
            if claim.runs or start(claim, used):
                rise(claim, used)
            elif claim.short > EPS and not claim.beside:
                self._gift(claim)
            self.before.append(claim)
            if self.large:
                self._note(claim)

    def _gift(self, claim: Claim) -> None:
        """Let the nearest load before it that can give it its minimum do so, if more power is used."""
        lacks = self._lacks(claim)
        key = (claim.least, claim.watts, *lacks)
        state = sum(self.changes.get(counter, 0) for counter, _, _ in lacks) if self.large else -1
        if self.large and self.refused.get(key) == state:
            return
        for giver, steps in self._givers(claim, lacks):
            amount = steps * giver.step
            if claim.least * claim.watts > amount * giver.watts + EPS:
                self._give(giver, amount, claim)
                return
            break
        self.refused[key] = state

    def _lacks(self, claim: Claim) -> Lacks:
        """What keeps it from its minimum."""
        rows, used = claim.start.rows, self.used
        lacks = []
        for counter, per_amp in claim.uses:
            missing = per_amp * claim.least - (rows[counter] - used[counter])
            if missing > EPS:
                lacks.append((counter, per_amp, missing))
        return lacks

    def _givers(self, claim: Claim, lacks: Lacks) -> Iterator[tuple[Claim, int]]:
        """Nearest first: who alone can give up just enough, and in how many steps."""
        before = self.before
        if self.large:
            before = min((self.done.get(counter, []) for counter, _, _ in lacks), key=len, default=[])
        same_unit = claim.load.unit if claim.load.plugs == "sequential" else None
        for giver in reversed(before):
            if giver.grant <= giver.least + EPS or (same_unit is not None and giver.load.unit == same_unit):
                continue
            uses = dict(giver.uses)
            give = 0.0
            for counter, _, missing in lacks:
                if counter not in uses:
                    break
                give = max(give, missing / uses[counter])
            else:
                steps = ceil(give / giver.step - TINY)
                if giver.grant - steps * giver.step >= giver.least - EPS:
                    yield giver, steps

    def _give(self, giver: Claim, amount: float, taker: Claim) -> None:
        used = self.used
        giver.grant -= amount
        giver.tight = taker.tight
        for counter, per_amp in giver.uses:
            used[counter] -= per_amp * amount
        start(taker, used)
        if self.large:
            self._changed(giver)
            self._wait(giver)
            self._offer_again([counter for counter, _ in giver.uses])
        else:
            for claim in self.before:
                if claim.runs or start(claim, used):
                    rise(claim, used)
        rise(taker, used)

    def _offer_again(self, counters: list[int]) -> None:
        """What came free, in rank order, to those whom these counters had stopped."""
        used = self.used
        asked: dict[int, Claim] = {}
        for counter in counters:
            queue = self.waiting.get(counter, [])
            while queue and -queue[0][0] >= used[counter] - EPS:
                claim = heappop(queue)[2]
                asked[claim.load.index] = claim
        for claim in sorted(asked.values(), key=_rank):
            ran = claim.runs
            if ran or start(claim, used):
                rise(claim, used)
                if not ran:
                    self._note_user(claim)
            self._changed(claim)
            self._wait(claim)

    def _note(self, claim: Claim) -> None:
        """Remember it for those after it: as one who could give, and as one who waits."""
        if claim.runs:
            self._note_user(claim)
            self._changed(claim)
        self._wait(claim)

    def _note_user(self, claim: Claim) -> None:
        for counter, _ in claim.uses:
            insort(self.done.setdefault(counter, []), claim, key=_rank)

    def _changed(self, claim: Claim) -> None:
        for counter, _ in claim.uses:
            self.changes[counter] = self.changes.get(counter, 0) + 1

    def _wait(self, claim: Claim) -> None:
        """Queue it at the counter that stopped it, by the use at which it could move again."""
        if claim.tight <= AT_MOST:
            return
        per_amp = dict(claim.uses)[claim.tight]
        ceiling, more = (claim.rise, claim.step) if claim.runs else (claim.start, claim.least)
        key = ceiling.rows[claim.tight] - per_amp * more
        self.waits += 1
        heappush(self.waiting.setdefault(claim.tight, []), (-key, self.waits, claim))


def _rank(claim: Claim) -> tuple[int, int, int]:
    return claim.rank
