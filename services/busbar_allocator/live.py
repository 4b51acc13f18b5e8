"""The decision in force at the running site, for `busbar explain --live`."""

from collections.abc import Mapping

from busbar_allocator.explain import what_it_takes
from busbar_contracts.allocation import Allocation, LoadGrant
from busbar_shared.asking import CONNECT_S, connected, first
from busbar_shared.config.root import Site
from busbar_shared.life import connect

ANSWER_S = 12.0
"""The allocation is retained; without one the allocator speaks at least each 10 s."""


async def in_force(site: Site, environ: Mapping[str, str], connect_s: float = CONNECT_S) -> Allocation:
    """The allocation the site's allocator published last. Raises NoAnswer."""
    async with connect(site, "explain", environ) as bus:
        heard = bus.listen(Allocation)
        await connected(bus, site, connect_s)
        answer = await first(heard, ANSWER_S, "no allocation was heard; does the allocator run?")
    allocation: Allocation = answer.message
    return allocation


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
