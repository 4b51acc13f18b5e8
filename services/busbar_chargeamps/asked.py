"""The two questions an integrator may put to the scheduler without a broker: what would it plan, and
what would it say to this message.

One JSON object in, one out.  A question that cannot be answered is answered with an object that names
the field and the value; nothing raises.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from busbar_chargeamps import instants, slots
from busbar_chargeamps import question as fields
from busbar_chargeamps.command import Rules, read_set, refuse_clear
from busbar_chargeamps.payload import Ignored, Refused
from busbar_chargeamps.plan import Plan, Window, plan
from busbar_chargeamps.schedule import Period, Schedule, cut

_TOPIC = re.compile(r"(?P<root>.+)/(?P<connector>[1-9][0-9]*)/schedule/(?P<verb>set|clear)")


def answer(line: str, ask: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """The answer to one line of JSON Lines, an object with `error` where there is none."""
    try:
        question = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _error("line_not_json", "", str(error)[:200])
    if not isinstance(question, dict):
        return _error("line_not_object", "", "each line is one JSON object")
    try:
        return ask(question)
    except fields.BadQuestion as error:
        return _error("bad_input", error.path, error.message)
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        return _error("bad_input", "", f"{type(error).__name__}: {error}"[:200])


def _error(code: str, path: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "path": path, "message": message}}


def what_would_you_plan(question: dict[str, Any]) -> dict[str, Any]:
    """The price plan of `slots` at `now`: state, days, windows and what is left of them."""
    zone = fields.zone(question)
    now = _plan_now(question)
    top_x = fields.whole(question, "top_x", 16)
    threshold = fields.number(question, "threshold", 0.25)
    entries = question.get("slots", [])
    if not isinstance(entries, list):
        raise fields.BadQuestion("slots", "a list of {start, end, price} is needed")
    unit = question.get("unit") or "EUR/kWh"
    factor = slots.per_kwh(unit) if isinstance(unit, str) else None
    if factor is None:
        raise fields.BadQuestion("unit", f"{unit!r} is no price per Wh, kWh or MWh")
    try:
        clean = slots.read(entries, per_kwh=factor)
    except slots.Contradiction as error:
        return _told_plan(Plan("rejected_prices"), zone) | {"dropped": 0, "message": str(error)}
    return _told_plan(plan(clean.slots, now, zone, top_x, threshold), zone) | {"dropped": clean.dropped}


def _plan_now(question: dict[str, Any]) -> datetime:
    """`now`, or else the start of the first slot: the plan of a price list seen from its beginning."""
    entries = question.get("slots")
    first = entries[0] if isinstance(entries, list) and entries else None
    if question.get("now") is None and isinstance(first, dict):
        return fields.at(first.get("start"), "now")
    if question.get("now") is None and entries == []:
        # Without any slot the answer is the same at every time.
        return datetime(2000, 1, 1, tzinfo=UTC)
    return fields.instant(question, "now")


def _told_plan(made: Plan, zone: ZoneInfo) -> dict[str, Any]:
    def pair(window: Window) -> list[str]:
        return [instants.written(window.start, zone), instants.written(window.end, zone)]

    return {
        "state": made.state,
        "price_threshold_active": made.price_threshold_active,
        "days": {
            day.isoformat(): {
                "of": one.of,
                "filtered": one.filtered,
                "slots": len(one.chosen),
                "levels": list(one.levels),
            }
            for day, one in made.days.items()
        },
        "windows": [pair(window) for window in made.windows],
        "remaining": [pair(window) for window in made.remaining],
        "planned_minutes": sum(window.seconds for window in made.remaining) / 60,
    }


def what_would_you_say(question: dict[str, Any]) -> dict[str, Any]:
    """The verdict on one message on a HEMS topic, by the rules of the contract."""
    topic = question.get("topic", "hems/charge-amps/1/schedule/set")
    if not isinstance(topic, str):
        raise fields.BadQuestion("topic", "the full topic is a text")
    mode = question.get("operation_mode") or question.get("mode") or "hems"
    if mode not in ("hems", "standalone"):
        raise fields.BadQuestion("operation_mode", f"{mode!r} is neither hems nor standalone")
    zone = fields.zone(question)
    now = fields.instant(question, "now", default="2025-12-04T20:00:00+01:00")
    rules = _rules(question, zone)
    found = _TOPIC.fullmatch(topic)
    if mode != "hems" or not _subscribed(found, question):
        return _verdict("not_subscribed")
    retained = question.get("retain", question.get("retained")) is True
    try:
        if found is not None and found["verb"] == "clear":
            refuse_clear(retained=retained)
            return _verdict("clear")
        held = _held(question.get("persisted_schedule"), now)
        last_issued_at = held.issued_at if held else None
        schedule = read_set(
            _payload(question),
            retained=retained,
            held=held,
            last_issued_at=last_issued_at,
            now=now,
            rules=rules,
        )
    except Ignored as ignored:
        return _verdict("ignore", code=ignored.code, message=ignored.message)
    except Refused as refused:
        return _verdict("reject", code=refused.code, path=refused.path, message=refused.message)
    return _told_schedule(schedule, zone)


def _told_schedule(schedule: Schedule, zone: ZoneInfo) -> dict[str, Any]:
    periods = [
        {
            "start": instants.written(period.start, zone),
            "end": instants.written(period.end, zone),
            "max_current": plain(period.amps),
        }
        for period in cut(schedule.periods, schedule.expires_at)
    ]
    return _verdict(
        "accept",
        source=schedule.source,
        expires_at=instants.written(schedule.expires_at, zone) if schedule.expires_at else None,
        periods=periods,
        applied_max_current=plain(schedule.applied_max_current),
    )


def _verdict(decision: str, **known: Any) -> dict[str, Any]:
    blank = dict.fromkeys(("code", "path", "source", "expires_at", "periods", "applied_max_current"))
    return {"decision": decision} | blank | known


def plain(number: float | None) -> float | int | None:
    """A number without a needless `.0`."""
    return int(number) if number is not None and number == int(number) else number


def _subscribed(found: re.Match[str] | None, question: dict[str, Any]) -> bool:
    root = question.get("topic_root") or "hems/charge-amps"
    connectors = question.get("connectors", [1])
    if isinstance(connectors, str):
        connectors = connectors.split(",")
    if not isinstance(connectors, list):
        raise fields.BadQuestion("connectors", "a list of connector numbers is needed")
    wanted = {str(connector).strip() for connector in connectors}
    return found is not None and found["root"] == root and found["connector"] in wanted


def _payload(question: dict[str, Any]) -> bytes:
    if "payload_base64" in question:
        try:
            return base64.b64decode(question["payload_base64"], validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise fields.BadQuestion("payload_base64", str(error)) from error
    if "payload_text" in question:
        if not isinstance(question["payload_text"], str):
            raise fields.BadQuestion("payload_text", "a text is needed")
        return question["payload_text"].encode("utf-8", "surrogatepass")
    if "payload" not in question:
        raise fields.BadQuestion("payload", "one of payload, payload_text, payload_base64 is needed")
    try:
        return json.dumps(question["payload"], ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(question["payload"]).encode()


def _rules(question: dict[str, Any], zone: ZoneInfo) -> Rules:
    naive = question.get("naive_timestamps") or "reject"
    if naive not in ("reject", "local"):
        raise fields.BadQuestion("naive_timestamps", f"{naive!r} is neither reject nor local")
    return Rules(
        site_max_current=fields.number(question, "site_max_current", 16.0),
        min_current=fields.number(question, "min_current", 6.0),
        hardware_max_current=fields.number(question, "hardware_max_current", 32.0),
        max_payload_bytes=fields.whole(question, "max_payload_bytes", 65_536),
        max_periods=fields.whole(question, "max_periods", 192),
        max_horizon_hours=fields.number(question, "max_horizon_hours", 192.0),
        naive_timestamps="local" if naive == "local" else "reject",
        zone=zone,
    )


def _held(kept: Any, now: datetime) -> Schedule | None:
    """The schedule a question says is kept: an object like a payload, a list of periods, its expiry, or true."""
    if not kept or kept in ("none", "expired"):
        return None
    always = Period(now, now + timedelta(days=1), 6.0)
    if kept is True:
        return Schedule(periods=(always,), received_at=now)
    if isinstance(kept, str):
        # A point in time is its expiry; any other word only says that there is one.
        try:
            kept = {"expires_at": instants.aware(kept).isoformat()}
        except instants.NotAnInstant:
            return Schedule(periods=(always,), received_at=now)
    described = {"periods": kept} if isinstance(kept, list) else kept
    if not isinstance(described, dict):
        raise fields.BadQuestion("persisted_schedule", "an object with periods and expires_at is needed")
    periods = []
    for index, entry in enumerate(described.get("periods") or []):
        pair = [entry.get("start"), entry.get("end")] if isinstance(entry, dict) else list(entry)
        path = f"persisted_schedule.periods[{index}]"
        periods.append(Period(fields.at(pair[0], path), fields.at(pair[1], path), 6.0))
    expires_at, issued_at = (
        None if described.get(field) is None else fields.at(described[field], f"persisted_schedule.{field}")
        for field in ("expires_at", "issued_at")
    )
    return Schedule(
        periods=tuple(periods) or (_until(expires_at, always),),
        received_at=now,
        expires_at=expires_at,
        issued_at=issued_at,
    )


def _until(expires_at: datetime | None, always: Period) -> Period:
    return always if expires_at is None else Period(min(always.start, expires_at), expires_at, always.amps)
