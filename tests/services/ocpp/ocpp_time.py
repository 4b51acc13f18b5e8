"""Time for tests over real sockets: a clock that runs faster, and patience."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any


class FastClock:
    """The real clock, some times faster, so that leases end while a test waits."""

    def __init__(self, factor: float = 1.0, start: datetime | None = None) -> None:
        self.factor = factor
        self._zero = asyncio.get_running_loop().time()
        self._start = start or datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
        self.jumped = timedelta()

    def monotonic(self) -> float:
        return (asyncio.get_running_loop().time() - self._zero) * self.factor + 1000.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic() - 1000.0) + self.jumped

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0) / self.factor)


async def until(true: Callable[[], Any], patience_s: float = 5.0, what: str = "") -> Any:
    """Wait until something is true, and fail with a sentence when it does not become so."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience_s
    while not (value := true()):
        assert loop.time() < end, f"not within {patience_s:g} s: {what or true}"
        await asyncio.sleep(0.005)
    return value
