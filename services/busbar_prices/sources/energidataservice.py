"""Energi Data Service (Energinet): the dataset DayAheadPrices, quarters since October 2025, per MWh.

Form: https://www.energidataservice.dk/tso-electricity/DayAheadPrices; times without offset are UTC in
the field TimeUTC.  The older dataset Elspotprices (HourUTC, SpotPriceDKK) is read too; its kroner were
missing at weekends (MTrab/energidataservice issue 89), so a price in kroner may come later than in euro.
"""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from busbar_prices.quotes import Found, Garbled, instant, objects, quoted
from busbar_prices.sources.asking import Ask, parsed

URL = "https://api.energidataservice.dk/dataset/DayAheadPrices"


class EnergiDataService:
    """Day-ahead prices of one price area, in kroner or euro."""

    all_in = False

    def __init__(self, area: str, currency: str, url: str = URL) -> None:
        self._area, self._url = area, url
        self._currency = "EUR" if currency == "EUR" else "DKK"
        self.label = f"energidataservice:{area}"

    def asks(self, now: datetime) -> tuple[Ask, ...]:
        """One question from yesterday to the day after tomorrow; the dates are Danish days."""
        today = now.astimezone(UTC).date()
        query = {
            "start": (today - timedelta(days=1)).isoformat(),
            "end": (today + timedelta(days=3)).isoformat(),
            "filter": json.dumps({"PriceArea": [self._area]}),
            "limit": "0",
        }
        return (Ask(f"{self._url}?{urlencode(query)}"),)

    def read(self, answers: tuple[bytes | None, ...], now: datetime) -> Found:
        """The area's prices; the end of each follows from the next."""
        answer = parsed(answers[0] or b"null")
        if not isinstance(answer, dict) or not isinstance(answer.get("records"), list):
            raise Garbled("an object with records was expected")
        entries = []
        for one in objects(answer["records"]):
            # Only this area was asked for, so a record that names none is of it.
            if one.get("PriceArea", self._area) != self._area:
                continue
            start = instant(one.get("TimeUTC") or one.get("HourUTC"), naive_is_utc=True)
            price = one.get(f"DayAheadPrice{self._currency}", one.get(f"SpotPrice{self._currency}"))
            entries.append((start, None, price))
        quotes, dropped = quoted(entries, 0.001)
        return Found(quotes=quotes, currency=self._currency, dropped=dropped)
