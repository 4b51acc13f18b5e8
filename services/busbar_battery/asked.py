"""Questions and requests of the command line to a running battery service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import msgspec
from msgspec import UNSET

from busbar_battery.legacy import Translated, translated
from busbar_contracts.battery import BatteryDecision, BatterySettings
from busbar_shared.asking import NoAnswer, connected, first, gathered
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site
from busbar_shared.life import connect

PATIENCE_S = 5.0
ANSWER_S = 3.0
NOBODY = "no answer; are the broker and the battery service running?"
# A decision is said each 10 s at least; three of these missed and nobody decides any more.
OLD_S = 30.0


async def live_decision(
    site: Site, environ: Mapping[str, str], patience_s: float = PATIENCE_S, old_s: float = OLD_S
) -> dict[str, Any]:
    """The decision in force at the live site. Raises NoAnswer, also when only one of a dead service is left."""
    async with connect(site, "battery-cli", environ) as bus:
        answers = bus.listen(BatteryDecision)
        await connected(bus, site, patience_s)
        heard: Heard[BatteryDecision] = await first(answers, patience_s, NOBODY)
    age_s = (datetime.now(UTC) - heard.message.at).total_seconds()
    if heard.retained and age_s > old_s:
        raise NoAnswer(
            f"the last decision is of {heard.message.at:%Y-%m-%d %H:%M:%S} UTC; is the battery service running?"
        )
    row: dict[str, Any] = msgspec.to_builtins(heard.message)
    return row


def modern(site: Site, battery: str, key: str, value: str) -> Translated:
    """What was typed in today's names, as the service will understand it."""
    one = site.batteries[battery]
    most = {"charge_max_w": one.charge_limit_w, "discharge_max_w": one.discharge_limit_w}
    return translated({key: as_json(value)}, settings=True, most=most)


async def change(
    site: Site, environ: Mapping[str, str], battery: str, key: str, value: str, answer_s: float = ANSWER_S
) -> BatterySettings:
    """The settings after the request, with `refused` filled when it was. Raises NoAnswer.

    A value that was in force already changes nothing and is answered by nothing. Silence about any other is no
    yes: the settings stand retained at the broker, whether or not somebody is left to change them.
    """
    asked = modern(site, battery, key, value)

    def done(settings: BatterySettings) -> bool:
        names = asked.values.items()
        return asked.refusal is None and all(getattr(settings, name, UNSET) == meant for name, meant in names)

    def answers_us(one: Heard[BatterySettings]) -> bool:
        return not one.retained and (done(one.message) or bool(one.message.refused))

    async with connect(site, "battery-cli", environ) as bus:
        said = bus.listen_where((BatterySettings, {"battery": battery}))
        await connected(bus, site)
        before: BatterySettings = (await first(said, PATIENCE_S, NOBODY)).message
        topic = f"{site.site.topic_root}/battery/{battery}/settings/set"
        await bus.say_raw(topic, json.dumps({key: as_json(value)}), qos=1)
        await bus.drain()
        answers: list[BatterySettings] = [
            one.message for one in await gathered(said, answer_s, answers_us) if answers_us(one)
        ]
    if answers:
        return answers[-1]
    # The same refusal twice is said once.
    if done(before) or any(name in before.refused for name in (key, *asked.values)):
        return before
    writer = "allocator" if site.battery_flow is None else "battery"
    raise NoAnswer(f"nobody took it: the {writer} service is not running, or says in an event why not")


def as_json(value: str) -> Any:
    """What was typed, as JSON: numbers, true, false and null, else a word."""
    try:
        typed = json.loads(value, parse_constant=lambda word: word)
    except ValueError:
        return value
    # JSON has no infinity; a number beyond every float is said as the word it was.
    return value if isinstance(typed, float) and not isfinite(typed) else typed
