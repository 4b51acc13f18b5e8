"""Prices of a day from a CSV file."""

import csv
import math
import re
from pathlib import Path

from busbar_cli.simulate_scenario import Tariff

TIME = re.compile("^([01][0-9]|2[0-3]):[0-5][0-9]$")


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
    if not math.isfinite(price) or abs(price) > 1000:
        raise BadTariff(f"{path.name}, line {line}, {column}: {text!r} is no price per kWh")
    return price
