"""The devices of the simulated house on the broker, and the ear for what a test bench wishes."""

import asyncio
import logging
from collections.abc import AsyncIterator

from busbar_shared.bus import Bus, RawHeard
from busbar_shared.life import Service
from busbar_simulator.devices.message import Message
from busbar_simulator.wishes import NotGranted, grant
from busbar_simulator.world import World

log = logging.getLogger(__name__)

TICK_S = 0.1


async def speak(service: Service, world: World) -> None:
    """Let the devices hear and speak, and say at the end what their wills would."""
    clock, bus = service.clock, service.bus
    wish = f"busbar-simulator/{service.site.site.id}/wish"
    heard = bus.listen_raw(wish, *(topic for gadget in world.gadgets for topic in gadget.hears))
    obeying = asyncio.create_task(obey(service, world, heard, wish))
    try:
        for gadget in world.gadgets:
            await say(bus, gadget.greet(clock.now()))
        while True:
            for gadget in world.gadgets:
                await say(bus, gadget.step(world.built.house.elapsed_s, clock.now()))
            await clock.sleep(TICK_S)
    finally:
        obeying.cancel()
        await asyncio.gather(obeying, return_exceptions=True)
        for gadget in world.gadgets:
            await say(bus, gadget.leave())


async def obey(service: Service, world: World, heard: AsyncIterator[RawHeard], wish: str) -> None:
    """Give each message to the devices it is for. A retained order is obeyed too: real devices do."""
    async for raw in heard:
        if raw.topic == wish:
            try:
                grant(world, raw.payload)
            except NotGranted as refused:
                log.warning("a wish was not granted: %s", refused)
            continue
        for gadget in world.gadgets:
            if any(topic_matches(one, raw.topic) for one in gadget.hears):
                now_s, at = world.built.house.elapsed_s, service.clock.now()
                await say(service.bus, gadget.hear(raw.topic, raw.payload, now_s, at))


def topic_matches(wanted: str, topic: str) -> bool:
    """Whether a topic falls under a device's subscription, a plain topic or one that ends with #."""
    return topic.startswith(wanted[:-1]) if wanted.endswith("/#") else topic == wanted


async def say(bus: Bus, messages: list[Message]) -> None:
    """Put messages on the broker."""
    for message in messages:
        await bus.say_raw(message.topic, message.payload, qos=message.qos, retain=message.retain)
