"""The official schemas judge what a central system asks, as a strict charge point does."""

from typing import Any

import pytest

from busbar_simulator.schemas import violation

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("action", "payload", "wrong"),
    [
        pytest.param("Reset", {"type": "Soft"}, False, id="a good call"),
        pytest.param("Reset", {"type": "Gentle"}, True, id="a word nobody knows"),
        pytest.param("Reset", {}, True, id="a field is missing"),
        pytest.param("Reset", {"type": "Soft", "why": "x"}, True, id="a field too many"),
        pytest.param(
            "Nonsense", {"type": "Soft"}, False, id="an unknown action is not the schema's business"
        ),
    ],
)
def test_calls_of_the_central_system_are_checked(action: str, payload: Json, wrong: bool) -> None:
    assert (violation("1.6", action, payload) is not None) == wrong


@pytest.mark.parametrize(
    ("limit", "wrong"),
    [
        pytest.param(10.1, False, id="one decimal, which no binary fraction has exactly"),
        pytest.param(10.15, True, id="two decimals"),
    ],
)
def test_a_limit_of_1_6_has_one_decimal(limit: float, wrong: bool) -> None:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    profile = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile"}
    profile |= {"chargingProfileKind": "Absolute", "chargingSchedule": schedule}

    found = violation("1.6", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})

    assert (found is not None) == wrong
