"""Sessions as a table: for people, for programs, for a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from busbar_ocpp.entry import Entry

COLUMNS = (
    "number",
    "charger",
    "connector",
    "started_at",
    "ended_at",
    "energy_kwh",
    "mean_w",
    "peak_w",
    "tag",
    "reason",
    "cost",
    "currency",
    "missing_events",
)


def row(entry: Entry) -> dict[str, Any]:
    """One session; what is not known is None."""
    energy = entry.energy_wh
    return {
        "number": entry.number,
        "charger": entry.charger,
        "connector": entry.connector,
        "started_at": entry.started_at.isoformat(timespec="seconds"),
        "ended_at": entry.ended_at.isoformat(timespec="seconds") if entry.ended_at else None,
        "energy_kwh": None if energy is None else round(energy / 1000, 3),
        "mean_w": None if entry.mean_w is None else round(entry.mean_w),
        "peak_w": None if not entry.peak_w else round(entry.peak_w),
        "tag": entry.tag,
        "reason": entry.reason,
        "cost": None if entry.cost is None else round(entry.cost, 2),
        "currency": entry.currency,
        "missing_events": entry.gaps,
    }


def as_csv(entries: Iterable[Entry]) -> str:
    """Comma separated with a header; a cell that a spreadsheet would run as a formula is quoted with an apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        writer.writerow({key: _cell(value) for key, value in row(entry).items()})
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "=+-@\t":
        return f"'{value}"
    return value
