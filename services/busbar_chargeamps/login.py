"""Being logged in: one token, renewed in time, and a login that does not get the account locked."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from msgspec import Struct

from busbar_chargeamps.cloud import Answer, CloudDenied, number, readable
from busbar_shared.clock import Clock

RENEW_BEFORE_S = 300.0
FIRST_PAUSE_S = 60.0
LOCK_PAUSE_S = 900.0
LONGEST_PAUSE_S = 14_400.0


class Token(Struct, frozen=True):
    """A bearer token and for how many seconds it is good; it never appears in a log."""

    value: str
    good_for_s: float | None = None
    user_id: str | None = None
    refresh: str | None = None

    def __repr__(self) -> str:
        return "Token(...)"


class Login:
    """Keeps one token. A refused login is followed by a pause: one minute, then at least a quarter of an hour.

    Many refusals in a row can lock an account, and a password does not become right by trying again.
    """

    def __init__(self, clock: Clock, log_in: Callable[[Token | None], Awaitable[Token]]) -> None:
        self._clock, self._log_in = clock, log_in
        self._token: Token | None = None
        self._renew_at_s: float | None = None
        self._refusals = 0
        self._not_before_s = 0.0
        self.good = False

    async def token(self) -> Token:
        """A token that is good for a while yet; raises `CloudDenied` while we keep away from the login."""
        now_s = self._clock.monotonic()
        if self._token is not None and (self._renew_at_s is None or now_s < self._renew_at_s):
            return self._token
        if now_s < self._not_before_s:
            raise CloudDenied("the login was refused; waiting before the next", self._not_before_s - now_s)
        try:
            token = await self._log_in(self._token)
        except CloudDenied as error:
            self._refused()
            raise CloudDenied(str(error), self._not_before_s - self._clock.monotonic()) from error
        self._token, self._refusals, self.good = token, 0, True
        self._renew_at_s = _renew_at(token, self._clock.monotonic())
        return token

    async def send(self, call: Callable[[Token], Awaitable[Answer]]) -> Answer:
        """The answer to a call with a token; one that is not let in is made once more after a new login."""
        answer = await call(await self.token())
        if answer.status == 401:
            # The token went bad before its time; a call that was not let in has changed nothing.
            self._forget()
            answer = await call(await self.token())
        if answer.status in (401, 403):
            self._forget()
        elif answer.status < 500:
            self.good = True
        return answer

    def _forget(self) -> None:
        self._token = None
        self.good = False

    def _refused(self) -> None:
        self._forget()
        self._refusals += 1
        pause_s = FIRST_PAUSE_S if self._refusals == 1 else LOCK_PAUSE_S * 2 ** min(self._refusals - 2, 4)
        self._not_before_s = self._clock.monotonic() + min(pause_s, LONGEST_PAUSE_S)


def _renew_at(token: Token, now_s: float) -> float | None:
    if token.good_for_s is None:
        return None
    # Five minutes early, or a fifth of a token that lives shorter than that makes sense for.
    return now_s + max(token.good_for_s - min(RENEW_BEFORE_S, token.good_for_s / 5), 1.0)


def life_of(jwt: str, now: datetime) -> float | None:
    """For how many seconds a token says it is good, by the issuer's own clock where it tells the time."""
    said = claims(jwt)
    expires, issued = number(said.get("exp")), number(said.get("iat"))
    if expires is None:
        return None
    return expires - (now.timestamp() if issued is None else issued)


def claims(jwt: str) -> dict[str, Any]:
    """What a JSON Web Token says of itself, unverified; nothing when it is none."""
    parts = jwt.split(".")
    if len(parts) != 3:
        return {}
    try:
        raw = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        found = readable(raw)
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
