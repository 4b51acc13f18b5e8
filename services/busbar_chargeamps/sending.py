"""Sends a schedule or a clear over the contract, as any HEMS would, and waits for what became of it."""

import json
import secrets
from typing import Any

from busbar_chargeamps.config import Place
from busbar_shared.asking import NoAnswer, connected, gathered
from busbar_shared.clock import RealClock
from busbar_shared.config.root import Site
from busbar_shared.life import connect

ANSWERED = "last_hems_command_at"
KEPT_S = 1.0
"""A status the broker keeps comes at once."""


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
    """Send, and return the first status after it. Raises NoAnswer when none comes in time."""
    body = b"" if message is None else json.dumps(message).encode()
    topic = place.topic("status")
    async with connect(site, "chargeamps-cli", environ) as bus:
        kept, heard = bus.listen_raw(topic), bus.listen_raw(topic)
        await connected(bus, site, wait_s)
        known = await gathered(kept, min(KEPT_S, wait_s), lambda _: True)
        before = _status(known[0].payload).get(ANSWERED) if known else None
        await bus.say_raw(place.topic(f"schedule/{verb}"), body, qos=1)
        found = await gathered(heard, wait_s, lambda one: _status(one.payload).get(ANSWERED) != before)
    last = _status(found[-1].payload) if found else {}
    if last.get(ANSWERED) == before:
        raise NoAnswer(f"no answer on {topic} within {wait_s:g} s")
    return last


async def ask_to_refresh(site: Site, place: Place, environ: dict[str, str], wait_s: float) -> dict[str, Any]:
    """Ask to plan and look anew; the first status that says what came of it, else the last that says it is asked.

    Raises NoAnswer when none does in time.
    """
    asked = secrets.token_hex(8)
    topic = place.topic("status")
    async with connect(site, "chargeamps-cli", environ) as bus:
        heard = bus.listen_raw(topic)
        await connected(bus, site, wait_s)
        request = {"id": asked, "issued_at": RealClock().now().isoformat()}
        await bus.say_raw(place.topic("refresh/set"), json.dumps(request), qos=1)
        found = await gathered(heard, wait_s, lambda one: _is_done(_status(one.payload), asked))
    answers = [said for one in found if (said := _status(one.payload)).get("refresh_id") == asked]
    if not answers:
        raise NoAnswer(f"no answer on {topic} within {wait_s:g} s")
    return answers[-1]


def _is_done(said: dict[str, Any], asked: str) -> bool:
    return said.get("refresh_id") == asked and said.get("sync") != "pending"


def _status(raw: bytes) -> dict[str, Any]:
    try:
        said = json.loads(raw)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
