"""How the bus asks to hear: a few topics at a time, as a slow cluster needs it, and aloud where it may not."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from busbar_shared.bus import MqttBus
from busbar_shared.config.broker import BrokerConfig

pytestmark = pytest.mark.system

# MQTT 3.1.1, table 2.1 and section 3.9.3.
CONNECT, PUBLISH, SUBSCRIBE, PINGREQ = 1, 3, 8, 12
CONNACK, SUBACK, PINGRESP = b"\x20\x02\x00\x00", 0x90, b"\xd0\x00"
GRANTED, REFUSED = 1, 0x80


class Clerk:
    """A broker that writes down what it is asked for, and grants what is secret only at the second time."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.qos: set[int] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until it goes."""
        try:
            while True:
                kind, body = await self._packet(reader)
                if kind == CONNECT:
                    writer.write(CONNACK)
                elif kind == SUBSCRIBE:
                    names = list(self._names(body))
                    known = {name for some in self.asked for name in some}
                    self.asked.append(names)
                    codes = bytes(
                        REFUSED if "secret" in name and name not in known else GRANTED for name in names
                    )
                    writer.write(bytes([SUBACK, 2 + len(codes)]) + body[:2] + codes)
                elif kind == PINGREQ:
                    writer.write(PINGRESP)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    async def _packet(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        [first] = await reader.readexactly(1)
        length, shift = 0, 0
        while True:
            [digit] = await reader.readexactly(1)
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                return first >> 4, await reader.readexactly(length)

    def _names(self, body: bytes) -> list[str]:
        names, at = [], 2
        while at < len(body):
            length = int.from_bytes(body[at : at + 2], "big")
            names.append(body[at + 2 : at + 2 + length].decode())
            at += 3 + length
            self.qos.add(body[at - 1])
        return names


@asynccontextmanager
async def clerk() -> AsyncIterator[tuple[Clerk, int]]:
    """It, and its port."""
    made = Clerk()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    try:
        yield made, server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_thirty_topics_are_asked_for_a_few_at_a_time() -> None:
    topics = [f"device/{number}/state" for number in range(30)]
    async with clerk() as (broker, port):
        async with MqttBus(BrokerConfig(host="127.0.0.1", port=port), client_id="plugs") as bus:
            bus.listen_raw(*topics)
            async with asyncio.timeout(30):
                await bus.connected.wait()

        assert max(map(len, broker.asked)) <= 4
        assert [name for some in broker.asked for name in some] == topics


async def test_what_may_not_be_heard_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with (
        clerk() as (_, port),
        MqttBus(BrokerConfig(host="127.0.0.1", port=port), client_id="plugs") as bus,
    ):
        bus.listen_raw("device/1/state", "secret/topic")
        async with asyncio.timeout(30):
            await bus.connected.wait()

    assert "the broker does not let plugs hear secret/topic" in caplog.text
    assert "device/1" not in caplog.text


async def test_a_cluster_may_be_asked_for_less_care() -> None:
    async with clerk() as (broker, port):
        config = BrokerConfig(host="127.0.0.1", port=port, subscribe_qos=0)
        async with MqttBus(config, client_id="plugs") as bus:
            bus.listen_raw("device/1/state")
            async with asyncio.timeout(30):
                await bus.connected.wait()

    assert broker.qos == {0}
