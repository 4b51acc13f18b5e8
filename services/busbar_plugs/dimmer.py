"""The power of a load that can be set: what it was told, and whether it says that it took it."""

from typing import Final

from busbar_plugs.seen import Value
from busbar_plugs.setup import Setup
from busbar_shared.device_topics import Send
from busbar_shared.notes import Note

TAKES_S: Final = 60.0
"""A load may climb to its power slowly; what it says after so long is what it took."""
SAME_SHARE: Final = 0.02
LEAST_DIFFERENCE_W: Final = 5.0


class Dimmer:
    """Says a power when it changes and again with each renewal, and compares it with what the load says back."""

    def __init__(self, setup: Setup) -> None:
        """For a load with a range."""
        self._id, self._driver, self._again_s = setup.id, setup.driver, setup.rules.lease_s / 3
        span = setup.range
        self._slack_w = LEAST_DIFFERENCE_W
        if span is not None:
            self._slack_w = max(LEAST_DIFFERENCE_W, span.step_w / 2, SAME_SHARE * span.max_w)
        self.said_w: float | None = None
        self._since_s = self._said_s = float("-inf")
        self._told_owner = False

    def due(self, watts: float, shown: Value | None, now_s: float, *, link: bool) -> tuple[Send, ...]:
        """The messages that set it to this power; nothing where it is known to have it."""
        renews = now_s - self._said_s >= self._again_s
        if watts == self.said_w and (not renews or (watts == 0.0 and not self._still_runs(shown))):
            return ()
        if not link and watts > (self.said_w or 0.0):
            return ()
        if watts != self.said_w:
            self._since_s, self._told_owner = now_s, False
        self.said_w, self._said_s = watts, now_s
        return self._driver.level(watts)

    def problem(self, shown: Value | None) -> Note | None:
        """Once for each power that was set: the load says another one back."""
        if self.said_w is None or shown is None or self._told_owner or shown.at_s < self._since_s + TAKES_S:
            return None
        if abs(shown.value - self.said_w) <= self._slack_w:
            return None
        self._told_owner = True
        text = f"{self._id} was set to {self.said_w:g} W and says that it is set to {shown.value:g} W"
        return Note("power_not_taken", text, path="level")

    def _still_runs(self, shown: Value | None) -> bool:
        return shown is not None and shown.at_s > self._said_s and shown.value > self._slack_w
