"""Questions and requests of the command line to the live bus."""

import os

from busbar_contracts.load import HeatState, LoadMode, LoadSettings, LoadSettingsSet, ManualHeat
from busbar_heat.detect import FILTERS, Found, found
from busbar_shared.asking import LISTEN_S, connected, first, gathered, last_states
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


async def switch(
    site: Site, heater: str, mode: LoadMode, for_s: float | None = None, patience_s: float = 5.0
) -> LoadSettings:
    """The heater's settings after its mode was changed, or as they are when it was not. Raises NoAnswer.

    With `for_s` its mode stays, and it boosts for so long beside it.
    """
    async with connect(site, ACCOUNT, os.environ) as bus:
        heard = bus.listen_where((LoadSettings, {"load": heater}))
        await connected(bus, site)
        why = f"nothing is known of the settings of {heater}; is the allocator running?"
        before: LoadSettings = (await first(heard, LISTEN_S * 2, why)).message
        if before.mode is mode and for_s is None:
            return before
        wish = LoadSettingsSet(mode=mode) if for_s is None else LoadSettingsSet(boost=True, boost_for_s=for_s)
        await bus.say(wish, load=heater)
        after = await gathered(heard, patience_s, lambda one: one.message != before)
    return after[-1].message if after else before


async def detect(site: Site, seconds: float) -> list[Found]:
    """The thermometers that give themselves away on the broker within some seconds. Raises NoAnswer."""
    async with connect(site, ACCOUNT, os.environ) as bus:
        heard = bus.listen_raw(*FILTERS)
        await connected(bus, site)
        return found([(one.topic, one.payload) for one in await gathered(heard, seconds)])
