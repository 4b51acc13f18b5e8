"""The service: opens the account, is present on the bus, and runs until it is cancelled."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from busbar_chargeamps import config
from busbar_chargeamps.cloud import Cloud
from busbar_chargeamps.scheduler import Scheduler
from busbar_shared.bus import MqttBus
from busbar_shared.clock import Clock
from busbar_shared.config.root import Site
from busbar_shared.discovery.charge_amps import charge_amps
from busbar_shared.discovery.show import show
from busbar_shared.life import Service, connect

OpenCloud = Callable[[Site, Mapping[str, str], Clock], AbstractAsyncContextManager[Cloud]]
ONLINE_FIRST_S, AGAIN_FIRST_S = 5.0, 1.0
"""How long the status waits for the word that we are there, at the start and after a lost connection.

Without a broker nobody hears either.
"""

Presence = Callable[[Service, list[str]], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def open_cloud(site: Site, environ: Mapping[str, str], clock: Clock) -> AsyncIterator[Cloud]:
    """The account that the configuration names, over HTTP."""
    from busbar_chargeamps.eapi import ExternalCloud
    from busbar_chargeamps.http import Http
    from busbar_chargeamps.web import WebCloud

    section = config.section_of(site)
    account = config.account_of(section, environ)
    http = Http()
    cloud: Cloud
    try:
        if section.api == "web":
            cloud = WebCloud(
                http,
                clock,
                email=account.email,
                password=account.password,
                zone=config.zone_of(site),
                base_url=section.base_url,
            )
        else:
            cloud = ExternalCloud(
                http,
                clock,
                email=account.email,
                password=account.password,
                api_key=account.api_key,
                base_url=section.base_url,
            )
        yield cloud
    finally:
        await http.aclose()


@asynccontextmanager
async def be_present(service: Service, topics: list[str]) -> AsyncIterator[None]:
    """Hold each availability topic: `online` now, `offline` when we go and as the last will when we die.

    A client has only one will and the service's own is its status, so each is held by an idle connection.
    """
    async with contextlib.AsyncExitStack() as stack:
        buses = []
        for topic in topics:
            bus = connect(service.site, service.name, service.environ, will=(topic, b"offline"))
            await stack.enter_async_context(bus)
            buses.append((bus, topic))

        async def say_online(patience_s: float = AGAIN_FIRST_S) -> None:
            for bus, topic in buses:
                await bus.say_raw(topic, "online", qos=1, retain=True)
            # The word that we are there comes before the status, which travels on another connection.
            await asyncio.gather(*(bus.drain(patience_s) for bus, _ in buses))

        await say_online(ONLINE_FIRST_S)
        if isinstance(service.bus, MqttBus):
            # After a lost connection the subscriptions come first, then the word that we are back.
            service.bus.on_connect.append(say_online)
        try:
            yield
        finally:
            for bus, topic in buses:
                await bus.say_raw(topic, "offline", qos=1, retain=True)
                await bus.drain()


async def run(service: Service, *, cloud: OpenCloud = open_cloud, presence: Presence = be_present) -> None:
    """Serve the configured connectors until cancelled."""
    roots = sorted({place.root for place in config.places(service.site)})
    async with cloud(service.site, service.environ, service.clock) as account:
        # It subscribes before anybody reads that we are there and sends his schedule again.
        scheduler = Scheduler(service, account)
        async with (
            presence(service, [f"{root}/availability" for root in roots]),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(scheduler.run())
            tasks.create_task(show(service, charge_amps(service.site)))
