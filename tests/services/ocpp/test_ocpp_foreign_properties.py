"""What a back office's profiles allow, held against a charger's own reckoning that knows nothing of ours."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp_charger_model import ModelCharger

from busbar_ocpp.foreign_profiles import UNLIMITED_A, ForeignProfiles

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
STARTED = SIX_PM - timedelta(minutes=25)
PURPOSES = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")

minutes = st.integers(-180, 90)
periods = st.lists(
    st.tuples(st.integers(1, 90), st.sampled_from([0.0, 6.0, 10.5, 16.0, 32.0])), min_size=1, max_size=3
)


def written(offset: int) -> str:
    return (SIX_PM + timedelta(minutes=offset)).isoformat().replace("+00:00", "Z")


@st.composite
def profiles(draw: st.DrawFn) -> tuple[int, dict[str, Any]]:
    """A profile of 1.6 that a charger would take, and where it lies."""
    purpose = draw(st.sampled_from(PURPOSES))
    place = {"ChargePointMaxProfile": 0, "TxProfile": 1}.get(purpose, draw(st.sampled_from([0, 1, 2])))
    starts = [0, *sorted({start * 60 for start, _ in draw(periods)})]
    limits = draw(
        st.lists(st.sampled_from([0.0, 6.0, 10.5, 16.0, 32.0]), min_size=len(starts), max_size=len(starts))
    )
    unit = draw(st.sampled_from(["A", "W"]))
    schedule: dict[str, Any] = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            {"startPeriod": start, "limit": limit * 690 if unit == "W" else limit}
            for start, limit in zip(starts, limits, strict=True)
        ],
    }
    kind = (
        "Absolute" if purpose == "ChargePointMaxProfile" else draw(st.sampled_from(["Absolute", "Relative"]))
    )
    if kind == "Absolute":
        schedule["startSchedule"] = written(draw(minutes))
    if draw(st.booleans()):
        schedule["duration"] = draw(st.integers(1, 200)) * 60
    wire = {
        "chargingProfileId": draw(st.integers(1, 6)), "stackLevel": draw(st.integers(0, 3)),
        "chargingProfilePurpose": purpose, "chargingProfileKind": kind, "chargingSchedule": schedule,
    }  # fmt: skip
    for key in ("validFrom", "validTo"):
        if draw(st.booleans()):
            wire[key] = written(draw(minutes))
    return place, wire


@settings(max_examples=200, deadline=None)
@given(st.lists(profiles(), max_size=8), st.booleans(), st.lists(minutes, min_size=1, max_size=5))
def test_the_cap_is_what_a_charger_would_compute(
    installed: list[tuple[int, dict[str, Any]]], running: bool, moments: list[int]
) -> None:
    store, charger = ForeignProfiles(230.0, 3), ModelCharger()
    if running:
        charger.transactions[1] = ("7", STARTED)
    for place, wire in installed:
        if charger.install(place, wire, SIX_PM) == "Accepted":
            assert store.install(place, wire) == "Accepted"

    for offset in moments:
        at = SIX_PM + timedelta(minutes=offset)
        if running and at < STARTED:
            continue
        cap = store.cap_a(1, at, "7" if running else None, STARTED if running else None)
        assert abs(cap - min(charger.limit_a(1, at), UNLIMITED_A)) < 1e-6
