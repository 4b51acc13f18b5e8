"""How much the owner hears of what a charge point says: one that never stops must not drown what others have to say."""

from collections.abc import Awaitable, Callable

from busbar_shared.clock import Clock

NONSENSE_EVERY_S = 60.0
NOTES_AT_ONCE, NOTES_PER_S = 20.0, 0.2


class Chatter:
    """What one charge point tells the owner, over all its connections."""

    def __init__(self, clock: Clock, report: Callable[[str, str, str], Awaitable[None]]) -> None:
        self._clock, self._report = clock, report
        self._notes_left, self._notes_at_s = NOTES_AT_ONCE, clock.monotonic()
        self._nonsense_count = 0
        self._nonsense_s = -1e9

    async def note(self, code: str, text: str, severity: str) -> None:
        """Pass on what it tells the owner: twenty at once, then one each five seconds; the rest is dropped."""
        now_s = self._clock.monotonic()
        self._notes_left = min(NOTES_AT_ONCE, self._notes_left + (now_s - self._notes_at_s) * NOTES_PER_S)
        self._notes_at_s = now_s
        if self._notes_left >= 1:
            self._notes_left -= 1
            await self._report(code, text, severity)

    async def nonsense(self, what: str) -> None:
        """Say that it sends what is no OCPP, at most once a minute."""
        self._nonsense_count += 1
        now_s = self._clock.monotonic()
        if now_s - self._nonsense_s >= NONSENSE_EVERY_S:
            self._nonsense_s = now_s
            text = f"message {self._nonsense_count} that is no OCPP: {what[:200]}"
            await self._report("nonsense", text, "warning")
