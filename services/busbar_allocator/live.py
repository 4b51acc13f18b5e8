"""The decision in force at the running site, for `busbar explain --live`."""

import asyncio
import contextlib
from collections.abc import Mapping

from busbar_allocator.explain import what_it_takes
from busbar_contracts.allocation import Allocation, LoadGrant
from busbar_shared.bus import Bus
from busbar_shared.config.root import Site
from busbar_shared.life import connect

CONNECT_S = 5.0
ANSWER_S = 12.0
"""The allocation is retained; without one the allocator speaks at least each 10 s."""


class NoAnswer(Exception):
    """Nobody told a decision. Ask again when broker and allocator run."""


async def in_force(site: Site, environ: Mapping[str, str], connect_s: float = CONNECT_S) -> Allocation:
    """The allocation the site's allocator published last."""
    async with connect(site, "explain", environ) as bus:
        heard = first(bus)
        task = asyncio.ensure_future(heard)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(connect_s):
                await bus.connected.wait()
        if not bus.connected.is_set():
            task.cancel()
            raise NoAnswer(f"the broker {site.broker.host}:{site.broker.port} does not answer")
        try:
            return await asyncio.wait_for(task, ANSWER_S)
        except TimeoutError as error:
            raise NoAnswer("no allocation was heard; does the allocator run?") from error


async def first(bus: Bus) -> Allocation:
    """The first allocation heard."""
    async for heard in bus.listen(Allocation):
        allocation: Allocation = heard.message
        return allocation
    raise NoAnswer("the bus ended")


def lines(allocation: Allocation) -> list[str]:
    """For each load what it has, what binds it, and what it would take to get more."""
    found = [f"decided at {allocation.at:%H:%M:%S} UTC, grid meter {allocation.meter.value}"]
    for name, grant in allocation.loads.items():
        settles = f" (settles at {grant.target_a:g} A)" if grant.target_a > grant.limit_a else ""
        found.append(f"{name} {grant.limit_a:g} A{settles}: {grant.reason}")
        found.append(f"  to get more: {_more(grant)}")
    return found


def _more(grant: LoadGrant) -> str:
    """The binding row as it travels: its kind, then circuit and phase where it has them."""
    kind, *place = (grant.binding or "status").split()
    phase = place.pop() if place and set(place[-1]) <= set("abc") and len(place[-1]) <= 3 else ""
    return what_it_takes(kind, place[0] if place else None, phase, ())
