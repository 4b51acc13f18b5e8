"""How old a reading may be, by the defaults and by what the owner wrote."""

import pytest

from busbar_allocator.staleness import health, without_meter
from busbar_contracts.allocation import MeterHealth


@pytest.mark.parametrize(
    ("age_s", "period_s", "lost_s", "stale_s", "expected"),
    [
        pytest.param(None, 1, 30, 10, MeterHealth.STARTING, id="a meter that never spoke"),
        pytest.param(10, 1, 30, 10, MeterHealth.FRESH, id="ten seconds are fresh by default"),
        pytest.param(10.1, 1, 30, 10, MeterHealth.STALE, id="beyond ten seconds it is stale"),
        pytest.param(12, 5, 30, 10, MeterHealth.FRESH, id="a slow meter has three of its periods"),
        pytest.param(30.1, 1, 30, 10, MeterHealth.LOST, id="beyond thirty seconds it is lost"),
        pytest.param(
            50, 10, 30, 10, MeterHealth.STALE, id="a slow meter has six of its periods before it is lost"
        ),
        pytest.param(6.1, 1, 6, 3, MeterHealth.LOST, id="the owner's shorter time counts"),
        pytest.param(6.1, 1, 6, 10, MeterHealth.LOST, id="lost comes before stale"),
        pytest.param(4, 1, 6, 3, MeterHealth.STALE, id="the owner's shorter patience counts"),
    ],
)
def test_the_age_of_a_reading(
    age_s: float | None, period_s: float, lost_s: float, stale_s: float, expected: MeterHealth
) -> None:
    assert health(age_s, period_s, lost_s, stale_s) is expected


@pytest.mark.parametrize(
    ("last_a", "fallback_a", "expected"),
    [
        pytest.param(16.0, 6.0, 6.0, id="a full car falls to its fallback"),
        pytest.param(0.0, 6.0, 0.0, id="a paused car stays paused: a failure starts nothing"),
        pytest.param(6.0, 10.0, 6.0, id="a failure raises nothing"),
    ],
)
def test_without_the_meter_a_load_falls(last_a: float, fallback_a: float, expected: float) -> None:
    assert without_meter(last_a, fallback_a) == expected
