"""Questions and requests of the command line to the live bus."""

import os

from busbar_contracts.load import HeatState, ManualHeat
from busbar_shared.asking import LISTEN_S, connected, gathered, last_states
from busbar_shared.config.root import Site
from busbar_shared.life import connect

ACCOUNT = "heat-cli"


async def states(site: Site) -> dict[str, HeatState]:
    """What every heater last said of itself. Raises NoAnswer."""
    known = await last_states(site, os.environ, HeatState, ACCOUNT)
    return {heater: state for (heater,), state in known.items()}


async def by_hand(site: Site, heater: str, sg_state: int | None) -> HeatState | None:
    """The heater's last word after the owner set it by hand; None when it said nothing. Raises NoAnswer."""
    async with connect(site, ACCOUNT, os.environ) as bus:
        heard = bus.listen_where((HeatState, {"heater": heater}))
        await connected(bus, site)
        await bus.say(ManualHeat(sg_state=sg_state), heater=heater)
        said = await gathered(
            heard, LISTEN_S * 2, lambda one: sg_state is not None and one.message.sg_state == sg_state
        )
    return said[-1].message if said else None
