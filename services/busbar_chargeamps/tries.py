"""What was tried of the cloud for one wish, when each step may be tried again, and when to look what became of it.

A write that was answered is a rung of the ladder climbed.  One without an answer is not: nobody knows whether
it was made.  Times in seconds on the monotonic clock.
"""

from busbar_chargeamps.ladder import Step

FIRST_RETRY_S = 15.0
"""After a write; doubled with each further one of its kind."""
FIRST_SILENCE_S = 5.0
"""After a write without an answer; doubled with each further one."""
LONGEST_RETRY_S = 900.0
MOST_TRIES = 3
"""What was written more often than this does not help."""
READ_BACK_S = 3.0
READ_BACK_FOR_S = 30.0
SETTLE_S = 10.0
"""How long a car may take to stop drawing before the next rung of the ladder is climbed."""

ALL_AGAIN = "again"


class Tries:
    """The writes made for what is wanted of one connector now."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._not_before_s: dict[str, float] = {}
        self._silent = 0
        """How many writes in a row have had no answer."""
        self._rung_at_s = -SETTLE_S
        self._wrote, self._wrote_at_s = "", -READ_BACK_FOR_S

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of step that were tried."""
        return frozenset(self._counts)

    @property
    def last_kind(self) -> str | None:
        """The kind that was tried last for the first time; None when nothing was."""
        return next(reversed(self._counts), None)

    def begin_anew(self) -> None:
        """Something else is wanted, or the owner wants everything tried again."""
        self.over()
        self._silent = 0

    def over(self) -> None:
        """All is as wanted: what is tried from here on is tried for the first time."""
        self._counts, self._not_before_s = {}, {}

    def nothing_left(self, now_s: float) -> None:
        """Every rung was climbed in vain: after the longest wait the ladder is climbed again from the first."""
        if now_s >= self._not_before_s.setdefault(ALL_AGAIN, now_s + LONGEST_RETRY_S):
            self.over()

    def in_vain(self, step: Step) -> bool:
        """It was written again and again and does not help."""
        return self._counts.get(step.kind, 0) > MOST_TRIES

    def may(self, step: Step, now_s: float, *, settle: bool) -> bool:
        """Whether it is time for this step; `settle` where the rung before should end the charging by itself."""
        if now_s < self._not_before_s.get(step.kind, 0.0):
            return False
        return not (settle and now_s - self._rung_at_s < SETTLE_S)

    def doing(self, step: Step, now_s: float) -> None:
        """It is about to be written."""
        self._wrote, self._wrote_at_s = step.kind, now_s
        before = self._counts.get(step.kind, 0)
        self._counts[step.kind] = before + 1
        if step.amps == 0 or step.kind in ("delete_week", "stop") or (step.mode == "Off" and not step.owners):
            self._rung_at_s = now_s
        # Bounded, or the thousandth try of eleven days would be more than a number can hold.
        self._not_before_s[step.kind] = now_s + min(FIRST_RETRY_S * 2 ** min(before, 10), LONGEST_RETRY_S)

    def answered(self) -> None:
        """The cloud said yes or no to the last write."""
        self._silent = 0

    def unanswered(self, step: Step, now_s: float) -> None:
        """Nobody knows whether the write was made: the rung is not counted as climbed, and is tried again later."""
        self._counts.pop(step.kind, None)
        self._not_before_s[step.kind] = now_s + min(FIRST_SILENCE_S * 2**self._silent, LONGEST_RETRY_S)
        self._silent = min(self._silent + 1, 10)

    def look_again_in(self, now_s: float) -> float | None:
        """Seconds until what was written wants to be read back; None when nothing is under way."""
        if not (self._counts or self._not_before_s):
            return None
        if self._wrote == "delete_week" and now_s - self._wrote_at_s < READ_BACK_S:
            # Without its schedule a connector may charge as it likes, until the next step is made.
            return 0.0
        if now_s - self._wrote_at_s < READ_BACK_FOR_S:
            return READ_BACK_S
        due_s = min((at_s for at_s in self._not_before_s.values() if at_s > now_s), default=now_s)
        return max(due_s - now_s, READ_BACK_S)
