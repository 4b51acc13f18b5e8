"""The weekly heat-up against legionella: hot enough, long enough, often enough, whoever did the heating.

Target and time are the owner's (default 60 °C for 30 min once a week, as the specification of this service
says); what the sun or the device's own programme heated counts just as well.
"""

from typing import Final

from msgspec import Struct

HELD_S: Final = 1800.0
DAY_S: Final = 86_400.0
LONGEST_GAP_S: Final = 900.0
"""Two samples further apart than this prove nothing about the time between them."""
LEAD_WITHOUT_MODEL_S: Final = 8 * 3600.0
SLACK_S: Final = 3600.0


class Programme(Struct, kw_only=True):
    """Where the programme stands, in calendar seconds; kept over restarts."""

    done_at: float | None = None
    hot_since: float | None = None
    last_at: float | None = None
    began_at: float | None = None
    """Since when we have watched: a tank nobody knows counts from here."""


def seen(programme: Programme, celsius: float, target_c: float, now: float) -> bool:
    """Take one sample; True when it completes the half hour."""
    if programme.began_at is None or now < programme.began_at:
        programme.began_at = now
    if programme.done_at is not None and programme.done_at > now:
        # The calendar was ahead when it was done. When that was nobody knows: the week begins anew.
        programme.done_at, programme.began_at = None, now
    last, programme.last_at = programme.last_at, now
    if celsius < target_c:
        programme.hot_since = None
        return False
    if programme.hot_since is None or last is None or not 0 <= now - last <= LONGEST_GAP_S:
        programme.hot_since = now
        return False
    if now - programme.hot_since < HELD_S:
        return False
    first = programme.done_at is None or programme.done_at < programme.hot_since
    programme.done_at = now
    return first


def due_at(programme: Programme, days: float) -> float | None:
    """When the next one must be complete; None before the first sample."""
    since = programme.done_at if programme.done_at is not None else programme.began_at
    return None if since is None else since + days * DAY_S


def must_heat(programme: Programme, days: float, now: float, lead_s: float | None) -> bool:
    """It is time to heat for it: what the heating takes, the half hour, and an hour of slack before it is due."""
    due = due_at(programme, days)
    if due is None:
        return False
    lead = (lead_s if lead_s is not None else LEAD_WITHOUT_MODEL_S) * 1.25 + HELD_S + SLACK_S
    return now >= due - min(lead, days * DAY_S / 2)


def is_overdue(programme: Programme, days: float, now: float) -> bool:
    """The week is over and it was not hot enough for long enough."""
    due = due_at(programme, days)
    return due is not None and now > due
