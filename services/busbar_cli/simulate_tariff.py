"""Prices of a day: from a CSV file, at a moment, and as the price service says them."""

import csv
import math
from datetime import datetime, timedelta
from pathlib import Path

from busbar_cli.simulate_check import MOST_PRICE, TIME
from busbar_cli.simulate_scenario import Tariff
from busbar_contracts.prices import PriceSeries, PriceSlot


class BadTariff(Exception):
    """The file is no tariff; the message names the line and the value."""


def read_tariff(path: Path) -> Tariff:
    """The columns time, buy and perhaps sell; a row holds until the next, and the day repeats. Raises BadTariff."""
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadTariff(f"{path.name}: {error}") from error
    buy: list[tuple[str, float]] = []
    sell: list[tuple[str, float]] = []
    for line, row in enumerate(rows, start=2):
        at = (row.get("time") or "").strip()
        if not TIME.match(at) or (buy and at <= buy[-1][0]):
            raise BadTariff(f"{path.name}, line {line}, time: {at!r} is no HH:MM after the row before")
        buy.append((at, _price(path, line, "buy", row.get("buy"))))
        if "sell" in row:
            sell.append((at, _price(path, line, "sell", row.get("sell"))))
    if not buy:
        raise BadTariff(f"{path.name}: no rows; the columns are time, buy and sell")
    return Tariff(buy=tuple(buy), sell=tuple(sell) or Tariff().sell)


def _price(path: Path, line: int, column: str, text: str | None) -> float:
    try:
        price = float(text or "")
    except ValueError:
        price = math.nan
    if not math.isfinite(price) or abs(price) > MOST_PRICE:
        raise BadTariff(f"{path.name}, line {line}, {column}: {text!r} is no price per kWh")
    return price


def prices_at(tariff: Tariff, at: datetime) -> tuple[float, float]:
    """What a kWh costs and earns at this local time."""
    return _row(tariff.buy, at), _row(tariff.sell, at)


def _row(rows: tuple[tuple[str, float], ...], at: datetime) -> float:
    now = f"{at.hour:02d}:{at.minute:02d}"
    begun = [price for begins, price in rows if begins <= now]
    return begun[-1] if begun else rows[-1][1]


def series_of(tariff: Tariff, local: datetime) -> tuple[PriceSeries, ...]:
    """The prices of the day of this local time: of no other."""
    return tuple(
        PriceSeries(
            schema="hems.prices/1",
            series=series,
            currency="EUR",
            unit="EUR/kWh",
            slots=_slots(local, rows),
            source="simulate",
        )
        for series, rows in (("import", tariff.buy), ("export", tariff.sell))
    )


def _slots(local: datetime, rows: tuple[tuple[str, float], ...]) -> tuple[PriceSlot, ...]:
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    at = [midnight + timedelta(hours=int(b[:2]), minutes=int(b[3:])) for b, _ in rows]
    ends = [*at[1:], midnight + timedelta(days=1)]
    slots = [PriceSlot(start=a, end=e, price=p) for a, e, (_, p) in zip(at, ends, rows, strict=True)]
    if at[0] > midnight:
        slots.insert(0, PriceSlot(start=midnight, end=at[0], price=rows[-1][1]))
    return tuple(slots)
