"""The simulated house as a service: it lives, and its devices speak Modbus and OCPP."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from busbar_shared.bus import Bus, RawHeard
from busbar_shared.life import Service
from busbar_simulator.build import Built, build
from busbar_simulator.devices.message import Gadget, Message
from busbar_simulator.gadgets import add_gadgets
from busbar_simulator.link import Link
from busbar_simulator.modbus_server import ModbusServer
from busbar_simulator.truth import truth
from busbar_simulator.units import Units, units

log = logging.getLogger(__name__)

TICK_S = 0.1
LONGEST_S = 0.25
TRUTH_S = 1.0


async def run(service: Service) -> None:
    """Live until cancelled. Publishes nothing but the truth, which no service may listen to."""
    site = service.site
    built = build(site)
    served = units(site, built)
    server = ModbusServer(
        {unit: refreshed.device for unit, refreshed in served.by_id.items()},
        port=site.simulator.modbus_port if site.simulator else 0,
    )
    port = await server.start()
    log.info("the simulated house serves Modbus units %s on port %d", sorted(served.by_id), port)
    links = [Link(point.station, point.dialect, point.url, password=point.password) for point in built.points]
    gadgets = add_gadgets(site, built)
    tasks = [asyncio.create_task(live(service, built, served, links))]
    if gadgets:
        tasks.append(asyncio.create_task(speak(service, built, gadgets)))
    # A charge point knows no time before the house has lived a moment.
    await service.clock.sleep(TICK_S)
    tasks += [asyncio.create_task(link.run(), name=f"link {link.station.spec.id}") for link in links]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.stop()


async def speak(service: Service, built: Built, gadgets: list[Gadget]) -> None:
    """Let the devices on the broker hear and speak."""
    clock, bus = service.clock, service.bus
    heard = bus.listen_raw(*(topic for gadget in gadgets for topic in gadget.hears))
    obeying = asyncio.create_task(obey(service, built, gadgets, heard))
    try:
        for gadget in gadgets:
            await say(bus, gadget.greet(clock.now()))
        while True:
            for gadget in gadgets:
                await say(bus, gadget.step(built.house.elapsed_s, clock.now()))
            await clock.sleep(TICK_S)
    finally:
        obeying.cancel()
        await asyncio.gather(obeying, return_exceptions=True)


async def obey(service: Service, built: Built, gadgets: list[Gadget], heard: AsyncIterator[RawHeard]) -> None:
    """Give each message to the devices it is for. A retained order is obeyed too: real devices do."""
    async for raw in heard:
        for gadget in gadgets:
            if any(topic_matches(one, raw.topic) for one in gadget.hears):
                answers = gadget.hear(raw.topic, raw.payload, built.house.elapsed_s, service.clock.now())
                await say(service.bus, answers)


def topic_matches(wanted: str, topic: str) -> bool:
    """Whether a topic falls under a device's subscription, a plain topic or one that ends with #."""
    return topic.startswith(wanted[:-1]) if wanted.endswith("/#") else topic == wanted


async def say(bus: Bus, messages: list[Message]) -> None:
    """Put messages on the broker."""
    for message in messages:
        await bus.say_raw(message.topic, message.payload, qos=message.qos, retain=message.retain)


async def live(service: Service, built: Built, served: Units, links: list[Link]) -> None:
    """Step the plant with real time, and let everything on it notice."""
    last_s = service.clock.monotonic()
    next_truth_s = 0.0
    while True:
        now_s = service.clock.monotonic()
        lived_s, last_s = now_s - last_s, now_s
        for dt_s in portions(lived_s):
            step(built, served, links, dt_s, service.clock.now)
        if built.house.elapsed_s >= next_truth_s:
            next_truth_s = built.house.elapsed_s + TRUTH_S
            await service.bus.say(truth(built, service.clock.now(), service.site.site.timezone))
        await service.clock.sleep(TICK_S)


def portions(seconds: float) -> list[float]:
    """A stretch of time in steps short enough for honest ramps, even when the machine was busy."""
    count = max(int(seconds / LONGEST_S) + 1, 1)
    return [seconds / count] * min(count, 2400) if seconds > 0 else []


def step(built: Built, served: Units, links: list[Link], dt_s: float, now: Callable[[], datetime]) -> None:
    """One step of everything."""
    for arrival in built.arrivals:
        arrival.step(built.house.elapsed_s)
    built.house.step(dt_s)
    served.step(built.house)
    for link in links:
        link.tell(link.station.step(dt_s, now(), built.house.volts))
