"""What a message on the HEMS topics asks for, judged by the contract's rules 7 to 26 in their order.

Each rule is asked of the whole message before the next one, so that the same mistake is always reported
under the same code.  A message is atomic: one bad period refuses all of them.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from busbar_chargeamps import instants
from busbar_chargeamps.payload import Ignored, Refused, decode, speakable
from busbar_chargeamps.schedule import Period, Schedule, in_force

FURTHEST_CLOCK = timedelta(days=1)
"""The most a sender's clock may be ahead of ours and still order its messages."""


class Rules(Struct, frozen=True, kw_only=True):
    """The bounds a schedule is judged by; currents are amperes per phase."""

    site_max_current: float = 16.0
    min_current: float = 6.0
    hardware_max_current: float = 32.0
    max_payload_bytes: int = 65_536
    max_periods: int = 192
    max_horizon_hours: float = 192.0
    naive_timestamps: Literal["reject", "local"] = "reject"
    zone: ZoneInfo = ZoneInfo("UTC")


class Limit(Struct, frozen=True):
    """A current as it was asked for and as it is applied after the site's limit."""

    asked: float
    applied: float


def read_set(
    payload: bytes,
    *,
    retained: bool = False,
    held: Schedule | None = None,
    last_issued_at: datetime | None = None,
    now: datetime,
    rules: Rules,
) -> Schedule:
    """The schedule a `set` message brings; raises `Refused` or `Ignored` where it brings none.

    `held` is the schedule kept so far, also over a restart: a copy the broker replays counts only where
    none is in force, or where both carry a time of issue that puts the replayed one later.
    """
    if retained and in_force(held, now):
        return _newer_replay(payload, last_issued_at, now, rules)
    schedule = judge(decode(payload, max_bytes=rules.max_payload_bytes), now, rules)
    if schedule.issued_at is not None and last_issued_at is not None and schedule.issued_at < last_issued_at:
        raise Refused("stale_command", "issued_at", "issued before the schedule already taken")
    return schedule


def _newer_replay(payload: bytes, last_issued_at: datetime | None, now: datetime, rules: Rules) -> Schedule:
    superseded = Ignored(
        "retained_set_superseded", "a replayed message does not replace the schedule in force"
    )
    try:
        schedule = judge(decode(payload, max_bytes=rules.max_payload_bytes), now, rules)
    except Refused:
        raise superseded from None
    if schedule.issued_at is None or last_issued_at is None or schedule.issued_at <= last_issued_at:
        raise superseded
    return schedule


def refuse_clear(*, retained: bool) -> None:
    """A live `clear` is always honoured, whatever it carries; a replayed one would act on each reconnect."""
    if retained:
        raise Ignored("retained_clear", "a replayed clear does nothing")


def judge(message: dict[str, Any], now: datetime, rules: Rules) -> Schedule:
    """The schedule of a decoded message, normalised: sorted, merged, in UTC, inside the site's limit."""
    source = _source(message)
    raw = _periods(message, rules)
    bounds = _bounds(raw)
    stamps = _instants(message, bounds, rules)
    expires_at = stamps.get("expires_at")
    spans = [(stamps[f"periods[{i}].start"], stamps[f"periods[{i}].end"]) for i in range(len(raw))]
    for index, (start, end) in enumerate(spans):
        if end <= start:
            raise Refused(
                "period_end_not_after_start", f"periods[{index}].end", "a period ends after it starts"
            )
    amps = _currents(message, raw, rules)
    if expires_at is not None and expires_at <= now:
        raise Refused("expired", "expires_at", "the schedule had already expired when it arrived")
    periods = _merged([Period(start, end, amp) for (start, end), amp in zip(spans, amps, strict=True)])
    kept = tuple(p for p in periods if p.end > now and (expires_at is None or p.start < expires_at))
    if not kept:
        raise Refused("no_effective_periods", "periods", "no period is still to come before the expiry")
    for index, (_, end) in enumerate(spans):
        if end - now > timedelta(hours=rules.max_horizon_hours):
            raise Refused(
                "horizon_exceeded", f"periods[{index}].end", f"more than {rules.max_horizon_hours:g} h ahead"
            )
    return Schedule(
        periods=kept,
        source=source,
        received_at=now,
        expires_at=expires_at,
        issued_at=_issued_at(message, now),
        command_id=_command_id(message),
    )


def _source(message: dict[str, Any]) -> str:
    # `source_id` is the spelling of an older description; `source` wins.
    field = "source" if message.get("source") is not None else "source_id"
    source = message.get(field)
    if source is None:
        return "hems"
    if not isinstance(source, str) or not 1 <= len(source) <= 64 or not speakable(source):
        raise Refused("source_invalid", field, "a source is a text of 1 to 64 characters")
    return source


def _issued_at(message: dict[str, Any], now: datetime) -> datetime | None:
    # An extension all senders may ignore: without a readable one the message is merely not ordered.
    try:
        issued_at = instants.aware(message.get("issued_at"))
    except instants.NotAnInstant:
        return None
    # Believed, a time from the far future would make every later message a stale one for good.
    return None if issued_at - now > FURTHEST_CLOCK else issued_at


def _command_id(message: dict[str, Any]) -> str | None:
    command_id = message.get("command_id")
    readable = isinstance(command_id, str) and 1 <= len(command_id) <= 128 and speakable(command_id)
    return command_id if readable else None


def _periods(message: dict[str, Any], rules: Rules) -> list[Any]:
    raw = message.get("periods")
    if raw is None:
        raise Refused("periods_missing", "periods", "a schedule needs periods")
    if not isinstance(raw, list):
        raise Refused("periods_type", "periods", "periods is a list")
    if not raw:
        raise Refused("periods_empty", "periods", "no period given; to stop charging use the clear topic")
    if len(raw) > rules.max_periods:
        raise Refused("periods_too_many", "periods", f"{len(raw)} periods, at most {rules.max_periods}")
    return raw


def _bounds(raw: list[Any]) -> dict[str, Any]:
    bounds = {}
    for index, period in enumerate(raw):
        if not isinstance(period, dict):
            raise Refused("period_type", f"periods[{index}]", "a period is an object")
        for field in ("start", "end"):
            if period.get(field) is None:
                raise Refused(
                    "period_field_missing", f"periods[{index}].{field}", f"a period needs its {field}"
                )
            bounds[f"periods[{index}].{field}"] = period[field]
    return bounds


def _instants(message: dict[str, Any], bounds: dict[str, Any], rules: Rules) -> dict[str, datetime]:
    """Every time of the message by its path, in UTC."""
    texts = dict(bounds)
    if message.get("expires_at") is not None:
        texts["expires_at"] = message["expires_at"]
    for path, text in texts.items():
        if not isinstance(text, str):
            raise Refused("timestamp_type", path, "a time is a text with date, time and offset")
    found = {}
    for path, text in texts.items():
        try:
            found[path] = instants.read(text)
        except instants.NotAnInstant as error:
            raise Refused("timestamp_invalid", path, str(error)) from error
    for path, at in found.items():
        if at.tzinfo is None:
            found[path] = _naive(path, at, rules)
    return found


def _naive(path: str, at: datetime, rules: Rules) -> datetime:
    if rules.naive_timestamps == "reject":
        raise Refused("timestamp_naive", path, f"{at.isoformat()} has no offset")
    try:
        return instants.read_local(at, rules.zone)
    except instants.NotAnInstant as error:
        raise Refused("timestamp_naive", path, str(error)) from error


def _currents(message: dict[str, Any], raw: Sequence[dict[str, Any]], rules: Rules) -> list[float]:
    asked = [(f"periods[{i}].max_current", period.get("max_current")) for i, period in enumerate(raw)]
    asked.append(("max_current", message.get("max_current")))
    for path, value in asked:
        if value is not None and not _is_number(value):
            raise Refused("max_current_type", path, f"{str(value)[:32]!r} is not a number of amperes")
    for path, value in asked:
        if value is not None and not rules.min_current <= value <= rules.hardware_max_current:
            low, high = rules.min_current, rules.hardware_max_current
            raise Refused("max_current_range", path, f"{value:g} A is outside {low:g} to {high:g} A")
    whole = asked.pop()[1]
    usual = rules.site_max_current if whole is None else whole
    return [min(float(usual if value is None else value), rules.site_max_current) for _, value in asked]


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _merged(periods: Sequence[Period]) -> list[Period]:
    """Ascending periods, joined where they touch with the same current; refused where currents conflict."""
    joined: list[Period] = []
    for index, period in _by_start(periods):
        last = joined[-1] if joined else None
        if last is None or period.start > last.end or (period.start == last.end and period.amps != last.amps):
            joined.append(period)
        elif period.amps != last.amps:
            raise Refused(
                "period_overlap_conflict",
                f"periods[{index}]",
                f"{period.amps:g} A and {last.amps:g} A are asked for at {period.start.isoformat()}",
            )
        else:
            joined[-1] = Period(last.start, max(last.end, period.end), last.amps)
    return joined


def _by_start(periods: Sequence[Period]) -> Iterator[tuple[int, Period]]:
    yield from sorted(enumerate(periods), key=lambda numbered: (numbered[1], numbered[0]))
