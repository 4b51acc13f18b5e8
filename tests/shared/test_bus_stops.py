"""A bus that is left ends at once, whatever its connection was just doing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal, cast

import aiomqtt
import pytest

from busbar_contracts.load import PlugState
from busbar_shared.bus import MqttBus
from busbar_shared.config.broker import BrokerConfig

Where = Literal["connect", "subscribe", "publish", "disconnect"]


class Deaf:
    """A client whose answer comes in the very moment in which it is told to stop, as aiomqtt's does on Python 3.11."""

    def __init__(self, where: Where) -> None:
        self.where, self.there = where, asyncio.Event()

    async def __aenter__(self) -> "Deaf":
        await self._wait("connect")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.where == "disconnect":
            raise aiomqtt.MqttError("Operation timed out")

    async def subscribe(self, *_: Any, **__: Any) -> tuple[int, ...]:
        await self._wait("subscribe")
        return (1,)

    async def publish(self, *_: Any, **__: Any) -> None:
        await self._wait("publish")

    @property
    async def messages(self) -> AsyncIterator[aiomqtt.Message]:
        if self.where == "disconnect":
            self.there.set()
        await asyncio.Event().wait()
        yield cast(aiomqtt.Message, None)

    async def _wait(self, where: Where) -> None:
        if self.where != where:
            return
        self.there.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return


class DeafBus(MqttBus):
    """The real bus on such a client."""

    def __init__(self, client: Deaf) -> None:
        super().__init__(BrokerConfig(), client_id="test")
        self._deaf = client

    def _new_client(self) -> aiomqtt.Client:
        return cast(aiomqtt.Client, self._deaf)


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("connect", id="just when the broker takes the connection"),
        pytest.param("subscribe", id="just when it confirms a subscription"),
        pytest.param("publish", id="just when it confirms a message"),
        pytest.param("disconnect", id="while it does not confirm the end"),
    ],
)
async def test_a_bus_that_is_left_ends(where: Where) -> None:
    client = Deaf(where)
    async with asyncio.timeout(30):
        async with DeafBus(client) as bus:
            bus.listen(PlugState)
            await bus.say_raw("somebody/else", "on", qos=1)
            await client.there.wait()

    assert not bus.connected.is_set()
