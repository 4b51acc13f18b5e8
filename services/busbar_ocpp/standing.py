"""What must be sent now, so that the charger holds what shall stand.

The wanted profiles are compared with those the charger accepted. A difference is a cut or a raise; without a
difference a lease is renewed at a third of its time and a pause at half of its own, because many chargers
write profiles to flash.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum

from msgspec import Struct

from busbar_ocpp.profile import START_EARLY_S, Kind, Profile, Purpose

Slot = tuple[int, Purpose, int]


class Urgency(IntEnum):
    """The classes of the call queue, the most urgent first (one CALL at a time is OCPP's rule)."""

    CUT = 0
    RAISE = 1
    RENEWAL = 2
    OTHER = 3


class Installed(Struct, frozen=True, kw_only=True):
    """A profile the charger accepted, and when it was sent by our monotonic clock."""

    profile: Profile
    sent_s: float
    lasts_s: float

    @property
    def ends_s(self) -> float:
        """When its first limit ends by itself, on our monotonic clock; infinite without an end."""
        return self.sent_s + self.lasts_s - START_EARLY_S


def slot_of(profile: Profile) -> Slot:
    """The drawer a profile occupies: of two with the same slot the newer replaces the older."""
    return profile.connector, profile.purpose, profile.level


def due(
    wanted: Sequence[Profile], installed: Mapping[Slot, Installed], now_s: float, *, seldom: bool = False
) -> list[tuple[Urgency, Profile]]:
    """The profiles to send now, the most urgent first, otherwise in the order they were built.

    `seldom`: what is unchanged is renewed as late as is safe.
    """
    calls = [
        (urgency, profile)
        for profile in wanted
        if (urgency := _urgency(profile, installed.get(slot_of(profile)), now_s, seldom=seldom)) is not None
    ]
    return sorted(calls, key=lambda call: call[0])


def lasts(profile: Profile) -> float:
    """Seconds the first limit of a profile holds, infinite without an end."""
    if profile.duration_s is not None:
        return float(profile.duration_s)
    return float(profile.periods[1].start_s) if len(profile.periods) > 1 else float("inf")


def renew_after_s(lasts_s: float, *, pause: bool, seldom: bool = False) -> float:
    """When an unchanged profile is sent again (a third of its time; half of it for a pause; two thirds if seldom)."""
    if seldom:
        return lasts_s * 2 / 3
    return lasts_s / 2 if pause else lasts_s / 3


def _urgency(profile: Profile, held: Installed | None, now_s: float, *, seldom: bool) -> Urgency | None:
    if held is None:
        return Urgency.CUT  # nothing known is in force: a charger without a profile has no limit
    if said(profile) != said(held.profile):
        return Urgency.CUT if _lowers(profile, held.profile) else Urgency.RAISE
    pause = profile.periods[0].limit == 0
    after_s = renew_after_s(held.lasts_s, pause=pause, seldom=seldom)
    return Urgency.RENEWAL if now_s - held.sent_s >= after_s else None


def said(profile: Profile) -> tuple[object, ...]:
    """All of a profile that matters but its moments, which move with every renewal."""
    length = None if profile.kind is Kind.RELATIVE else [period.start_s for period in profile.periods]
    limits = [(period.limit, period.phases) for period in profile.periods]
    return profile.id, profile.unit, profile.kind, profile.transaction, profile.duration_s, length, limits


def _lowers(profile: Profile, held: Profile) -> bool:
    """Whether any limit falls; what cannot be compared counts as falling."""
    if profile.unit is not held.unit or profile.transaction != held.transaction:
        return True
    if len(profile.periods) != len(held.periods):
        return True
    pairs = zip(profile.periods, held.periods, strict=True)
    return any(new.limit < old.limit or new.phases != old.phases for new, old in pairs)
