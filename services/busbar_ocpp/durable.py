"""Brings what a database has committed onto the disk, beside the event loop.

A commit in WAL mode with `synchronous=NORMAL` writes to the operating system and does not wait for the disk: it
outlives a kill of the process, not yet a power cut. Waiting for the disk takes milliseconds on a good day and seconds
on a bad SD card, in which nobody's cut may stand. So whoever must not speak before a commit is safe waits here for
one sync of the log in a thread; those who come while one runs share the next (SQLite documentation, "WAL mode" and
"PRAGMA synchronous": such a sync makes durable what was committed before it).
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

CHECKPOINT_BYTES = 4 * 2**20
"""A log this long is written back into its database, which then also happens beside the loop."""
PATIENCE_S = 10.0
"""A disk that hangs counts as one that fails: a car must not wait for it for ever."""


def without_waiting(db: sqlite3.Connection) -> None:
    """Let commits not wait for the disk, and leave the writing back to `Durable`."""
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute("PRAGMA wal_autocheckpoint=0")
    db.execute("PRAGMA busy_timeout=2000")


class Durable:
    """The way of one database to its disk. One in memory has none, and is as safe as it can be."""

    def __init__(
        self,
        db: sqlite3.Connection,
        to_disk: Callable[[int], None] = os.fsync,
        patience_s: float = PATIENCE_S,
    ) -> None:
        file = db.execute("PRAGMA database_list").fetchone()[2]
        self._file = Path(file) if file else None
        self._to_disk, self._patience_s = to_disk, patience_s
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return when all that was committed before this call is on the disk. One that fails or hangs is only logged."""
        if self._file is None:
            return
        if self._next is None:
            self._next = asyncio.create_task(self._round(self._running))
        done, _ = await asyncio.wait({self._next}, timeout=self._patience_s)
        if not done:
            log.error("%s is not on the disk after %g s", self._file, self._patience_s)

    async def _round(self, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait({before})
        self._running, self._next = self._next, None
        await asyncio.to_thread(self._sync)

    def _sync(self) -> None:
        assert self._file is not None
        try:
            if self._log_on_disk() > CHECKPOINT_BYTES:
                self._write_back()
        except (OSError, sqlite3.Error) as error:
            log.error("%s cannot be brought onto the disk: %s", self._file, error)

    def _log_on_disk(self) -> int:
        """Sync the log; gives its length. Where there is none, all is in the database already."""
        try:
            file = os.open(f"{self._file}-wal", os.O_RDONLY)
        except FileNotFoundError:
            return 0
        try:
            self._to_disk(file)
            return os.fstat(file).st_size
        finally:
            os.close(file)

    def _write_back(self) -> None:
        """Passive: it takes what it can get and makes nobody wait."""
        db = sqlite3.connect(str(self._file), isolation_level=None)
        try:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            db.close()
