"""Every worked case of the specification, through the two questions an integrator may ask."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from busbar_chargeamps import connector
from busbar_chargeamps.asked import answer, what_would_you_plan, what_would_you_say
from busbar_chargeamps.schedule import Period, glance
from busbar_chargeamps.week import week

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def spans(pairs: list[list[str]]) -> list[tuple[datetime, datetime]]:
    return [(at(start), at(end)) for start, end in pairs]


def slots_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    entries = []
    for run in case.get("series", []):
        start, step = at(run["start"]), timedelta(minutes=run["step_minutes"])
        for price in run["prices"]:
            value, repeat = price if isinstance(price, list) else (price, 1)
            for _ in range(repeat):
                entries.append(
                    {"start": start.isoformat(), "end": (start + step).isoformat(), "price": value}
                )
                start += step
    return entries + case.get("slots", [])


def test_price_case(price_case: dict[str, Any]) -> None:
    slots = slots_of(price_case)
    config = price_case.get("config", {})
    question = {
        "now": price_case.get("now") or (slots[0]["start"] if slots else "2025-12-04T00:00:00+01:00"),
        "timezone": price_case.get("timezone", "Europe/Amsterdam"),
        "top_x": config.get("top_x", 16),
        "threshold": config.get("threshold", 0.25),
        "slots": slots,
    }
    if "unit" in price_case:
        question["unit"] = price_case["unit"]

    said = answer(json.dumps(question), what_would_you_plan)

    expect = price_case["expect"]
    assert said["state"] == expect["state"]
    for field in ("price_threshold_active", "dropped"):
        if field in expect:
            assert said[field] == expect[field]
    for field in ("windows", "remaining"):
        if field in expect:
            assert spans(said[field]) == spans(expect[field])
    for day, numbers in expect.get("days", {}).items():
        assert {key: said["days"][str(day)][key] for key in numbers} == numbers


def test_hems_case(hems_case: dict[str, Any]) -> None:
    question: dict[str, Any] = {
        "now": hems_case.get("now", "2025-12-04T20:00:00+01:00"),
        "topic": hems_case.get("topic", "hems/charge-amps/1/schedule/set"),
        "retain": hems_case.get("retain", False),
        "persisted_schedule": hems_case.get("persisted_schedule"),
        "operation_mode": hems_case.get("mode", "hems"),
        "connectors": [1],
        "payload_text": payload_text(hems_case),
    }
    question |= hems_case.get("config", {})

    said = answer(json.dumps(question), what_would_you_say)

    expect = dict(hems_case["expect"])
    periods = expect.pop("periods", None)
    expires_at = expect.pop("expires_at", None)
    assert {field: said[field] for field in expect} == expect
    if expires_at is not None:
        assert at(said["expires_at"]) == at(expires_at)
    if periods is not None:
        assert [(at(p["start"]), at(p["end"]), p["max_current"]) for p in said["periods"]] == [
            (at(p["start"]), at(p["end"]), p["max_current"]) for p in periods
        ]


def payload_text(case: dict[str, Any]) -> str:
    if "payload_hex" in case:
        return bytes.fromhex(case["payload_hex"]).decode("utf-8", "surrogateescape")
    if "payload_periods" in case:
        start, count = at(case["payload_periods"]["start"]), case["payload_periods"]["count"]
        quarter = timedelta(minutes=15)
        periods = [
            {"start": (start + i * quarter).isoformat(), "end": (start + (i + 1) * quarter).isoformat()}
            for i in range(count)
        ]
        return json.dumps({"periods": periods})
    text: str = case["payload_text"] if "payload_text" in case else json.dumps(case["payload"])
    return text.ljust(case.get("payload_pad_to", 0))


def test_week_case(week_case: dict[str, Any]) -> None:
    periods = [Period(at(p["start"]), at(p["end"]), p.get("max_current", 16)) for p in week_case["periods"]]

    made = week(periods, at(week_case["now"]), AMSTERDAM)

    expect = week_case["expect"]
    assert made.start_of_schedule == at(expect["start_of_schedule"])
    assert [[s.start_s, s.end_s, s.amps] for s in made.stretches] == expect["schedule_periods"]
    assert [(p.start, p.end) for p in made.deferred] == spans(expect.get("deferred", []))
    assert [(p.start, p.end) for p in made.not_expressible] == spans(expect.get("not_expressible", []))


def test_state_case(state_case: dict[str, Any]) -> None:
    assert connector.state(**state_case["input"]) == state_case["expect"]


def test_status_case(status_case: dict[str, Any]) -> None:
    periods = [Period(start, end, 16) for start, end in spans(status_case["periods"])]
    expires_at = at(status_case["expires_at"]) if "expires_at" in status_case else None

    seen = glance(periods, expires_at, at(status_case["now"]))

    said = {
        "schedule_active": seen.active,
        "schedule_source": status_case["mode"] if seen.active else "none",
        "in_period": seen.in_period,
        "next_period_start": seen.next_start,
        "next_period_end": seen.next_end,
    }
    expect = {
        field: at(value) if field.startswith("next") and value else value
        for field, value in status_case["expect"].items()
    }
    assert {field: said[field] for field in expect} == expect
