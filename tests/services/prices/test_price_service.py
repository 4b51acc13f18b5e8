"""The price service in virtual time: late prices, outages, a bridge over MQTT, a file."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from busbar_contracts.prices import PriceSeries
from busbar_prices.http import SourceSilent
from busbar_prices.main import run
from busbar_prices.sources.asking import Ask
from busbar_shared.clock import VirtualClock, settle
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service

NOON = datetime(2025, 12, 4, 11, 0, tzinfo=UTC)


class Portal:
    """A data portal that publishes tomorrow at 12:45 and sometimes does not answer."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock, self.down, self.asked = clock, False, 0

    async def __call__(self, ask: Ask) -> bytes | None:
        self.asked += 1
        if self.down:
            raise SourceSilent("nordpool answers 503")
        day = datetime.fromisoformat(ask.url.partition("date=")[2][:10]).replace(tzinfo=UTC)
        if self.clock.now() < day - timedelta(days=1) + timedelta(hours=11, minutes=45):
            return None
        start = day - timedelta(hours=1)
        entries = [
            {
                "deliveryStart": (start + timedelta(hours=i)).isoformat(),
                "deliveryEnd": (start + timedelta(hours=i + 1)).isoformat(),
                "entryPerArea": {"NL": 100.0 + i},
            }
            for i in range(24)
        ]
        return json.dumps({"currency": "EUR", "multiAreaEntries": entries}).encode()


@asynccontextmanager
async def absent(service: Service, topic: str) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def serving(tmp_path: Path, clock: VirtualClock, portal: Portal, **told: Any) -> AsyncIterator[FakeBus]:
    site = msgspec.convert(
        {"site": {"timezone": "Europe/Amsterdam"}, "prices": {"series": {"import": told}}}, Site
    )
    bus = FakeBus(clock=clock)

    @asynccontextmanager
    async def fetching() -> AsyncIterator[Portal]:
        yield portal

    service = Service("prices", site, bus, clock, tmp_path)
    task = asyncio.create_task(run(service, fetching=fetching, presence=absent))
    await settle(60)
    try:
        yield bus
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def said(bus: FakeBus) -> list[PriceSeries]:
    return [message for _, message in bus.said if isinstance(message, PriceSeries)]


async def test_tomorrow_is_said_when_it_is_published_and_nothing_before(tmp_path: Path) -> None:
    clock = VirtualClock(NOON)
    async with serving(tmp_path, clock, Portal(clock), kind="nordpool", area="NL") as bus:
        assert [len(one.slots) for one in said(bus)] == [24]
        await clock.advance(30 * 60)
        assert len(said(bus)) == 1
        await clock.advance(45 * 60)
        assert [len(one.slots) for one in said(bus)] == [24, 48]
        assert said(bus)[-1].source == "nordpool:NL"


async def test_an_outage_is_reported_once_and_the_prices_stay(tmp_path: Path) -> None:
    clock = VirtualClock(NOON)
    portal = Portal(clock)
    async with serving(tmp_path, clock, portal, kind="nordpool", area="NL") as bus:
        portal.down = True
        await clock.advance(6 * 3600)
        assert (len(said(bus)), len(bus.events)) == (1, 1)
        assert bus.events[0][0] == "prices_not_read"
        portal.down = False
        await clock.advance(3600)
        assert [len(one.slots) for one in said(bus)] == [24, 48]
        portal.down = True
        await clock.advance(3600)
        assert len(said(bus)) == 2


async def test_a_sensor_of_home_assistant_is_bridged_with_the_households_tariff(tmp_path: Path) -> None:
    clock = VirtualClock(NOON)
    told = {"kind": "mqtt", "topic": "bridge/prices", "vat_percent": 21.0, "fixed_per_kwh": 0.1}
    async with serving(tmp_path, clock, Portal(clock), **told) as bus:
        slot = {"start": "2025-12-04T13:00:00+01:00", "end": "2025-12-04T14:00:00+01:00", "price": 0.1}
        bus.feed_raw("bridge/prices", json.dumps([slot]))
        bus.feed_raw("bridge/prices", b"\xff")
        await settle(60)
        assert [one.slots[0].price for one in said(bus)] == [0.221]
        assert [code for code, _ in bus.events] == ["prices_not_read"]


async def test_what_is_left_out_of_an_answer_is_told_once(tmp_path: Path) -> None:
    clock = VirtualClock(NOON)
    good = {"start": "2025-12-04T13:00:00+01:00", "end": "2025-12-04T14:00:00+01:00", "price": 0.1}
    bad = good | {"start": "2025-12-04T15:00:00", "price": None}
    async with serving(tmp_path, clock, Portal(clock), kind="mqtt", topic="bridge/prices") as bus:
        for listed in ([good, bad], [bad, good], [good], [good, bad]):
            bus.feed_raw("bridge/prices", json.dumps(listed))
            await settle(60)
        # The deletion of what the broker had kept is no list.
        bus.feed_raw("bridge/prices", b"")
        await settle(60)
        text = "import (mqtt:topic): left out 1 of its entries, without a usable price or time"
        assert bus.events == [("prices_not_read", text)] * 2
        assert len(said(bus)) == 1


async def test_a_source_without_any_price_of_the_area_is_told(tmp_path: Path) -> None:
    clock = VirtualClock(NOON)
    async with serving(tmp_path, clock, Portal(clock), kind="nordpool", area="XX") as bus:
        await clock.advance(6 * 3600)
        assert bus.events == [("prices_not_read", "import (nordpool:XX): no prices for today or later")]
        assert said(bus) == []


async def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    clock = VirtualClock(NOON)
    file = tmp_path / "prices.csv"
    line = "2025-12-04T13:00:00+01:00,2025-12-04T14:00:00+01:00,"
    file.write_text(f"start,end,price\n{line}0.1\n")
    async with serving(tmp_path, clock, Portal(clock), kind="file", file=str(file)) as bus:
        await clock.advance(3600)
        file.write_text(f"start,end,price\n{line}0.2\n")
        await clock.advance(3600)
        assert [one.slots[0].price for one in said(bus)] == [0.1, 0.2]
