"""ENTSO-E's transparency platform: the price document A44, XML, prices per MWh.

Form: real documents published in the tests of two open clients (createdDateTime 2025-08-23 for
10YCZ-CEPS-----N and 2026-02-17 for 10YBE----------2), and the platform's REST guide.  With curve type
A03 a position that repeats the price before it is left out.  "No data" is an acknowledgement with
status 200.  Several series for one time: the lowest classification sequence position counts (Germany and
Austria: 1 is the coupled auction, 2 the earlier one of EXAA, in any order and any resolution); a series
of an intraday auction (contract type A07, seen for Spain) never does (EnergieID/entsoe-py issues 446, 461).
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
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
DAY_AHEAD = "A01"
"""Contract type; A07 is an intraday auction."""


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
            return _nothing(root)
        if _name(root) != "Publication_MarketDocument":
            raise Garbled(f"a price document was expected, not {_name(root)[:40]}")
        taken, quotes, final, currencies = Taken(), [], True, set()
        for series in sorted(filter(_is_day_ahead, _all(root, "TimeSeries")), key=_rank):
            mine = [quote for quote in _quotes(series) if taken.take(quote)]
            quotes += mine
            # Where the coupled auction has not spoken yet, its prices will take the place of these.
            final = final and (not mine or _rank(series) == 1)
            currencies |= {_text(series, "currency_Unit.name")} if mine else set()
        if len(currencies - {None}) > 1:
            raise Garbled(f"prices in {' and '.join(sorted(filter(None, currencies)))}")
        return Found(
            quotes=tuple(quotes),
            currency=next(iter(currencies - {None}), None),
            final=final,
            published_at=instant(_text(root, "createdDateTime")),
        )


class Taken:
    """The time that has its price: whoever comes later gets none of it."""

    def __init__(self) -> None:
        self._starts: list[datetime] = []
        self._ends: list[datetime] = []

    def take(self, quote: Quote) -> bool:
        """True when all of the quote's time was free; it is no longer."""
        end = quote.end or quote.start
        place = bisect_right(self._starts, quote.start)
        if place and self._ends[place - 1] > quote.start:
            return False
        if place < len(self._starts) and self._starts[place] < end:
            return False
        self._starts.insert(place, quote.start)
        self._ends.insert(place, end)
        return True


def _is_day_ahead(series: ElementTree.Element) -> bool:
    return _text(series, "contract_MarketAgreement.type") in (None, DAY_AHEAD)


def _rank(series: ElementTree.Element) -> int:
    return int(number(_text(series, "classificationSequence_AttributeInstanceComponent.position")) or 1)


def _quotes(series: ElementTree.Element) -> Iterator[Quote]:
    for period in _all(series, "Period"):
        yield from _period(period, _text(series, "curveType") == "A03", _unit(series))


def _nothing(root: ElementTree.Element) -> Found:
    """No prices yet; raises `Garbled` with the platform's own words when it means something else."""
    said = " ".join(filter(None, (_text(reason, "text") for reason in _all(root, "Reason"))))
    if said and "no matching data" not in said.lower():
        raise Garbled(f"the platform says: {said[:160]}")
    return Found(quotes=())


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
