"""What a back office has not heard yet: transactions wait on disk with their own times, the rest is let go."""

import logging
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from busbar_ocpp.database import opened
from busbar_ocpp.durable import Durable, without_waiting
from busbar_ocpp.foreign_profiles import Kept

log = logging.getLogger(__name__)

# These must arrive, in their order, however long the back office is away.
LASTING = frozenset({"StartTransaction", "StopTransaction", "TransactionEvent", "MeterValues"})
MOST = 20_000
UPDATED = '"eventType":"Updated"'
"""What the samples of 2.0.1 come in."""


class Waiting(Struct, frozen=True):
    """One message that waits."""

    place: int
    action: str
    payload: dict[str, Any]


def _prepare(db: sqlite3.Connection) -> sqlite3.Connection:
    without_waiting(db)
    db.executescript(
        "CREATE TABLE IF NOT EXISTS outbox (place INTEGER PRIMARY KEY AUTOINCREMENT, charger TEXT NOT NULL,"
        " action TEXT NOT NULL, payload BLOB NOT NULL);"
        "CREATE INDEX IF NOT EXISTS by_charger ON outbox (charger, place);"
        "CREATE TABLE IF NOT EXISTS upstream_ids (charger TEXT NOT NULL, ours TEXT NOT NULL,"
        " theirs TEXT NOT NULL, PRIMARY KEY (charger, ours));"
        "CREATE TABLE IF NOT EXISTS profiles (charger TEXT PRIMARY KEY, kept BLOB NOT NULL);"
    )
    return db


class Outbox:
    """Messages for the back offices, by charger, oldest first; and the transaction numbers they gave."""

    def __init__(self, path: Path | None) -> None:
        self._db, self.problem = opened(path, "the box for the back office", _prepare)
        self._disk = Durable(self._db)

    def put(self, charger: str, action: str, payload: dict[str, Any]) -> None:
        """Add at the end. When it is full, the oldest meter values go first, some at a time."""
        try:
            [count] = self._db.execute("SELECT count(*) FROM outbox WHERE charger = ?", (charger,)).fetchone()
            if count >= MOST:
                self._db.execute(
                    "DELETE FROM outbox WHERE place IN (SELECT place FROM outbox WHERE charger = ?"
                    " ORDER BY NOT (action = 'MeterValues' OR instr(CAST(payload AS TEXT), ?) > 0), place LIMIT ?)",
                    (charger, UPDATED, MOST // 50),
                )
            self._db.execute(
                "INSERT INTO outbox (charger, action, payload) VALUES (?, ?, ?)",
                (charger, action, msgspec.json.encode(payload)),
            )
        except sqlite3.Error as error:
            log.error("%s: a message for the back office is lost: %s", charger, error)

    async def durable(self) -> None:
        """Return when all that was put in before this call is on the disk."""
        await self._disk.wait()

    def first(self, charger: str) -> Waiting | None:
        """The oldest message of a charger."""
        try:
            row = self._db.execute(
                "SELECT place, action, payload FROM outbox WHERE charger = ? ORDER BY place LIMIT 1",
                (charger,),
            ).fetchone()
        except sqlite3.Error:
            return None
        return None if row is None else Waiting(row[0], row[1], msgspec.json.decode(row[2]))

    def done(self, place: int) -> None:
        """It was delivered."""
        try:
            self._db.execute("DELETE FROM outbox WHERE place = ?", (place,))
        except sqlite3.Error as error:
            log.error("the outbox cannot be written: %s", error)

    def knows_start(self, charger: str, ours: str) -> bool:
        """Whether the start of our transaction waits already, or has arrived."""
        if self.theirs(charger, ours) is not None:
            return True
        waits = (
            "SELECT 1 FROM outbox WHERE charger = ? AND action = 'StartTransaction'"
            " AND instr(CAST(payload AS TEXT), ?) > 0"
        )
        return self._one(waits, charger, f'"_ours":"{ours}"') is not None

    def _one(self, question: str, *values: str) -> str | None:
        try:
            row = self._db.execute(question, values).fetchone()
        except sqlite3.Error as error:
            log.error("the outbox cannot be read: %s", error)
            return None
        return None if row is None else str(row[0])

    def learn_id(self, charger: str, ours: str, theirs: str) -> None:
        """The back office gave this number to our transaction."""
        try:
            self._db.execute("INSERT OR REPLACE INTO upstream_ids VALUES (?, ?, ?)", (charger, ours, theirs))
        except sqlite3.Error as error:
            log.error("the outbox cannot be written: %s", error)

    def theirs(self, charger: str, ours: str) -> str | None:
        """The back office's number of our transaction."""
        return self._one("SELECT theirs FROM upstream_ids WHERE charger = ? AND ours = ?", charger, ours)

    def ours(self, charger: str, theirs: str) -> str | None:
        """Our number of the back office's transaction, the newest where it gave one twice."""
        newest = "SELECT ours FROM upstream_ids WHERE charger = ? AND theirs = ? ORDER BY rowid DESC LIMIT 1"
        return self._one(newest, charger, theirs)

    def keep_profiles(self, charger: str, kept: list[Kept]) -> None:
        """Write down the back office's profiles."""
        try:
            self._db.execute(
                "INSERT OR REPLACE INTO profiles VALUES (?, ?)", (charger, msgspec.json.encode(kept))
            )
        except sqlite3.Error as error:
            log.error("%s: the back office's profiles are not written down: %s", charger, error)

    def profiles(self, charger: str) -> list[Kept]:
        """The back office's profiles as they were last written down."""
        try:
            row = self._db.execute("SELECT kept FROM profiles WHERE charger = ?", (charger,)).fetchone()
            return [] if row is None else msgspec.json.decode(row[0], type=list[Kept])
        except (sqlite3.Error, msgspec.DecodeError) as error:
            log.error("%s: the back office's profiles cannot be read: %s", charger, error)
            return []

    def close(self) -> None:
        """Release the file."""
        self._db.close()
