"""Asking the running site: an answer, or one sentence; and whoever is told to stop, stops."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from bare_site import bare_site
from busbar_contracts.allocation import Allocation, MeterHealth
from busbar_contracts.load import PlugState
from busbar_shared.asking import NoAnswer, connected, first, gathered, last_states
from busbar_shared.fakes import FakeBus
from busbar_shared.life import connect

NOON = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)
SAID = Allocation(at=NOON, meter=MeterHealth.FRESH, loads={}, circuits={})
LATER = Allocation(at=NOON, meter=MeterHealth.LOST, loads={}, circuits={})


async def test_the_first_thing_heard_is_the_answer() -> None:
    heard = await first(FakeBus((SAID, {}), (LATER, {})).listen(Allocation), 5, "nobody")

    assert heard.message == SAID


async def test_silence_is_a_sentence() -> None:
    with pytest.raises(NoAnswer, match="nobody is there"):
        await first(FakeBus().listen(Allocation), 0.01, "nobody is there")


async def test_a_bus_that_ends_is_the_same_sentence() -> None:
    bus = FakeBus()
    heard = bus.listen(Allocation)
    bus.end()

    with pytest.raises(NoAnswer, match="nobody is there"):
        await first(heard, 5, "nobody is there")


async def test_a_request_that_is_stopped_just_as_its_answer_comes_stops() -> None:
    bus = FakeBus()
    asking = asyncio.create_task(first(bus.listen(Allocation), 5, "nobody"))
    for _ in range(3):
        await asyncio.sleep(0)

    bus.feed(SAID)
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_everything_heard_is_gathered_until_one_is_enough() -> None:
    bus = FakeBus((SAID, {}), (LATER, {}), (SAID, {}))

    found = await gathered(bus.listen(Allocation), 5, lambda one: one.message.meter is MeterHealth.LOST)

    assert [one.message for one in found] == [SAID, LATER]


async def test_what_was_heard_until_the_time_is_over_is_kept() -> None:
    assert len(await gathered(FakeBus((SAID, {})).listen(Allocation), 0.01)) == 1


async def test_a_broker_that_does_not_answer_is_a_sentence_with_its_address() -> None:
    site = bare_site(9)
    async with connect(site, "test", {}) as bus:
        with pytest.raises(NoAnswer, match=r"the broker 127\.0\.0\.1:9 does not answer"):
            await connected(bus, site, 0.2)


@pytest.mark.system
async def test_the_last_word_of_every_device_is_found_at_a_broker(broker: Any) -> None:
    site = bare_site(broker.port)
    dryer, boiler = PlugState(at=NOON, link=True, on=True), PlugState(at=NOON, link=False, on=None)
    async with connect(site, "plugs", {}) as bus:
        await bus.say(boiler, plug="dryer")
        await bus.say(dryer, plug="dryer")
        await bus.say(boiler, plug="boiler")
        await bus.drain()

        known = await last_states(site, {}, PlugState, "test")

    assert known == {("dryer",): dryer, ("boiler",): boiler}
