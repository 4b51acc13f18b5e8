"""Time as something one is given: the real one for services, a virtual one for tests and replays."""

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Two times: the calendar, which may jump, and a count of seconds, which may not."""

    def now(self) -> datetime:
        """The calendar, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds of `monotonic`."""
        ...


class RealClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The calendar, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after this many real seconds."""
        await asyncio.sleep(seconds)


class VirtualClock:
    """A clock that stands still until somebody moves it."""

    def __init__(self, now: datetime, monotonic: float = 1000.0) -> None:
        self._now = now
        self._monotonic = monotonic
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        """The calendar, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return self._monotonic

    def jump(self, seconds: float) -> None:
        """Move only the calendar, as a time server does."""
        self._now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was advanced by this many seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move on, waking sleepers in order and letting each do what it does before the next."""
        until = self._monotonic + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, woken = heapq.heappop(self._sleepers)
            self._move_to(due)
            if not woken.done():
                woken.set_result(None)
            await settle()
        self._move_to(until)

    def _move_to(self, monotonic: float) -> None:
        step = max(monotonic - self._monotonic, 0.0)
        self._monotonic += step
        self._now += timedelta(seconds=step)


async def settle(turns: int = 20) -> None:
    """Let every task that can run do so."""
    for _ in range(turns):
        await asyncio.sleep(0)
