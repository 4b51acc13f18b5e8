"""What is kept free for a charger that follows a schedule of its own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from busbar_allocator.foreign import reserved_a
from busbar_contracts.chargeamps import ChargeAmpsStatus

NOW = datetime(2026, 1, 10, 22, 0, tzinfo=UTC)


def status(**facts: Any) -> ChargeAmpsStatus:
    given: dict[str, Any] = {
        "state": "plugged_in", "schedule_source": "hems", "schedule_active": True,
        "next_period_start": None, "next_period_end": None, "current_power_kw": 0.0,
        "session_energy_kwh": None, "ready_for_schedule": True, "last_hems_command_at": None,
        "applied_max_current": 10.0, **facts,
    }  # fmt: skip
    return ChargeAmpsStatus(**given)


def window(start_s: float, end_s: float) -> dict[str, Any]:
    return {
        "next_period_start": NOW + timedelta(seconds=start_s),
        "next_period_end": NOW + timedelta(seconds=end_s),
    }


@pytest.mark.parametrize(
    ("said", "amps"),
    [
        pytest.param(None, 0.0, id="never heard of it"),
        pytest.param(status(**window(600, 1200)), 0.0, id="ten minutes before its window"),
        pytest.param(status(**window(59, 1200)), 10.0, id="a minute before its window the room is made"),
        pytest.param(status(**window(-60, 1)), 10.0, id="until the window ends"),
        pytest.param(status(**window(-600, 0)), 0.0, id="after the window"),
        pytest.param(status(state="charging", current_power_kw=6.9), 10.0, id="as long as it draws"),
        pytest.param(
            status(state="charging", current_power_kw=10.9), 15.8, id="a driver who took more by hand"
        ),
        pytest.param(
            status(state="charging", current_power_kw=99.0), 16.0, id="never more than the unit can take"
        ),
        pytest.param(
            status(applied_max_current=None, **window(0, 60)), 16.0, id="an unknown current is the largest"
        ),
    ],
)
def test_what_a_foreign_schedule_is_reserved(said: ChargeAmpsStatus | None, amps: float) -> None:
    assert reserved_a(said, 16.0, NOW) == pytest.approx(amps, abs=0.05)
