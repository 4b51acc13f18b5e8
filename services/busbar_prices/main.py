"""The loop of the price service: ask each source now and then, say a series when it has changed."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from busbar_contracts.prices import PriceSeries
from busbar_prices.config import FETCHED, source_of, tariff_of
from busbar_prices.http import SourceSilent
from busbar_prices.quotes import Found, Garbled
from busbar_prices.series import Series, made, same
from busbar_prices.sources.asking import Ask, Source, parsed
from busbar_prices.sources.listed import read_file, read_list
from busbar_shared.config.load import BadConfig
from busbar_shared.config.services import PriceSource, PricesSection
from busbar_shared.life import Service, connect

FIRST_RETRY_S = 60.0

Fetch = Callable[[Ask], Awaitable[bytes | None]]


@asynccontextmanager
async def open_http() -> AsyncIterator[Fetch]:
    """Questions over HTTP."""
    from busbar_prices.http import Http

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
    keepers = [Teller(service, section, name, told) for name, told in section.series.items()]
    topic = f"{service.site.site.topic_root}/prices/availability"
    async with fetching() as fetch, presence(service, topic), asyncio.TaskGroup() as group:
        for keeper in keepers:
            group.create_task(keeper.run(fetch))


class Teller:
    """Keeps one series: asks, keeps the last good prices, says what is new."""

    def __init__(self, service: Service, section: PricesSection, name: str, told: PriceSource) -> None:
        self._service, self._told, self._every_s = service, told, section.every_s
        self._source: Source | None = None
        if told.kind in FETCHED:
            self._source = source_of(name, told, service.environ)
        elif (told.file if told.kind == "file" else told.topic) is None:
            needed = "file" if told.kind == "file" else "topic"
            raise BadConfig(f"prices.series.{name}.{needed}: {told.kind} needs one")
        label = (
            self._source.label if self._source else f"{told.kind}:{Path(told.file or told.topic or '').name}"
        )
        self._series = Series(
            name=name,
            label=label,
            currency=told.currency,
            all_in=self._source.all_in if self._source else told.options.get("all_in") is True,
            tariff=tariff_of(name, told),
            zone=ZoneInfo(service.site.site.timezone),
        )
        self._said: PriceSeries | None = None
        self._said_trouble = ""
        self._failures = 0

    async def run(self, fetch: Fetch) -> None:
        """Until cancelled."""
        if self._told.kind == "mqtt":
            await self._listen()
            return
        while True:
            pause_s = await self.once(fetch)
            await self._service.clock.sleep(pause_s)

    async def once(self, fetch: Fetch) -> float:
        """Ask once; the seconds until the next time."""
        try:
            await self._say(await self._ask(fetch))
        except (SourceSilent, Garbled, OSError, UnicodeDecodeError) as error:
            await self._trouble(error)
            self._failures += 1
            return min(FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 10), self._every_s) * random.uniform(
                0.9, 1.1
            )
        self._failures, self._said_trouble = 0, ""
        return self._every_s * random.uniform(0.9, 1.1)

    async def _ask(self, fetch: Fetch) -> Found:
        if self._source is None:
            return _read_own(self._told.file or "")
        now = self._service.clock.now()
        answers: list[bytes | None] = []
        for index, ask in enumerate(self._source.asks(now)):
            try:
                answers.append(await fetch(ask))
            except SourceSilent:
                # Today's prices are worth having without tomorrow's.
                if index == 0:
                    raise
                answers.append(None)
        return self._source.read(tuple(answers), now)

    async def _listen(self) -> None:
        async for heard in self._service.bus.listen_raw(self._told.topic or ""):
            try:
                await self._say(read_list(parsed(heard.payload)))
                self._said_trouble = ""
            except Garbled as error:
                await self._trouble(error)

    async def _say(self, found: Found) -> None:
        message = made(self._series, found, self._service.clock.now())
        # No price at all is no news worth losing the known ones for.
        if message.slots and not same(self._said, message):
            self._said = message
            await self._service.bus.say(message, series=self._series.name)

    async def _trouble(self, error: Exception) -> None:
        text = f"{self._series.name} ({self._series.label}): {error}"
        if text != self._said_trouble:
            self._said_trouble = text
            await self._service.bus.event("prices_not_read", text, path=f"prices.series.{self._series.name}")


def _read_own(path: str) -> Found:
    return read_file(Path(path).read_text(encoding="utf-8"))
