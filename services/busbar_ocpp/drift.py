"""How far the charger's clock is from ours.

Believed only from messages whose own clock advanced with ours since an earlier one: a queue that is emptied
after an outage carries old times, and a clock that was just set jumps.
"""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

# Two moments this far apart tell a running clock from a queue, at a resolution of one second.
APART_S = 5.0
TOLERANCE_S = 2.0
# One message this close to our own time is no chance: neither a queue nor a wrong clock says it.
NEAR_S = 5.0


class Drift(Struct, frozen=True, kw_only=True):
    """What is known of the charger's clock; positive when it is ahead of ours."""

    ahead_s: float | None = None
    # The last message that may serve as a reference: its own time, ours, and our count of seconds.
    said: datetime | None = None
    heard_s: float = 0.0
    # What that message alone would mean. It may be a queued one, so it can only make us more careful.
    hint_s: float | None = None


def heard(drift: Drift, said: datetime | None, now: datetime, now_s: float) -> Drift:
    """What is known after a message in which the charger wrote its own time."""
    if said is None:
        return drift
    ahead_s = (said - now).total_seconds()
    if drift.said is None:
        return _first(drift, said, now_s, ahead_s)
    ours = now_s - drift.heard_s
    theirs = (said - drift.said).total_seconds()
    if abs(theirs - ours) > TOLERANCE_S:
        known = ahead_s if drift.ahead_s is None and abs(ahead_s) <= NEAR_S else drift.ahead_s
        return Drift(ahead_s=known, said=said, heard_s=now_s, hint_s=ahead_s)
    if ours < APART_S:
        return drift
    return Drift(ahead_s=ahead_s, said=said, heard_s=now_s, hint_s=ahead_s)


def synchronised() -> Drift:
    """What is known after a boot was answered: our time came with it, and a charger sets its clock by it (1.6 4.2)."""
    return Drift(ahead_s=0.0)


def _first(drift: Drift, said: datetime, now_s: float, ahead_s: float) -> Drift:
    """The first message tells nothing unless it is of this very moment; it may deny what a boot let hope."""
    near = abs(ahead_s) <= NEAR_S
    return replace(drift, said=said, heard_s=now_s, hint_s=ahead_s, ahead_s=ahead_s if near else None)


# While its clock is unknown a schedule starts this much earlier than the charger's time seems to be.
UNSURE_S = 3600


def unsure_s(drift: Drift) -> int:
    """By how much more the start of a schedule must lie in the past, so that it is not in the charger's future.

    A lease with such a start would end at an unknown moment, so nothing above the fallback may be granted
    until the clock is known.
    """
    return UNSURE_S if drift.ahead_s is None else 0


def charger_time(drift: Drift, now: datetime) -> datetime:
    """The charger's own time, for the start of a schedule; until its clock is known the earlier of the plausible ones.

    A schedule that starts in the charger's future would be no limit at all.
    """
    ahead_s = drift.ahead_s if drift.ahead_s is not None else min(0.0, drift.hint_s or 0.0)
    return now + timedelta(seconds=ahead_s)


def our_time(drift: Drift, said: datetime | None, now: datetime) -> datetime:
    """When something happened by our clock, from the time the charger wrote; never in our future."""
    if said is None:
        return now
    return min(said - timedelta(seconds=drift.ahead_s or 0.0), now)
