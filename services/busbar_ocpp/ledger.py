"""Transactions and sessions on disk: nothing that was answered is lost when the process is killed.

Every answer to a charger goes out only after its row is committed and on the disk (`durable`).
"""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from busbar_ocpp.durable import PATIENCE_S
from busbar_ocpp.entry import Entry, Price, written
from busbar_ocpp.ledger_file import LedgerFile, number_at

LOST = "Lost"
"""The reason of an end that nobody told us; the true one may still come."""
OPEN = f"(ended_at IS NULL OR reason = '{LOST}')"
# Numbers for transactions that could not be booked lie far above those that could.
SPARE = 1_000_000_000


class Ledger:
    """The book of transactions. A disk that fails is logged and never stops control."""

    def __init__(
        self,
        path: Path | None,
        now: datetime,
        to_disk: Callable[[int], None] = os.fsync,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._spare = 0
        self._file = LedgerFile(path, now, to_disk, patience_s)
        self._changes = self._safe = 0
        """Starts, ends and tags so far, and how many of them are known to be on the disk."""

    @property
    def problem(self) -> str | None:
        """What is wrong with the book, in plain English; None when nothing is."""
        return self._file.problem

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
        """Book the start and give the entry. The same start told twice is the same entry.

        `said` is the start by the charger's own clock; None where something else told of the transaction first.
        """
        known = self._same_start(charger, connector, at, said, tag, meter_wh, wire_id)
        if known is not None and not (wire_id and _begins_anew(known, at, said)):
            return self._amended(known, at, said, tag, meter_wh)
        number: int | None = None
        self._changes += 1
        with self._file.write() as db:
            number = db.execute(
                "INSERT INTO transactions (charger, connector, wire_id, tag, started_at, started_said, start_wh,"
                " last_at, last_wh, offline, cost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (
                    charger,
                    connector,
                    wire_id,
                    tag,
                    written(at),
                    written(said),
                    meter_wh,
                    written(at),
                    meter_wh,
                    int(offline),
                ),
            ).lastrowid
            if not wire_id:
                db.execute("UPDATE transactions SET wire_id = ? WHERE number = ?", (str(number), number))
        entry = self._file.one("number = ?", (number,)) if number is not None else None
        return entry if entry is not None else self._unbooked(charger, connector, at, tag, meter_wh, wire_id)

    def _amended(
        self, known: Entry, at: datetime, said: datetime | None, tag: str | None, meter_wh: float | None
    ) -> Entry:
        """A start that comes after what followed it says when and with what the transaction really began."""
        if said is None or known.started_said is not None:
            return known
        self._changes += 1
        with self._file.write() as db:
            db.execute(
                "UPDATE transactions SET started_at = min(started_at, ?), started_said = ?, tag = coalesce(tag, ?),"
                " start_wh = coalesce(?, start_wh) WHERE number = ?",
                (written(at), written(said), tag, meter_wh, known.number),
            )
        return self._file.one("number = ?", (known.number,)) or known

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
        number = number_at(at) + SPARE + self._spare
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
        """Note how far a transaction has come, and what the energy since the last note costs.

        A sample that was queued, older than the last note, changes nothing: its energy is paid already.
        """
        if meter_wh is not None:
            self._charge(number, meter_wh, price, at)
        with self._file.write() as db:
            db.execute(
                "UPDATE transactions SET last_at = ?, last_wh = coalesce(?, last_wh),"
                " start_wh = coalesce(start_wh, ?), peak_w = max(coalesce(peak_w, 0), coalesce(?, 0)),"
                " last_seq = coalesce(?, last_seq), gaps = coalesce(?, gaps) WHERE number = ?"
                " AND (last_at IS NULL OR last_at <= ?)",
                (written(at), meter_wh, meter_wh, power_w, seq, gaps, number, written(at)),
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
        """Book the end. A second end changes nothing, unless the first was only ours, for one that was lost."""
        self._changes += 1
        if meter_wh is not None:
            self._charge(number, meter_wh, price)
        with self._file.write() as db:
            db.execute(
                "UPDATE transactions SET ended_at = ?, stop_wh = coalesce(?, last_wh), reason = ?"
                f" WHERE number = ? AND {OPEN}",
                (written(at), meter_wh, reason, number),
            )
        return self._file.one("number = ?", (number,))

    def _charge(self, number: int, meter_wh: float, price: Price | None, at: datetime | None = None) -> None:
        """Add what the energy since the last note costs; energy without a price makes the cost unknown."""
        per_kwh, currency = (price.per_kwh, price.currency) if price is not None else (None, None)
        with self._file.write() as db:
            db.execute(
                "UPDATE transactions SET cost = CASE WHEN last_wh IS NULL OR ?1 <= last_wh THEN cost"
                " WHEN ?2 IS NULL THEN NULL ELSE cost + (?1 - last_wh) / 1000.0 * ?2 END,"
                f" currency = coalesce(currency, ?3) WHERE number = ?4 AND {OPEN}"
                " AND (?5 IS NULL OR last_at IS NULL OR last_at <= ?5)",
                (meter_wh, per_kwh, currency, number, written(at)),
            )

    def rescale(self, number: int, factor: float) -> None:
        """The register was found to count in another unit: what was booked of it is corrected."""
        with self._file.write() as db:
            db.execute(
                "UPDATE transactions SET start_wh = start_wh * ?1, last_wh = last_wh * ?1, cost = NULL"
                " WHERE number = ?2",
                (factor, number),
            )

    def claim(self, number: int, tag: str) -> Entry | None:
        """Note whose transaction it is, where nobody's tag was known at its start (a cable that came first)."""
        self._changes += 1
        with self._file.write() as db:
            db.execute("UPDATE transactions SET tag = coalesce(tag, ?) WHERE number = ?", (tag, number))
        return self._file.one("number = ?", (number,))

    def doubt(self, charger: str) -> None:
        """The charger has rebooted: the ends of what ran may be lost, and it may count anew."""
        with self._file.write() as db:
            db.execute(
                "UPDATE transactions SET doubted = 1 WHERE charger = ? AND ended_at IS NULL", (charger,)
            )

    def by_wire_id(
        self, charger: str, wire_id: str, connector: int | None = None, at: datetime | None = None
    ) -> Entry | None:
        """The transaction that a charger calls so, at this connector and moment where they are named.

        A station that counts anew gives a number twice: of those that had begun the one that runs is meant, else the
        newest.
        """
        return self._file.one(
            "charger = ?1 AND wire_id = ?2 AND (?3 IS NULL OR connector = ?3)"
            " ORDER BY coalesce(started_at > ?4, 0), ended_at IS NOT NULL, number DESC LIMIT 1",
            (charger, wire_id, connector, written(at)),
        )

    def running(self, charger: str) -> list[Entry]:
        """Transactions of a charger that have not ended, the newest first."""
        return self._file.some("charger = ? AND ended_at IS NULL ORDER BY number DESC", (charger,))

    def history(
        self, *, charger: str | None = None, since: datetime | None = None, most: int = 1000
    ) -> list[Entry]:
        """Transactions, the newest first."""
        return self._file.some(
            "(?1 IS NULL OR charger = ?1) AND (?2 IS NULL OR started_at >= ?2)"
            " ORDER BY started_at DESC, number DESC LIMIT ?3",
            (charger, written(since), most),
        )

    async def durable(self, *, notes: bool = False) -> None:
        """Return when every start, end and tag booked before this call is on the disk; nobody else waits for it.

        How far a transaction has come is only a note, for which no disk is worn and no answer waits; `notes`: this
        once they too.
        """
        until = self._changes
        if notes or self._safe < until:
            await self._file.durable()
            self._safe = max(self._safe, until)

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _same_start(
        self,
        charger: str,
        connector: int,
        at: datetime,
        said: datetime | None,
        tag: str | None,
        meter_wh: float | None,
        wire_id: str,
    ) -> Entry | None:
        if wire_id:
            return self.by_wire_id(charger, wire_id, connector, at)
        if said is None:
            return None
        return self._file.one(
            "charger = ? AND connector = ? AND started_said = ? AND tag IS ? AND start_wh IS ?",
            (charger, connector, written(said), tag, meter_wh),
        )


def _begins_anew(known: Entry, at: datetime, said: datetime | None) -> bool:
    """Whether a start is of another transaction than its namesake: of a station that counts anew.

    The namesake's start is known and was another one; it has ended before, or its end was lost in a reboot.
    """
    if known.started_said is None or said is None or written(said) == written(known.started_said):
        return False
    return at > known.ended_at if known.ended_at is not None else known.doubted and at > known.started_at
