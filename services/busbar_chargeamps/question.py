"""The fields of a question about the scheduler, each read with a sentence for whoever wrote it wrong."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from busbar_chargeamps import instants


class BadQuestion(ValueError):
    """A field of the question cannot be used; the answer names it."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


def zone(question: dict[str, Any]) -> ZoneInfo:
    """Its time zone, Amsterdam where it names none; raises `BadQuestion`."""
    name = question.get("timezone") or "Europe/Amsterdam"
    try:
        return ZoneInfo(name)
    except (OSError, TypeError, ValueError, LookupError) as error:
        raise BadQuestion("timezone", f"{name!r} is not a known time zone") from error


def instant(question: dict[str, Any], field: str, default: str | None = None) -> datetime:
    """A point in time with an offset; raises `BadQuestion`."""
    return at(question.get(field, default), field)


def at(text: Any, path: str) -> datetime:
    """The point in time a value names; raises `BadQuestion` with the path."""
    try:
        return instants.aware(text)
    except instants.NotAnInstant as error:
        raise BadQuestion(path, str(error)) from error


def number(question: dict[str, Any], field: str, default: float) -> float:
    """A number, the default where there is none; raises `BadQuestion`."""
    value = question.get(field)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        raise BadQuestion(field, f"{str(value)[:32]!r} is not a number")
    return float(value)


def whole(question: dict[str, Any], field: str, default: int) -> int:
    """A whole number of at least 1; raises `BadQuestion`."""
    value = number(question, field, default)
    if value != int(value) or value < 1:
        raise BadQuestion(field, f"{value:g} is not a whole number of at least 1")
    return int(value)
