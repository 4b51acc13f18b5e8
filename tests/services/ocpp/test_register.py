"""A register that counts in another unit than it says, found by the power that flowed."""

from datetime import UTC, datetime, timedelta

import pytest

from busbar_ocpp.register import Register, after

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("per_wh", "power_w", "minutes", "factor"),
    [
        pytest.param(1.0, 7000.0, 5, 1.0, id="Wh as it says"),
        pytest.param(0.001, 7000.0, 5, 1000.0, id="kWh under the name of Wh"),
        pytest.param(1000.0, 7000.0, 5, 0.001, id="Wh under the name of kWh"),
        pytest.param(0.001, 7000.0, 1, 1.0, id="too little has flowed to tell"),
        pytest.param(0.001, 0.0, 60, 1.0, id="no car"),
        pytest.param(0.0, 7000.0, 10, 1.0, id="a register that stands still tells nothing"),
        pytest.param(0.9, 7000.0, 10, 1.0, id="a meter that is off by a tenth"),
    ],
)
def test_the_unit_of_a_register(per_wh: float, power_w: float, minutes: int, factor: float) -> None:
    known = Register()
    for second in range(0, minutes * 60 + 1, 10):
        flowed = power_w * second / 3600
        known = after(known, 5000.0 + flowed * per_wh, power_w, SIX_PM + timedelta(seconds=second))

    assert known.factor == factor


def test_a_gap_in_the_samples_begins_the_comparison_again() -> None:
    known = after(Register(), 0.0, 7000.0, SIX_PM)
    known = after(known, 0.35, 7000.0, SIX_PM + timedelta(hours=1))

    assert (known.factor, known.flowed_wh) == (1.0, 0.0)
