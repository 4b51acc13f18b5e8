"""What a HEMS may send, beyond the worked cases: every rule, their order, and whatever bytes may come."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_chargeamps.command import Rules, read_set
from busbar_chargeamps.payload import Ignored, Refused
from busbar_chargeamps.schedule import Period, Schedule, cut

NOW = datetime(2025, 12, 4, 19, tzinfo=UTC)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
TEN, ELEVEN, TWELVE = "2025-12-04T22:00:00+01:00", "2025-12-04T23:00:00+01:00", "2025-12-05T00:00:00+01:00"


def period(start: Any = TEN, end: Any = ELEVEN, **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end} | more


def judge(payload: Any, rules: Rules | None = None, **more: Any) -> Schedule:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return read_set(raw, now=NOW, rules=rules or Rules(), **more)


def with_amps(digits: str) -> bytes:
    return f'{{"max_current": {digits}, "periods": [{{"start": "{TEN}", "end": "{ELEVEN}"}}]}}'.encode()


def refusal(payload: Any, rules: Rules | None = None, **more: Any) -> tuple[str, str | None]:
    with pytest.raises(Refused) as found:
        judge(payload, rules, **more)
    return found.value.code, found.value.path


def taken(payload: Any, rules: Rules | None = None) -> list[tuple[str, str, float]]:
    made = judge(payload, rules)
    return [
        (p.start.strftime("%d %H:%M"), p.end.strftime("%d %H:%M"), p.amps)
        for p in cut(made.periods, made.expires_at)
    ]


@pytest.mark.parametrize(
    ("payload", "code", "path"),
    [
        pytest.param(b" \n ", "payload_not_json", None, id="only blanks"),
        pytest.param(b"\xc3\x28", "payload_not_utf8", None, id="no UTF-8"),
        pytest.param(b"[" * 50_000, "payload_not_json", None, id="a nesting bomb"),
        pytest.param(b'{"a": Infinity, "periods": []}', "payload_not_json", None, id="infinity"),
        pytest.param(
            b'{"periods": [], "x": {"y": 1, "y": 2}}', "payload_duplicate_key", "y", id="a key twice, deep"
        ),
        pytest.param(7, "payload_not_object", None, id="a number"),
        pytest.param(
            {"source": "", "periods": 3}, "source_invalid", "source", id="an empty source comes first"
        ),
        pytest.param(
            {"source": "x" * 65, "periods": [period()]}, "source_invalid", "source", id="a long source"
        ),
        pytest.param(
            {"source_id": 7, "periods": [period()]}, "source_invalid", "source_id", id="the alias too"
        ),
        pytest.param({"periods": None}, "periods_missing", "periods", id="periods null"),
        pytest.param({"periods": {}}, "periods_type", "periods", id="periods no list"),
        pytest.param({"periods": [period()] * 193}, "periods_too_many", "periods", id="193 periods"),
        pytest.param({"periods": [period(), 7]}, "period_type", "periods[1]", id="a period that is a number"),
        pytest.param({"periods": [{"start": TEN}]}, "period_field_missing", "periods[0].end", id="no end"),
        pytest.param(
            {"periods": [period(None)]}, "period_field_missing", "periods[0].start", id="a null start"
        ),
        pytest.param(
            {"periods": [period("x"), period(end=7)]},
            "timestamp_type",
            "periods[1].end",
            id="a type is judged in all periods before a form in any",
        ),
        pytest.param(
            {"periods": [period(True)]}, "timestamp_type", "periods[0].start", id="a yes is no time"
        ),
        pytest.param(
            {"periods": [period("2025-12-04T22:00")], "expires_at": 5},
            "timestamp_type",
            "expires_at",
            id="an expiry of the wrong type comes before a missing offset",
        ),
        pytest.param(
            {"periods": [period()], "expires_at": "soon"}, "timestamp_invalid", "expires_at", id="no expiry"
        ),
        pytest.param(
            {"periods": [period(end="2025-12-04T24:00:00+01:00")]},
            "timestamp_invalid",
            "periods[0].end",
            id="24:00",
        ),
        pytest.param(
            {"periods": [period("2025-02-30T10:00:00Z")]},
            "timestamp_invalid",
            "periods[0].start",
            id="30 February",
        ),
        pytest.param(
            {"periods": [period("2025-12-04T22:00:00+25:00")]},
            "timestamp_invalid",
            "periods[0].start",
            id="an offset of 25 h",
        ),
        pytest.param(
            {"periods": [period("0001-01-01T00:00:00+14:00")]},
            "timestamp_invalid",
            "periods[0].start",
            id="before the first year",
        ),
        pytest.param(
            {"periods": [period("2025-12-04T22:00:60+01:00")]},
            "timestamp_invalid",
            "periods[0].start",
            id="second 60",
        ),
        pytest.param(
            {"periods": [period("２０25-12-04T22:00:00+01:00")]},
            "timestamp_invalid",
            "periods[0].start",
            id="other digits",
        ),
        pytest.param(
            {"periods": [period(TEN + "\n")]}, "timestamp_invalid", "periods[0].start", id="a line end"
        ),
        pytest.param(
            {"periods": [period(TEN, TEN)]}, "period_end_not_after_start", "periods[0].end", id="no length"
        ),
        pytest.param(
            {"periods": [period("2025-12-04T22:00:00.1Z", "2025-12-04T22:00:00.9Z")]},
            "period_end_not_after_start",
            "periods[0].end",
            id="less than a second",
        ),
        pytest.param(
            {"periods": [period(max_current="10")]},
            "max_current_type",
            "periods[0].max_current",
            id="amps as text",
        ),
        pytest.param(with_amps("1e999"), "max_current_type", "max_current", id="more than a float holds"),
        pytest.param(
            with_amps("1" + "0" * 250), "max_current_range", "max_current", id="a number of 250 digits"
        ),
        pytest.param(
            {"periods": [period()], "max_current": 32.5},
            "max_current_range",
            "max_current",
            id="more than 32 A",
        ),
        pytest.param(
            {"periods": [period()], "max_current": -6},
            "max_current_range",
            "max_current",
            id="less than nothing",
        ),
        pytest.param(
            {"periods": [period(max_current=0)]},
            "max_current_range",
            "periods[0].max_current",
            id="0 A in a period",
        ),
        pytest.param(
            {"periods": [period()], "expires_at": "2025-12-04T19:00:00Z"},
            "expired",
            "expires_at",
            id="expires now",
        ),
        pytest.param(
            {"periods": [period(), period("2025-12-04T22:30:00+01:00", TWELVE, max_current=10)]},
            "period_overlap_conflict",
            "periods[1]",
            id="two currents at one time",
        ),
        pytest.param(
            {"periods": [period(TEN, TWELVE), period(TEN, ELEVEN), period(ELEVEN, TWELVE, max_current=8)]},
            "period_overlap_conflict",
            "periods[2]",
            id="a conflict behind a shorter period",
        ),
        pytest.param(
            {"periods": [period(ELEVEN, TWELVE)], "expires_at": TEN},
            "no_effective_periods",
            "periods",
            id="all after the expiry",
        ),
        pytest.param(
            {"periods": [period(), period(TEN, "2025-12-12T20:00:01+01:00")]},
            "horizon_exceeded",
            "periods[1].end",
            id="a second too far",
        ),
    ],
)
def test_refused_with_a_code_and_the_field(payload: Any, code: str, path: str | None) -> None:
    assert refusal(payload) == (code, path)


@pytest.mark.parametrize(
    ("payload", "periods"),
    [
        pytest.param(
            {"periods": [period(), period("2025-12-04T22:30:00+01:00", TWELVE)]},
            [("04 21:00", "04 23:00", 16)],
            id="overlapping with one current is one",
        ),
        pytest.param(
            {"periods": [period("2025-12-04T19:00:00+01:00")]},
            [("04 18:00", "04 22:00", 16)],
            id="one that runs keeps its start",
        ),
        pytest.param(
            {"periods": [period()], "max_current": 6}, [("04 21:00", "04 22:00", 6)], id="6 A is enough"
        ),
        pytest.param(
            {"periods": [period()], "max_current": 32},
            [("04 21:00", "04 22:00", 16)],
            id="32 A is limited to the site's 16",
        ),
        pytest.param(
            {"periods": [period(max_current=20), period(ELEVEN, TWELVE, max_current=32)]},
            [("04 21:00", "04 23:00", 16)],
            id="two currents above the site's are one",
        ),
        pytest.param(
            {"periods": [period(TEN, TWELVE)], "expires_at": ELEVEN},
            [("04 21:00", "04 22:00", 16)],
            id="cut at the expiry",
        ),
        pytest.param(
            {"periods": [period(TEN, ELEVEN), period(ELEVEN, TWELVE)], "expires_at": ELEVEN},
            [("04 21:00", "04 22:00", 16)],
            id="what begins at the expiry is gone",
        ),
        pytest.param(
            {"periods": [period("20251204T220000+0100", "2025-12-04 23:00+01")]},
            [("04 21:00", "04 22:00", 16)],
            id="other spellings of ISO 8601",
        ),
        pytest.param(
            {"periods": [period(TEN, "2025-12-12T20:00:00+01:00")]},
            [("04 21:00", "12 19:00", 16)],
            id="eight days ahead exactly",
        ),
        pytest.param(
            {"periods": [period()], "issued_at": 7, "command_id": [], "x": {"y": None}},
            [("04 21:00", "04 22:00", 16)],
            id="what is not understood beside is ignored",
        ),
    ],
)
def test_taken(payload: Any, periods: list[tuple[str, str, float]]) -> None:
    assert taken(payload) == periods


def test_the_source_wins_over_its_alias() -> None:
    assert judge({"source": "a", "source_id": 7, "periods": [period()]}).source == "a"
    assert judge({"source": None, "source_id": "b", "periods": [period()]}).source == "b"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("2026-03-29T02:30:00", "timestamp_naive", id="never in spring"),
        pytest.param("2026-10-25T02:30:00", "timestamp_naive", id="twice in autumn"),
    ],
)
def test_local_times_that_the_clock_has_twice_or_never_are_refused_even_if_local_times_are_taken(
    text: str, code: str
) -> None:
    rules = Rules(naive_timestamps="local", zone=AMSTERDAM, max_horizon_hours=24 * 400)
    assert refusal({"periods": [period(text, "2026-12-01T00:00:00")]}, rules) == (code, "periods[0].start")
    assert taken({"periods": [period("2025-12-04T22:00:00", ELEVEN)]}, rules) == [
        ("04 21:00", "04 22:00", 16)
    ]


HELD = Schedule(periods=(Period(NOW, NOW + timedelta(hours=1), 16),), received_at=NOW)
OVER = Schedule(periods=(Period(NOW - timedelta(hours=2), NOW, 16),), received_at=NOW)


def test_a_replayed_schedule_counts_only_where_none_is_in_force() -> None:
    assert judge({"periods": [period()]}, retained=True, held=OVER)
    with pytest.raises(Ignored, match="replay") as found:
        judge({"periods": [period()]}, retained=True, held=HELD)
    assert found.value.code == "retained_set_superseded"
    with pytest.raises(Ignored):
        judge(b"{", retained=True, held=HELD)


def test_times_of_issue_order_schedules() -> None:
    early, late = "2025-12-04T18:00:00Z", "2025-12-04T18:30:00Z"
    held_at = datetime(2025, 12, 4, 18, 15, tzinfo=UTC)
    message = {"periods": [period()], "issued_at": early}
    assert refusal(message, last_issued_at=held_at) == ("stale_command", "issued_at")
    newer = message | {"issued_at": late}
    assert judge(newer, retained=True, held=HELD, last_issued_at=held_at).issued_at is not None


def test_the_same_windows_in_another_spelling_have_the_same_hash() -> None:
    one = judge({"periods": [period(), period(ELEVEN, TWELVE)]})
    other = judge(
        {
            "periods": [
                period("2025-12-04T22:00:00Z", TWELVE),
                period("2025-12-04T21:00:00Z", "2025-12-04T22:00:00Z"),
            ]
        }
    )
    assert one.digest == other.digest
    assert one.digest != judge({"periods": [period()]}).digest


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=30)
    | st.sampled_from([TEN, ELEVEN]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["periods", "start", "end", "max_current", "expires_at", "source", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.binary(max_size=400) | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_whatever_do_more_than_be_refused(payload: bytes) -> None:
    with contextlib.suppress(Refused, Ignored):
        assert judge(payload).periods


moments = st.integers(-3600, 9 * 86_400).map(lambda s: (NOW + timedelta(seconds=s)).isoformat())
currents = st.none() | st.floats(-5, 40)


@given(st.lists(st.tuples(moments, moments, currents), min_size=1, max_size=6), currents, st.none() | moments)
def test_what_is_taken_is_ordered_apart_in_time_and_within_the_limits(
    pairs: list[tuple[str, str, float | None]], usual: float | None, expires_at: str | None
) -> None:
    periods = [period(start, end, max_current=amps) for start, end, amps in pairs]
    try:
        made = judge({"periods": periods, "max_current": usual, "expires_at": expires_at})
    except Refused:
        return
    for earlier, later in zip(made.periods, made.periods[1:], strict=False):
        assert earlier.end <= later.start
        assert earlier.end < later.start or earlier.amps != later.amps
    for one in made.periods:
        assert one.start < one.end
        assert one.end > NOW
        assert 6 <= one.amps <= 16
    assert made.ends_at > NOW
