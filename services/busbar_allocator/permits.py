"""Whether a load may start, and whether it may run on: delays in seconds, never in calls.

A load that follows the sun waits before it starts and before it stops, so that clouds do not click its
contactor; any load rests after a stop. What protects a wire never asks here.
"""

from msgspec import Struct
from msgspec.structs import replace as _with


class Delays(Struct, frozen=True):
    """How patient a load is. Defaults are those of a car (allocation, sections 6 and 11)."""

    start_after_s: float = 5.0
    stop_after_s: float = 0.0
    import_allowance_wh: float = 0.0
    pause_s: float = 180.0
    min_run_s: float = 300.0
    filter_s: float = 2.0


FOLLOWER = Delays(start_after_s=30.0, stop_after_s=120.0, import_allowance_wh=30.0)
STEADY = Delays()


class Permit(Struct, frozen=True):
    """What is remembered of one load's starts, stops and its source."""

    enough_since: float | None = None
    """Since when there was enough to start, without a gap."""
    short_since: float | None = None
    """Since when its source gives less than its minimum."""
    short_wh: float = 0.0
    """What it imported since then."""
    started_at: float | None = None
    stopped_at: float | None = None


def resting(permit: Permit, delays: Delays, now: float) -> bool:
    """It stopped less than its pause ago."""
    return permit.stopped_at is not None and now < permit.stopped_at + delays.pause_s


def may_start(permit: Permit, enough: bool, delays: Delays, now: float) -> tuple[Permit, bool]:
    """Whether a stopped load may start now, `enough` telling that its minimum and its margin are free."""
    if not enough:
        return _with(permit, enough_since=None), False
    since = now if permit.enough_since is None else permit.enough_since
    waited = now - since >= delays.start_after_s and not resting(permit, delays, now)
    return _with(permit, enough_since=since), waited


def may_run_on(
    permit: Permit, enough: bool, import_w: float, seconds: float, delays: Delays, now: float
) -> tuple[Permit, bool]:
    """Whether a running follower whose source fell below its minimum may stay at that minimum.

    It may until it caused `import_allowance_wh` of import, counted over `seconds` since the last call,
    and at most `stop_after_s`.
    """
    if enough:
        fresh = permit.short_since is None
        return (permit if fresh else _with(permit, short_since=None, short_wh=0.0)), True
    since = now if permit.short_since is None else permit.short_since
    used_wh = permit.short_wh + max(0.0, import_w) * seconds / 3600
    within = used_wh < delays.import_allowance_wh and now - since < delays.stop_after_s
    return _with(permit, short_since=since, short_wh=used_wh), within


def started(permit: Permit, now: float) -> Permit:
    """The permit of a load that was started now."""
    return _with(permit, started_at=now, stopped_at=None, enough_since=None, short_since=None, short_wh=0.0)


def stopped(permit: Permit, now: float) -> Permit:
    """The permit of a load that was stopped now."""
    return _with(permit, started_at=None, stopped_at=now, enough_since=None, short_since=None, short_wh=0.0)


def impatient(permit: Permit) -> Permit:
    """The permit after the owner changed the mode: no timer of the old one counts."""
    return Permit(started_at=permit.started_at)
