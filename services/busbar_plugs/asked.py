"""Questions and requests of the command line to the live bus."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from busbar_contracts.load import ManualSwitch, PlugState
from busbar_plugs.detect import FILTERS, QUESTIONS, Found, found
from busbar_shared.bus import Heard, RawHeard
from busbar_shared.config.root import Site
from busbar_shared.life import connect

CONNECT_S = 5.0
LISTEN_S = 1.5


class NoAnswer(Exception):
    """Nobody answered: the broker or the plug service is not there."""


async def states(site: Site) -> dict[str, PlugState]:
    """What every plug last said of itself. Raises NoAnswer."""
    known: dict[str, PlugState] = {}
    async with connect(site, "plug-cli", os.environ) as bus:
        heard = bus.listen(PlugState)
        await _connected(bus, site)
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_S):
                async for one in heard:
                    known[one.ids["plug"]] = one.message
    return known


async def switch(site: Site, plug: str, on: bool, patience_s: float = 10.0) -> PlugState:
    """The plug's state after it obeyed the owner, or its last word when it did not. Raises NoAnswer."""
    async with connect(site, "plug-cli", os.environ) as bus:
        heard = bus.listen_where((PlugState, {"plug": plug}))
        await _connected(bus, site)
        last = await _first(heard, plug)
        await bus.say(ManualSwitch(on=on), plug=plug)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                async for one in heard:
                    last = one.message
                    if last.manual and last.on is on:
                        break
    return last


async def detect(site: Site, seconds: float, *, ask: bool) -> list[Found]:
    """The plugs that give themselves away on the broker within some seconds. Raises NoAnswer."""
    said: list[tuple[str, bytes]] = []
    async with connect(site, "plug-cli", os.environ) as bus:
        heard: AsyncIterator[RawHeard] = bus.listen_raw(*FILTERS)
        await _connected(bus, site)
        if ask:
            for topic, payload in QUESTIONS:
                await bus.say_raw(topic, payload)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for one in heard:
                    said.append((one.topic, one.payload))
    return found(said)


async def _connected(bus: Any, site: Site) -> None:
    try:
        async with asyncio.timeout(CONNECT_S):
            await bus.connected.wait()
    except TimeoutError as error:
        raise NoAnswer(f"the broker {site.broker.host}:{site.broker.port} does not answer") from error


async def _first(heard: AsyncIterator[Heard[Any]], plug: str) -> PlugState:
    try:
        async with asyncio.timeout(LISTEN_S * 2):
            state: PlugState = (await anext(heard)).message
            return state
    except TimeoutError as error:
        raise NoAnswer(f"nothing is known of plug {plug}; is the plug service running?") from error
