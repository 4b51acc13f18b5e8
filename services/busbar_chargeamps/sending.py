"""Sends a schedule or a clear over the contract, as any HEMS would, and waits for what became of it."""

import asyncio
import json
from typing import Any

from busbar_chargeamps.config import Place
from busbar_shared.config.root import Site
from busbar_shared.life import connect


class NoAnswer(Exception):
    """The scheduler said nothing in time: it is not running, not in hems mode, or cut off."""


def payload(
    periods: list[str], *, max_current: float | None, expires_at: str | None, source: str
) -> dict[str, Any]:
    """The payload of a `set` with periods written as `START/END`; raises ValueError for anything else."""
    made: list[dict[str, str]] = []
    for period in periods:
        start, slash, end = period.partition("/")
        if not slash:
            raise ValueError(f"{period!r} is not START/END")
        made.append({"start": start.strip(), "end": end.strip()})
    fields: dict[str, Any] = {"source": source, "periods": made}
    if max_current is not None:
        fields["max_current"] = max_current
    if expires_at is not None:
        fields["expires_at"] = expires_at
    return fields


async def send(
    site: Site,
    place: Place,
    verb: str,
    message: dict[str, Any] | None,
    environ: dict[str, str],
    wait_s: float,
) -> dict[str, Any]:
    """Send, and return the first status after it; raises `NoAnswer` when none comes in time."""
    body = b"" if message is None else json.dumps(message).encode()
    async with connect(site, "chargeamps-cli", environ) as bus:
        heard = bus.listen_raw(place.topic("status"))
        try:
            async with asyncio.timeout(wait_s):
                await bus.connected.wait()
                before = await _last(heard)
                await bus.say_raw(place.topic(f"schedule/{verb}"), body, qos=1)
                async for one in heard:
                    said = _status(one.payload)
                    if said.get("last_hems_command_at") != before.get("last_hems_command_at"):
                        return said
        except TimeoutError:
            pass
    raise NoAnswer(f"no answer on {place.topic('status')} within {wait_s:g} s")


async def _last(heard: Any) -> dict[str, Any]:
    """The status the broker keeps; empty when it keeps none."""
    try:
        async with asyncio.timeout(1.0):
            return _status((await anext(heard)).payload)
    except TimeoutError:
        return {}


def _status(raw: bytes) -> dict[str, Any]:
    try:
        said = json.loads(raw)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
