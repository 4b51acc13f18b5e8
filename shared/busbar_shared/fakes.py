"""A broker that fits in two lists, for tests that need none."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from busbar_contracts.topics import topic_of
from busbar_shared.bus import Heard, RawHeard
from busbar_shared.clock import Clock


class FakeBus:
    """Says into a list, hears from a list. With a clock, what is fed later is stamped with its time.

    Messages given at the start are heard first; iteration ends after `end()`.
    """

    def __init__(self, *heard: tuple[Struct, dict[str, str]], clock: Clock | None = None) -> None:
        self.said: list[tuple[str, Struct]] = []
        self.said_raw: list[tuple[str, bytes]] = []
        self.events: list[tuple[str, str]] = []
        self._clock = clock
        self._queues: list[tuple[tuple[type[Struct], ...], asyncio.Queue[Heard[Any] | None]]] = []
        self._raw: list[tuple[tuple[str, ...], asyncio.Queue[RawHeard | None]]] = []
        self._first = [self._made(message, ids, retained=False) for message, ids in heard]

    def listen(self, *kinds: type[Struct]) -> AsyncIterator[Heard[Any]]:
        """Messages of these kinds."""
        queue: asyncio.Queue[Heard[Any] | None] = asyncio.Queue()
        for one in self._first:
            if isinstance(one.message, kinds):
                queue.put_nowait(one)
        self._queues.append((kinds, queue))
        return _until_none(queue)

    def listen_where(self, *wanted: tuple[type[Struct], dict[str, str]]) -> AsyncIterator[Heard[Any]]:
        """Messages of these kinds; the parameters are not compared."""
        return self.listen(*(kind for kind, _ in wanted))

    def listen_raw(self, *filters: str) -> AsyncIterator[RawHeard]:
        """Messages on foreign topics."""
        queue: asyncio.Queue[RawHeard | None] = asyncio.Queue()
        self._raw.append((filters, queue))
        return _until_none(queue)

    def feed(self, message: Struct, *, retained: bool = False, **ids: str) -> None:
        """Let everyone who listens hear this."""
        made = self._made(message, ids, retained=retained)
        for kinds, queue in self._queues:
            if isinstance(message, kinds):
                queue.put_nowait(made)

    def feed_raw(self, topic: str, payload: bytes | str, *, retained: bool = False) -> None:
        """Let everyone who listens to this topic hear this."""
        raw = payload.encode() if isinstance(payload, str) else payload
        at_s = self._clock.monotonic() if self._clock else 0.0
        for filters, queue in self._raw:
            if any(_matches(one, topic) for one in filters):
                queue.put_nowait(RawHeard(topic, raw, at_s, retained))

    def end(self) -> None:
        """Let every iteration end after what was fed."""
        for _, queue in self._queues:
            queue.put_nowait(None)
        for _, raw in self._raw:
            raw.put_nowait(None)

    async def say(self, message: Struct, **ids: str) -> None:
        """Remember what was said, by topic."""
        self.said.append((topic_of(type(message)).address.format(**ids), message))

    async def say_raw(self, topic: str, payload: bytes | str, *, qos: int = 0, retain: bool = False) -> None:
        """Remember what was said on a foreign topic."""
        self.said_raw.append((topic, payload.encode() if isinstance(payload, str) else payload))

    async def event(
        self, code: str, text: str, *, path: str = "", topic: str = "", severity: str = "warning"
    ) -> None:
        """Remember the problem."""
        self.events.append((code, text))

    def _made(self, message: Struct, ids: dict[str, str], *, retained: bool) -> Heard[Any]:
        at_s = self._clock.monotonic() if self._clock else 0.0
        return Heard(message, ids, topic_of(type(message)).address.format(**ids), at_s, retained)


async def _until_none(queue: "asyncio.Queue[Any]") -> AsyncIterator[Any]:
    while (item := await queue.get()) is not None:
        yield item


def _matches(wanted: str, topic: str) -> bool:
    """Whether a topic matches a subscription with + and #."""
    parts, names = wanted.split("/"), topic.split("/")
    for number, part in enumerate(parts):
        if part == "#":
            return True
        if number >= len(names) or part not in ("+", names[number]):
            return False
    return len(parts) == len(names)
