"""One transaction as it is booked, and how it lies in its row."""

import sqlite3
from datetime import UTC, datetime

from msgspec import Struct


class Price(Struct, frozen=True):
    """What a kilowatt-hour costs now."""

    per_kwh: float
    currency: str


class Entry(Struct, frozen=True, kw_only=True):
    """One transaction as it is booked. Energies are the charger's register, times ours (UTC)."""

    number: int
    charger: str
    connector: int
    wire_id: str
    tag: str | None
    started_at: datetime
    start_wh: float | None
    last_at: datetime | None
    last_wh: float | None
    peak_w: float | None
    last_seq: int | None
    gaps: int
    ended_at: datetime | None
    stop_wh: float | None
    reason: str | None
    offline: bool
    cost: float | None = None
    currency: str | None = None
    started_said: datetime | None = None
    """The start by the charger's own clock."""
    doubted: bool = False
    """The charger has rebooted while it ran."""

    @property
    def energy_wh(self) -> float | None:
        """What flowed, as far as the register tells."""
        end = self.stop_wh if self.stop_wh is not None else self.last_wh
        if end is None or self.start_wh is None or end < self.start_wh:
            return None
        return end - self.start_wh

    @property
    def seconds(self) -> float | None:
        """How long it lasted; None while it runs."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()

    @property
    def mean_w(self) -> float | None:
        """Mean power from start to end."""
        if self.energy_wh is None or not self.seconds or self.seconds <= 0:
            return None
        return self.energy_wh * 3600 / self.seconds


def written(moment: datetime | None) -> str | None:
    """A moment as it lies in the book; such texts compare as their moments do."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def entry_of(row: sqlite3.Row) -> Entry:
    """A row of the book."""
    started = _moment(row["started_at"])
    assert started is not None
    return Entry(
        number=row["number"],
        charger=row["charger"],
        connector=row["connector"],
        wire_id=row["wire_id"],
        tag=row["tag"],
        started_at=started,
        start_wh=row["start_wh"],
        last_at=_moment(row["last_at"]),
        last_wh=row["last_wh"],
        peak_w=row["peak_w"],
        last_seq=row["last_seq"],
        gaps=row["gaps"],
        ended_at=_moment(row["ended_at"]),
        stop_wh=row["stop_wh"],
        reason=row["reason"],
        offline=bool(row["offline"]),
        cost=row["cost"] if row["currency"] is not None else None,
        currency=row["currency"],
        started_said=_moment(row["started_said"]),
        doubted=bool(row["doubted"]),
    )
