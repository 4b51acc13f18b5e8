"""Time for tests over real sockets: a clock that runs faster, and patience."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any


class FastClock:
    """The real clock, some times faster, so that leases end while a test waits.

    On a busy machine it waits for the event loop: of a moment in which nothing could run, only `BEAT_S` counts.
    All who share it live on one loop, so none of them is later than it would be on a machine of its own.
    At factor 1 it is shared with real processes, and nothing is left out.
    """

    BEAT_S = 0.02

    def __init__(self, factor: float = 1.0, start: datetime | None = None) -> None:
        self.factor = factor
        self._start = start or datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
        self.jumped = timedelta()
        self._loop = asyncio.get_running_loop()
        self._counted_s = 0.0
        self._beat_at_s = self._loop.time()
        if factor != 1.0:
            self._loop.call_later(self.BEAT_S, self._beat)

    def monotonic(self) -> float:
        return self._passed_s() * self.factor + 1000.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic() - 1000.0) + self.jumped

    async def sleep(self, seconds: float) -> None:
        due_s = self._passed_s() + max(seconds, 0.0) / self.factor
        await asyncio.sleep(max(seconds, 0.0) / self.factor)
        while (left_s := due_s - self._passed_s()) > 1e-6:
            await asyncio.sleep(left_s)

    def _passed_s(self) -> float:
        since_s = self._loop.time() - self._beat_at_s
        return self._counted_s + (since_s if self.factor == 1.0 else min(since_s, 1.5 * self.BEAT_S))

    def _beat(self) -> None:
        self._counted_s, self._beat_at_s = self._passed_s(), self._loop.time()
        self._loop.call_later(self.BEAT_S, self._beat)


async def until(true: Callable[[], Any], patience_s: float = 20.0, what: str = "") -> Any:
    """Wait until something is true, and fail with a sentence when it does not become so."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience_s
    while not (value := true()):
        assert loop.time() < end, f"not within {patience_s:g} s: {what or true}"
        await asyncio.sleep(0.005)
    return value
