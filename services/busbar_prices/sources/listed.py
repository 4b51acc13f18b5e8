"""Prices somebody else has listed: a CSV or JSON file, or the attribute of a Home Assistant sensor.

Known lists: `price_curve` of the energy-prices add-on and any `{start, end, price}`; `raw_today` and
`raw_tomorrow` of the custom Nord Pool integration (`value`); `prices` of the ENTSO-e integration (`time`);
`rates` of the Octopus integration (`value_inc_vat`, pounds).  The names are those of the attributes the
integrations show.  A list without times is of no use.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

from busbar_prices.quotes import Found, Garbled, objects, quoted
from busbar_prices.sources.asking import parsed

_LISTS = (
    "slots",
    "price_curve",
    "prices",
    "rates",
    "raw_today",
    "raw_tomorrow",
    "prices_today",
    "prices_tomorrow",
)
_STARTS = ("start", "time", "hour", "start_time", "startsAt", "from", "datetime")
_ENDS = ("end", "till", "end_time")
_PRICES = ("price", "value", "value_inc_vat", "total")
MOST_BYTES = 1024 * 1024
_ENERGY = {"wh": 1000.0, "kwh": 1.0, "mwh": 0.001}
_CENTS = ("c", "ct", "cent", "cents", "p", "pence", "öre", "øre", "ore", "eurocent")


def read_file(text: str) -> Found:
    """The prices of a file: JSON when it begins like JSON, else CSV with a header line."""
    if len(text) > MOST_BYTES:
        raise Garbled(f"longer than {MOST_BYTES} characters")
    if text.lstrip()[:1] in ("[", "{"):
        return read_list(parsed(text.encode()))
    rows = list(csv.DictReader(io.StringIO(text)))
    if not rows:
        raise Garbled("no row of prices")
    return read_list(rows)


def read_list(listed: Any) -> Found:
    """The prices of a bare list of `{start, end, price}`, or of an object with such a list."""
    currency, factor = None, 1.0
    entries = list(objects(listed))
    if isinstance(listed, dict):
        factor = _per_kwh(listed)
        currency = listed.get("currency") if isinstance(listed.get("currency"), str) else None
        names = [name for name in _LISTS if isinstance(listed.get(name), list)]
        # `prices` of the ENTSO-e integration repeats what the two days say.
        for name in names[:1] if "prices" in names[:1] else names:
            entries += objects(listed[name])
    if not entries:
        raise Garbled("no list of {start, end, price}")
    quotes, dropped = quoted(_entries(entries), factor)
    return Found(quotes=quotes, currency=currency, dropped=dropped)


def _per_kwh(listed: dict[str, Any]) -> float:
    """What the list's own `unit` and `price_in_cents` make of a price; raises `Garbled` for a unit nobody knows.

    The custom Nord Pool integration names the energy alone (`kWh`, `MWh`, `Wh`) and says by a flag that it shows cents.
    """
    cents = listed.get("price_in_cents") is True
    unit = listed.get("unit") or listed.get("unit_of_measurement")
    if unit is None:
        return 0.01 if cents else 1.0
    money, _, energy = str(unit).lower().rpartition("/")
    factor = _ENERGY.get(energy.strip())
    if factor is None:
        raise Garbled(f"unit: {str(unit)[:32]!r} is no price per Wh, kWh or MWh")
    return factor / 100 if cents or money.strip() in _CENTS else factor


def _entries(entries: list[dict[str, Any]]) -> Iterator[tuple[Any, Any, Any]]:
    for one in entries:
        start, end, price = (_first(one, names) for names in (_STARTS, _ENDS, _PRICES))
        yield start, end, price


def _first(one: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((one[name] for name in names if one.get(name) not in (None, "")), None)
