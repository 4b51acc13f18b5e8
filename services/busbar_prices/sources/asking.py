"""What every source has in common: a list of questions for an instant, and a reader of their answers."""

import json
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from busbar_prices.quotes import Found, Garbled


class Ask(Struct, frozen=True):
    """One HTTP question. Its address may carry a token: it is never logged."""

    url: str
    headers: dict[str, str] = {}
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"Ask({self.url.partition('?')[0]})"


class Source(Protocol):
    """Where prices come from."""

    label: str
    """For the topic, for example `nordpool:NL`."""
    all_in: bool
    """Its prices have taxes and fees inside."""

    def asks(self, now: datetime) -> tuple[Ask, ...]:
        """The questions to put at this instant; the first is about today."""
        ...

    def read(self, answers: tuple[bytes | None, ...], now: datetime) -> Found:
        """The prices of the answers; None stands for an answer that says: not yet. Raises `Garbled`."""
        ...


def parsed(answer: bytes) -> Any:
    """An answer as JSON; raises `Garbled`."""
    try:
        value = json.loads(answer)
        if b"\\u" in answer:
            # Half a surrogate pair is JSON and yet no text that could be said again.
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise Garbled(f"not JSON: {str(error)[:80]}") from error
