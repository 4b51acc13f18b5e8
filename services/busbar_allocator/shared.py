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
    rows = claims[0].rise.rows
    stops = [claim.grant for claim in claims]
    rises = [claim.most > claim.grant + EPS for claim in claims]
    joins = sorted((claim.grant, n) for n, claim in enumerate(claims) if rises[n])
    events: list[tuple[float, int, int]] = [(claims[n].most, 1, n) for _, n in joins]
    heapify(events)
    filled: dict[int, list[float]] = {}  # counter: use at its last change, that level, use per A of level
    users: dict[int, list[int]] = {}
    active = [False] * len(claims)
    at = 0
    while events or at < len(joins):
        if at < len(joins) and (not events or joins[at][0] <= events[0][0]):
            level = joins[at][0]
            touched = set()
            while at < len(joins) and joins[at][0] <= level:
                n = joins[at][1]
                active[n] = True
                at += 1
                for counter, per_amp in claims[n].uses:
                    if rows[counter] == INFINITE:
                        continue
                    touched.add(counter)
                    users.setdefault(counter, []).append(n)
                    fill = filled.setdefault(counter, [used[counter], level, 0.0])
                    fill[0] += fill[2] * (level - fill[1])
                    fill[1] = level
                    fill[2] += per_amp
            for counter in touched:
                heappush(events, (_full_at(filled[counter], rows[counter]), 0, counter))
            continue
        level, kind, which = heappop(events)
        if kind == 1:
            stopping = [which] if active[which] else []
        else:
            fill = filled[which]
            if fill[2] <= EPS:
                continue
            full = _full_at(fill, rows[which])
            if full > level + EPS:
                heappush(events, (full, 0, which))
                continue
            stopping = [n for n in users[which] if active[n]]
        for n in stopping:
            active[n] = False
            stops[n] = max(stops[n], level)
            for counter, per_amp in claims[n].uses:
                if counter in filled:
                    fill = filled[counter]
                    fill[0] += fill[2] * (level - fill[1])
                    fill[1] = level
                    fill[2] -= per_amp
    return stops


def _full_at(fill: list[float], capacity: float) -> float:
    """The level at which a counter is full; where it already is, the present one."""
    at_change, level, per_level = fill
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
    waiting = [(round(claim.grant, 6), n) for n, claim in enumerate(claims)]
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
            heappush(waiting, (round(claim.grant, 6), n))
