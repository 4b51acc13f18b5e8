"""Answers of the clouds: what is read from them, and that nothing they say can do harm."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from busbar_chargeamps import eapi, web
from busbar_chargeamps.cloud import Answer, CloudDenied, CloudRefused, CloudSilent, judged, number
from busbar_chargeamps.login import Login, Token, claims, life_of
from busbar_shared.clock import VirtualClock

NOON = datetime(2025, 12, 4, 11, tzinfo=UTC)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, headers, raw)


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, CloudDenied), (403, CloudDenied), (408, CloudSilent), (429, CloudSilent), (500, CloudSilent),
     (502, CloudSilent), (302, CloudSilent), (400, CloudRefused), (404, CloudRefused), (409, CloudRefused)],
)  # fmt: skip
def test_each_status_says_what_to_do(status: int, error: type[Exception]) -> None:
    with pytest.raises(error) as found:
        judged(answer(status, b"<html>"), "x")
    assert type(found.value) is error


def test_a_refusal_brings_its_code_and_patience_its_seconds() -> None:
    with pytest.raises(CloudRefused) as refused:
        judged(answer(400, {"error": "From", "messageCode": "SCHEDULE_INVALID_DATA"}), "x")
    assert refused.value.code == "SCHEDULE_INVALID_DATA"
    with pytest.raises(CloudSilent) as silent:
        judged(Answer(429, {"retry-after": "120"}, b""), "x")
    assert silent.value.retry_after_s == 120


THURSDAY = "Thu, 04 Dec 2025 11:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [
        pytest.param(429, {"retry-after": "120"}, 120, id="seconds"),
        pytest.param(503, {"retry-after": " 7 "}, 7, id="seconds, with a gateway's error"),
        pytest.param(429, {"retry-after": "999999999"}, 86_400, id="for ever is a day"),
        pytest.param(
            429,
            {"retry-after": "Thu, 04 Dec 2025 11:05:00 GMT", "date": THURSDAY},
            300,
            id="a date, by the clock of the cloud",
        ),
        pytest.param(
            503,
            {"retry-after": "Thu, 04 Dec 2025 10:00:00 GMT", "date": THURSDAY},
            0,
            id="a date that is over",
        ),
        pytest.param(503, {"retry-after": "Thu, 04 Dec 2025 11:05:00 GMT"}, None, id="a date, and no clock"),
        pytest.param(503, {"retry-after": "soon", "date": THURSDAY}, None, id="a word"),
        pytest.param(503, {"retry-after": "-5"}, None, id="before now"),
        pytest.param(429, {}, 30, id="too many questions, and no word of when"),
        pytest.param(502, {}, None, id="an error without it"),
    ],
)
def test_how_long_the_cloud_wants_to_be_left_alone(
    status: int, headers: dict[str, str], wait_s: float | None
) -> None:
    with pytest.raises(CloudSilent) as silent:
        judged(Answer(status, headers, b""), "x")
    assert silent.value.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("16.0", 16.0),
        (16, 16.0),
        ("", None),
        (None, None),
        (True, None),
        ("nan", None),
        ("1e999", None),
        ([], None),
    ],
)
def test_numbers_may_be_texts_and_nonsense_is_unknown(value: Any, found: float | None) -> None:
    assert number(value) == found


def test_a_connector_of_the_web_interface() -> None:
    charge_point = {"chargePointStatus": "Online"}
    connector = {
        "connectorId": "1", "mode": "Schedule", "isCharging": True, "ocppStatus": "Charging",
        "totalConsumptionKwh": "3.5", "userCurrent": "16", "current1": "10", "voltage1": "230",
        "current2": None, "voltage2": "230",
    }  # fmt: skip
    held = {"connectorId": 1, "scheduleId": 7, "startOfSchedule": "2025-11-30T23:00:00.000Z", "isSynced": True,
            "schedulePeriods": [{"from": "0", "to": 3600, "maxCurrent": "16.0"}]}  # fmt: skip
    found = web.sight_of(charge_point, connector, [held])
    assert found is not None
    label, sight = found
    assert (label, sight.mode, sight.power_kw, sight.energy_kwh, sight.user_current) == (
        1,
        "Schedule",
        2.3,
        3.5,
        16,
    )
    assert sight.held is not None
    assert [(one.start_s, one.end_s, one.amps) for one in sight.held.stretches] == [(0, 3600, 16.0)]


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        pytest.param("2025-11-30T23:00:00Z", True, id="as it was written"),
        pytest.param("2025-12-01T00:00:00+01:00", True, id="by the owner's clock"),
        pytest.param("2025-11-30T23:00:00", True, id="without its Z"),
        pytest.param("2025-12-01", False, id="a day"),
        pytest.param(None, False, id="nothing"),
        pytest.param(1764543600, False, id="a number"),
    ],
)
def test_a_weekly_schedule_that_comes_back_begins_when_it_was_written_to(text: Any, begins: bool) -> None:
    start = web.held_of({"startOfSchedule": text, "schedulePeriods": []}).start_of_schedule
    assert start == (datetime(2025, 11, 30, 23, tzinfo=UTC) if begins else None)


def test_an_early_form_of_online_is_understood_and_no_measurement_is_no_zero() -> None:
    found = web.sight_of({"chargePointStatus": 1}, {"connectorId": 1}, None)
    assert found is not None
    assert (found[1].online, found[1].power_kw, found[1].energy_kwh) == (True, None, None)


def test_a_connector_of_the_other_interface() -> None:
    # documented: OpenAPI text of version 5, status with measurements only while charging.
    status = {
        "id": "CP", "status": "Online",
        "connectorStatuses": [{"connectorId": 1, "status": "Charging", "totalConsumptionKwh": 1.2,
            "measurements": [{"phase": "L1", "current": 10.0, "voltage": 230.0}]}],
    }  # fmt: skip
    sight = eapi.sight_of(status, {"maxCurrent": 16, "mode": "On"}, "1.6", 1)
    assert (sight.is_charging, sight.power_kw, sight.user_current, sight.mode) == (True, 2.3, 16, "On")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=12)
    | st.sampled_from(["CP", "Online", "2025-11-30T23:00:00Z", "Charging"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["id", "connectors", "connectorId", "mode", "schedulePeriods", "from", "to", "maxCurrent",
            "startOfSchedule", "status", "connectorStatuses", "measurements", "token", "ocppStatus"]),
        inner, max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(json_values, min_size=1, max_size=4), st.booleans())
async def test_no_answer_whatever_does_more_than_be_silence(bodies: list[Any], weekly: bool) -> None:
    clock = VirtualClock(NOON)
    calls = 0

    async def call(method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        nonlocal calls
        calls += 1
        if "login" in url:
            return answer(200, {"token": "a.b.c"})
        return answer(200, bodies[calls % len(bodies)])

    cloud: Any
    if weekly:
        cloud = web.WebCloud(call, clock, email="e", password="p", zone=AMSTERDAM)
    else:
        cloud = eapi.ExternalCloud(call, clock, email="e", password="p", api_key="k")
    try:
        seen = await cloud.look({"CP": [1]})
    except (CloudSilent, CloudRefused):
        return
    assert set(seen) <= {("CP", 1)} | {key for key in seen if key[0] == "CP"}


def test_a_token_tells_its_life_by_the_clock_of_its_issuer() -> None:
    # documented: RFC 7519; the payload says iat 1000 and exp 4600.
    token = "e30.eyJpYXQiOjEwMDAsImV4cCI6NDYwMCwidW5pcXVlX25hbWUiOiJ1In0.x"
    assert claims(token)["unique_name"] == "u"
    assert life_of(token, NOON) == 3600
    assert web.token_of(token, NOON).user_id == "u"
    assert life_of("nonsense", NOON) is None


def test_no_secret_is_in_the_text_of_a_token() -> None:
    assert "top-secret" not in repr(Token("top-secret", refresh="top-secret"))


async def test_a_token_that_lives_a_minute_is_not_renewed_all_the_time() -> None:
    clock = VirtualClock(NOON)
    logins = 0

    async def log_in(old: Token | None) -> Token:
        nonlocal logins
        logins += 1
        return Token("t", 60.0)

    login = Login(clock, log_in)
    for _ in range(60):
        await login.token()
        await clock.advance(1)
    assert logins == 2
