"""How one talks to either Charge Amps cloud: one call at a time, and four ways it can go wrong.

The error classes say what the catcher should do.  Nothing is retried blindly here: a write whose answer
got lost is found out about by reading.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from msgspec import Struct

from busbar_chargeamps.ladder import Sight, Step

TIMEOUT_S = 30.0
TOO_MANY_S = 30.0
"""How long we stay away when the cloud has had too many questions and does not say until when."""


class CloudSilent(Exception):
    """No usable answer. Keep what is wanted, wait (at least `retry_after_s`), read, and go on."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class CloudGarbled(CloudSilent):
    """An answer that makes no sense. Treat it as silence; a write may have been done all the same."""


class CloudDenied(CloudSilent):
    """We are not logged in, or not allowed. Log in again after a while; do not knock often."""


class CloudRefused(Exception):
    """A plain no that will stay a no. Asking again will not help; tell the owner."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Answer(Struct, frozen=True):
    """What came back over HTTP; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Call(Protocol):
    """Sends one HTTP request; raises `CloudSilent` when nothing comes back in time."""

    def __call__(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> Awaitable[Answer]: ...


class Cloud(Protocol):
    """One account at one of the two clouds."""

    weekly: bool
    """It keeps a weekly schedule itself; otherwise we switch the connector at the edges of a window."""

    @property
    def logged_in(self) -> bool:
        """The last thing we heard about our login was good."""
        ...

    async def look(self, wanted: dict[str, list[int]]) -> dict[tuple[str, int], Sight]:
        """How the connectors of the given charge points are; one that is not listed there is not known."""
        ...

    async def do(self, charge_point: str, connector: int, step: Step) -> None:
        """Make one write. It returning says only that the cloud answered yes: read back what became of it."""
        ...


NewSession = Callable[[], Cloud]


def judged(answer: Answer, what: str) -> Answer:
    """The answer if it is a yes; otherwise the error that says what to do."""
    status = answer.status
    if 200 <= status < 300:
        return answer
    if status in (401, 403):
        raise CloudDenied(f"{what}: the cloud answers {status}")
    if status in (408, 425, 429) or status >= 500 or status < 200 or 300 <= status < 400:
        patience_s = retry_after(answer)
        if patience_s is None and status == 429:
            patience_s = TOO_MANY_S
        raise CloudSilent(f"{what}: the cloud answers {status}", patience_s)
    code, message = _reason(answer)
    raise CloudRefused(status, code, f"{what}: {message}")


def parsed(answer: Answer, what: str) -> Any:
    """The JSON of a good answer; an answer without a body is None."""
    if answer.status == 204 or not answer.body.strip():
        return None
    try:
        return readable(answer.body)
    except (ValueError, RecursionError) as error:
        raise CloudGarbled(f"{what}: the answer is not JSON ({str(error)[:80]})") from error


def readable(body: bytes) -> Any:
    """The JSON of a body; ValueError also for a text with half a surrogate pair, which nobody could write down."""
    value = json.loads(body)
    if b"\\u" in body:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def retry_after(answer: Answer) -> float | None:
    """Seconds the cloud asks us to stay away, at most a day; a date there is read by the cloud's own clock."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), 86_400.0)
    until, now = _date(text), _date(answer.headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), 86_400.0)


def _date(text: str) -> datetime | None:
    """A date as HTTP writes it (RFC 9110 section 5.6.7); None where there is none."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _reason(answer: Answer) -> tuple[str, str]:
    # The body of a refusal is not documented; a JSON object with these names has been seen.
    try:
        found = readable(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return f"http_{answer.status}", answer.body[:120].decode("utf-8", "replace") or "no reason given"
    names = ("messageCode", "errorCode", "code", "error")
    code = next((str(found[name]) for name in names if found.get(name)), f"http_{answer.status}")
    message = next((str(found[name]) for name in ("message", "error", "title") if found.get(name)), code)
    return code[:64], message[:200]


def number(value: Any) -> float | None:
    """A number as the cloud writes it, also in quotes; None where there is none or it is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e12 else None


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list as the cloud writes it; what is no object, or no list, is not there."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """A word as the cloud writes it, also as a number; None where there is none."""
    return None if value is None or isinstance(value, bool | dict | list) else str(value)
