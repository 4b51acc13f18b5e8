"""Shared: who has least rises first, and equals rise together (max-min fair).

All loads of one urgency stand at a level, their current per leg, and the level rises. It passes three kinds
of events: it reaches a load's minimum, which joins; it reaches a load's maximum, which stops; or a counter
is full, and all who use it stop. Each event touches only the counters of the loads it concerns, so a site of
n loads takes n log n.
"""

from heapq import heapify, heappop, heappush

from busbar_allocator.claims import Claim
from busbar_allocator.distribution import AT_MOST, EPS, INFINITE, Used, rise, start
from busbar_allocator.site_model import TINY


class Shared:
    """Minimums in rank order, then max-min fair among loads of the same urgency."""

    def __init__(self, used: Used) -> None:
        """Fill `used`."""
        self.used = used

    def begin(self, claims: list[Claim]) -> None:
        """Reserve the minimums; the second connector of a sequential charger waits for the first."""
        for claim in claims:
            if not claim.deferred:
                start(claim, self.used)

    def go(self, claims: list[Claim]) -> None:
        """Let the loads of one urgency rise together, then those who waited, in rank order."""
        running = [claim for claim in claims if claim.runs]
        if len(running) == 1:
            rise(running[0], self.used)
        elif running:
            _rise_together(running, self.used)
        for claim in claims:
            if claim.deferred and not claim.runs and start(claim, self.used):
                rise(claim, self.used)


def _rise_together(claims: list[Claim], used: Used) -> None:
    """The common level, rounded down; what rounding leaves goes out in whole steps, then to the others."""
    _round_down(claims, _levels(claims, used), used)
    stepped = [claim for claim in claims if claim.stepped]
    if not stepped:
        _hand_out(claims, used)
        return
    _hand_out(stepped, used)
    free = [claim for claim in claims if not claim.stepped]
    if free:
        _round_down(free, _levels(free, used), used)
        _hand_out(free, used)


def _levels(claims: list[Claim], used: Used) -> list[float]:
    """Where each claim stops if the level rises without steps."""
    rise_ = _Rise(claims, used)
    joins = sorted((c.grant, n) for n, c in enumerate(claims) if c.most > c.grant + EPS)
    events = rise_.events = [(claims[n].most, 1, n) for _, n in joins]
    heapify(events)
    at = 0
    while at < len(joins) or (events and rise_.running):
        if at < len(joins) and (not events or joins[at][0] <= events[0][0]):
            level, first = joins[at][0], at
            while at < len(joins) and joins[at][0] <= level:
                at += 1
            rise_.join([n for _, n in joins[first:at]], level)
            continue
        level, kind, which = heappop(events)
        if kind:
            rise_.stop(which, level)
        else:
            rise_.fill(which, level)
    return rise_.stops


class _Rise:
    """The rising level: who is on it, and when each counter will be full."""

    def __init__(self, claims: list[Claim], used: Used) -> None:
        self.claims, self.used = claims, used
        self.rows = claims[0].rise.rows
        self.stops = [claim.grant for claim in claims]
        self.active = [False] * len(claims)
        self.running = 0
        """How many still rise: when it is nobody, what else was expected concerns nobody."""
        self.users: dict[int, list[int]] = {}
        self.filled: dict[int, list[float]] = {}
        """By counter: its use at the last change, the level then, use per A of level, when it is full."""
        self.events: list[tuple[float, int, int]] = []

    def join(self, joining: list[int], level: float) -> None:
        """These have reached their minimum and rise from now on."""
        touched = set()
        rows, filled, users = self.rows, self.filled, self.users
        self.running += len(joining)
        for n in joining:
            self.active[n] = True
            for counter, per_amp in self.claims[n].uses:
                fill = filled.get(counter)
                if fill is None:
                    if rows[counter] == INFINITE:
                        continue
                    filled[counter] = [self.used[counter], level, per_amp, INFINITE]
                    users[counter] = [n]
                else:
                    users[counter].append(n)
                    fill[0] += fill[2] * (level - fill[1])
                    fill[1] = level
                    fill[2] += per_amp
                touched.add(counter)
        for counter in touched:
            self._expect(counter)

    def stop(self, n: int, level: float) -> None:
        """It has its maximum, or a counter it uses is full: it rises no more."""
        if not self.active[n]:
            return
        self.active[n] = False
        self.running -= 1
        self.stops[n] = max(self.stops[n], level)
        for counter, per_amp in self.claims[n].uses:
            fill = self.filled.get(counter)
            if fill is not None:
                fill[0] += fill[2] * (level - fill[1])
                fill[1] = level
                fill[2] -= per_amp

    def fill(self, counter: int, level: float) -> None:
        """A counter was expected to be full here; it may be later, since some of its users have stopped."""
        fill = self.filled[counter]
        if fill[3] != level:
            return
        fill[3] = INFINITE
        if _full_at(fill, self.rows[counter]) > level + EPS:
            self._expect(counter)
            return
        stopping, self.users[counter] = self.users[counter], []
        for n in stopping:
            if self.active[n]:
                self.stop(n, level)

    def _expect(self, counter: int) -> None:
        """One event per counter is in force: the one whose level it remembers."""
        fill = self.filled[counter]
        full = _full_at(fill, self.rows[counter])
        if full < INFINITE:
            fill[3] = full
            heappush(self.events, (full, 0, counter))


def _full_at(fill: list[float], capacity: float) -> float:
    """The level at which a counter is full; where it already is, the present one."""
    at_change, level, per_level, _ = fill
    return max(level, level + (capacity - at_change) / per_level) if per_level > EPS else INFINITE


def _round_down(claims: list[Claim], stops: list[float], used: Used) -> None:
    for claim, stop in zip(claims, stops, strict=True):
        more = int((stop - claim.grant) / claim.step + TINY) * claim.step
        if more > 0:
            claim.grant += more
            for counter, per_amp in claim.uses:
                used[counter] += per_amp * more


def _hand_out(claims: list[Claim], used: Used) -> None:
    """Whole steps that still fit: to who has least, then by rank, until none fits anybody."""
    rows = claims[0].rise.rows
    # `claims` are in rank order, so their position breaks ties.
    # Equals must be equal, whatever sums of steps made them.
    waiting = [(int(claim.grant * 1e6 + 0.5), n) for n, claim in enumerate(claims)]
    heapify(waiting)
    while waiting:
        _, n = heappop(waiting)
        claim = claims[n]
        step = claim.step
        if claim.grant + step > claim.most + TINY:
            claim.tight = AT_MOST
            continue
        for counter, per_amp in claim.uses:
            if rows[counter] - used[counter] < per_amp * step - EPS:
                claim.tight = counter
                break
        else:
            claim.grant += step
            for counter, per_amp in claim.uses:
                used[counter] += per_amp * step
            heappush(waiting, (int(claim.grant * 1e6 + 0.5), n))
