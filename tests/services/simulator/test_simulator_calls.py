"""A call of a charge point has one answer, or none when its link ends first."""

import asyncio
import json
import random

from busbar_simulator.calls import Calls
from busbar_simulator.dialect.words import Call
from busbar_simulator.plant.socket import Socket, SocketSpec
from busbar_simulator.station.spec import StationSpec
from busbar_simulator.station.station import Station


class Sink:
    """A wire that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, frame: str, /) -> None:
        """Keep it."""
        self.sent.append(frame)


async def test_an_answer_that_meets_the_end_of_the_link_does_not_keep_it_alive() -> None:
    station, sink = Station(StationSpec(id="left"), {1: Socket(SocketSpec())}), Sink()
    calls = Calls(station, random.Random(1), 30.0)
    asking = asyncio.create_task(calls.ask(sink, Call(action="Heartbeat", payload=dict)))
    while not sink.sent:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    calls.heard(3, json.loads(sink.sent[0])[1], {})
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert asking.cancelled()
