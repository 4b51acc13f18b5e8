"""Somebody at the broker as Home Assistant is: says when it is born, hears every page and state, and repeats its wishes.

A process of its own, so that it can be killed and frozen: `home_assistant_stand_in.py PORT LOAD`.
"""

import asyncio
import json
import sys

from busbar_shared.bus import MqttBus
from busbar_shared.config.broker import BrokerConfig


async def live(port: int, load: str) -> None:
    """Live until killed."""
    async with MqttBus(BrokerConfig(host="127.0.0.1", port=port), client_id="home-assistant") as bus:
        heard = bus.listen_raw("homeassistant/#", "hems/#")
        hearing = asyncio.create_task(_hear(heard))
        await bus.connected.wait()
        await bus.say_raw("homeassistant/status", "online")
        while not hearing.done():
            # As an automation does: the same wish again and again, as plain small JSON.
            await bus.say_raw(f"hems/load/{load}/settings/set", json.dumps({"mode": "standard"}), qos=1)
            await asyncio.sleep(3)


async def _hear(heard) -> None:  # type: ignore[no-untyped-def]
    async for _ in heard:
        pass


if __name__ == "__main__":
    asyncio.run(live(int(sys.argv[1]), sys.argv[2]))
