"""Transactions and sessions on disk: nothing that was answered is lost when the process is killed.

SQLite in WAL mode, every answer to a charger only after its row is committed. 1.6 transaction ids are given
here; they are unique over restarts, and over a lost file too, because a new file begins counting at the time.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from busbar_ocpp.database import opened

log = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS transactions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    charger TEXT NOT NULL,
    connector INTEGER NOT NULL,
    wire_id TEXT NOT NULL DEFAULT '',
    tag TEXT,
    started_at TEXT NOT NULL,
    started_said TEXT,
    start_wh REAL,
    last_at TEXT,
    last_wh REAL,
    peak_w REAL,
    last_seq INTEGER,
    gaps INTEGER NOT NULL DEFAULT 0,
    ended_at TEXT,
    stop_wh REAL,
    reason TEXT,
    offline INTEGER NOT NULL DEFAULT 0,
    cost REAL,
    currency TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS by_wire_id ON transactions (charger, wire_id) WHERE wire_id <> '';
CREATE INDEX IF NOT EXISTS by_start ON transactions (charger, connector, started_at);
CREATE INDEX IF NOT EXISTS open_ones ON transactions (charger) WHERE ended_at IS NULL;
"""

# Before this moment no file of ours was made; seconds since then in tens fit a 32-bit id for centuries.
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
# Numbers for transactions that could not be booked lie far above those that could.
SPARE = 1_000_000_000


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


class Ledger:
    """The book of transactions. A disk that fails is reported and never stops control."""

    def __init__(self, path: Path | None, now: datetime) -> None:
        self._spare = 0
        self.problem: str | None
        """What is wrong with the book, in plain English; None when nothing is."""
        self._db, self.problem = opened(path, "the book of transactions", lambda db: self._prepare(db, now))

    def _prepare(self, db: sqlite3.Connection, now: datetime) -> sqlite3.Connection:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA busy_timeout=2000")
        db.executescript(SCHEMA)
        db.row_factory = sqlite3.Row
        if db.execute("SELECT count(*) FROM sqlite_sequence WHERE name='transactions'").fetchone()[0] == 0:
            first = max(int((now - EPOCH).total_seconds() / 10), 1)
            db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('transactions', ?)", (first,))
        return db

    def start(
        self,
        *,
        charger: str,
        connector: int,
        at: datetime,
        said: datetime | None,
        tag: str | None,
        meter_wh: float | None,
        wire_id: str = "",
        offline: bool = False,
    ) -> Entry:
        """Book the start and give the entry. The same start told twice is the same entry."""
        known = self._same_start(charger, connector, said, tag, meter_wh, wire_id)
        if known is not None:
            return known
        number: int | None = None
        with self._write() as db:
            number = db.execute(
                "INSERT INTO transactions (charger, connector, wire_id, tag, started_at, started_said, start_wh,"
                " last_at, last_wh, offline, cost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (
                    charger,
                    connector,
                    wire_id,
                    tag,
                    _text(at),
                    _text(said),
                    meter_wh,
                    _text(at),
                    meter_wh,
                    int(offline),
                ),
            ).lastrowid
            if not wire_id:
                db.execute("UPDATE transactions SET wire_id = ? WHERE number = ?", (str(number), number))
        entry = self._one("number = ?", (number,)) if number is not None else None
        return entry if entry is not None else self._unbooked(charger, connector, at, tag, meter_wh, wire_id)

    def _unbooked(
        self,
        charger: str,
        connector: int,
        at: datetime,
        tag: str | None,
        meter_wh: float | None,
        wire_id: str,
    ) -> Entry:
        """A transaction that the disk did not take: the car charges all the same, under a number never used."""
        self._spare += 1
        number = max(int((at - EPOCH).total_seconds() / 10), 1) + SPARE + self._spare
        return Entry(
            number=number,
            charger=charger,
            connector=connector,
            wire_id=wire_id or str(number),
            tag=tag,
            started_at=at,
            start_wh=meter_wh,
            last_at=at,
            last_wh=meter_wh,
            peak_w=None,
            last_seq=None,
            gaps=0,
            ended_at=None,
            stop_wh=None,
            reason=None,
            offline=False,
        )

    def progress(
        self,
        number: int,
        *,
        at: datetime,
        meter_wh: float | None,
        power_w: float | None,
        seq: int | None = None,
        gaps: int | None = None,
        price: Price | None = None,
    ) -> None:
        """Note how far a transaction has come, and what the energy since the last note costs."""
        if meter_wh is not None:
            self._charge(number, meter_wh, price)
        with self._write() as db:
            db.execute(
                "UPDATE transactions SET last_at = ?, last_wh = coalesce(?, last_wh),"
                " start_wh = coalesce(start_wh, ?), peak_w = max(coalesce(peak_w, 0), coalesce(?, 0)),"
                " last_seq = coalesce(?, last_seq), gaps = coalesce(?, gaps) WHERE number = ?",
                (_text(at), meter_wh, meter_wh, power_w, seq, gaps, number),
            )

    def stop(
        self,
        number: int,
        *,
        at: datetime,
        meter_wh: float | None,
        reason: str | None,
        price: Price | None = None,
    ) -> Entry | None:
        """Book the end. A second end changes nothing."""
        if meter_wh is not None:
            self._charge(number, meter_wh, price)
        with self._write() as db:
            db.execute(
                "UPDATE transactions SET ended_at = ?, stop_wh = coalesce(?, last_wh), reason = ?"
                " WHERE number = ? AND ended_at IS NULL",
                (_text(at), meter_wh, reason, number),
            )
        return self._one("number = ?", (number,))

    def _charge(self, number: int, meter_wh: float, price: Price | None) -> None:
        """Add what the energy since the last note costs; energy without a price makes the cost unknown."""
        per_kwh, currency = (price.per_kwh, price.currency) if price is not None else (None, None)
        with self._write() as db:
            db.execute(
                "UPDATE transactions SET cost = CASE WHEN last_wh IS NULL OR ?1 <= last_wh THEN cost"
                " WHEN ?2 IS NULL THEN NULL ELSE cost + (?1 - last_wh) / 1000.0 * ?2 END,"
                " currency = coalesce(currency, ?3) WHERE number = ?4 AND ended_at IS NULL",
                (meter_wh, per_kwh, currency, number),
            )

    def rescale(self, number: int, factor: float) -> None:
        """The register was found to count in another unit: what was booked of it is corrected."""
        with self._write() as db:
            db.execute(
                "UPDATE transactions SET start_wh = start_wh * ?1, last_wh = last_wh * ?1, cost = NULL"
                " WHERE number = ?2",
                (factor, number),
            )

    def by_wire_id(self, charger: str, wire_id: str) -> Entry | None:
        """The transaction that a charger calls so."""
        return self._one("charger = ? AND wire_id = ?", (charger, wire_id))

    def running(self, charger: str) -> list[Entry]:
        """Transactions of a charger that have not ended, the newest first."""
        return self._some("charger = ? AND ended_at IS NULL ORDER BY number DESC", (charger,))

    def history(
        self, *, charger: str | None = None, since: datetime | None = None, most: int = 1000
    ) -> list[Entry]:
        """Transactions, the newest first."""
        return self._some(
            "(?1 IS NULL OR charger = ?1) AND (?2 IS NULL OR started_at >= ?2)"
            " ORDER BY started_at DESC, number DESC LIMIT ?3",
            (charger, _text(since), most),
        )

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def _same_start(
        self,
        charger: str,
        connector: int,
        said: datetime | None,
        tag: str | None,
        meter_wh: float | None,
        wire_id: str,
    ) -> Entry | None:
        if wire_id:
            return self.by_wire_id(charger, wire_id)
        if said is None:
            return None
        return self._one(
            "charger = ? AND connector = ? AND started_said = ? AND tag IS ? AND start_wh IS ?",
            (charger, connector, _text(said), tag, meter_wh),
        )

    def _one(self, where: str, values: tuple[object, ...]) -> Entry | None:
        found = self._some(where, values)
        return found[0] if found else None

    def _some(self, where: str, values: tuple[object, ...]) -> list[Entry]:
        try:
            rows = self._db.execute(f"SELECT * FROM transactions WHERE {where}", values).fetchall()
        except sqlite3.Error as error:
            self.problem = f"the book of transactions cannot be read: {error}"
            log.error(self.problem)
            return []
        return [_entry(row) for row in rows]

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One change, committed when the block ends. A disk that fails costs the change, never the charging."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self.problem = f"the book of transactions cannot be written: {error}"
            log.error(self.problem)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _entry(row: sqlite3.Row) -> Entry:
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
    )
