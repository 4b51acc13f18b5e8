"""What a service may say and hear on the bus, and the queue in which it waits. Knows no broker."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Heard(Struct, Generic[T], frozen=True):
    """A message that was understood."""

    message: T
    ids: dict[str, str]
    topic: str
    at_s: float
    """When it arrived, on our monotonic clock."""
    retained: bool = False


class RawHeard(Struct, frozen=True):
    """A message of somebody else's, as it came."""

    topic: str
    payload: bytes
    at_s: float
    retained: bool = False


class Bus(Protocol):
    """What a service may do on the bus."""

    def listen(self, *kinds: type[Struct]) -> AsyncIterator[Heard[Any]]:
        """Messages of these kinds, as they come. Subscribed before the iterator is first waited for."""
        ...

    def listen_raw(self, *filters: str) -> AsyncIterator[RawHeard]:
        """Messages on foreign topics."""
        ...

    def listen_where(self, *wanted: tuple[type[Struct], dict[str, str]]) -> AsyncIterator[Heard[Any]]:
        """Messages of these kinds whose parameters have these values."""
        ...

    async def say(self, message: Struct, **ids: str) -> None:
        """Put the message on its topic. Never waits for the broker; retained state is said again on reconnect."""
        ...

    async def say_raw(self, topic: str, payload: bytes | str, *, qos: int = 0, retain: bool = False) -> None:
        """Put bytes on a foreign topic."""
        ...

    async def event(
        self, code: str, text: str, *, path: str = "", topic: str = "", severity: str = "warning"
    ) -> None:
        """Tell others about a problem."""
        ...


class Inbox(Generic[T]):
    """A bounded queue that prefers the newest: when it is full, the oldest goes and is counted."""

    def __init__(self, most: int, on_drop: Callable[[], None]) -> None:
        self._queue: deque[T] = deque()
        self._most = most
        self._filled = asyncio.Event()
        self._on_drop = on_drop

    def put(self, item: T) -> None:
        """Add at the end, never waiting."""
        if len(self._queue) >= self._most:
            self._queue.popleft()
            self._on_drop()
        self._queue.append(item)
        self._filled.set()

    async def get(self) -> T:
        """The oldest item."""
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        return self._queue.popleft()

    def __len__(self) -> int:
        return len(self._queue)


async def items(inbox: Inbox[T]) -> AsyncIterator[T]:
    """What arrives, for ever."""
    while True:
        yield await inbox.get()
