"""Prices as they come over the bus: the neutral form of `hems/prices/{series}`, or a bare list of slots."""

import json
from decimal import Decimal
from typing import Any

from msgspec import Struct

from busbar_chargeamps import slots
from busbar_chargeamps.payload import speakable
from busbar_chargeamps.slots import Slots

MOST_BYTES = 256 * 1024
MOST_SLOTS = 1000


class Prices(Struct, frozen=True):
    """A clean set of slots and the currency they are in."""

    found: Slots
    currency: str | None = None


class NoPrices(ValueError):
    """The message holds no usable prices; keep those known before."""

    def __init__(self, code: str, path: str, message: str) -> None:
        super().__init__(message)
        self.code, self.path, self.message = code, path, message


def read(payload: bytes) -> Prices:
    """The prices of a message; raises `NoPrices` with a code and the field."""
    if len(payload) > MOST_BYTES:
        raise NoPrices("payload_too_large", "$", f"{len(payload)} bytes, at most {MOST_BYTES} are read")
    try:
        message = json.loads(payload.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise NoPrices("payload_not_utf8", "$", f"byte {error.start} is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise NoPrices("payload_not_json", "$", str(error)[:120]) from error
    if isinstance(message, list):
        return Prices(_clean(message, Decimal(1)))
    if not isinstance(message, dict):
        raise NoPrices("payload_not_object", "$", "prices are an object, or a list of slots")
    return _neutral(message)


def _neutral(message: dict[str, Any]) -> Prices:
    # `price_curve` is the attribute of the original add-on's sensor, bridged as it is.
    entries = message.get("slots", message.get("price_curve"))
    if not isinstance(entries, list):
        raise NoPrices("slots_missing", "slots", "a list of {start, end, price} is needed")
    unit = message.get("unit")
    factor = Decimal(1) if unit is None else slots.per_kwh(unit) if isinstance(unit, str) else None
    if factor is None:
        raise NoPrices("unit_unknown", "unit", f"{str(unit)[:32]!r} is no price per Wh, kWh or MWh")
    currency = message.get("currency")
    known = isinstance(currency, str) and len(currency) <= 8 and speakable(currency)
    return Prices(_clean(entries, factor), currency if known else None)


def _clean(entries: list[Any], factor: Decimal) -> Slots:
    if len(entries) > MOST_SLOTS:
        raise NoPrices("slots_too_many", "slots", f"{len(entries)} slots, at most {MOST_SLOTS} are read")
    try:
        return slots.read(entries, per_kwh=factor)
    except slots.Contradiction as error:
        raise NoPrices("prices_contradict", "slots", str(error)) from error
