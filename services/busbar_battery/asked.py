"""Questions and requests of the command line to a running battery service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from busbar_contracts.battery import BatteryDecision, BatterySettings
from busbar_shared.asking import NoAnswer, first
from busbar_shared.config.root import Site
from busbar_shared.life import connect

PATIENCE_S = 5.0
NOBODY = "no answer; are the broker and the battery service running?"


async def live_decision(
    site: Site, environ: Mapping[str, str], patience_s: float = PATIENCE_S
) -> dict[str, Any]:
    """The decision in force at the live site. Raises NoAnswer."""
    async with connect(site, "battery-cli", environ) as bus:
        heard = await first(bus.listen(BatteryDecision), patience_s, NOBODY)
    row: dict[str, Any] = msgspec.to_builtins(heard.message)
    return row


async def change(
    site: Site, environ: Mapping[str, str], battery: str, key: str, value: str
) -> BatterySettings:
    """The settings after the request, with `refused` filled when it was. Raises NoAnswer."""
    async with connect(site, "battery-cli", environ) as bus:
        answers = bus.listen_where((BatterySettings, {"battery": battery}))
        before: BatterySettings = (await first(answers, PATIENCE_S, NOBODY)).message
        topic = f"{site.site.topic_root}/battery/{battery}/settings/set"
        await bus.say_raw(topic, json.dumps({key: as_json(value)}), qos=1)
        await bus.drain()
        # A value that was in force already changes nothing and is answered by nothing.
        with suppress(NoAnswer):
            return (await first(answers, 2.0, NOBODY)).message  # type: ignore[no-any-return]
        return before


def as_json(value: str) -> Any:
    """What was typed, as JSON: numbers, true, false and null, else a word."""
    try:
        return json.loads(value, parse_constant=lambda word: word)
    except ValueError:
        return value
