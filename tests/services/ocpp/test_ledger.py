"""The book of transactions: nothing twice, nothing lost, numbers never again."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from busbar_ocpp.entry import Price
from busbar_ocpp.history import as_csv, row
from busbar_ocpp.ledger import Ledger

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


def begin(ledger: Ledger, **given: Any) -> Any:
    told: dict[str, Any] = {
        "charger": "left", "connector": 1, "at": SIX_PM, "said": SIX_PM, "tag": "TAG1", "meter_wh": 1000.0,
    }  # fmt: skip
    return ledger.start(**{**told, **given})


@pytest.mark.parametrize(
    ("again", "same"),
    [
        pytest.param({}, True, id="told twice"),
        pytest.param({"at": SIX_PM + timedelta(minutes=5)}, True, id="told again after an outage"),
        pytest.param({"said": SIX_PM + timedelta(seconds=1)}, False, id="another moment"),
        pytest.param({"tag": "TAG2"}, False, id="another tag"),
        pytest.param({"meter_wh": 1001.0}, False, id="another register"),
        pytest.param({"connector": 2}, False, id="another connector"),
        pytest.param({"charger": "right"}, False, id="another charger"),
        pytest.param({"said": None}, False, id="without a time nothing can be recognised"),
    ],
)
def test_a_start_that_is_resent_gets_the_same_number(
    tmp_path: Path, again: dict[str, Any], same: bool
) -> None:
    first = Ledger(tmp_path / "t.sqlite3", SIX_PM)
    number = begin(first).number
    first.close()
    second = Ledger(tmp_path / "t.sqlite3", SIX_PM)

    assert (begin(second, **again).number == number) is same


def test_numbers_are_not_given_twice_even_when_the_file_is_lost(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "a.sqlite3", SIX_PM)
    numbers = {begin(first, tag=str(one)).number for one in range(50)}
    later = Ledger(tmp_path / "b.sqlite3", SIX_PM + timedelta(hours=1))

    assert begin(later).number not in numbers
    assert max(numbers) < 2**31


def test_what_was_answered_is_there_after_a_kill(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "t.sqlite3", SIX_PM)
    entry = begin(ledger)
    ledger.progress(entry.number, at=SIX_PM + timedelta(minutes=1), meter_wh=1500.0, power_w=7000.0)

    after = Ledger(tmp_path / "t.sqlite3", SIX_PM)  # the first was never closed

    [running] = after.running("left")
    assert (running.number, running.last_wh, running.peak_w) == (entry.number, 1500.0, 7000.0)


def test_a_second_end_changes_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "t.sqlite3", SIX_PM)
    number = begin(ledger).number
    ledger.stop(number, at=SIX_PM + timedelta(hours=1), meter_wh=8000.0, reason="EVDisconnected")

    ended = ledger.stop(number, at=SIX_PM + timedelta(hours=2), meter_wh=9000.0, reason="Local")

    assert ended is not None
    assert (ended.stop_wh, ended.reason) == (8000.0, "EVDisconnected")
    assert (ended.energy_wh, ended.mean_w) == (7000.0, 7000.0)
    assert ledger.running("left") == []


def test_a_broken_file_is_kept_aside_and_charging_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite3"
    path.write_bytes(b"this is no database" * 100)

    ledger = Ledger(path, SIX_PM)

    assert begin(ledger).number > 0
    assert ledger.problem is not None
    assert (tmp_path / "t.sqlite3.unreadable").exists()


def test_a_disk_that_fails_costs_the_booking_and_not_the_charging(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "t.sqlite3", SIX_PM)
    booked = begin(ledger).number
    other = sqlite3.connect(tmp_path / "t.sqlite3")
    other.execute("DROP TABLE transactions")
    other.commit()
    other.close()
    try:
        unbooked = begin(ledger, tag="TAG2", wire_id="")
    except sqlite3.Error:
        pytest.fail("a failing disk must not stop a car")

    assert unbooked.number != booked
    assert ledger.problem is not None


def test_history_newest_first_and_as_a_spreadsheet(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "t.sqlite3", SIX_PM)
    first = begin(ledger, tag="=cmd()")
    ledger.stop(first.number, at=SIX_PM + timedelta(minutes=30), meter_wh=4500.0, reason="Local")
    begin(ledger, at=SIX_PM + timedelta(days=1), said=SIX_PM + timedelta(days=1))

    newest, oldest = ledger.history()

    assert newest.started_at > oldest.started_at
    assert row(oldest)["energy_kwh"] == 3.5
    lines = as_csv([oldest]).splitlines()
    assert lines[0].startswith("number,charger,connector,started_at,ended_at,energy_kwh")
    assert "2026-03-01T18:00:00+00:00,2026-03-01T18:30:00+00:00,3.5,7000,,'=cmd(),Local" in lines[1]
    assert len(ledger.history(charger="right")) == 0
    assert len(ledger.history(since=SIX_PM + timedelta(hours=1))) == 1


@pytest.mark.parametrize(
    ("steps", "cost"),
    [
        pytest.param([(2000.0, 0.3), (3000.0, 0.1)], 0.4, id="each kilowatt-hour at the price of its minute"),
        pytest.param([(2000.0, -0.1)], -0.1, id="a negative price pays"),
        pytest.param(
            [(2000.0, 0.3), (3000.0, None)], None, id="energy without a price makes the cost unknown"
        ),
        pytest.param([(None, None)], None, id="no prices, no cost"),
    ],
)
def test_what_a_session_costs(
    tmp_path: Path, steps: list[tuple[float | None, float | None]], cost: float | None
) -> None:
    ledger = Ledger(tmp_path / "t.sqlite3", SIX_PM)
    number = begin(ledger).number
    for meter_wh, per_kwh in steps:
        price = None if per_kwh is None else Price(per_kwh, "EUR")
        ledger.progress(number, at=SIX_PM, meter_wh=meter_wh, power_w=None, price=price)

    ended = ledger.stop(number, at=SIX_PM, meter_wh=None, reason="Local")

    assert ended is not None
    assert ended.cost == (None if cost is None else pytest.approx(cost))


def test_a_sample_that_comes_late_is_not_paid_twice(tmp_path: Path) -> None:
    ledger, price = Ledger(tmp_path / "t.sqlite3", SIX_PM), Price(0.3, "EUR")
    number = begin(ledger).number
    for minute, meter_wh in ((10, 5000.0), (5, 3000.0), (12, 6000.0)):
        at = SIX_PM + timedelta(minutes=minute)
        ledger.progress(number, at=at, meter_wh=meter_wh, power_w=None, price=price)

    ended = ledger.stop(number, at=SIX_PM + timedelta(minutes=15), meter_wh=None, reason="Local")

    assert ended is not None
    assert (ended.energy_wh, ended.cost) == (5000.0, pytest.approx(1.5))


def test_the_end_that_we_made_up_gives_way_to_the_true_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "t.sqlite3", SIX_PM)
    number = begin(ledger).number
    ledger.stop(number, at=SIX_PM + timedelta(hours=3), meter_wh=None, reason="Lost")

    ended = ledger.stop(number, at=SIX_PM + timedelta(hours=2), meter_wh=8000.0, reason="EVDisconnected")

    assert ended is not None
    assert (ended.seconds, ended.energy_wh, ended.reason) == (7200.0, 7000.0, "EVDisconnected")
