"""Which services live, and what the house does."""

import asyncio
import contextlib
import os
from typing import Any

import msgspec
import typer
from rich.table import Table

from busbar_contracts.allocation import Allocation
from busbar_contracts.service import ServiceStatus
from busbar_shared.asking import no_broker
from busbar_shared.clock import RealClock
from busbar_shared.command_line import console, plain
from busbar_shared.config.root import Site
from busbar_shared.life import connect
from busbar_shared.rivals import FRESH_S

LISTEN_S = 2.0


async def status(site: Site, *, as_json: bool) -> int:
    """Print the state of every configured service. Returns 0 when all are online, else 1."""
    seen: dict[str, ServiceStatus] = {}
    allocation: Allocation | None = None
    async with connect(site, "status", os.environ) as bus:
        heard = bus.listen(ServiceStatus, Allocation)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_S + 3.0):
                await bus.connected.wait()
        if not bus.connected.is_set():
            typer.echo(no_broker(site), err=True)
            return 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_S):
                async for one in heard:
                    if isinstance(one.message, Allocation):
                        allocation = one.message
                    else:
                        seen[one.ids["service"]] = one.message
    rows = [_row(name, seen.get(name)) for name in site.services()]
    if as_json:
        typer.echo(msgspec.json.encode({"services": rows, "allocation": allocation}).decode())
    else:
        out = console()
        for table in tables(rows, allocation):
            out.print(table)
    return 0 if all(row["state"] == "online" for row in rows) else 1


def _row(name: str, known: ServiceStatus | None) -> dict[str, Any]:
    if known is None:
        return {"service": name, "state": "never seen", "age_s": None, "memory_mib": None, "passive": False}
    age_s = (RealClock().now() - known.at).total_seconds()
    state = known.state if known.state == "offline" or age_s < FRESH_S else "silent"
    return {
        "service": name, "state": state, "age_s": round(age_s, 1), "memory_mib": known.memory_mib,
        "passive": known.passive, "version": known.version, "started_at": known.started_at,
        "dropped": known.dropped,
    }  # fmt: skip


def tables(rows: list[dict[str, Any]], allocation: Allocation | None) -> list[Table]:
    """What a person is shown: the services, and who gets what."""
    table = Table(title="Services")
    for head in ("Service", "State", "Last word", "Memory"):
        table.add_column(head)
    for row in rows:
        age = "" if row["age_s"] is None else f"{row['age_s']:.0f} s ago"
        memory = "" if row["memory_mib"] is None else f"{row['memory_mib']:.0f} MiB"
        table.add_row(row["service"], row["state"] + (" (passive)" if row["passive"] else ""), age, memory)
    found = [table]
    if allocation is not None:
        loads = Table(title=f"Loads (grid meter: {allocation.meter.value})")
        for head in ("Load", "Limit", "Why"):
            loads.add_column(head)
        for name, grant in allocation.loads.items():
            loads.add_row(plain(name), f"{grant.limit_a:.1f} A", plain(grant.reason))
        found.append(loads)
    return found
