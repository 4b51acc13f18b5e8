"""my.charge.space: the vendor's own web interface, undocumented, with a weekly schedule that has amps.

Addresses, fields and behaviour as read in the source of the add-on `charge-amps-monitor`
(MarkBovee/ha-addons) and of third-party clients of the same pages.  Each write is followed by a
read-back, because no answer of this interface is documented.
"""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from busbar_chargeamps import instants
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
from busbar_chargeamps.ladder import HeldWeek, Leg, Sight, Step, power_kw
from busbar_chargeamps.login import Login, Token, claims, life_of
from busbar_chargeamps.week import Stretch, Week
from busbar_shared.clock import Clock

BASE_URL = "https://my.charge.space/api"


class WebCloud:
    """One account at my.charge.space."""

    weekly = True

    def __init__(
        self,
        call: Call,
        clock: Clock,
        *,
        email: str,
        password: str,
        zone: ZoneInfo,
        base_url: str | None = None,
    ) -> None:
        self._call, self._clock, self._zone = call, clock, zone
        self._base = (base_url or BASE_URL).rstrip("/")
        self._email, self._password = email, password
        self._login = Login(clock, self._log_in)

    @property
    def logged_in(self) -> bool:
        """The last thing we heard about our login was good."""
        return self._login.good

    async def look(self, wanted: dict[str, list[int]]) -> dict[tuple[str, int], Sight]:
        """How the connectors are and which schedule each holds."""
        expand = "ocppConfig,topChargingLimitation"
        owned = await self._read("POST", f"/users/chargepoints/owned?expand={expand}", [])
        if not isinstance(owned, list):
            raise CloudGarbled("charge points: a list was expected")
        seen: dict[tuple[str, int], Sight] = {}
        refused: CloudRefused | None = None
        for charge_point in objects(owned):
            name = text(charge_point.get("id"))
            if name is None or name not in wanted:
                continue
            try:
                schedules = await self._schedules(name)
            except CloudRefused as error:
                # What one charge point holds is not told; the others are looked after all the same.
                refused = error
                continue
            for connector in objects(charge_point.get("connectors")):
                sight = sight_of(charge_point, connector, schedules)
                if sight is not None:
                    seen[name, sight[0]] = sight[1]
        if refused is not None and not seen:
            raise refused
        return seen

    async def do(self, charge_point: str, connector: int, step: Step) -> None:
        """Make one write."""
        if step.kind == "put_week" and step.week is not None:
            body: Any = week_body(charge_point, connector, step.week, self._zone)
            await self._write("PUT", "/smartChargingSchedules", body)
        elif step.kind == "restore" and step.raw is not None:
            await self._write("PUT", "/smartChargingSchedules", step.raw | {"scheduleId": None})
        elif step.kind == "delete_week":
            path = f"/smartChargingSchedules/{charge_point}/{connector}"
            await self._write("DELETE", path, nothing_there=(404,))
        elif step.kind == "current" and step.amps is not None:
            # Whole amperes: a value such as 16.0 is refused.
            query = f"userCurrentConnector{connector}={int(step.amps)}"
            await self._write("PUT", f"/chargepoints/{charge_point}/updateusersettings?{query}")
        elif step.kind == "mode":
            await self._set_mode(charge_point, connector, step.mode or "Off")
        elif step.kind == "stop":
            token = await self._login.token()
            path = f"/chargepoints/{charge_point}/{connector}/remotestop?userId={token.user_id or ''}"
            await self._write("PUT", path, nothing_there=(400, 404, 409))

    async def _schedules(self, name: str) -> Any:
        try:
            return await self._read("GET", f"/smartChargingSchedules/chargepoint/{name}")
        except CloudRefused as error:
            if error.status == 404:
                return None
            raise

    async def _set_mode(self, charge_point: str, connector: int, mode: str) -> None:
        # The whole object as read, with one word changed.
        whole = await self._read("GET", f"/chargepoints/{charge_point}")
        if not isinstance(whole, dict):
            raise CloudGarbled("charge point: an object was expected")
        for one in objects(whole.get("connectors")):
            if number(one.get("connectorId")) == connector:
                one["mode"] = mode
        await self._write("PUT", "/chargepoints", whole)

    async def _read(self, method: str, path: str, body: Any = None) -> Any:
        return parsed(judged(await self._send(method, path, body), path), path)

    async def _write(
        self, method: str, path: str, body: Any = None, nothing_there: tuple[int, ...] = ()
    ) -> None:
        answer = await self._send(method, path, body)
        if answer.status not in nothing_there:
            judged(answer, path)

    async def _send(self, method: str, path: str, body: Any = None) -> Answer:
        return await self._login.send(lambda token: self._once(method, path, body, token))

    async def _once(self, method: str, path: str, body: Any, token: Token | None) -> Answer:
        page = "/userapp/login" if token is None else "/userapp/dashboard"
        origin = self._base.removesuffix("/api")
        headers = {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "Origin": origin,
            "Referer": origin + page,
            # Refused without headers like a browser's since 2025 (changelog 1.3.10 of charge-amps-monitor).
            "User-Agent": "Mozilla/5.0",
        }
        if token is not None:
            headers["Authorization"] = f"Bearer {token.value}"
        raw = None if body is None else json.dumps(body).encode()
        return await self._call(method, self._base + path, headers, raw)

    async def _log_in(self, _: Token | None) -> Token:
        body = {"email": self._email, "password": self._password, "hostName": "my.charge.space"}
        answer = await self._once("POST", "/auth/login", body, None)
        try:
            found = parsed(judged(answer, "login"), "login")
        except CloudRefused as error:
            raise CloudDenied(f"login: the cloud answers {error.status}") from error
        value = found.get("token") if isinstance(found, dict) else None
        if not isinstance(value, str) or not value:
            raise CloudGarbled("login: the answer has no token")
        return token_of(value, self._clock.now())


def token_of(value: str, now: datetime) -> Token:
    """The token with its life and user, as far as it says so itself."""
    said = claims(value)
    user = text(said.get("unique_name")) or text(said.get("sub"))
    return Token(value, life_of(value, now), user)


def sight_of(
    charge_point: dict[str, Any], connector: dict[str, Any], schedules: Any
) -> tuple[int, Sight] | None:
    """One connector of a charge point; numbers may come as strings, any field may be null."""
    wanted = number(connector.get("connectorId"))
    if wanted is None:
        return None
    status = text(charge_point.get("chargePointStatus"))
    # An early integration saw the number 1 for online.
    status = "Online" if status == "1" else status
    is_charging = connector.get("isCharging")
    said = text(connector.get("ocppStatus"))
    raw = _active(schedules, int(wanted))
    return int(wanted), Sight(
        online=None if status is None else status.lower() == "online",
        charge_point_status=status,
        # Null there means Charge Amps' own protocol; where it is not told, the words are those of OCPP.
        ocpp_version=text(charge_point.get("ocppVersion", "1.6")) or None,
        connector_status=said or ("Charging" if is_charging is True else None),
        mode=text(connector.get("mode")),
        is_charging=is_charging if isinstance(is_charging, bool) else None,
        user_current=number(connector.get("userCurrent")),
        power_kw=power_kw(_legs(connector)),
        energy_kwh=number(connector.get("totalConsumptionKwh")),
        legs=_legs(connector),
        error_code=_error(text(connector.get("errorCode"))),
        held=None if raw is None else held_of(raw),
        raw_held=raw,
    )


def _error(code: str | None) -> str | None:
    # OCPP's own word for none.
    return None if code is None or code.strip().lower() in ("", "noerror") else code[:64]


def _legs(connector: dict[str, Any]) -> tuple[Leg, ...]:
    nested = connector.get("chargingCurrent")
    currents = nested if isinstance(nested, dict) else connector
    return tuple(
        Leg(number(currents.get(f"current{i}")), number(connector.get(f"voltage{i}"))) for i in (1, 2, 3)
    )


def _active(schedules: Any, connector: int) -> dict[str, Any] | None:
    if schedules is None:
        return None
    if not isinstance(schedules, list):
        raise CloudGarbled("schedules: a list was expected")
    mine = [one for one in objects(schedules) if number(one.get("connectorId")) == connector]
    return mine[-1] if mine else None


def held_of(raw: dict[str, Any]) -> HeldWeek:
    """A schedule as the cloud shows it; a period that cannot be read makes it differ from every plan."""
    start = _written_in_utc(raw.get("startOfSchedule"))
    stretches = []
    for period in objects(raw.get("schedulePeriods")):
        values = [number(period.get(name)) for name in ("from", "to", "maxCurrent")]
        begin, end, amps = values
        if begin is None or end is None or amps is None:
            start = None
            continue
        stretches.append(Stretch(int(begin), int(end), amps))
    synced = raw.get("isSynced")
    return HeldWeek(
        start_of_schedule=start,
        stretches=tuple(sorted(stretches)),
        default_current=number(raw.get("defaultCurrent")) or 0.0,
        is_active=raw.get("isActive") is not False,
        is_synced=synced if isinstance(synced, bool) else None,
        schedule_id=text(raw.get("scheduleId")),
    )


def _written_in_utc(text: Any) -> datetime | None:
    """The instant; one that lost its Z on the way back is the UTC that was written (assumed)."""
    try:
        at = instants.read(text) if isinstance(text, str) else None
    except instants.NotAnInstant:
        return None
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)


def week_body(charge_point: str, connector: int, made: Week, zone: ZoneInfo) -> dict[str, Any]:
    """The schedule object of the interface; outside its periods the current is 0."""
    return {
        "scheduleId": None,
        "chargePointId": charge_point,
        "connectorId": connector,
        "validFrom": None,
        "validTo": None,
        "defaultCurrent": 0,
        "isActive": True,
        "isSynced": False,
        "timeZone": zone.key,
        "startOfSchedule": made.start_of_schedule.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "schedulePeriods": [
            {"from": one.start_s, "to": one.end_s, "maxCurrent": one.amps} for one in made.stretches
        ],
    }
