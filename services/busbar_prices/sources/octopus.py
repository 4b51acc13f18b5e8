"""Octopus Energy (UK): unit rates of a tariff, half an hour each, pence per kWh with VAT inside.

Form: the REST interface as documented at https://developer.octopus.energy/rest/guides/endpoints, and an
answer of April 2018 published in OpenEVSE/ESP8266_WiFi_v2.x issue 175.
Newest first; a rate that is still open has `valid_to` null; times stay in UTC over a clock change.
A tariff that costs more without direct debit has two rates for the same time, told apart by
`payment_method` (springfall2008/batpred issue 5144); the half-hourly ones have null there.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

from busbar_prices.quotes import Found, Garbled, Quote, instant, number, objects
from busbar_prices.sources.asking import Ask, parsed

URL = "https://api.octopus.energy/v1"
DAYS_AHEAD = 2


class Octopus:
    """The rates of one tariff, for example AGILE-24-10-01 and E-1R-AGILE-24-10-01-C."""

    all_in = True

    def __init__(self, product: str, tariff: str, direct_debit: bool = True, url: str = URL) -> None:
        self._product, self._tariff, self._url = product, tariff, url
        self._others = "NON_DIRECT_DEBIT" if direct_debit else "DIRECT_DEBIT"
        self.label = f"octopus:{tariff}"

    def asks(self, now: datetime) -> tuple[Ask, ...]:
        """One question from yesterday to the day after tomorrow."""
        begin, end = _reach(now)
        query = {"period_from": _z(begin), "period_to": _z(end), "page_size": "1500"}
        path = (
            f"products/{quote(self._product)}/electricity-tariffs/{quote(self._tariff)}/standard-unit-rates/"
        )
        return (Ask(f"{self._url}/{path}?{urlencode(query)}"),)

    def read(self, answers: tuple[bytes | None, ...], now: datetime) -> Found:
        """The rates in pounds by the household's way of paying; an open one ends with the time that was asked for."""
        answer = parsed(answers[0] or b"null")
        if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
            raise Garbled("an object with results was expected")
        begin, end = _reach(now)
        quotes, dropped = [], 0
        for one in objects(answer["results"]):
            if one.get("payment_method") == self._others:
                continue
            start, price = instant(one.get("valid_from")), number(one.get("value_inc_vat"))
            closes = end if one.get("valid_to") is None else instant(one.get("valid_to"))
            if start is None or price is None or closes is None:
                dropped += 1
                continue
            quotes += _days(max(start, begin), min(closes, end), price / 100)
        return Found(quotes=tuple(quotes), currency="GBP", dropped=dropped)


def _reach(now: datetime) -> tuple[datetime, datetime]:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=1), midnight + timedelta(days=DAYS_AHEAD)


def _days(start: datetime, end: datetime, price: float) -> list[Quote]:
    """A rate that lasts for long, in pieces of at most one day of UTC."""
    pieces = []
    while start < end:
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        pieces.append(Quote(start, min(end, midnight), price))
        start = midnight
    return pieces


def _z(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
