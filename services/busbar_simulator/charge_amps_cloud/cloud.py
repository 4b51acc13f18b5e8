"""The cloud around the chargers: accounts, tokens, faults, and one answer for each request.

Pure but for the clock it is given: no sockets here, so that a fortnight passes in a second.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from busbar_simulator.charge_amps_cloud.charger import Connector


@dataclass(frozen=True)
class Request:
    """One HTTP request, header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; `lost`: it was made and never arrives."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False


@dataclass
class Fault:
    """What goes wrong, on which requests, and how often."""

    kind: Literal["status", "lost", "lost_after_commit", "truncated", "html"]
    status: int = 503
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    method: str | None = None
    path: str = ""
    times: int | None = None
    """None: until it is removed."""

    def hits(self, request: Request) -> bool:
        """True when this request is to go wrong."""
        if self.times is not None and self.times <= 0:
            return False
        if (self.method is not None and self.method != request.method) or self.path not in request.path:
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass
class Cloud:
    """An account with its chargers, and how it treats those who ask."""

    now: Callable[[], datetime]
    email: str = "owner@example.org"
    password: str = "secret"
    api_key: str = "key"
    connectors: dict[tuple[str, int], Connector] = field(default_factory=dict)
    online: bool = True
    ocpp_version: str | None = "1.6"
    token_s: float = 3600.0
    synced_after_s: float = 5.0
    browser_headers: bool = True
    """403 without Origin, Referer and User-Agent. verified (changelog 1.3.10 of charge-amps-monitor)."""
    mode_after_delete: str = "On"
    """assumed, the worst case: deleting a schedule leaves the connector free to charge."""
    off_refused_while_charging: bool = True
    """verified on OCPP firmware (hass-chargeamps issues 44, 59, 75)."""
    faults: list[Fault] = field(default_factory=list)
    log: list[tuple[datetime, str, str]] = field(default_factory=list)
    _tokens: dict[str, datetime] = field(default_factory=dict)
    _serial: int = 0

    def add(self, charge_point: str, number: int = 1, **state: Any) -> Connector:
        """A connector of this account."""
        made = Connector(charge_point, number, **state)
        self.connectors[charge_point, number] = made
        return made

    def new_token(self) -> str:
        """A token in the shape of a JSON Web Token; verified fields exp, unique_name, sub."""
        self._serial += 1
        now = self.now().timestamp()
        payload = {"unique_name": "user-1", "sub": "user-1", "iat": int(now), "exp": int(now + self.token_s)}
        parts = [{"alg": "HS256", "typ": "JWT"}, payload | {"jti": self._serial}]
        packed = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
        token = ".".join([*packed, "c2lnbmF0dXJl"])
        self._tokens[token] = self.now()
        return token

    def let_in(self, request: Request) -> bool:
        """True while the token is known and not expired."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        made = self._tokens.get(token)
        return made is not None and (self.now() - made).total_seconds() < self.token_s

    def expire_tokens(self) -> None:
        """Every token goes bad at once."""
        self._tokens.clear()

    def next_id(self) -> int:
        """An id nobody has had."""
        self._serial += 1
        return self._serial

    def writes(self) -> list[str]:
        """All writes to all chargers, in order per charger."""
        return [what for connector in self.connectors.values() for what in connector.writes]


def said(status: int, body: Any = None) -> Reply:
    """An answer in JSON."""
    return Reply(
        status, b"" if body is None else json.dumps(body).encode(), {"content-type": "application/json"}
    )
