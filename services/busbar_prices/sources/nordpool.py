"""Nord Pool's data portal: one CET day and area per question, prices per MWh.

Form: the fixtures `tests/components/nordpool/fixtures` of home-assistant/core, captured from the portal.
204 without a body: not published yet.  92 or 100 quarters on the days the clock changes, because every
entry has its own start and end.
"""

from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from busbar_prices.quotes import Found, Garbled, instant, objects, quoted
from busbar_prices.sources.asking import Ask, parsed

URL = "https://dataportal-api.nordpoolgroup.com/api/DayAheadPrices"
MARKET = ZoneInfo("Europe/Oslo")


class NordPool:
    """Day-ahead prices of one delivery area."""

    all_in = False

    def __init__(self, area: str, currency: str, url: str = URL) -> None:
        self._area, self._currency, self._url = area, currency, url
        self.label = f"nordpool:{area}"

    def asks(self, now: datetime) -> tuple[Ask, ...]:
        """The market's days of yesterday to tomorrow: a site east of it begins its day in another one."""
        today = now.astimezone(MARKET).date()
        return tuple(self._ask((today + timedelta(days=days)).isoformat()) for days in (0, 1, -1))

    def _ask(self, day: str) -> Ask:
        query = {
            "date": day, "market": "DayAhead", "deliveryArea": self._area, "currency": self._currency
        }  # fmt: skip
        return Ask(f"{self._url}?{urlencode(query)}")

    def read(self, answers: tuple[bytes | None, ...], now: datetime) -> Found:
        """The area's prices; another area's are never taken for it."""
        entries, final, published_at, currency = [], True, None, None
        for answer in answers:
            if not answer:
                continue
            day = parsed(answer)
            if not isinstance(day, dict):
                raise Garbled("an object was expected")
            currency = day.get("currency") if isinstance(day.get("currency"), str) else currency
            final = final and self._is_final(day.get("areaStates"))
            updated_at = instant(day.get("updatedAt"))
            published_at = max(filter(None, (published_at, updated_at)), default=None)
            for entry in objects(day.get("multiAreaEntries")):
                per_area = entry.get("entryPerArea")
                price = per_area.get(self._area) if isinstance(per_area, dict) else None
                entries.append((entry.get("deliveryStart"), entry.get("deliveryEnd") or "", price))
        quotes, dropped = quoted(entries, 0.001)
        return Found(
            quotes=quotes, currency=currency, final=final, published_at=published_at, dropped=dropped
        )

    def _is_final(self, states: object) -> bool:
        return all(
            one.get("state") == "Final" for one in objects(states) if self._area in (one.get("areas") or [])
        )
