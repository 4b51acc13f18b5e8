"""Asking for more from a sun that is held back.

A capped inverter shows no surplus beyond its cap, so a battery that follows the surplus would never learn that
there is more. While the cap binds and the battery has room, it is therefore asked to take a little more, and the
cap follows what it really takes. If no more comes, or the limit was broken, the next try waits.
"""

from __future__ import annotations

from msgspec import Struct

from busbar_battery.site import Tuning


class Probe(Struct, frozen=True):
    """A try under way: since when and from how much sun; and before when no other may begin."""

    since: float | None = None
    from_w: float = 0.0
    not_before: float = 0.0


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
    if seen.broken:
        # A load that went off breaks the limit too; only a try that did it must wait long.
        pause_s = tuning.answer_s if before.since is None else tuning.probe_pause_s
        return Probe(not_before=max(before.not_before, seen.now + pause_s))
    if before.since is None:
        begins = seen.held_back and seen.room and seen.now >= before.not_before
        return Probe(seen.now, seen.sun, before.not_before) if begins else before
    if not seen.room:
        return Probe(not_before=before.not_before)
    if seen.sun >= before.from_w + 0.5 * seen.step:
        return Probe(seen.now, seen.sun, before.not_before)
    if seen.now - before.since > tuning.answer_s:
        return Probe(not_before=seen.now + tuning.probe_pause_s)
    return before
