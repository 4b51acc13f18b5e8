"""Opening a database that may be broken, on a disk that may be full or read-only: control comes before history."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

Prepare = Callable[[sqlite3.Connection], sqlite3.Connection]


def opened(path: Path | None, what: str, prepare: Prepare) -> tuple[sqlite3.Connection, str | None]:
    """The database, and in plain English what was wrong with it; None when nothing was.

    One of an older version gets the columns it lacks. One that is broken, or of a version we do not know, is kept
    aside with the ending `.unreadable`, and a new one is begun. One that the disk does not let us open stays where it
    is, for better days, and we live in memory. Never raises for the disk's sake.
    """
    if path is None:
        return prepare(sqlite3.connect(":memory:", isolation_level=None)), None
    problem = None
    for _ in ("as it is", "anew"):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(path, isolation_level=None)
            _complete(db, prepare)
            return prepare(db), problem
        except (sqlite3.Error, OSError) as error:
            problem = f"{what} {path} cannot be used: {error}"
            log.error(problem)
            # SQLite calls a full or read-only disk an OperationalError, and a file that is none of its own a DatabaseError.
            if isinstance(error, (sqlite3.OperationalError, OSError)):
                break
        _put_aside(path)
    log.error("%s is only kept in memory", what)
    return prepare(sqlite3.connect(":memory:", isolation_level=None)), problem


def _complete(db: sqlite3.Connection, prepare: Prepare) -> None:
    """Add the columns that an older version did not know. Raises DatabaseError where that cannot be."""
    ours = prepare(sqlite3.connect(":memory:", isolation_level=None))
    try:
        for table in _tables(ours) & _tables(db):
            there = _columns(db, table)
            for name, (kind, needed, default, key) in _columns(ours, table).items():
                if name in there:
                    continue
                if key or (needed and default is None):
                    raise sqlite3.DatabaseError(f"it is of another version: {table} has no {name}")
                rule = f" NOT NULL DEFAULT {default}" if needed else ""
                db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}{rule}")
    finally:
        ours.close()


def _tables(db: sqlite3.Connection) -> set[str]:
    found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {str(row[0]) for row in found}


def _columns(db: sqlite3.Connection, table: str) -> dict[str, tuple[str, bool, str | None, bool]]:
    """Type, whether it must have a value, its default, and whether it is the key, by name."""
    rows = db.execute(f"PRAGMA table_info({table})")
    return {row[1]: (row[2], bool(row[3]), row[4], bool(row[5])) for row in rows}


def _put_aside(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        try:
            path.with_name(path.name + ending).replace(path.with_name(path.name + ".unreadable" + ending))
        except OSError:
            continue
