"""Questions and requests of the command line to the live bus."""

import asyncio
import os
from contextlib import suppress
from typing import Any

from busbar_contracts.load import HeatState, ManualHeat
from busbar_shared.config.root import Site
from busbar_shared.life import connect

CONNECT_S = 5.0
LISTEN_S = 1.5


class NoAnswer(Exception):
    """Nobody answered: the broker or the heat service is not there."""


async def states(site: Site) -> dict[str, HeatState]:
    """What every heater last said of itself. Raises NoAnswer."""
    known: dict[str, HeatState] = {}
    async with connect(site, "heat-cli", os.environ) as bus:
        heard = bus.listen(HeatState)
        await _connected(bus, site)
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_S):
                async for one in heard:
                    known[one.ids["heater"]] = one.message
    return known


async def by_hand(site: Site, heater: str, sg_state: int | None) -> HeatState | None:
    """The heater's last word after the owner set it by hand; None when it said nothing. Raises NoAnswer."""
    last: HeatState | None = None
    async with connect(site, "heat-cli", os.environ) as bus:
        heard = bus.listen_where((HeatState, {"heater": heater}))
        await _connected(bus, site)
        await bus.say(ManualHeat(sg_state=sg_state), heater=heater)
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_S * 2):
                async for one in heard:
                    last = one.message
                    if sg_state is not None and one.message.sg_state == sg_state:
                        break
    return last


async def _connected(bus: Any, site: Site) -> None:
    try:
        async with asyncio.timeout(CONNECT_S):
            await bus.connected.wait()
    except TimeoutError as error:
        raise NoAnswer(f"the broker {site.broker.host}:{site.broker.port} does not answer") from error
