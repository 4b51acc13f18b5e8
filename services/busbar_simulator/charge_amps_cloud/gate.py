"""The one door of the cloud: faults before and after, and the interface a request is meant for."""

from busbar_simulator.charge_amps_cloud import external, web
from busbar_simulator.charge_amps_cloud.cloud import Cloud, Reply, Request, said


def answer(cloud: Cloud, request: Request) -> Reply:
    """What comes back; a fault may hit before or after the request has been carried out."""
    for connector in cloud.connectors.values():
        connector.count(cloud.now())
    cloud.log.append((cloud.now(), request.method, request.path))
    fault = next((one for one in cloud.faults if one.hits(request)), None)
    if fault is not None and fault.kind == "status":
        return Reply(fault.status, fault.body, fault.headers)
    if fault is not None and fault.kind == "html":
        return Reply(fault.status, b"<html><body>Bad Gateway</body></html>", fault.headers)
    if fault is not None and fault.kind == "lost":
        return Reply(0, lost=True)
    reply = _route(cloud, request)
    _mark_sessions(cloud)
    if fault is not None and fault.kind == "lost_after_commit":
        return Reply(0, lost=True)
    if fault is not None and fault.kind == "truncated":
        return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)
    return reply


def _route(cloud: Cloud, request: Request) -> Reply:
    if request.path.lower().startswith("/api/v5/"):
        return external.answer(cloud, request)
    if request.path.startswith("/api/"):
        return web.answer(cloud, request)
    return said(404, {"error": "not found"})


def _mark_sessions(cloud: Cloud) -> None:
    for connector in cloud.connectors.values():
        if connector.session_began is None and connector.draws_a(cloud.now()) > 0:
            connector.session_began = cloud.now()
