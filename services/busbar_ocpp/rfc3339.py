"""Moments as charge points write them."""

from datetime import UTC, datetime


def to_wire(moment: datetime) -> str:
    """UTC in whole milliseconds with a Z: the one spelling every charger was seen to read."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def from_wire(text: object) -> datetime | None:
    """The moment a charger wrote, or None when it is no moment. Without a zone it is UTC (1.6 section 3.14)."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "T", 1))
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
