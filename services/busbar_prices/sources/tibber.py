"""Tibber's GraphQL interface: the household's own price, all in, hourly or by the quarter.

Form: https://developer.tibber.com/docs/reference#priceinfo, and an answer of 4 January 2025 published in
the tests of dhcgn/go-mqtt-dispatcher (tibber-graph/draw_test.go).  There is no end; nicknames may be null.
"""

import json
from datetime import datetime

from busbar_prices.quotes import Found, Garbled, objects, quoted
from busbar_prices.sources.asking import Ask, parsed

URL = "https://api.tibber.com/v1-beta/gql"
_PRICE = "{ total energy tax startsAt currency }"


class Tibber:
    """The price of one home, the first one unless its id is given."""

    all_in = True

    def __init__(self, token: str, home: str | None = None, quarters: bool = False, url: str = URL) -> None:
        self._token, self._home, self._quarters, self._url = token, home, quarters, url
        self.label = "tibber"

    def asks(self, now: datetime) -> tuple[Ask, ...]:
        """One question for today and tomorrow."""
        info = f"priceInfo(resolution: {'QUARTER_HOURLY' if self._quarters else 'HOURLY'})"
        days = f"today {_PRICE} tomorrow {_PRICE}"
        query = f"{{ viewer {{ homes {{ id currentSubscription {{ {info} {{ {days} }} }} }} }} }}"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        return (Ask(self._url, headers, json.dumps({"query": query}).encode()),)

    def read(self, answers: tuple[bytes | None, ...], now: datetime) -> Found:
        """The home's prices with everything inside."""
        answer = parsed(answers[0] or b"null")
        if isinstance(answer, dict) and answer.get("errors") and not answer.get("data"):
            raise Garbled("the answer is an error of the interface")
        info = self._price_info(answer)
        entries, currency = [], None
        for day in ("today", "tomorrow"):
            for one in objects(info.get(day)):
                entries.append((one.get("startsAt"), None, one.get("total")))
                currency = one.get("currency") if isinstance(one.get("currency"), str) else currency
        quotes, dropped = quoted(entries)
        return Found(quotes=quotes, currency=currency, dropped=dropped)

    def _price_info(self, answer: object) -> dict[str, object]:
        found: object = answer
        for name in ("data", "viewer"):
            found = found.get(name) if isinstance(found, dict) else None
        for home in objects(found.get("homes") if isinstance(found, dict) else None):
            subscription = home.get("currentSubscription")
            info = subscription.get("priceInfo") if isinstance(subscription, dict) else None
            if isinstance(info, dict) and (self._home is None or home.get("id") == self._home):
                return info
        raise Garbled("no home with a subscription in the answer")
