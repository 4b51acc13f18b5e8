"""The verdict on a message against a second reading of the contract's 26 rules, sharing no code.

One rule after the other over the whole message; overlaps are found minute by minute.
"""

import base64
import json
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from busbar_chargeamps.asked import answer, what_would_you_say

NOW = datetime(2026, 3, 28, 20, tzinfo=UTC)
SITE_A = 16


class No(Exception):
    """The message is refused."""


def second_reading(raw: bytes, *, retained: bool, kept_until: datetime | None) -> dict[str, Any]:
    if not raw:
        return {"decision": "ignore", "code": "payload_empty"}
    if retained and kept_until is not None and kept_until > NOW:
        return {"decision": "ignore", "code": "retained_set_superseded"}
    try:
        return accepted(raw)
    except No as no:
        return {"decision": "reject", "code": no.args[0]} | ({"path": no.args[1]} if no.args[1:] else {})


def accepted(raw: bytes) -> dict[str, Any]:
    message = one_object(raw)
    source = message["source"] if message.get("source") is not None else message.get("source_id")
    source = "hems" if source is None else source
    if not isinstance(source, str) or not 1 <= len(source) <= 64:
        raise No("source_invalid")
    periods = message.get("periods")
    if periods is None:
        raise No("periods_missing", "periods")
    if not isinstance(periods, list):
        raise No("periods_type")
    if not 1 <= len(periods) <= 192:
        raise No("periods_too_many" if periods else "periods_empty")
    for index, one in enumerate(periods):
        if not isinstance(one, dict):
            raise No("period_type", f"periods[{index}]")
        if one.get("start") is None or one.get("end") is None:
            raise No("period_field_missing")
    times = instants(message, periods)
    spans = [(times[f"periods[{i}].start"], times[f"periods[{i}].end"]) for i in range(len(periods))]
    for index, (start, end) in enumerate(spans):
        if end <= start:
            raise No("period_end_not_after_start", f"periods[{index}].end")
    amps = currents(message, periods)
    expires = times.get("expires_at")
    if expires is not None and expires <= NOW:
        raise No("expired", "expires_at")
    stretches = joined(list(zip(spans, amps, strict=True)))
    left = [one for one in stretches if one[1] > NOW and (expires is None or one[0] < expires)]
    if not left:
        raise No("no_effective_periods")
    if max(end for _, end in spans) > NOW + timedelta(days=8):
        raise No("horizon_exceeded")
    return {
        "decision": "accept",
        "source": source,
        "expires_at": expires,
        "periods": [(start, min(end, expires or end), most) for start, end, most in left],
        "applied_max_current": max(most for _, _, most in left),
    }


def one_object(raw: bytes) -> dict[str, Any]:
    if len(raw) > 65_536:
        raise No("payload_too_large")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise No("payload_not_utf8") from None
    twice = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        twice |= len(dict(pairs)) < len(pairs)
        return dict(pairs)

    def never(name: str) -> None:
        raise ValueError(name)

    try:
        message = json.loads(text, object_pairs_hook=members, parse_constant=never)
    except (ValueError, RecursionError):
        raise No("payload_not_json") from None
    if twice:
        raise No("payload_duplicate_key")
    if not isinstance(message, dict):
        raise No("payload_not_object")
    return message


def instants(message: dict[str, Any], periods: list[dict[str, Any]]) -> dict[str, datetime]:
    texts = [
        (f"periods[{i}].{name}", one[name]) for i, one in enumerate(periods) for name in ("start", "end")
    ]
    if message.get("expires_at") is not None:
        texts.append(("expires_at", message["expires_at"]))
    for path, text in texts:
        if not isinstance(text, str):
            raise No("timestamp_type", path)
    found = {}
    for path, text in texts:
        if not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text):
            raise No("timestamp_invalid", path)
        try:
            at = datetime.fromisoformat(text).replace(microsecond=0)
            found[path] = at.astimezone(UTC) if at.tzinfo else at
        except (ValueError, OverflowError):
            raise No("timestamp_invalid", path) from None
    for path, at in found.items():
        if at.tzinfo is None:
            raise No("timestamp_naive", path)
    return found


def currents(message: dict[str, Any], periods: list[dict[str, Any]]) -> list[float]:
    given_a = [message.get("max_current"), *(one.get("max_current") for one in periods)]
    said = [one for one in given_a if one is not None]
    if any(type(one) not in (int, float) or math.isinf(one) for one in said):
        raise No("max_current_type")
    if any(not 6 <= one <= 32 for one in said):
        raise No("max_current_range")
    return [min(SITE_A, one or given_a[0] or SITE_A) for one in given_a[1:]]


def joined(pieces: list[tuple[tuple[datetime, datetime], float]]) -> list[tuple[datetime, datetime, float]]:
    edges = sorted({edge for span, _ in pieces for edge in span})
    made: list[tuple[datetime, datetime, float]] = []
    for start, end in pairwise(edges):
        here = {most for (begin, stop), most in pieces if begin <= start and end <= stop}
        if len(here) > 1:
            raise No("period_overlap_conflict")
        for most in here:
            if made and made[-1][1:] == (start, most):
                made[-1] = (made[-1][0], end, most)
            else:
                made.append((start, end, most))
    return made


ODD_TIMES: list[Any] = [
    None, 7, True, "x", "", "2026-03-29", "2026-03-29T10:00:00", "2026-03-29T24:00:00Z", "2026-02-30T10:00:00Z",
    "0001-01-01T00:00:00+14:00", "2026-03-29T02:30:00",
]  # fmt: skip
ODD_AMPS: list[Any] = [5, 33, 0, -1, True, "10", [], 1e308]
RAW = [
    b"", b" ", b"null", b"[]", b"7", b"\xff", b"[" * 60_000, b" " * 65_537, b'{"a": 1, "a": 1}', b'{"a": NaN}',
    b"\xef\xbb\xbf{}", b'{"periods": [{"start"',
]  # fmt: skip


def rarely(odd: list[Any], usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 24).flatmap(lambda dice: st.sampled_from(odd) if dice == 0 else usual)


@st.composite
def periods_of(draw: st.DrawFn) -> Any:
    def written(minute: int) -> Any:
        offset = timezone(timedelta(minutes=draw(st.sampled_from([0, 60, 120, -300, 330]))))
        text = (NOW + timedelta(minutes=minute)).astimezone(offset).isoformat()
        return draw(rarely(ODD_TIMES, st.just(text)))

    start = draw(st.integers(-8, 60)) * 15
    length = draw(st.sampled_from([15, 15, 30, 60, 120, 0, -15, 8 * 1440]))
    period = {"start": written(start), "end": written(start + length)}
    if draw(st.integers(0, 2)) == 0:
        period["max_current"] = draw(rarely(ODD_AMPS, st.sampled_from([None, 6, 10, 16, 20, 32, 8.5])))
    return draw(rarely([7, None, [], {"start": "2026-03-29T10:00:00Z"}], st.just(period)))


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    if draw(st.integers(0, 14)) == 0:
        return draw(st.sampled_from(RAW))
    message: dict[str, Any] = {"periods": draw(rarely([None, [], {}, 7], st.lists(periods_of(), max_size=5)))}
    optional = {
        "max_current": rarely(ODD_AMPS, st.sampled_from([None, 6, 10, 16, 20])),
        "expires_at": rarely(
            ODD_TIMES, st.sampled_from(["2026-03-28T21:00:00Z", "2026-03-28T21:00:00+01:00"])
        ),
        "source": rarely(["", "x" * 65, 7, []], st.sampled_from(["a", None, "é" * 64])),
        "source_id": st.sampled_from(["b", None, 7]),
        "x": st.just({"periods": None}),
    }
    for name, value in optional.items():
        if draw(st.integers(0, 3)) == 0:
            message[name] = draw(value)
    return json.dumps(message, ensure_ascii=draw(st.booleans())).encode()


@settings(max_examples=400)
@given(payloads(), st.booleans(), st.none() | st.sampled_from([NOW, NOW + timedelta(seconds=1)]))
def test_two_readings_of_the_contract_judge_a_message_the_same(
    raw: bytes, retained: bool, kept_until: datetime | None
) -> None:
    expected = second_reading(raw, retained=retained, kept_until=kept_until)
    question: dict[str, Any] = {
        "now": NOW.isoformat(),
        "topic": "hems/charge-amps/1/schedule/set",
        "payload_base64": base64.b64encode(raw).decode(),
        "retain": retained,
        "site_max_current": SITE_A,
    }
    if kept_until is not None:
        period = {"start": "2026-03-28T10:00:00Z", "end": kept_until.isoformat()}
        question["persisted_schedule"] = {"periods": [period]}

    said = answer(json.dumps(question), what_would_you_say)

    if said["expires_at"]:
        said["expires_at"] = datetime.fromisoformat(said["expires_at"])
    if said["periods"]:
        said["periods"] = [
            (datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"]), one["max_current"])
            for one in said["periods"]
        ]
    assert {field: said[field] for field in expected} == expected
