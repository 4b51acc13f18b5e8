"""The file in which the book of transactions lies: its table, its first number, and a disk that may fail.

Transaction ids of 1.6 are numbers of this table. They are unique over restarts, and over a lost file too, because a
new file begins counting at the time.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from busbar_ocpp.database import opened
from busbar_ocpp.durable import PATIENCE_S, Durable, without_waiting
from busbar_ocpp.entry import Entry, entry_of

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
    currency TEXT,
    doubted INTEGER NOT NULL DEFAULT 0
);
DROP INDEX IF EXISTS by_wire_id;
CREATE INDEX IF NOT EXISTS wire_ids ON transactions (charger, wire_id);
CREATE INDEX IF NOT EXISTS by_start ON transactions (charger, connector, started_at);
CREATE INDEX IF NOT EXISTS open_ones ON transactions (charger) WHERE ended_at IS NULL;
"""

# Before this moment no file of ours was made; seconds since then in tens fit a 32-bit id for centuries.
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


def number_at(moment: datetime) -> int:
    """The number at which a book that is begun at this moment starts to count; at least 1."""
    return max(int((moment - EPOCH).total_seconds() / 10), 1)


class LedgerFile:
    """The rows of the book. A disk that fails is logged, costs at most what was to be written, and raises nothing."""

    def __init__(
        self,
        path: Path | None,
        now: datetime,
        to_disk: Callable[[int], None] = os.fsync,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.problem: str | None
        """What is wrong with the book, in plain English; None when nothing is."""
        self._db, self.problem = opened(path, "the book of transactions", lambda db: _prepare(db, now))
        self._disk = Durable(self._db, to_disk, patience_s)

    def one(self, where: str, values: tuple[object, ...]) -> Entry | None:
        """The first transaction of which this is true."""
        found = self.some(where, values)
        return found[0] if found else None

    def some(self, where: str, values: tuple[object, ...]) -> list[Entry]:
        """The transactions of which this is true; none where the book cannot be read."""
        try:
            rows = self._db.execute(f"SELECT * FROM transactions WHERE {where}", values).fetchall()
        except sqlite3.Error as error:
            self.problem = f"the book of transactions cannot be read: {error}"
            log.error(self.problem)
            return []
        return [entry_of(row) for row in rows]

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
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

    async def durable(self) -> None:
        """Return when all that was committed before this call is on the disk, or the disk has had its time."""
        await self._disk.wait()

    def close(self) -> None:
        """Release the file."""
        self._db.close()


def _prepare(db: sqlite3.Connection, now: datetime) -> sqlite3.Connection:
    without_waiting(db)
    db.executescript(SCHEMA)
    db.row_factory = sqlite3.Row
    if db.execute("SELECT count(*) FROM sqlite_sequence WHERE name='transactions'").fetchone()[0] == 0:
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('transactions', ?)", (number_at(now),))
    return db
