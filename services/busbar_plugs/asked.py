"""Questions and requests of the command line to the live bus."""

import os

from busbar_contracts.load import ManualSwitch, PlugState
from busbar_plugs.detect import FILTERS, QUESTIONS, Found, found
from busbar_shared.asking import LISTEN_S, connected, first, gathered, last_states
from busbar_shared.config.root import Site
from busbar_shared.life import connect

ACCOUNT = "plug-cli"


async def states(site: Site) -> dict[str, PlugState]:
    """What every plug last said of itself. Raises NoAnswer."""
    known = await last_states(site, os.environ, PlugState, ACCOUNT)
    return {plug: state for (plug,), state in known.items()}


async def switch(site: Site, plug: str, on: bool, patience_s: float = 10.0) -> PlugState:
    """The plug's state after it obeyed the owner, or its last word when it did not. Raises NoAnswer."""
    async with connect(site, ACCOUNT, os.environ) as bus:
        heard = bus.listen_where((PlugState, {"plug": plug}))
        await connected(bus, site)
        why = f"nothing is known of plug {plug}; is the plug service running?"
        before = await first(heard, LISTEN_S * 2, why)
        await bus.say(ManualSwitch(on=on), plug=plug)
        after = await gathered(heard, patience_s, lambda one: one.message.manual and one.message.on is on)
    last: PlugState = [before, *after][-1].message
    return last


async def detect(site: Site, seconds: float, *, ask: bool) -> list[Found]:
    """The plugs that give themselves away on the broker within some seconds. Raises NoAnswer."""
    async with connect(site, ACCOUNT, os.environ) as bus:
        heard = bus.listen_raw(*FILTERS)
        await connected(bus, site)
        if ask:
            for topic, payload in QUESTIONS:
                await bus.say_raw(topic, payload)
        return found([(one.topic, one.payload) for one in await gathered(heard, seconds)])
