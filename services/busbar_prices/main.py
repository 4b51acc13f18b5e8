"""The loop of the price service: ask each source now and then, say a series when it has changed."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from busbar_contracts.prices import PriceSeries
from busbar_prices.http import Http, SourceSilent
from busbar_prices.quotes import Garbled
from busbar_prices.reader import Fetch, Reader
from busbar_prices.series import same
from busbar_prices.sources.asking import parsed
from busbar_prices.sources.listed import read_list
from busbar_shared.config.load import BadConfig
from busbar_shared.discovery.show import show
from busbar_shared.life import Service, connect

FIRST_RETRY_S = 60.0
LEAST_EVERY_S = 10.0
"""Nobody's prices change faster, and a source that is asked without a pause shuts us out."""


@asynccontextmanager
async def open_http() -> AsyncIterator[Fetch]:
    """Questions over HTTP."""
    http = Http()
    try:
        yield http
    finally:
        await http.aclose()


@asynccontextmanager
async def be_present(service: Service, topic: str) -> AsyncIterator[None]:
    """Hold the availability topic with a connection of its own, because a client has only one will."""
    async with connect(service.site, service.name, service.environ, will=(topic, b"offline")) as bus:
        await bus.say_raw(topic, "online", qos=1, retain=True)
        try:
            yield
        finally:
            await bus.say_raw(topic, "offline", qos=1, retain=True)
            await bus.drain()


Presence = Callable[[Service, str], AbstractAsyncContextManager[None]]


async def run(
    service: Service,
    *,
    fetching: Callable[[], AbstractAsyncContextManager[Fetch]] = open_http,
    presence: Presence = be_present,
) -> None:
    """Serve every configured series until cancelled."""
    section = service.site.prices
    if section is None:
        raise BadConfig("prices: the section is missing")
    tellers = [
        Teller(service, Reader(service.site, name, told, service.environ), section.every_s)
        for name, told in section.series.items()
    ]
    topic = f"{service.site.site.topic_root}/prices/availability"
    async with fetching() as fetch, presence(service, topic), asyncio.TaskGroup() as group:
        for teller in tellers:
            group.create_task(teller.run(fetch))
        group.create_task(show(service, ()))


class Teller:
    """Keeps one series: asks, keeps the last good prices, says what is new."""

    def __init__(self, service: Service, reader: Reader, every_s: float) -> None:
        self._service, self._reader = service, reader
        self._every_s = max(every_s, LEAST_EVERY_S)
        self._said: PriceSeries | None = None
        self._said_trouble = ""
        self._failures = 0

    async def run(self, fetch: Fetch) -> None:
        """Until cancelled."""
        if self._reader.told.kind == "mqtt":
            await self._listen(self._reader.told.topic or "")
            return
        while True:
            pause_s = await self.once(fetch)
            await self._service.clock.sleep(pause_s * random.uniform(0.9, 1.1))

    async def once(self, fetch: Fetch) -> float:
        """Ask once; about how many seconds until the next time."""
        try:
            message = await self._reader.once(fetch, self._service.clock.now())
        except (SourceSilent, Garbled, OSError, UnicodeDecodeError) as error:
            await self._trouble(str(error))
            self._failures += 1
            return min(FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 10), self._every_s)
        self._failures = 0
        await self._say(message)
        await self._doubt(message)
        return self._every_s

    async def _listen(self, topic: str) -> None:
        async for heard in self._service.bus.listen_raw(topic):
            # An empty message is how a broker's client deletes a retained one.
            if not heard.payload:
                continue
            try:
                found = read_list(parsed(heard.payload))
                message = self._reader.message(found, self._service.clock.now())
            except Garbled as error:
                await self._trouble(str(error))
                continue
            await self._say(message)
            await self._doubt(message)

    async def _say(self, message: PriceSeries) -> None:
        # No price at all is no news worth losing the known ones for.
        if message.slots and not same(self._said, message):
            self._said = message
            await self._service.bus.say(message, series=self._reader.series.name)

    async def _doubt(self, message: PriceSeries) -> None:
        """Say once what an answer that could be read has left out."""
        if not message.slots:
            await self._trouble("no prices for today or later")
        elif self._reader.dropped:
            count = self._reader.dropped
            await self._trouble(f"left out {count} of its entries, without a usable price or time")
        else:
            self._said_trouble = ""

    async def _trouble(self, what: str) -> None:
        series = self._reader.series
        text = f"{series.name} ({series.label}): {what}"
        if text != self._said_trouble:
            self._said_trouble = text
            await self._service.bus.event("prices_not_read", text, path=f"prices.series.{series.name}")
