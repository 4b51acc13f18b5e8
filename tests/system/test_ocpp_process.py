"""The OCPP service as a process of its own: stopped, killed and back, with a car that charges."""

import asyncio
import json
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ocpp_place import Place, place

sys.path.insert(0, str(Path(__file__).parents[1] / "services" / "ocpp"))

from ocpp_charge_point import ChargePoint
from ocpp_time import FastClock

pytestmark = pytest.mark.system


async def charging(house: Place, version: str) -> ChargePoint:
    """A charger with a car at 13 A."""
    charger = ChargePoint(FastClock(1.0, start=datetime.now(UTC)), house.port, "CP-1", version=version)
    charger.car_a[1] = 16.0
    await charger.connect()
    await charger.boot()
    await charger.status("Preparing" if version == "1.6" else "Occupied")
    await charger.start()
    house.limit_a = 13.0
    await house.until(lambda: charger.limit() == 13.0, 30, "the grant")
    await charger.measure()
    return charger


async def back(house: Place, charger: ChargePoint) -> None:
    """Come again without a boot, as a charger does whose central system was away."""
    for _ in range(100):
        try:
            await charger.connect()
            return
        except OSError:
            await asyncio.sleep(0.2)
    raise AssertionError("the service did not come back")


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_sigterm_leaves_the_charger_at_its_safe_limit_before_the_process_is_gone(
    tmp_path: Path, version: str
) -> None:
    async with place(tmp_path) as house:
        charger = await charging(house, version)
        process = house.supervisor.children["ocpp"].process
        assert process is not None
        house.supervisor.children["ocpp"].hold()

        house.kill(signal.SIGTERM)
        took_s = await house.until(lambda: charger.closed is not None, 12, "the process ends")

        assert charger.limit() == 6.0
        assert took_s < 10
        assert await asyncio.wait_for(process.wait(), 30) == 0
        assert charger.errors == []


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_sigkill_in_a_transaction_loses_nothing_and_books_nothing_twice(
    tmp_path: Path, version: str
) -> None:
    async with place(tmp_path) as house:
        charger = await charging(house, version)
        await house.until(lambda: house.states[-1].session is not None, 10, "the session")
        [before] = house.transactions()
        sessions = {state.session.id for state in house.states if state.session is not None}

        house.kill(signal.SIGKILL)
        await house.until(lambda: charger.closed is not None, 20, "the link breaks")
        heard = len(house.states)
        assert charger.limit() in (13.0, 6.0), (
            "what it was told, or its fallback where the order had ended before"
        )
        assert charger.limit_after(25) == 6.0, "its lease ends by itself"
        await back(house, charger)
        await house.until(lambda: len(house.states) > heard and house.states[-1].link, 20, "it is back")
        await charger.measure()
        charger.energy_wh += 500
        await charger.stop()
        await house.until(lambda: house.transactions()[0].ended_at is not None, 10, "the end is booked")

        [after] = house.transactions()
        assert (after.number, after.wire_id, after.started_at) == (
            before.number,
            before.wire_id,
            before.started_at,
        )
        assert len(sessions | {s.session.id for s in house.states[heard:] if s.session is not None}) == 1
        assert charger.errors == []
        await charger.disconnect()


async def test_an_outsider_answers_about_a_tag_with_plain_json(tmp_path: Path) -> None:
    async with place(tmp_path, more="accept_all_tags = false\nask_tags = true\nask_tags_s = 15") as house:
        charger = ChargePoint(FastClock(1.0, start=datetime.now(UTC)), house.port, "CP-1")
        await charger.connect()
        await charger.boot()
        asked = house.bus.listen_raw("hems/charger/+/authorize")
        await asyncio.sleep(0.5)  # a broker tells nobody when a subscription stands
        waiting = asyncio.create_task(charger.call("Authorize", {"idTag": "04A2B3C4"}))
        heard = await asyncio.wait_for(anext(asked), 30)
        question = json.loads(heard.payload)

        await house.bus.say_raw(f"{heard.topic}/set", '{"tag": "04a2b3c4", "accepted": true}', qos=1)

        assert await waiting == {"idTagInfo": {"status": "Accepted"}}
        assert (heard.topic, question["tag"]) == ("hems/charger/left/authorize", "04A2B3C4")
        assert charger.errors == []
        await charger.disconnect()
