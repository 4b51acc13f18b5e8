"""The vendor's documented interface, eapi.charge.space version 5 (OpenAPI text), as far as it is used."""

import re
from collections.abc import Callable
from typing import Any

from busbar_simulator.charge_amps_cloud.charger import Connector
from busbar_simulator.charge_amps_cloud.cloud import Cloud, Reply, Request, said


def answer(cloud: Cloud, request: Request) -> Reply:
    """The answer to one request under /api/v5."""
    path = request.path[len("/api/v5") :]
    if request.method == "POST" and path == "/auth/login":
        return _login(cloud, request)
    if request.method == "POST" and path.lower() == "/auth/refreshtoken":
        return _refresh(cloud, request)
    if not cloud.let_in(request):
        return said(401)
    for method, pattern, carry_out in _ROUTES:
        found = re.fullmatch(pattern, path)
        if found and method == request.method:
            return carry_out(cloud, request, *found.groups())
    return said(404)


def _login(cloud: Cloud, request: Request) -> Reply:
    # verified: the key in the header apiKey, 401 otherwise.
    body = request.json() or {}
    known = (body.get("email"), body.get("password")) == (cloud.email, cloud.password)
    if not known or request.headers.get("apikey") != cloud.api_key:
        return said(401)
    return said(200, _tokens(cloud))


def _refresh(cloud: Cloud, request: Request) -> Reply:
    # verified: an expired token is allowed here; 400 {"error", "messageCode"} when it is not accepted.
    body = request.json() or {}
    if body.get("refreshToken") != "refresh" or not body.get("token"):
        return said(400, {"error": "Invalid token", "messageCode": "INVALID_TOKEN"})
    return said(200, _tokens(cloud))


def _tokens(cloud: Cloud) -> dict[str, Any]:
    user = {"id": "user-1", "rfidTags": [], "userStatus": "Valid"}
    return {"message": "ok", "token": cloud.new_token(), "user": user, "refreshToken": "refresh"}


def _owned(cloud: Cloud, request: Request) -> Reply:
    names = sorted({name for name, _ in cloud.connectors})
    return said(
        200,
        [
            {
                "id": name,
                "name": "Garage",
                "password": "charger-secret",
                "type": "HALO",
                "isLoadbalanced": False,
                "ocppVersion": cloud.ocpp_version,
                "connectors": [
                    {"chargePointId": name, "connectorId": one.number, "type": "Charger"}
                    for (owner, _), one in sorted(cloud.connectors.items())
                    if owner == name
                ],
            }
            for name in names
        ],
    )


def _status(cloud: Cloud, request: Request, name: str) -> Reply:
    mine = [one for (owner, _), one in sorted(cloud.connectors.items()) if owner == name]
    if not mine:
        return said(404)
    return said(
        200,
        {
            "id": name,
            "status": "Online" if cloud.online else "Offline",
            "connectorStatuses": [_connector(cloud, one) for one in mine],
        },
    )


def _connector(cloud: Cloud, one: Connector) -> dict[str, Any]:
    now = cloud.now()
    amps = one.draws_a(now)
    measured = [
        {"phase": f"L{i}", "current": amps if i <= one.car_phases else 0.0, "voltage": 230.0}
        for i in (1, 2, 3)
    ]
    return {
        "chargePointId": one.charge_point,
        "connectorId": one.number,
        "totalConsumptionKwh": round(one.energy_wh / 1000, 3),
        "sessionType": "ThreePhase",
        "status": one.ocpp_status(now) if cloud.ocpp_version else one.capi_status(now),
        # verified: measurements only while charging.
        "measurements": measured if amps > 0 else None,
        "startTime": None,
        "endTime": None,
        "sessionId": None,
    }


def _settings(cloud: Cloud, request: Request, name: str, number: str) -> Reply:
    one = cloud.connectors.get((name, int(number)))
    if one is None:
        return said(404)
    return said(
        200,
        {
            "chargePointId": name,
            "connectorId": one.number,
            "maxCurrent": one.user_current,
            "rfidLock": False,
            "mode": one.mode,
            "cableLock": False,
        },
    )


def _change(cloud: Cloud, request: Request, name: str, number: str) -> Reply:
    one = cloud.connectors.get((name, int(number)))
    body = request.json()
    if one is None or not isinstance(body, dict):
        return said(404 if one is None else 400)
    amps, mode = body.get("maxCurrent"), body.get("mode")
    # verified: 0 is a pause, else 6 to 32; the whole object is wanted back.
    if not isinstance(amps, int | float) or not (amps == 0 or 6 <= amps <= 32) or "rfidLock" not in body:
        return said(400, {"error": "Invalid settings"})
    if mode == "Off" and one.draws_a(cloud.now()) > 0 and cloud.off_refused_while_charging:
        return said(400, {"error": "Connector busy"})
    one.user_current, one.mode = float(amps), str(mode)
    one.wrote(f"settings {amps:g} {mode}")
    return said(200)


def _stop(cloud: Cloud, request: Request, name: str, number: str) -> Reply:
    one = cloud.connectors.get((name, int(number)))
    if one is None or one.draws_a(cloud.now()) == 0:
        return said(400)
    one.stopped = True
    one.wrote("stop")
    return said(200)


_ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("GET", r"/chargepoints/owned", _owned),
    ("GET", r"/chargepoints/([^/]+)/status", _status),
    ("GET", r"/chargepoints/([^/]+)/connectors/(\d+)/settings", _settings),
    ("PUT", r"/chargepoints/([^/]+)/connectors/(\d+)/settings", _change),
    ("PUT", r"/chargepoints/([^/]+)/connectors/(\d+)/remotestop", _stop),
)
