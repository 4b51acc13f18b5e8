"""Switching a charger between one and three phases: when the one has no use and the other has."""

from msgspec.structs import replace

from busbar_allocator.plan import LoadPlan
from busbar_allocator.state import Mind, Phasing

PAUSE_S = 60.0
"""Without current, so that no car sees phases come and go under load."""

BETWEEN_S = 300.0
LOOK_EVERY_S = 5.0


def other_number(load: LoadPlan, mind: Mind, can_switch: bool, now: float) -> int | None:
    """The number of phases that may be looked at instead of the present one; None when none may now."""
    if not (load.switches_phases and can_switch) or len(load.legs) < 3 or not mind.known:
        return None
    if now - mind.switched_at < BETWEEN_S or now - mind.phasing.looked_at < LOOK_EVERY_S:
        return None
    if mind.legs == 1 and mind.phases != 1:
        # Its car uses one leg anyway.
        return None
    return 3 if mind.phases == 1 else 1


def judged(mind: Mind, other: int, present_fits: bool, other_fits: bool, after_s: float, now: float) -> Mind:
    """The memory after a look at the other number: switched once it was better for `after_s` without a gap.

    One phase is taken when three have no use; three as soon as they do.
    """
    better = other_fits and (other == 3 or not present_fits)
    since = (now if mind.phasing.wanted_since is None else mind.phasing.wanted_since) if better else None
    if since is None or now - since < after_s:
        return replace(mind, phasing=Phasing(since, now))
    return replace(mind, phasing=Phasing(None, now), phases=other, switched_at=now, eager=True)


def switching(mind: Mind, now: float) -> bool:
    """It pauses between two numbers of phases."""
    return mind.phases is not None and now - mind.switched_at < PAUSE_S
