"""eapi.charge.space: the vendor's documented interface, version 5 (OpenAPI text) and 4 (PDF).

It needs an API key from the vendor's support, and it has no schedule that a charger with OCPP firmware
keeps: so the connector is switched here, at the edges of each window.
"""

import json
from typing import Any

from busbar_chargeamps.cloud import (
    Answer,
    Call,
    CloudDenied,
    CloudGarbled,
    CloudRefused,
    judged,
    number,
    objects,
    parsed,
    text,
)
from busbar_chargeamps.ladder import Leg, Sight, Step, power_kw
from busbar_chargeamps.login import Login, Token, life_of
from busbar_shared.clock import Clock

BASE_URL = "https://eapi.charge.space"
# The API document: a token is good for 120 minutes, a refresh token for 168 hours.
TOKEN_S = 7200.0
VERSIONS_EVERY_S = 3600.0


class ExternalCloud:
    """One account at eapi.charge.space."""

    weekly = False

    def __init__(
        self,
        call: Call,
        clock: Clock,
        *,
        email: str,
        password: str,
        api_key: str,
        base_url: str | None = None,
    ) -> None:
        self._call, self._clock = call, clock
        self._base = (base_url or BASE_URL).rstrip("/")
        self._email, self._password, self._api_key = email, password, api_key
        self._login = Login(clock, self._log_in)
        self._versions: dict[str, str | None] = {}
        self._versions_at_s: float | None = None

    @property
    def logged_in(self) -> bool:
        """The last thing we heard about our login was good."""
        return self._login.good

    async def look(self, wanted: dict[str, list[int]]) -> dict[tuple[str, int], Sight]:
        """How the connectors are and with which settings."""
        await self._learn_versions(wanted)
        seen: dict[tuple[str, int], Sight] = {}
        refused: CloudRefused | None = None
        for name, connectors in wanted.items():
            try:
                status = await self._read(f"/chargepoints/{name}/status")
            except CloudRefused as error:
                # One that the account has not is no reason to leave the others alone.
                refused = error
                continue
            if not isinstance(status, dict):
                raise CloudGarbled("status: an object was expected")
            for connector in connectors:
                settings = await self._settings(name, connector)
                seen[name, connector] = sight_of(status, settings, self._versions.get(name), connector)
        if refused is not None and not seen:
            raise refused
        return seen

    async def do(self, charge_point: str, connector: int, step: Step) -> None:
        """Make one write."""
        settings = f"/chargepoints/{charge_point}/connectors/{connector}/settings"
        if step.kind in ("direct", "current", "mode"):
            # The whole object is wanted back: read, change, write.
            whole = await self._read(settings)
            if not isinstance(whole, dict):
                raise CloudGarbled("settings: an object was expected")
            changes: dict[str, Any] = {}
            if step.amps is not None:
                changes["maxCurrent"] = step.amps
            if step.mode is not None:
                changes["mode"] = step.mode
            await self._write(settings, whole | changes)
        elif step.kind == "stop":
            path = f"/chargepoints/{charge_point}/connectors/{connector}/remotestop"
            await self._write(path, {}, nothing_there=(400, 404, 409))

    async def _settings(self, name: str, connector: int) -> dict[str, Any]:
        try:
            settings = await self._read(f"/chargepoints/{name}/connectors/{connector}/settings")
        except CloudRefused:
            # The household socket beside a charger answers 400 (hass-chargeamps issue 36).
            return {}
        if not isinstance(settings, dict):
            raise CloudGarbled("settings: an object was expected")
        return settings

    async def _learn_versions(self, wanted: dict[str, list[int]]) -> None:
        now_s = self._clock.monotonic()
        if self._versions_at_s is not None and now_s - self._versions_at_s < VERSIONS_EVERY_S:
            return
        owned = await self._read("/chargepoints/owned")
        if not isinstance(owned, list):
            raise CloudGarbled("charge points: a list was expected")
        for one in objects(owned):
            name = text(one.get("id"))
            if name is not None and name in wanted:
                self._versions[name] = text(one.get("ocppVersion"))
        self._versions_at_s = now_s

    async def _read(self, path: str) -> Any:
        return parsed(judged(await self._send("GET", path), path), path)

    async def _write(self, path: str, body: Any, nothing_there: tuple[int, ...] = ()) -> None:
        answer = await self._send("PUT", path, body)
        if answer.status not in nothing_there:
            judged(answer, path)

    async def _send(self, method: str, path: str, body: Any = None) -> Answer:
        return await self._login.send(lambda token: self._once(method, path, body, token))

    async def _once(self, method: str, path: str, body: Any, token: Token | None) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "apiKey": self._api_key}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.value}"
        raw = None if body is None else json.dumps(body).encode()
        return await self._call(method, f"{self._base}/api/v5{path}", headers, raw)

    async def _log_in(self, old: Token | None) -> Token:
        if old is not None and old.refresh is not None:
            renewed = {"token": old.value, "refreshToken": old.refresh}
            answer = await self._once("POST", "/auth/refreshtoken", renewed, None)
            if answer.status == 200:
                return self._token(answer)
        body = {"email": self._email, "password": self._password}
        answer = await self._once("POST", "/auth/login", body, None)
        try:
            return self._token(judged(answer, "login"))
        except CloudRefused as error:
            raise CloudDenied(f"login: the cloud answers {error.status}") from error

    def _token(self, answer: Answer) -> Token:
        found = parsed(answer, "login")
        value = found.get("token") if isinstance(found, dict) else None
        if not isinstance(value, str) or not value:
            raise CloudGarbled("login: the answer has no token")
        good_for_s = life_of(value, self._clock.now()) or TOKEN_S
        return Token(value, good_for_s, None, text(found.get("refreshToken")))


def sight_of(
    status: dict[str, Any], settings: dict[str, Any], ocpp_version: str | None, connector: int
) -> Sight:
    """One connector from the charge point's status and the connector's settings."""
    online = text(status.get("status"))
    mine: dict[str, Any] = {}
    for one in objects(status.get("connectorStatuses")):
        if number(one.get("connectorId")) == connector:
            mine = one
    said = text(mine.get("status"))
    legs = _legs(mine)
    return Sight(
        online=None if online is None else online.lower() == "online",
        charge_point_status=online,
        ocpp_version=ocpp_version,
        connector_status=said,
        mode=text(settings.get("mode")),
        is_charging=None if said is None else _charges(said, ocpp_version),
        user_current=number(settings.get("maxCurrent")),
        # The power beside the measurements is the fallback.
        power_kw=number(mine.get("chargingPowerKw")) if power_kw(legs) is None else power_kw(legs),
        legs=legs,
        energy_kwh=number(mine.get("totalConsumptionKwh")),
    )


def _charges(status: str, ocpp_version: str | None) -> bool:
    return status == ("2" if ocpp_version else "1") or status.lower() == "charging"


def _legs(status: dict[str, Any]) -> tuple[Leg, ...]:
    # Measurements come only while charging.
    by_phase = {text(one.get("phase")): one for one in objects(status.get("measurements"))}
    found = [by_phase.get(name, {}) for name in ("L1", "L2", "L3")]
    return tuple(Leg(number(one.get("current")), number(one.get("voltage"))) for one in found)
