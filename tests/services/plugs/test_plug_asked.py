"""A switch by hand from the command line, over a real broker."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from bare_site import bare_site
from busbar_contracts.load import ManualSwitch, PlugState
from busbar_plugs.asked import states, switch
from busbar_shared.asking import NoAnswer
from busbar_shared.bus import MqttBus
from busbar_shared.life import connect

OFF = PlugState(at=datetime(2026, 5, 10, 12, 0, tzinfo=UTC), link=True, on=False)
ON = PlugState(at=datetime(2026, 5, 10, 12, 1, tzinfo=UTC), link=True, on=True, manual=True)


async def obey(bus: MqttBus) -> None:
    """The plug service, as far as a switch by hand goes."""
    async for one in bus.listen(ManualSwitch):
        await bus.say(ON if one.message.on else OFF, **one.ids)


@pytest.mark.system
async def test_a_plug_that_obeys_says_so(broker: Any) -> None:
    site = bare_site(broker.port)
    async with connect(site, "plugs", {}) as bus:
        await bus.say(OFF, plug="boiler")
        obeying = asyncio.create_task(obey(bus))
        await bus.connected.wait()
        await bus.drain()
        try:
            assert await states(site) == {"boiler": OFF}
            assert await switch(site, "boiler", True) == ON
        finally:
            obeying.cancel()
            await asyncio.gather(obeying, return_exceptions=True)


@pytest.mark.system
async def test_a_plug_that_does_not_obey_says_how_it_stands(broker: Any) -> None:
    site = bare_site(broker.port)
    async with connect(site, "plugs", {}) as bus:
        await bus.say(OFF, plug="boiler")
        await bus.drain()

        assert await switch(site, "boiler", True, patience_s=0.5) == OFF


@pytest.mark.system
async def test_a_plug_nobody_knows_is_a_sentence(broker: Any) -> None:
    with pytest.raises(NoAnswer, match="nothing is known of plug dryer"):
        await switch(bare_site(broker.port), "dryer", True)
