"""Points in time as they are written: ISO 8601 with an offset, whole seconds, compared in UTC only.

Python compares and subtracts two datetimes of the same zone by their wall clocks and forgets the fold,
which makes a quarter of 75 minutes each spring.  So everything here leaves as UTC, and a local time is
made only to find a date or to print.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# ISO 8601 extended and basic calendar form.  Hours end at 23: `24:00` has two readings and is refused.
_SHAPE = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})[Tt ]"
    r"(?P<hour>[01][0-9]|2[0-3]):?(?P<minute>[0-5][0-9])(?::?(?P<second>[0-5][0-9])(?:[.,][0-9]+)?)?"
    r"(?P<zone>[Zz]|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?"
)


class NotAnInstant(ValueError):
    """The text names no point in time; refuse it and show it to its author."""


def read(text: str) -> datetime:
    """The instant in UTC with sub-seconds cut off; a naive datetime where the text has no offset."""
    found = _SHAPE.fullmatch(text) if len(text) <= 64 else None
    if found is None:
        raise NotAnInstant(f"{text[:64]!r} is not an ISO 8601 date-time")
    zone = found["zone"]
    plain = f"{found['date']}T{found['hour']}:{found['minute']}:{found['second'] or '00'}"
    try:
        if zone is None:
            return datetime.fromisoformat(plain)
        return datetime.fromisoformat(plain + ("+00:00" if zone in "Zz" else zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotAnInstant(f"{text!r} is not a point in time") from error


def read_local(text: datetime, zone: ZoneInfo) -> datetime:
    """A wall time of a zone as UTC, or a refusal where the zone has that wall time twice or never."""
    try:
        first = text.replace(tzinfo=zone, fold=0).astimezone(UTC)
        second = text.replace(tzinfo=zone, fold=1).astimezone(UTC)
    except OverflowError as error:
        raise NotAnInstant(f"{text} is not a point in time") from error
    if first != second:
        raise NotAnInstant(f"{text} happens twice or never in {zone.key}")
    return first


def aware(text: object) -> datetime:
    """The instant a text with an offset names; anything else is refused."""
    if not isinstance(text, str):
        raise NotAnInstant(f"{str(text)[:64]!r} is not text")
    at = read(text)
    if at.tzinfo is None:
        raise NotAnInstant(f"{text!r} has no offset")
    return at


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """The calendar day an instant belongs to at the site."""
    return at.astimezone(zone).date()


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant in UTC at which a calendar day begins at the site."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def monday(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant in UTC at which the week of `at` began at the site: Monday 00:00 local."""
    day = local_date(at, zone)
    return midnight(day - timedelta(days=day.weekday()), zone)


def next_monday(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant in UTC at which the following week begins at the site."""
    day = local_date(at, zone)
    return midnight(day + timedelta(days=7 - day.weekday()), zone)


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant with the site's offset; in UTC at the edges of time, where some zones have none."""
    try:
        return at.astimezone(zone)
    except OverflowError:
        return at


def written(at: datetime, zone: ZoneInfo) -> str:
    """The instant as the owner reads it: local, with its offset."""
    return local(at, zone).isoformat()
