"""`busbar health`: whether one service lives and is ready, as a container engine asks."""

import asyncio
import contextlib
import os
from datetime import datetime

import typer

from busbar_contracts.service import ServiceStatus
from busbar_shared.clock import RealClock
from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site
from busbar_shared.life import FRESH_S, connect

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


async def health(site: Site, name: str) -> int:
    """Print one sentence. Returns 0 when the service is healthy, else 1. Uses the service's own account."""
    known: ServiceStatus | None = None
    try:
        async with connect(site, name, os.environ) as bus:
            heard = bus.listen_where((ServiceStatus, {"service": name}))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    known = (await anext(heard)).message
            reached = bus.connected.is_set()
    except BadConfig as error:
        typer.echo(str(error), err=True)
        return 1
    if not reached:
        typer.echo(f"the broker {site.broker.host}:{site.broker.port} does not answer", err=True)
        return 1
    healthy, text = verdict(name, known, RealClock().now())
    typer.echo(text, err=not healthy)
    return 0 if healthy else 1
