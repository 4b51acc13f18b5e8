"""A call of a charge point has one answer, or none: when nobody gives one, or when its link ends first."""

import asyncio
import json
import random
from typing import Any

import pytest

from busbar_simulator.calls import Calls
from busbar_simulator.dialect.words import Call
from busbar_simulator.plant.socket import Socket, SocketSpec
from busbar_simulator.station.faults import Fault
from busbar_simulator.station.spec import StationSpec
from busbar_simulator.station.station import Station


class Sink:
    """A wire that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, frame: str, /) -> None:
        """Keep it."""
        self.sent.append(frame)


def calls_of(*faults: Fault, answer_within_s: float = 30.0) -> Calls:
    station = Station(StationSpec(id="left", faults=frozenset(faults)), {1: Socket(SocketSpec())})
    return Calls(station, random.Random(1), answer_within_s)


async def asked(calls: Calls, sink: Sink) -> tuple["asyncio.Task[dict[str, Any] | None]", str]:
    """A call on its way, and its id."""
    asking = asyncio.create_task(calls.ask(sink, Call(action="Heartbeat", payload=dict)))
    while not sink.sent:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    return asking, json.loads(sink.sent[-1])[1]


@pytest.mark.parametrize(
    ("kind", "content", "answer"),
    [
        pytest.param(3, {"status": "Accepted"}, {"status": "Accepted"}, id="an answer"),
        pytest.param(4, "InternalError", {}, id="an error is an answer with nothing in it"),
        pytest.param(3, ["Accepted"], {}, id="an answer of the wrong shape too"),
    ],
)
async def test_a_call_takes_its_own_answer_only(kind: int, content: Any, answer: dict[str, Any]) -> None:
    calls = calls_of()
    asking, key = await asked(calls, Sink())

    calls.heard(3, "somebody else's", {"status": "Rejected"})
    calls.heard(kind, key, content)
    calls.heard(3, key, {"status": "twice"})

    assert await asking == answer


async def test_a_call_that_nobody_answers_is_given_up() -> None:
    asking, _ = await asked(calls_of(answer_within_s=0.05), Sink())

    assert await asking is None


async def test_a_rude_charge_point_gives_every_call_the_same_id() -> None:
    calls, sink = calls_of(Fault.REPEATS_IDS), Sink()

    await calls.flood(sink)

    assert {json.loads(frame)[1] for frame in sink.sent} == {"1"}


async def test_an_answer_that_meets_the_end_of_the_link_does_not_keep_it_alive() -> None:
    calls = calls_of()
    asking, key = await asked(calls, Sink())
    calls.heard(3, key, {})
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert asking.cancelled()
