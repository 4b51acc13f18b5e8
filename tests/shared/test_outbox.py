"""What waits to leave the bus while the broker is away or slow."""

import asyncio
from datetime import UTC, datetime

import pytest
from msgspec import Struct

from busbar_contracts.load import PlugSwitch
from busbar_contracts.meter import MeterReading
from busbar_contracts.service import HaState
from busbar_contracts.topics import topic_of
from busbar_shared.outbox import Outbox, Outgoing, stale_at_s

SIX_PM = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)


def a_word(topic: str, payload: bytes = b"1", *, retain: bool = False) -> Outgoing:
    return Outgoing(topic, payload, 1, retain, None)


async def sent(box: Outbox, count: int) -> list[tuple[str, bytes]]:
    """What leaves next, so many."""
    found = []
    for _ in range(count):
        one = await box.first()
        box.left(one)
        found.append((one.topic, one.payload))
    return found


async def test_a_full_box_lets_the_oldest_go() -> None:
    box = Outbox(2)
    assert [box.put(a_word(name)) for name in "abc"] == [True, True, False]

    assert await sent(box, 2) == [("b", b"1"), ("c", b"1")]
    assert await box.drained(0.0)


async def test_what_was_pushed_out_while_it_was_being_sent_takes_no_other_with_it() -> None:
    box = Outbox(1)
    box.put(a_word("a"))
    under_way = await box.first()
    box.put(a_word("b"))
    box.left(under_way)

    assert await sent(box, 1) == [("b", b"1")]


async def test_after_a_reconnect_what_we_own_is_said_first_and_its_newest_word_once() -> None:
    box = Outbox(10)
    box.put(a_word("state/a", retain=True))
    box.put(a_word("state/b", b"old", retain=True))
    await sent(box, 2)
    box.put(a_word("order"))
    box.put(a_word("state/b", b"new", retain=True))
    box.say_retained_again()

    assert await sent(box, 3) == [("state/a", b"1"), ("order", b"1"), ("state/b", b"new")]
    assert await box.drained(0.0)


async def test_waiting_for_an_empty_box_ends_with_the_last_message_or_with_the_patience() -> None:
    box = Outbox(10)
    box.put(a_word("a"))
    assert not await box.drained(0.0)

    waiting = asyncio.ensure_future(box.drained(600.0))
    await asyncio.sleep(0)
    await sent(box, 1)
    assert await waiting


def a_switch(lease_s: float) -> PlugSwitch:
    return PlugSwitch(
        on=True, issuer="allocator", instance="one", seq=1, issued_at=SIX_PM, lease_s=lease_s, reason="sun"
    )


@pytest.mark.parametrize(
    ("message", "stale"),
    [
        pytest.param(a_switch(9.0), 103.0, id="an order is old after a third of its lease"),
        pytest.param(a_switch(60.0), 105.0, id="and at the latest after five seconds"),
        pytest.param(MeterReading(at=SIX_PM, power_w=4200), 101.0, id="a reading after one second"),
        pytest.param(HaState(values={}), None, id="a state never"),
    ],
)
def test_when_a_message_is_too_old_to_leave(message: Struct, stale: float | None) -> None:
    assert stale_at_s(message, topic_of(type(message)), 100.0) == stale
