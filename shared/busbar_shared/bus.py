"""The bus: typed messages over MQTT. The only place that knows aiomqtt.

A service says structs and listens for structs; addresses, QoS and the retained flag come from the
contract. What arrives and is not the contract is refused with an event and changes nothing.
The connection comes back by itself, with the subscriptions and with what we had said retained.
"""

import asyncio
import contextlib
import logging
import random
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import aiomqtt
import msgspec
from msgspec import Struct

from busbar_contracts.service import ServiceEvent, ServiceStatus
from busbar_contracts.topic import Topic
from busbar_contracts.topics import topic_of
from busbar_shared.clock import Clock, RealClock
from busbar_shared.config.broker import BrokerConfig
from busbar_shared.hearing import Bus, Heard, RawHeard
from busbar_shared.judge import Refused
from busbar_shared.listeners import Listeners, RetainedCommand
from busbar_shared.outbox import STALE_RAW_S, Outbox, Outgoing, stale_at_s
from busbar_shared.stopping import still_wanted

log = logging.getLogger(__name__)

__all__ = ["Bus", "Heard", "MqttBus", "RawHeard"]

KEEPALIVE_S = 10
FIRST_RETRY_S = 0.2
LAST_RETRY_S = 5.0
ANSWER_S = 3.0
"""For the broker to greet a new client. The library does not notice a door that shuts before, and a lease is short."""
HEARING_S = 10.0
HEARING_AT_ONCE = 4
"""Filters in one subscription, and how long its answer may take. A cluster keeps each of them on several disks, which
was seen to take half a second, and answers nothing else meanwhile: thirty at once would outlast the keepalive."""
NOT_GRANTED = 0x80
FIRST_HEARING_RETRY_S, LAST_HEARING_RETRY_S = 2.0, 60.0
INBOX = 1000
OUTBOX = 1000
EVENTS_PER_S = 20.0


class MqttBus:
    """The bus over a real broker. Use as an async context manager; it never raises for a lost broker."""

    def __init__(
        self,
        config: BrokerConfig,
        *,
        client_id: str,
        root: str = "hems",
        service: str = "",
        will: tuple[str, bytes] | None = None,
        clock: Clock | None = None,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        inbox: int = INBOX,
    ) -> None:
        self._config, self._client_id, self.root, self._service = config, client_id, root, service
        self._will, self._clock, self._password, self._tls = will, clock or RealClock(), password, tls
        self._filters: dict[str, None] = {}
        self._listeners = Listeners(inbox, self._count_drop)
        self._outbox = Outbox(OUTBOX)
        self._client: aiomqtt.Client | None = None
        self._leaving = False
        self._tasks: list[asyncio.Task[None]] = []
        self._event_budget, self._event_at_s = EVENTS_PER_S, 0.0
        self.connected = asyncio.Event()
        self.dropped = 0
        self.muted = False
        """An older instance of our role lives: only life signs and events go out."""
        self.on_connect: list[Callable[[], Awaitable[None]]] = []

    async def __aenter__(self) -> "MqttBus":
        self._tasks = [asyncio.create_task(self._stay_connected(), name="bus")]
        return self

    async def __aexit__(self, *_: object) -> None:
        # Said twice, as aiomqtt waits by wait_for, which may swallow the cancellation.
        self._leaving = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def drain(self, patience_s: float = 2.0) -> bool:
        """Wait until everything said has left; False when it did not within the patience."""
        return await self._outbox.drained(patience_s)

    # -- saying -------------------------------------------------------------------------------

    async def say(self, message: Struct, **ids: str) -> None:
        """Put the message on its topic. Never waits for the broker; retained state is said again on reconnect."""
        if self.muted and not isinstance(message, (ServiceStatus, ServiceEvent)):
            return
        topic = topic_of(type(message))
        stale = stale_at_s(message, topic, self._clock.monotonic())
        payload = msgspec.json.encode(message)
        self._queue(Outgoing(self.name_of(topic, ids), payload, topic.qos, topic.retain, stale))

    async def say_raw(self, topic: str, payload: bytes | str, *, qos: int = 0, retain: bool = False) -> None:
        """Put bytes on a foreign topic."""
        raw = payload.encode() if isinstance(payload, str) else payload
        stale = None if retain else self._clock.monotonic() + STALE_RAW_S
        self._queue(Outgoing(topic, raw, qos, retain, stale))

    async def event(
        self, code: str, text: str, *, path: str = "", topic: str = "", severity: str = "warning"
    ) -> None:
        """Tell others about a problem; at most 20 a second, so that a flood of nonsense is not answered by one."""
        now_s = self._clock.monotonic()
        self._event_budget = min(EVENTS_PER_S, self._event_budget + (now_s - self._event_at_s) * EVENTS_PER_S)
        self._event_at_s = now_s
        if self._event_budget < 1:
            return
        self._event_budget -= 1
        log.log(logging.INFO if severity == "info" else logging.WARNING, "%s: %s", code, text)
        made = ServiceEvent(
            at=self._clock.now(), service=self._service, severity=severity,  # type: ignore[arg-type]
            code=code, text=text[:1000], path=path, topic=topic,
        )  # fmt: skip
        await self.say(made, service=self._service or "unnamed")

    def name_of(self, topic: Topic, ids: dict[str, str]) -> str:
        """The name of a topic with its parameters filled in and the root in front."""
        return self._rooted(topic.address.format(**ids))

    def _rooted(self, address: str) -> str:
        return self.root + address[4:] if address.startswith("hems/") else address

    def _queue(self, outgoing: Outgoing) -> None:
        if not self._outbox.put(outgoing):
            self.dropped += 1

    # -- listening ----------------------------------------------------------------------------

    def listen(self, *kinds: type[Struct]) -> AsyncIterator[Heard[Any]]:
        """Messages of these kinds, as they come. Subscribed before the iterator is first waited for."""
        return self.listen_where(*((kind, {}) for kind in kinds))

    def listen_where(self, *wanted: tuple[type[Struct], dict[str, str]]) -> AsyncIterator[Heard[Any]]:
        """Messages of these kinds whose parameters have these values."""
        heard = self._listeners.typed(wanted)
        for kind, ids in wanted:
            self._subscribe(self._rooted(topic_of(kind).address.format_map(_PlusFor(ids))))
        return heard

    def listen_raw(self, *filters: str) -> AsyncIterator[RawHeard]:
        """Messages on foreign topics."""
        heard = self._listeners.raw(filters)
        for one in filters:
            self._subscribe(one)
        return heard

    def _count_drop(self) -> None:
        self.dropped += 1
        if self.dropped in (1, 10, 100) or self.dropped % 1000 == 0:
            log.warning("a queue is full; %d messages were dropped so far", self.dropped)

    def _subscribe(self, name: str) -> None:
        known = name in self._filters
        self._filters[name] = None
        if not known and self._client is not None:
            self._tasks.append(asyncio.create_task(self._subscribe_now(name)))

    async def _subscribe_now(self, name: str) -> None:
        client = self._client
        if client is not None:
            with contextlib.suppress(aiomqtt.MqttError):
                await self._ask_to_hear(client, [name])

    async def _ask_to_hear(self, client: aiomqtt.Client, names: Sequence[str]) -> list[str]:
        """Subscribe, a few at a time; gives what the broker does not grant, and says so, for it would never arrive."""
        refused = []
        for begin in range(0, len(names), HEARING_AT_ONCE):
            some = names[begin : begin + HEARING_AT_ONCE]
            asked: list[tuple[str, int]] = [(name, self._config.subscribe_qos) for name in some]
            answers: Sequence[Any] = await client.subscribe(asked, timeout=HEARING_S)
            codes = [one if isinstance(one, int) else one.value for one in answers]
            refused += [name for name, code in zip(some, codes, strict=False) if code >= NOT_GRANTED]
            if self._leaving:
                break
        if refused:
            log.warning("the broker does not let %s hear %s", self._client_id, ", ".join(refused))
        return refused

    async def _hear_at_last(self, client: aiomqtt.Client, names: Sequence[str]) -> None:
        """Ask again for what was not granted: a cluster that has just lost a node refuses for a while."""
        wait_s = FIRST_HEARING_RETRY_S
        while names:
            await self._clock.sleep(wait_s)
            with contextlib.suppress(aiomqtt.MqttError):
                names = await self._ask_to_hear(client, names)
            wait_s = min(wait_s * 2, LAST_HEARING_RETRY_S)
            still_wanted()

    # -- the connection -----------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        retry_s = FIRST_RETRY_S
        told = False
        while True:
            try:
                async with self._new_client() as client:
                    retry_s, told = FIRST_RETRY_S, False
                    await self._live(client)
            except Exception as error:  # noqa: BLE001 -- a bus must outlive all of it
                # A broker that dies in the very moment of connecting makes the library raise AttributeError:
                # aiomqtt 2.5.1 asks a socket for its number that paho has closed.
                if not told:
                    log.warning("broker %s:%s: %s", self._config.host, self._config.port, _innermost(error))
                    told = True
            finally:
                self._client = None
                self.connected.clear()
            # Not by the task's own count: a TaskGroup of Python 3.11 that failed leaves it raised.
            if self._leaving:
                return
            await self._clock.sleep(retry_s * random.uniform(0.5, 1.5))
            retry_s = min(retry_s * 2, LAST_RETRY_S)

    def _new_client(self) -> aiomqtt.Client:
        will = None
        if self._will is not None:
            will = aiomqtt.Will(self._will[0], self._will[1], qos=1, retain=True)
        return aiomqtt.Client(
            self._config.host if self._config.host != "embedded" else "127.0.0.1",
            self._config.port,
            identifier=self._client_id,
            username=self._config.username,
            password=self._password,
            tls_context=self._tls,
            keepalive=KEEPALIVE_S,
            clean_session=True,
            will=will,
            timeout=ANSWER_S,
            max_queued_outgoing_messages=OUTBOX,
            # Nagle's algorithm would hold an order back for up to 40 ms.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            logger=logging.getLogger("busbar_shared.mqtt"),
        )

    async def _live(self, client: aiomqtt.Client) -> None:
        self._client = client
        refused = await self._ask_to_hear(client, list(self._filters))
        if self._leaving:
            return
        # What we said retained may be lost with the broker's memory: we own it, so we say it again.
        self._outbox.say_retained_again()
        self.connected.set()
        for hook in self.on_connect:
            await hook()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send(client))
            tasks.create_task(self._receive(client))
            tasks.create_task(self._hear_at_last(client, refused))

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            outgoing = await self._outbox.first()
            if outgoing.stale_at_s is None or outgoing.stale_at_s > self._clock.monotonic():
                # At QoS 1 this waits for the acknowledgement: what a dying connection swallowed is sent again.
                await client.publish(
                    outgoing.topic, outgoing.payload, qos=outgoing.qos, retain=outgoing.retain, timeout=10
                )
            self._outbox.left(outgoing)
            still_wanted()

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            try:
                await self._deliver(message)
            except Exception:
                log.exception("a message on %s could not be delivered", message.topic)
            still_wanted()

    async def _deliver(self, message: aiomqtt.Message) -> None:
        name, retained = message.topic.value, bool(message.retain)
        payload = bytes(message.payload) if isinstance(message.payload, (bytes, bytearray)) else b""
        heard = RawHeard(name, payload, self._clock.monotonic(), retained)
        self._listeners.give_raw(heard, message.topic.matches)
        prefix = self.root + "/"
        address = "hems/" + name[len(prefix) :] if name.startswith(prefix) else name
        try:
            self._listeners.give(address, heard)
        except RetainedCommand:
            text = f"a retained command on {name} is ignored and cleared"
            await self.event("retained_command", text, topic=name)
            await self._clear_retained(name)
        except Refused as refused:
            await self.event(refused.code, f"{name}: {refused.text}", path=refused.path, topic=name)

    async def _clear_retained(self, name: str) -> None:
        client = self._client
        if client is not None:
            with contextlib.suppress(aiomqtt.MqttError):
                await client.publish(name, b"", qos=1, retain=True, timeout=5)


class _PlusFor(dict[str, str]):
    """Fills every parameter that is not given with the wildcard of MQTT."""

    def __missing__(self, name: str) -> str:
        return "+"


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
