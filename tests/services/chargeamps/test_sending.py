"""Sending a schedule by hand: what became of it is heard, also when nothing was known before."""

import asyncio
import json
from typing import Any

import pytest

from bare_site import bare_site
from busbar_chargeamps.config import Place
from busbar_chargeamps.sending import ask_to_refresh, send
from busbar_shared.asking import NoAnswer
from busbar_shared.bus import MqttBus
from busbar_shared.life import connect

PLACE = Place("left", "123456", 1, "chargeamps/123456", 11.0)


async def scheduler(bus: MqttBus, ready: asyncio.Event) -> None:
    """Answers a clear with two statuses, of which the first is still the old one."""
    orders = bus.listen_raw(PLACE.topic("schedule/clear"))
    await bus.connected.wait()
    ready.set()
    async for _ in orders:
        await bus.say_raw(PLACE.topic("status"), '{"state":"old"}')
        await bus.say_raw(PLACE.topic("status"), '{"last_hems_command_at":"2026-05-10T12:00:00Z"}')


@pytest.mark.system
async def test_the_first_answer_of_a_scheduler_that_kept_no_status_is_heard(broker: Any) -> None:
    site = bare_site(broker.port)
    async with connect(site, "chargeamps", {}) as bus:
        ready = asyncio.Event()
        answering = asyncio.create_task(scheduler(bus, ready))
        await ready.wait()
        try:
            said = await send(site, PLACE, "clear", None, {}, 5.0)
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    assert said == {"last_hems_command_at": "2026-05-10T12:00:00Z"}


@pytest.mark.system
async def test_without_a_scheduler_there_is_one_sentence(broker: Any) -> None:
    with pytest.raises(NoAnswer, match=r"no answer on .*status within 1 s"):
        await send(bare_site(broker.port), PLACE, "clear", None, {}, 1.0)


async def planner(bus: MqttBus, ready: asyncio.Event, words: tuple[str, ...]) -> None:
    """Answers a request with the status it had, one for somebody else, and its own in each of these states."""
    orders = bus.listen_raw(PLACE.topic("refresh/set"))
    await bus.connected.wait()
    ready.set()
    async for heard in orders:
        asked = json.loads(heard.payload)["id"]
        for said in ({"sync": "synced"}, {"sync": "synced", "refresh_id": "other"}):
            await bus.say_raw(PLACE.topic("status"), json.dumps(said))
        for word in words:
            await bus.say_raw(PLACE.topic("status"), json.dumps({"sync": word, "refresh_id": asked}))


@pytest.mark.system
@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param(("pending", "synced"), "synced", id="the cloud is waited for"),
        pytest.param(("pending", "failed"), "failed", id="also where it refuses"),
        pytest.param(("pending",), "pending", id="and when it does not answer, that it is asked is told"),
    ],
)
async def test_who_asks_to_begin_anew_hears_his_own_answer(
    broker: Any, words: tuple[str, ...], found: str
) -> None:
    site = bare_site(broker.port)
    async with connect(site, "chargeamps", {}) as bus:
        ready = asyncio.Event()
        answering = asyncio.create_task(planner(bus, ready, words))
        await ready.wait()
        try:
            said = await ask_to_refresh(site, PLACE, {}, 3.0)
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    assert said["sync"] == found


@pytest.mark.system
async def test_without_a_scheduler_nobody_begins_anew(broker: Any) -> None:
    with pytest.raises(NoAnswer, match=r"no answer on .*status within 1 s"):
        await ask_to_refresh(bare_site(broker.port), PLACE, {}, 1.0)
