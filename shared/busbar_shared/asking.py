"""A short visit to the bus of the running site: ask, hear the answer, go; or say in one sentence why there is none."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from msgspec import Struct

from busbar_shared.bus import MqttBus
from busbar_shared.config.root import Site
from busbar_shared.life import connect

H = TypeVar("H")
S = TypeVar("S", bound=Struct)

CONNECT_S = 5.0
"""A broker in the house that has not answered after so long is not there."""
LISTEN_S = 1.5
"""Retained states come at once; so long even from a slow broker."""


class NoAnswer(Exception):
    """Nobody answered: the broker or the service that was asked is not there."""


def no_broker(site: Site) -> str:
    """What to say when the broker was not reached: one that asks for a password hangs up on a wrong one."""
    login = ", or does not let this account in" if site.broker.username else ""
    return f"the broker {site.broker.host}:{site.broker.port} does not answer{login}"


async def connected(bus: MqttBus, site: Site, patience_s: float = CONNECT_S) -> None:
    """Wait for the broker. Raises NoAnswer."""
    try:
        async with asyncio.timeout(patience_s):
            await bus.connected.wait()
    except TimeoutError as error:
        raise NoAnswer(no_broker(site)) from error


async def first(heard: AsyncIterator[H], patience_s: float, why: str) -> H:
    """The first thing heard. Raises NoAnswer with this sentence when nothing comes in time, or the bus ends.

    After that nothing more can be heard from this iterator.
    """
    try:
        async with asyncio.timeout(patience_s):
            return await anext(heard)
    except (TimeoutError, StopAsyncIteration) as error:
        raise NoAnswer(why) from error


async def gathered(
    heard: AsyncIterator[H], seconds: float, enough: Callable[[H], bool] = lambda _: False
) -> list[H]:
    """Everything heard in the next seconds, or until one is enough; that one is the last."""
    found: list[H] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            async for one in heard:
                found.append(one)
                if enough(one):
                    break
    return found


async def last_states(
    site: Site, environ: Mapping[str, str], kind: type[S], name: str, listen_s: float = LISTEN_S
) -> dict[tuple[str, ...], S]:
    """What every device of this kind last said of itself, by the ids in its topic. Raises NoAnswer."""
    async with connect(site, name, environ) as bus:
        heard = bus.listen(kind)
        await connected(bus, site)
        return {tuple(one.ids.values()): one.message for one in await gathered(heard, listen_s)}
