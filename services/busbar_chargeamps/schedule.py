"""A schedule: when to charge and with how many amperes, until when it counts, and what it says of now."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct


class Period(Struct, frozen=True, order=True):
    """Charging is allowed in `[start, end)` (UTC) with at most `amps` per phase."""

    start: datetime
    end: datetime
    amps: float


def digest(periods: Iterable[Period], beside: str = "") -> str:
    """A short name for periods, the same in every process."""
    text = ";".join(f"{p.start.isoformat()}/{p.end.isoformat()}/{p.amps:g}" for p in periods)
    return hashlib.sha256(f"{text}|{beside}".encode()).hexdigest()[:16]


class Schedule(Struct, frozen=True, kw_only=True):
    """A normalised plan: periods ascending and apart, instants in UTC and whole seconds."""

    periods: tuple[Period, ...]
    source: str = "hems"
    received_at: datetime
    expires_at: datetime | None = None
    issued_at: datetime | None = None
    command_id: str | None = None

    @property
    def ends_at(self) -> datetime:
        """The instant from which the schedule is no longer in force."""
        last = max(period.end for period in self.periods) if self.periods else self.received_at
        return last if self.expires_at is None else min(last, self.expires_at)

    @property
    def applied_max_current(self) -> float | None:
        """The most amperes per phase any of its periods asks for, after the site's limit."""
        return max((period.amps for period in self.periods), default=None)

    @property
    def digest(self) -> str:
        """Equal for two messages that mean the same, whatever their spelling, order or offset."""
        expiry = self.expires_at.isoformat() if self.expires_at else "-"
        return digest(self.periods, f"{expiry}|{self.source}")


class Glance(Struct, frozen=True):
    """What a plan says of one instant: is it in force, and which period runs or comes next."""

    active: bool
    in_period: bool = False
    next_start: datetime | None = None
    next_end: datetime | None = None


def in_force(schedule: Schedule | None, now: datetime) -> bool:
    """True until the schedule expires or its last period has ended; the end instant is already out."""
    return schedule is not None and now < schedule.ends_at


def cut(periods: Iterable[Period], expires_at: datetime | None) -> tuple[Period, ...]:
    """The periods as far as they lie before the expiry."""
    if expires_at is None:
        return tuple(periods)
    return tuple(Period(p.start, min(p.end, expires_at), p.amps) for p in periods if p.start < expires_at)


def limited(periods: Iterable[Period], most_a: float) -> tuple[Period, ...]:
    """The periods with no current above `most_a`."""
    return tuple(Period(period.start, period.end, min(period.amps, most_a)) for period in periods)


def remaining(periods: Iterable[Period], now: datetime) -> tuple[Period, ...]:
    """The periods that have not ended; a running one keeps its original start, so resends compare equal."""
    return tuple(period for period in periods if period.end > now)


def running(periods: Iterable[Period], now: datetime) -> Period | None:
    """The period `now` lies in, if any."""
    return next((period for period in periods if period.start <= now < period.end), None)


def glance(periods: Sequence[Period], expires_at: datetime | None, now: datetime) -> Glance:
    """The running period or else the next one, cut at the expiry; inactive when none is left."""
    left = remaining(cut(periods, expires_at), now)
    if not left or (expires_at is not None and expires_at <= now):
        return Glance(active=False)
    nearest = min(left)
    return Glance(True, nearest.start <= now, nearest.start, nearest.end)
