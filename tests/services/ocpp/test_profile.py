"""What a charger is told, as tables."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from busbar_ocpp import wire16, wire201
from busbar_ocpp.profile import (
    Form,
    Kind,
    Layout,
    Moment,
    Purpose,
    Scale,
    Standing,
    Unit,
    lease_profiles,
    limit_of,
    rounded_down,
    unit_profile,
)

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
IDLE = Moment(charger_time=SIX_PM)
DRIVING = Moment(charger_time=SIX_PM, transaction="42", elapsed_s=300.0)


def standing(grant: float, fallback: float = 6.0) -> Standing:
    return Standing(grant_a=grant, fallback_a=fallback, validity_s=120, hold_pause_s=14_400, most_a=16.0)


@pytest.mark.parametrize(
    ("grant", "fallback", "periods"),
    [
        pytest.param(13.0, 6.0, [(0, 13.0), (120, 6.0)], id="a grant falls to the fallback by itself"),
        pytest.param(6.0, 8.0, [(0, 6.0), (120, 6.0)], id="a grant below the fallback never rises by itself"),
        pytest.param(
            0.0, 6.0, [(0, 0.0), (14_400, 6.0)], id="a pause holds for hours and then feeds the car"
        ),
        pytest.param(5.9, 6.0, [(0, 0.0), (14_400, 6.0)], id="less than a car can use is a pause"),
        pytest.param(63.0, 6.0, [(0, 16.0), (120, 6.0)], id="never more than the connector's maximum"),
        pytest.param(10.0, 0.0, [(0, 10.0), (120, 0.0)], id="a fallback of nothing is a pause"),
        pytest.param(10.0, 4.0, [(0, 10.0), (120, 0.0)], id="a fallback no car can use is a pause"),
        pytest.param(float("nan"), 6.0, [(0, 0.0), (14_400, 6.0)], id="no number is a pause"),
        pytest.param(9.97, 6.0, [(0, 9.9), (120, 6.0)], id="one decimal, rounded down"),
    ],
)
def test_the_lease_is_inside_the_schedule(
    grant: float, fallback: float, periods: list[tuple[int, float]]
) -> None:
    [profile] = lease_profiles(standing(grant, fallback), Form(), Scale(), 1, IDLE)

    assert [(period.start_s, period.limit) for period in profile.periods] == periods
    assert profile.purpose is Purpose.DEFAULT
    assert (profile.valid_to, profile.duration_s) == (None, None)


def test_during_a_transaction_the_lease_is_a_tx_profile_and_the_next_car_waits() -> None:
    lease, default = lease_profiles(standing(13.0), Form(), Scale(), 1, DRIVING)

    assert (lease.purpose, lease.transaction) == (Purpose.TX, "42")
    assert [period.limit for period in lease.periods] == [13.0, 6.0]
    assert (default.purpose, default.transaction) == (Purpose.DEFAULT, None)
    assert [(period.start_s, period.limit) for period in default.periods] == [(0, 0.0), (14_400, 6.0)]


def test_a_charger_without_tx_profiles_gets_the_lease_as_its_default() -> None:
    [profile] = lease_profiles(standing(13.0), Form(during=Purpose.DEFAULT), Scale(), 1, DRIVING)

    assert profile.purpose is Purpose.DEFAULT
    assert [period.limit for period in profile.periods] == [13.0, 6.0]


def test_where_only_one_period_is_allowed_the_floor_lies_below_the_lease() -> None:
    form = Form(layout=Layout.STACKED)
    lease, floor, paused, floor_of_default = lease_profiles(standing(13.0), form, Scale(), 1, DRIVING)

    assert [len(one.periods) for one in (lease, floor, paused, floor_of_default)] == [1, 1, 1, 1]
    assert (lease.level, floor.level) == (2, 1)
    assert lease.duration_s == 120
    assert lease.valid_to == datetime(2026, 3, 1, 18, 1, 50, tzinfo=UTC)
    assert (floor.valid_to, floor.duration_s, floor.periods[0].limit) == (None, None, 6.0)
    assert (paused.purpose, paused.periods[0].limit, paused.duration_s) == (Purpose.DEFAULT, 0.0, 14_400)
    assert floor_of_default.periods[0].limit == 6.0
    assert len({one.id for one in (lease, floor, paused, floor_of_default)}) == 4


def test_a_relative_schedule_counts_from_the_start_of_the_transaction() -> None:
    lease, _ = lease_profiles(standing(13.0), Form(kind=Kind.RELATIVE), Scale(), 1, DRIVING)

    assert [(period.start_s, period.limit) for period in lease.periods] == [(0, 13.0), (420, 6.0)]
    assert lease.start is None


@pytest.mark.parametrize(
    ("amps", "unit", "scale", "limit"),
    [
        pytest.param(13.0, Unit.WATTS, Scale(legs=3, volts=230.0), 8970.0, id="three legs of 13 A"),
        pytest.param(13.0, Unit.WATTS, Scale(legs=1, volts=227.35), 2955.5, id="one leg, rounded down"),
        pytest.param(13.0, Unit.WATTS, Scale(legs=3, step_w=100.0), 8900.0, id="steps of 100 W"),
        pytest.param(13.9, Unit.AMPS, Scale(step_a=1.0), 13.0, id="whole amps only"),
        pytest.param(6.9, Unit.AMPS, Scale(step_a=1.0), 6.0, id="whole amps, least current"),
        pytest.param(6.3, Unit.AMPS, Scale(), 6.3, id="a decimal that binary fractions miss stays"),
        pytest.param(0.0, Unit.WATTS, Scale(), 0.0, id="a pause in watts"),
    ],
)
def test_amps_in_the_chargers_own_counting(amps: float, unit: Unit, scale: Scale, limit: float) -> None:
    assert limit_of(amps, unit, scale) == limit


@pytest.mark.parametrize(
    ("value", "step", "down"),
    [(16.0, 0.1, 16.0), (8.2, 0.1, 8.2), (15.999, 0.1, 15.9), (-3.0, 0.1, 0.0), (float("nan"), 0.1, 0.0)],
    ids=["exact", "almost exact", "just below", "negative", "no number"],
)
def test_rounding_never_goes_up(value: float, step: float, down: float) -> None:
    assert rounded_down(value, step) == down


def test_the_frame_of_a_lease_in_the_words_of_1_6() -> None:
    lease, _ = lease_profiles(standing(13.0), Form(), Scale(), 1, DRIVING)

    assert wire16.set_charging_profile(lease) == {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1015,
            "stackLevel": 2,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "transactionId": 42,
            "validFrom": "2026-03-01T17:59:50.000Z",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "startSchedule": "2026-03-01T17:59:50.000Z",
                "chargingSchedulePeriod": [
                    {"startPeriod": 0, "limit": 13.0},
                    {"startPeriod": 120, "limit": 6.0},
                ],
            },
        },
    }


def test_the_frame_of_a_lease_in_the_words_of_2_0_1() -> None:
    one_phase = replace(standing(13.0), phases=1)
    [lease] = lease_profiles(one_phase, Form(), Scale(), 1, IDLE)

    assert wire201.set_charging_profile(lease) == {
        "evseId": 1,
        "chargingProfile": {
            "id": 1013,
            "stackLevel": 2,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "validFrom": "2026-03-01T17:59:50.000Z",
            "chargingSchedule": [
                {
                    "id": 1013,
                    "chargingRateUnit": "A",
                    "startSchedule": "2026-03-01T17:59:50.000Z",
                    "chargingSchedulePeriod": [
                        {"startPeriod": 0, "limit": 13.0, "numberPhases": 1},
                        {"startPeriod": 120, "limit": 6.0, "numberPhases": 1},
                    ],
                }
            ],
        },
    }


def test_the_unit_keeps_its_own_maximum_for_good() -> None:
    profile = unit_profile(32.0, Form(), Scale(), IDLE)

    assert (profile.connector, profile.purpose) == (0, Purpose.MAX)
    assert [(period.start_s, period.limit) for period in profile.periods] == [(0, 32.0)]
    assert profile.valid_to is None
