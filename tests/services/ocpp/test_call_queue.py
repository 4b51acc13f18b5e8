"""One call at a time is OCPP's rule: what stands in the queue, the most urgent goes first."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from busbar_ocpp import frames
from busbar_ocpp.calls import Calls, Payload, Superseded
from busbar_ocpp.standing import Urgency
from busbar_shared.clock import VirtualClock

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


class Charger:
    """Hears calls and answers them one by one when told to."""

    def __init__(self) -> None:
        self.calls = Calls(self._hear, "1.6", VirtualClock(NOON))
        self.heard: list[Any] = []
        self.waiting: list[asyncio.Task[Payload]] = []

    async def _hear(self, text: str) -> None:
        self.heard.append(json.loads(text))

    def ask(self, key: str, urgency: Urgency) -> None:
        """Put a call that can be told from others by its key into the queue."""
        question = self.calls.ask("GetConfiguration", {"key": [key]}, urgency, key.split()[0])
        self.waiting.append(asyncio.create_task(question))

    async def answer(self) -> None:
        """Answer the last call."""
        self.calls.hear(frames.Result(self.heard[-1][1], {}))
        await moments()

    @property
    def order(self) -> list[str]:
        """What was sent so far."""
        return [frame[3]["key"][0] for frame in self.heard]


async def moments() -> None:
    """Let every task come to its next wait."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_cut_overtakes_everything_but_the_call_that_is_under_way() -> None:
    charger = Charger()
    running = asyncio.create_task(charger.calls.run())
    charger.ask("first question", Urgency.OTHER)
    await moments()
    charger.ask("question", Urgency.OTHER)
    charger.ask("renewal", Urgency.RENEWAL)
    charger.ask("raise", Urgency.RAISE)
    charger.ask("cut", Urgency.CUT)
    await moments()
    for _ in range(5):
        await charger.answer()

    assert charger.order == ["first question", "cut", "raise", "renewal", "question"]
    running.cancel()
    await asyncio.gather(running, *charger.waiting, return_exceptions=True)


async def test_a_newer_value_takes_the_place_of_one_that_still_waits() -> None:
    charger = Charger()
    running = asyncio.create_task(charger.calls.run())
    charger.ask("question", Urgency.OTHER)
    await moments()
    charger.ask("limit of 16 A", Urgency.RAISE)
    await moments()
    charger.ask("limit of 6 A", Urgency.CUT)
    await moments()
    for _ in range(2):
        await charger.answer()

    assert charger.order == ["question", "limit of 6 A"]
    with pytest.raises(Superseded):
        await charger.waiting[1]
    running.cancel()
    await asyncio.gather(running, *charger.waiting, return_exceptions=True)
