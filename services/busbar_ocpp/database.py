"""Opening a database that may be broken, on a disk that may be full or read-only: control comes before history."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

Prepare = Callable[[sqlite3.Connection], sqlite3.Connection]


def opened(path: Path | None, what: str, prepare: Prepare) -> tuple[sqlite3.Connection, str | None]:
    """The database, and in plain English what was wrong with it; None when nothing was.

    One that is broken is kept aside with the ending `.unreadable`, and a new one is begun. One that the disk does not
    let us open stays where it is, for better days, and we live in memory. Never raises for the disk's sake.
    """
    if path is None:
        return prepare(sqlite3.connect(":memory:", isolation_level=None)), None
    problem = None
    for _ in ("as it is", "anew"):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return prepare(sqlite3.connect(path, isolation_level=None)), problem
        except (sqlite3.Error, OSError) as error:
            problem = f"{what} {path} cannot be used: {error}"
            log.error(problem)
            # SQLite calls a full or read-only disk an OperationalError, and a file that is none of its own a DatabaseError.
            if isinstance(error, (sqlite3.OperationalError, OSError)):
                break
        _put_aside(path)
    log.error("%s is only kept in memory", what)
    return prepare(sqlite3.connect(":memory:", isolation_level=None)), problem


def _put_aside(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        try:
            path.with_name(path.name + ending).replace(path.with_name(path.name + ".unreadable" + ending))
        except OSError:
            continue
