"""What was said and has not left yet: in order, bounded, and never sent when it is too old. Knows no broker."""

import asyncio
import contextlib
from collections import OrderedDict, deque

from msgspec import Struct

from busbar_contracts.base import Order
from busbar_contracts.topic import Topic

STALE_READING_S = 1.0
STALE_ORDER_S = 5.0
STALE_RAW_S = 5.0


class Outgoing(Struct):
    """One message on its way. `stale_at_s` on the monotonic clock; None for what never grows old, such as state."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    stale_at_s: float | None


def stale_at_s(message: Struct, topic: Topic, now_s: float) -> float | None:
    """From when on this message is too old to leave: an order or a reading that could not leave at once."""
    if isinstance(message, Order):
        return now_s + min(message.lease_s / 3, STALE_ORDER_S)
    return now_s + STALE_READING_S if topic.qos == 0 else None


class Outbox:
    """The queue to the broker, and every retained word, because a broker may lose its memory."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._queue: deque[Outgoing] = deque()
        self._retained: OrderedDict[str, Outgoing] = OrderedDict()
        self._filled = asyncio.Event()
        self._moved = asyncio.Event()

    def put(self, outgoing: Outgoing) -> bool:
        """Add at the end, never waiting; False when it was full and the oldest had to go."""
        if outgoing.retain:
            self._retained[outgoing.topic] = outgoing
        fits = len(self._queue) < self._most
        if not fits:
            self._queue.popleft()
        self._queue.append(outgoing)
        self._filled.set()
        return fits

    def say_retained_again(self) -> None:
        """Put every retained word before the rest, but for those that wait to be said anyway."""
        waiting = {one.topic for one in self._queue if one.retain}
        self._queue.extendleft(one for topic, one in reversed(self._retained.items()) if topic not in waiting)
        self._filled.set()

    async def first(self) -> Outgoing:
        """The oldest message; it stays until it has left."""
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        return self._queue[0]

    def left(self, outgoing: Outgoing) -> None:
        """It is with the broker, or was too old for it. One that was pushed out meanwhile is gone already."""
        if self._queue and self._queue[0] is outgoing:
            self._queue.popleft()
        self._moved.set()

    async def drained(self, patience_s: float) -> bool:
        """Wait until everything has left; False when it did not within the patience."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self._queue:
                    self._moved.clear()
                    await self._moved.wait()
        return not self._queue
