"""ENTSO-E's transparency platform: the price document A44, XML, prices per MWh.

Form: real documents published in the tests of two open clients (createdDateTime 2025-08-23 for
10YCZ-CEPS-----N and 2026-02-17 for 10YBE----------2), and the platform's REST guide.  With curve type
A03 a position that repeats the price before it is left out.  "No data" is an acknowledgement with
status 200.  Several series for one time: the lowest classification sequence position counts.
"""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree

from busbar_prices.quotes import Found, Garbled, Quote, instant, number
from busbar_prices.sources.asking import Ask

URL = "https://web-api.tp.entsoe.eu/api"
_STEPS = {
    "PT15M": timedelta(minutes=15),
    "PT30M": timedelta(minutes=30),
    "PT60M": timedelta(hours=1),
    "PT1H": timedelta(hours=1),
}
_NAMESPACE = re.compile(r"\{[^}]*\}")
MOST_POINTS = 3000


class Entsoe:
    """Day-ahead prices of one bidding zone."""

    all_in = False

    def __init__(self, area: str, token: str, url: str = URL) -> None:
        self._area, self._token, self._url = area, token, url
        self.label = f"entsoe:{area}"

    def asks(self, now: datetime) -> tuple[Ask, ...]:
        """One question from yesterday to the end of tomorrow."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0)
        query = {
            "securityToken": self._token,
            "documentType": "A44",
            "in_Domain": self._area,
            "out_Domain": self._area,
            "periodStart": (midnight - timedelta(days=1)).strftime("%Y%m%d%H%M"),
            "periodEnd": (midnight + timedelta(days=3)).strftime("%Y%m%d%H%M"),
        }
        return (Ask(f"{self._url}?{urlencode(query)}"),)

    def read(self, answers: tuple[bytes | None, ...], now: datetime) -> Found:
        """The zone's prices."""
        if not answers[0]:
            return Found(quotes=())
        root = _document(answers[0])
        if _name(root) == "Acknowledgement_MarketDocument":
            return Found(quotes=())
        if _name(root) != "Publication_MarketDocument":
            raise Garbled(f"a price document was expected, not {_name(root)[:40]}")
        best: dict[datetime, tuple[int, Quote]] = {}
        currency = None
        for series in _all(root, "TimeSeries"):
            currency = _text(series, "currency_Unit.name") or currency
            rank = int(
                number(_text(series, "classificationSequence_AttributeInstanceComponent.position")) or 1
            )
            for period in _all(series, "Period"):
                for quote in _period(period, _text(series, "curveType") == "A03", _unit(series)):
                    if quote.start not in best or rank < best[quote.start][0]:
                        best[quote.start] = (rank, quote)
        return Found(
            quotes=tuple(quote for _, quote in best.values()),
            currency=currency,
            published_at=instant(_text(root, "createdDateTime")),
        )


def _document(answer: bytes) -> ElementTree.Element:
    # A document type could define entities that expand without end; a price document has none.
    if b"<!DOCTYPE" in answer or b"<!ENTITY" in answer:
        raise Garbled("a document type is not expected here")
    try:
        return ElementTree.fromstring(answer)
    except ElementTree.ParseError as error:
        raise Garbled(f"not XML: {str(error)[:80]}") from error


def _unit(series: ElementTree.Element) -> float:
    unit = _text(series, "price_Measure_Unit.name") or "MWH"
    if unit not in ("MWH", "KWH"):
        raise Garbled(f"prices per {unit[:20]} are not understood")
    return 0.001 if unit == "MWH" else 1.0


def _period(period: ElementTree.Element, carry: bool, per_kwh: float) -> list[Quote]:
    interval = next(iter(_all(period, "timeInterval")), None)
    begin = None if interval is None else instant(_text(interval, "start"))
    end = None if interval is None else instant(_text(interval, "end"))
    step = _STEPS.get(_text(period, "resolution") or "")
    if begin is None or end is None or step is None or not timedelta(0) < end - begin <= MOST_POINTS * step:
        raise Garbled("a period without a usable interval or resolution")
    prices: dict[int, float] = {}
    for point in _all(period, "Point"):
        position, price = number(_text(point, "position")), number(_text(point, "price.amount"))
        if position is not None and price is not None:
            prices[int(position)] = price
    quotes, last = [], None
    # The number of points follows from the interval: 92, 96 or 100 quarters.
    for position in range(1, int((end - begin) / step) + 1):
        last = prices.get(position, last if carry else None)
        if last is not None:
            start = begin + (position - 1) * step
            quotes.append(Quote(start, start + step, last * per_kwh))
    return quotes


def _name(element: ElementTree.Element) -> str:
    return _NAMESPACE.sub("", element.tag)


def _all(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [child for child in element if _name(child) == name]


def _text(element: ElementTree.Element, name: str) -> str | None:
    found = _all(element, name)
    return found[0].text.strip() if found and found[0].text else None
