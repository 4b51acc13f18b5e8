"""Plays the messages of many sites at one broker: `site_player.py PORT FIRST LAST RECORDING`.

Each site has three clients, as a real one has, and each of them hears everything of its site: more than a real service.
"""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
from msgspec import Struct

from busbar_shared.bus import MqttBus
from busbar_shared.config.broker import BrokerConfig

CLIENTS = 3


class Said(Struct, frozen=True):
    """One message of the recorded minute: its time in it, the topic below the site's root, and how it travelled."""

    at_s: float
    topic: str
    payload: str
    retain: bool
    qos: int


async def play(port: int, sites: range, recorded: list[Said]) -> None:
    """Repeat the recorded minute for ever, for each of the sites, each at a time of its own in it."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for site in sites:
            clients = [
                await stack.enter_async_context(
                    MqttBus(BrokerConfig(host="127.0.0.1", port=port), client_id=f"player-{site}-{number}")
                )
                for number in range(CLIENTS)
            ]
            for client in clients:
                group.create_task(_hear(client, f"sites/s{site}/hems/#"))
            group.create_task(_speak(clients, site, recorded))


async def _hear(client: MqttBus, wanted: str) -> None:
    async for _ in client.listen_raw(wanted):
        pass


async def _speak(clients: list[MqttBus], site: int, recorded: list[Said]) -> None:
    loop, length_s = asyncio.get_running_loop(), 60.0
    began_s = loop.time() - (site * 7.0) % length_s
    turn = 0
    while True:
        for number, one in enumerate(recorded):
            due_s = began_s + turn * length_s + one.at_s
            if due_s < loop.time() - 5:
                continue
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            client = clients[number % CLIENTS]
            await client.say_raw(
                f"sites/s{site}/hems/{one.topic}", one.payload, qos=one.qos, retain=one.retain
            )
        turn += 1


if __name__ == "__main__":
    kept = msgspec.json.decode(Path(sys.argv[4]).read_bytes(), type=list[Said])
    asyncio.run(play(int(sys.argv[1]), range(int(sys.argv[2]), int(sys.argv[3])), kept))
