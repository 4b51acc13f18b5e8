"""Asking for more from a sun that is held back.

A capped inverter shows no surplus beyond its cap, so a battery that follows the surplus would never learn that
there is more. While the cap binds and the battery has room, it is therefore asked to take a little more, and the
cap follows what it really takes. If no more comes, or the limit was broken, the next try waits.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from busbar_battery.site import Tuning

LONGEST_PAUSE_S = 300.0


class Probe(Struct, frozen=True):
    """A try under way: since when and from how much sun; and before when no other may begin."""

    since: float | None = None
    from_w: float = 0.0
    not_before: float = 0.0
    failed: int = 0


class Sight(Struct, frozen=True):
    """What decides about a try."""

    now: float
    sun: float
    held_back: bool
    room: bool
    broken: bool
    step: float


def probed(before: Probe, seen: Sight, tuning: Tuning) -> Probe:
    """The try after this moment; it is on while `since` is not None."""
    if before.since is None:
        if seen.broken:
            return replace(before, not_before=max(before.not_before, seen.now + tuning.settle_s))
        begins = seen.held_back and seen.room and seen.now >= before.not_before
        return replace(before, since=seen.now, from_w=seen.sun) if begins else before
    if seen.broken or (seen.room and seen.now - before.since > tuning.answer_s):
        # In vain. Each next pause is twice as long: a full battery is not asked every quarter of a minute.
        pause_s = min(LONGEST_PAUSE_S, tuning.probe_pause_s * 2**before.failed)
        return Probe(not_before=seen.now + pause_s, failed=min(before.failed + 1, 10))
    if not seen.room:
        return replace(before, since=None)
    if seen.sun >= before.from_w + 0.5 * seen.step:
        return replace(before, since=seen.now, from_w=seen.sun, failed=0)
    return before
