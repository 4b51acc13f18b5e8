"""The book of transactions of another version: an older one is read on, one we do not know is kept aside."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from busbar_ocpp.ledger import Ledger
from busbar_ocpp.outbox import Outbox

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BEFORE_COSTS = """
CREATE TABLE transactions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, charger TEXT NOT NULL, connector INTEGER NOT NULL,
    wire_id TEXT NOT NULL DEFAULT '', tag TEXT, started_at TEXT NOT NULL, started_said TEXT, start_wh REAL,
    last_at TEXT, last_wh REAL, ended_at TEXT, stop_wh REAL, reason TEXT
);
INSERT INTO transactions (number, charger, connector, wire_id, started_at, start_wh)
VALUES (700, 'left', 1, '700', '2026-11-20T10:00:00+00:00', 5000.0);
"""


def database(file: Path, script: str) -> Path:
    """A database that somebody else made."""
    db = sqlite3.connect(file)
    db.executescript(script)
    db.close()
    return file


def test_a_transaction_of_an_older_version_goes_on_and_new_ones_are_booked(tmp_path: Path) -> None:
    file = database(tmp_path / "transactions.sqlite3", BEFORE_COSTS)

    ledger = Ledger(file, NOW)
    [running] = ledger.running("left")
    new = ledger.start(
        charger="left", connector=2, at=NOW, said=NOW, tag="A", meter_wh=1.0
    )  # fmt: skip
    ledger.close()

    assert ledger.problem is None
    assert (running.number, running.start_wh, running.gaps) == (700, 5000.0, 0)
    assert new.number == 701
    assert [one.number for one in Ledger(file, NOW).running("left")] == [701, 700]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("CREATE TABLE transactions (id TEXT)", id="a table that is not ours"),
        pytest.param(BEFORE_COSTS.replace("number", "id"), id="a table that counts otherwise"),
        pytest.param(
            BEFORE_COSTS.replace("started_at", "began_at"), id="a time that must be there is called otherwise"
        ),
    ],
)
def test_a_book_of_a_version_we_do_not_know_is_kept_aside(tmp_path: Path, script: str) -> None:
    file = database(tmp_path / "transactions.sqlite3", script)

    ledger = Ledger(file, NOW)
    entry = ledger.start(charger="left", connector=1, at=NOW, said=NOW, tag="A", meter_wh=1.0)
    ledger.close()

    assert "cannot be used" in str(ledger.problem)
    assert (tmp_path / "transactions.sqlite3.unreadable").exists()
    assert [one.number for one in Ledger(file, NOW).running("left")] == [entry.number]


def test_the_box_for_a_back_office_of_another_version_is_kept_aside(tmp_path: Path) -> None:
    file = database(tmp_path / "outbox.sqlite3", "CREATE TABLE outbox (x INTEGER)")

    Outbox(file).close()

    assert (tmp_path / "outbox.sqlite3.unreadable").exists()
