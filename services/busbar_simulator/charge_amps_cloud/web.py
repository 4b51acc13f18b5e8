"""The vendor's own web interface, my.charge.space, as the add-on charge-amps-monitor and others use it."""

import re
from collections.abc import Callable
from typing import Any

from busbar_simulator.charge_amps_cloud.charger import WEEK_S, Connector, utc
from busbar_simulator.charge_amps_cloud.cloud import Cloud, Reply, Request, said


def answer(cloud: Cloud, request: Request) -> Reply:
    """The answer to one request under /api."""
    needed = ("origin", "referer", "user-agent")
    if cloud.browser_headers and not all(request.headers.get(name) for name in needed):
        return Reply(403, b"<html><body>Forbidden</body></html>", {"content-type": "text/html"})
    path = request.path.removeprefix("/api")
    if (request.method, path) == ("POST", "/auth/login"):
        return _login(cloud, request)
    if not cloud.let_in(request):
        return said(401)
    for method, pattern, carry_out in _ROUTES:
        found = re.fullmatch(pattern, path)
        if found and method == request.method:
            return carry_out(cloud, request, *found.groups())
    return said(404, {"error": "not found"})


def _login(cloud: Cloud, request: Request) -> Reply:
    # verified: {"email", "password", "hostName"} in, {"token", "user"} out; 401 or 403 on failure.
    body = request.json() or {}
    if (body.get("email"), body.get("password")) != (cloud.email, cloud.password):
        return said(401, {"error": "INVALID_CREDENTIALS"})
    return said(200, {"token": cloud.new_token(), "user": {"id": "user-1", "claims": ["org-1:Owner"]}})


def _owned(cloud: Cloud, request: Request) -> Reply:
    return said(200, [_charge_point(cloud, name) for name in _names(cloud)])


def _one(cloud: Cloud, request: Request, name: str) -> Reply:
    return said(200, _charge_point(cloud, name)) if name in _names(cloud) else said(404)


def _names(cloud: Cloud) -> list[str]:
    return sorted({name for name, _ in cloud.connectors})


def _charge_point(cloud: Cloud, name: str) -> dict[str, Any]:
    mine = [one for (owner, _), one in sorted(cloud.connectors.items()) if owner == name]
    return {
        "id": name,
        "name": "Garage",
        "serialNumber": name,
        "productName": "Halo",
        "productType": None,
        "chargePointStatus": "Online" if cloud.online else "Offline",
        "isCharging": any(one.draws_a(cloud.now()) > 0 for one in mine),
        "companyId": None,
        "ownerId": "user-1",
        "ip": None,
        "ocppVersion": cloud.ocpp_version,
        "connectors": [_connector(cloud, one) for one in mine],
    }


def _connector(cloud: Cloud, one: Connector) -> dict[str, Any]:
    # verified: numbers may be strings and fields may be null.
    now = cloud.now()
    amps = one.draws_a(now)
    phases = range(1, 4)
    return {
        "connectorId": one.number,
        "name": None,
        "mode": one.mode,
        "isCharging": amps > 0,
        "enabled": True,
        "ocppStatus": one.ocpp_status(now) if cloud.ocpp_version else one.capi_status(now),
        "errorCode": None,
        "totalConsumptionKwh": f"{one.energy_wh / 1000:.3f}",
        "userCurrent": one.user_current,
        **{f"current{i}": str(amps if i <= one.car_phases else 0.0) for i in phases},
        **{f"voltage{i}": "230.0" for i in phases},
    }


def _change(cloud: Cloud, request: Request) -> Reply:
    # third party: the whole object as read, with connectors[].mode changed.
    body = request.json()
    if not isinstance(body, dict):
        return said(400, {"error": "BAD_REQUEST"})
    for changed in body.get("connectors") or []:
        one = cloud.connectors.get((str(body.get("id")), int(changed.get("connectorId", 0))))
        if one is None or changed.get("mode") == one.mode:
            continue
        charges = one.draws_a(cloud.now()) > 0
        if changed["mode"] == "Off" and charges and cloud.off_refused_while_charging:
            return said(400, {"error": "CONNECTOR_BUSY"})
        one.mode = changed["mode"]
        one.wrote(f"mode {one.mode}")
    return said(200, body)


def _current(cloud: Cloud, request: Request, name: str) -> Reply:
    for key, text in request.query.items():
        found = re.fullmatch(r"userCurrentConnector(\d+)", key)
        one = cloud.connectors.get((name, int(found[1]))) if found else None
        # third party: integers only, a value such as 16.0 is refused.
        if one is None or not re.fullmatch(r"\d+", text):
            return said(400, {"error": "BAD_REQUEST"})
        one.user_current = float(text)
        one.wrote(f"current {text}")
    return said(200)


def _stop(cloud: Cloud, request: Request, name: str, number: str) -> Reply:
    one = cloud.connectors.get((name, int(number)))
    if one is None or one.draws_a(cloud.now()) == 0:
        return said(400, {"error": "NO_ACTIVE_SESSION"})
    one.stopped = True
    one.wrote("stop")
    return said(200)


def _start(cloud: Cloud, request: Request, name: str, number: str) -> Reply:
    one = cloud.connectors.get((name, int(number)))
    if one is None or one.draws_a(cloud.now()) > 0:
        return said(409)
    one.stopped = False
    one.wrote("start")
    return said(200)


def _schedules(cloud: Cloud, request: Request, name: str) -> Reply:
    found = []
    for (owner, _), one in sorted(cloud.connectors.items()):
        if owner == name and one.schedule is not None:
            synced = one.synced(cloud.now(), cloud.synced_after_s)
            found.append(one.schedule | {"isSynced": synced})
    return said(200, found)


def _put_schedule(cloud: Cloud, request: Request) -> Reply:
    body = request.json()
    if not isinstance(body, dict):
        return said(400, {"error": "SCHEDULE_INVALID_DATA"})
    one = cloud.connectors.get((str(body.get("chargePointId")), int(body.get("connectorId") or 0)))
    if one is None:
        return said(404)
    for period in body.get("schedulePeriods") or []:
        # verified: "Periods From value can not exceed 604800" (changelog 1.3.1); to <= from is assumed.
        begin, end = period.get("from"), period.get("to")
        if not (isinstance(begin, int) and isinstance(end, int) and 0 <= begin < end <= WEEK_S):
            message = "Periods From value can not exceed 604800"
            return said(400, {"error": message, "messageCode": "SCHEDULE_INVALID_DATA"})
    # verified: a blind replace with a new id each time, and the connector goes to mode Schedule.
    one.schedule = body | {"scheduleId": cloud.next_id(), "isSynced": False}
    one.written_at = cloud.now()
    one.mode = "Schedule"
    one.wrote(
        "put " + " ".join(f"{p['from']}-{p['to']}@{p['maxCurrent']:g}" for p in body["schedulePeriods"])
    )
    return said(200, one.schedule | {"updatedAt": utc(cloud.now())})


def _delete_schedule(cloud: Cloud, request: Request, name: str, number: str) -> Reply:
    one = cloud.connectors.get((name, int(number)))
    if one is None or one.schedule is None:
        return said(404)
    one.schedule = None
    one.mode = cloud.mode_after_delete
    one.wrote("delete")
    return said(204)


_ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("POST", r"/users/chargepoints/owned", _owned),
    ("GET", r"/chargepoints/([^/]+)", _one),
    ("PUT", r"/chargepoints", _change),
    ("PUT", r"/chargepoints/([^/]+)/updateusersettings", _current),
    ("PUT", r"/chargepoints/([^/]+)/(\d+)/remotestop", _stop),
    ("PUT", r"/chargepoints/([^/]+)/(\d+)/remotestart", _start),
    ("GET", r"/smartChargingSchedules/chargepoint/([^/]+)", _schedules),
    ("PUT", r"/smartChargingSchedules", _put_schedule),
    ("DELETE", r"/smartChargingSchedules/([^/]+)/(\d+)", _delete_schedule),
)
