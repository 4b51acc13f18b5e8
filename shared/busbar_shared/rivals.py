"""There is one writer per role: what its heartbeats tell of another instance of ours. Pure.

What lies retained at the broker may be the last word of a dead instance, so life is proven by a second beat.
Ages are in seconds on our monotonic clock; the calendar serves only to tell a retained word that may be alive.
"""

from datetime import datetime

from busbar_contracts.service import ServiceStatus

FRESH_S = 15.0
"""Who said nothing for so long is taken for dead: three heartbeats."""
PROOF_BEATS = 2


class OtherInstance(Exception):
    """Another instance of this role is alive."""


class Rival:
    """The other instance of our role that spoke last, if any."""

    def __init__(self) -> None:
        self.status: ServiceStatus | None = None
        self._beats = 0
        self._at_s = float("-inf")

    def heard(self, status: ServiceStatus, at_s: float, *, retained: bool) -> None:
        """It said that it lives, or goodbye."""
        if status.state == "offline":
            self.status = None
            return
        before = self.status
        goes_on = before is not None and before.instance == status.instance and status.at > before.at
        self._beats = self._beats + 1 if goes_on else 1
        # The retained word of a dead instance is not a heartbeat, whatever its time says.
        if not retained:
            self._beats += 1
        self.status, self._at_s = status, at_s

    @property
    def is_proven(self) -> bool:
        """It was heard twice, or once by its own mouth."""
        return self.status is not None and self._beats >= PROOF_BEATS

    def may_live(self, now: datetime) -> bool:
        """Its last word is young enough by the calendar to wait for another."""
        return self.status is not None and abs((now - self.status.at).total_seconds()) < FRESH_S

    def outranks(self, started_at: datetime, instance: str, now_s: float) -> bool:
        """It lives and is older than the instance that started then: that one gives way."""
        if self.status is None or not self.is_proven or now_s - self._at_s >= FRESH_S:
            return False
        return (started_at, instance) > (self.status.started_at, self.status.instance)
