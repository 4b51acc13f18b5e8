"""The price plan against a second reading of the specification, written from its text and sharing no code.

Seconds since 1970 instead of datetimes, decimal fractions instead of floats, any zone, any slot length.
"""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from busbar_chargeamps.asked import answer, what_would_you_plan

MILLION = 1_000_000
DAYS = [
    "2025-12-04",
    "2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25",  # Europe
    "2026-03-08", "2026-11-01",  # New York
    "2026-04-05", "2026-10-04",  # Lord Howe, by half an hour
]  # fmt: skip
ZONES = [
    "Europe/Amsterdam", "Europe/Helsinki", "Europe/London", "America/New_York", "America/St_Johns",
    "Australia/Lord_Howe", "Asia/Kolkata", "UTC",
]  # fmt: skip
OFFSETS = [0, 60, 120, -300, 330]
PRICES = [0.05, 0.1, 0.25, 0.2500001, 0.25000049, -0.05, 0.0, -0.0, 0.1 + 0.2, 0.3, 0.123457, 0.123458]
NO_PRICES: list[Any] = [None, "0.1", True, float("nan"), float("inf"), [], {}]


def seconds(text: object) -> int | None:
    if not isinstance(text, str):
        return None
    at = datetime.fromisoformat(text)
    return int(at.timestamp()) if at.tzinfo else None


def level(price: float) -> int:
    return int((Decimal(repr(float(price))) * MILLION).to_integral_value(ROUND_HALF_EVEN))


def usable(entries: list[Any]) -> tuple[list[tuple[int, int, float]], int]:
    found = []
    for one in entries:
        fields = one if isinstance(one, dict) else {}
        start, end, price = seconds(fields.get("start")), seconds(fields.get("end")), fields.get("price")
        if start is None or end is None or end <= start or type(price) not in (int, float):
            continue
        if Decimal(price).is_finite():
            found.append((start, end, price))
    return found, len(entries) - len(found)


def second_reading(question: dict[str, Any]) -> dict[str, Any]:
    zone = ZoneInfo(question["timezone"])
    now = seconds(question["now"])
    assert now is not None

    def day_of(second: int) -> date:
        return datetime.fromtimestamp(second, UTC).astimezone(zone).date()

    found, dropped = usable(question["slots"])
    prices: dict[tuple[int, int], set[int]] = {}
    for start, end, price in found:
        prices.setdefault((start, end), set()).add(level(price))
    spans = sorted(prices)
    touches = any(later[0] < earlier[1] for earlier, later in pairwise(spans))
    if touches or any(len(levels) > 1 for levels in prices.values()):
        return {"state": "rejected_prices", "windows": []}
    dearest = {(start, end): max(p for s, e, p in found if (s, e) == (start, end)) for start, end in spans}
    days, chosen = {}, []
    for day in (day_of(now), day_of(now) + timedelta(days=1)):
        of_day = [span for span in spans if day_of(span[0]) == day]
        cheap = [span for span in of_day if dearest[span] <= question["threshold"]]
        best = sorted({level(dearest[span]) for span in cheap})[: question["top_x"]]
        taken = [span for span in cheap if level(dearest[span]) in best]
        chosen += taken
        if of_day:
            days[day.isoformat()] = {
                "of": len(of_day),
                "filtered": len(of_day) - len(cheap),
                "slots": len(taken),
                "levels": [one / MILLION for one in best],
            }
    edges = sorted({edge for span in chosen for edge in span})
    starts, ends = {span[0] for span in chosen}, {span[1] for span in chosen}
    begins = [edge for edge in edges if edge in starts and edge not in ends]
    stops = [edge for edge in edges if edge in ends and edge not in starts]
    windows = [list(pair) for pair in zip(begins, stops, strict=True)]
    remaining = [window for window in windows if window[1] > now]
    states = ("waiting_for_prices", "no_eligible_slots", "idle", "scheduled")
    return {
        "state": states[0 if not days else 1 if not windows else 2 if not remaining else 3],
        "price_threshold_active": any(day["filtered"] for day in days.values()),
        "days": days,
        "windows": windows,
        "remaining": remaining,
        "dropped": dropped,
    }


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    zone, day = draw(st.sampled_from(ZONES)), draw(st.sampled_from(DAYS))
    midnight = int(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).timestamp())

    def written(second: int) -> str:
        offset = timezone(timedelta(minutes=draw(st.sampled_from(OFFSETS))))
        return datetime.fromtimestamp(second, offset).isoformat()

    step = draw(st.sampled_from([300, 900, 1800, 3600, 7200]))
    at = midnight + draw(st.sampled_from([0, 0, -3600, -86_400, 900]))
    entries: list[Any] = []
    for price in draw(
        st.lists(st.sampled_from(PRICES) | st.floats(-0.1, 0.5).map(lambda p: round(p, 6)), max_size=30)
    ):
        entries.append({"start": written(at), "end": written(at + step), "price": price})
        at += step * draw(st.sampled_from([1, 1, 1, 1, 1, 1, 2, 5]))
    if entries and draw(st.integers(0, 5)) == 0:
        entries.append(dict(draw(st.sampled_from(entries))))
    if entries and draw(st.integers(0, 9)) == 0:
        entries.append({"start": written(at - step // 2), "end": written(at), "price": 0.1})
    entries += draw(
        st.lists(
            st.sampled_from([7, None, {}, {"start": "2026-03-29T01:00:00", "end": "2026-03-29T02:00:00", "price": 0.1}])
            | st.sampled_from(NO_PRICES).map(
                lambda price: {"start": f"{day}T03:00:00Z", "end": f"{day}T04:00:00Z", "price": price}
            ),
            max_size=2,
        )
    )  # fmt: skip
    return {
        "now": written(midnight + draw(st.sampled_from([0, 3600, 43_200, 86_399, -1]))),
        "timezone": zone,
        "top_x": draw(st.sampled_from([1, 1, 2, 3, 16, 500])),
        "threshold": draw(st.sampled_from([0.25, 0.25, 0, -0.05, 1.0])),
        "slots": draw(st.permutations(entries)),
    }


@settings(max_examples=300)
@given(questions())
def test_two_readings_of_the_specification_plan_the_same(question: dict[str, Any]) -> None:
    expected = second_reading(question)

    said = answer(json.dumps(question), what_would_you_plan)

    for field in ("windows", "remaining"):
        said[field] = [[seconds(start), seconds(end)] for start, end in said[field]]
    assert {field: said[field] for field in expected} == expected
