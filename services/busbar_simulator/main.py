"""The simulated house as a service: it lives, and its devices speak Modbus, OCPP, MQTT and HTTP."""

import asyncio
import contextlib
import logging

from busbar_shared.life import Service
from busbar_simulator.at_the_broker import TICK_S, speak
from busbar_simulator.charge_amps import cloud_port
from busbar_simulator.charge_amps_cloud.server import serving
from busbar_simulator.truth import truth
from busbar_simulator.world import World, world_of

log = logging.getLogger(__name__)

TRUTH_S = 1.0


async def run(service: Service) -> None:
    """Live until cancelled. Publishes nothing but the truth, which no service may listen to."""
    world = world_of(service.site, service.clock.now)
    port = await world.server.start()
    log.info("Modbus units %s on port %d", sorted(world.served.by_id), port)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(world.server.stop)
        if world.cloud is not None:
            found = await stack.enter_async_context(serving(world.cloud, port=cloud_port(service.site)))
            log.info("the Charge Amps cloud is on port %d", found)
        # A charge point knows no time before the house has lived a moment.
        world.live(TICK_S)
        async with asyncio.TaskGroup() as group:
            group.create_task(live(service, world))
            group.create_task(speak(service, world))
            for link in world.links.values():
                group.create_task(link.run(), name=f"link {link.station.spec.id}")


async def live(service: Service, world: World) -> None:
    """Step the world with real time, and tell the truth once a second."""
    last_s = service.clock.monotonic()
    next_truth_s = 0.0
    while True:
        now_s = service.clock.monotonic()
        world.live(now_s - last_s)
        last_s = now_s
        if world.built.house.elapsed_s >= next_truth_s:
            next_truth_s = world.built.house.elapsed_s + TRUTH_S
            await service.bus.say(truth(world.built, service.clock.now(), service.site.site.timezone))
        await service.clock.sleep(TICK_S)
