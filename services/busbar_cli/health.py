"""`busbar health`: whether one service lives and is ready, as a container engine asks."""

import asyncio
import contextlib
import os
from datetime import datetime

import typer

from busbar_contracts.service import ServiceStatus
from busbar_shared.asking import no_broker
from busbar_shared.clock import RealClock
from busbar_shared.command_line import print_json
from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site
from busbar_shared.life import connect
from busbar_shared.rivals import FRESH_S

PATIENCE_S = 4.0


def verdict(name: str, known: ServiceStatus | None, now: datetime) -> tuple[bool, str]:
    """Whether the service may be called healthy, and why."""
    if known is None:
        return False, f"{name} was never seen"
    age_s = (now - known.at).total_seconds()
    if known.state == "offline":
        return False, f"{name} is offline"
    if abs(age_s) > FRESH_S:
        return False, f"{name} spoke {age_s:.0f} s ago"
    if known.passive:
        return False, f"{name} gives way to an older instance"
    if not known.ready:
        return False, f"{name} lacks what it needs to do its work"
    return True, f"{name} is online and ready"


async def health(site: Site, name: str, *, as_json: bool = False) -> int:
    """Print one sentence, or one object. Returns 0 when the service is healthy, else 1. Uses the service's own account."""
    known: ServiceStatus | None = None
    try:
        async with connect(site, name, os.environ) as bus:
            heard = bus.listen_where((ServiceStatus, {"service": name}))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    known = (await anext(heard)).message
            reached = bus.connected.is_set()
    except BadConfig as error:
        return _told(name, False, str(error), as_json=as_json)
    if not reached:
        return _told(name, False, no_broker(site), as_json=as_json)
    return _told(name, *verdict(name, known, RealClock().now()), as_json=as_json)


def _told(name: str, healthy: bool, text: str, *, as_json: bool) -> int:
    if as_json:
        print_json({"service": name, "healthy": healthy, "text": text})
    else:
        typer.echo(text, err=not healthy)
    return 0 if healthy else 1
