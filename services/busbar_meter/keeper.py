"""Keeping one device at what it was ordered: when to write, when to trust, when to stop fighting.

Pure: it is told the time, the device as just read and the aim, and says what to write.
"""

from typing import Literal

from msgspec import Struct

from busbar_contracts.meter import Control
from busbar_meter.writes import Aim, NotOffered, ReadBack, Write

# Devices take up to some seconds until a written register reads back.
SETTLE_S = 3.0
# A small change waits this long, so that a device's memory is not worn by noise.
SMALL_CHANGE_S = 5.0
# After a rejection, and after too many contentions, it is tried again this much later.
RETRY_S = 30.0
# A device that says it is busy has time sooner.
BUSY_S = 5.0
# Writes in a row without an answer, until it counts as a refusal: some devices keep silent instead of saying no.
MOST_UNANSWERED = 3
TRUCE_S = 60.0
MOST_CONTENTIONS = 3
CONTENTION_WINDOW_S = 600.0
# The timer in the device is restarted when a third of it has passed; half would be the limit.
REFRESH_SHARE = 1 / 3


class Step(Struct, frozen=True):
    """What to write now, and who steers the device as far as we know."""

    writes: tuple[Write, ...]
    control: Control
    detail: str = ""


class Keeper(Struct):
    """The memory of what one device was told."""

    # Something of ours is, or may be, in the device.
    touched: bool = False
    told: Aim | None = None
    told_s: float = 0.0
    released_s: float = float("-inf")
    verified: bool = False
    contended_s: tuple[float, ...] = ()
    pause_until_s: float = 0.0
    pause_control: Control = Control.REJECTED
    pause_detail: str = ""
    unanswered: int = 0
    # The function code the device turned out to want, where its maker's quirk did not say.
    write_with: Literal["single", "multiple"] | None = None
    # What the percentages refer to, as last read: a command is never divided by a torn reading.
    reference: tuple[float | None, ...] | None = None

    def steady(self, reference: tuple[float | None, ...]) -> bool:
        """Whether the reference of the percentages reads as it did the last time."""
        same = self.reference in (None, reference)
        self.reference = reference
        return same

    def step(self, now: float, device: ReadBack, aim: Aim | NotOffered) -> Step:
        """What to do with the device as it reads now."""
        if isinstance(aim, NotOffered):
            return Step((), Control.UNAVAILABLE, aim.why)
        if aim.releases:
            return self._release(now, device, aim)
        if now < self.pause_until_s:
            return Step((), self.pause_control, self.pause_detail)
        if self.told is None or self._changed(aim, now):
            return Step(aim.writes, Control.OURS, aim.detail)
        found = device.mismatches(self.told.expect)
        if found:
            return self._disobeyed(now, aim, "; ".join(found))
        self.verified = True
        due = self.told.revert_s is not None and now - self.told_s >= self.told.revert_s * REFRESH_SHARE
        return Step(aim.writes if due else (), Control.OURS, aim.detail)

    def wrote(self, now: float, aim: Aim) -> None:
        """The device took the writes of this aim."""
        self.unanswered = 0
        if aim.releases:
            self.told, self.verified = None, False
            return
        same = self.told is not None and self.told.expect == aim.expect
        self.verified = self.verified and same
        self.told, self.told_s, self.touched = aim, now, True
        # What was told after a release must be released again, however soon.
        self.released_s = float("-inf")

    def unsure(self) -> None:
        """The wire broke while writing: something of the aim may be in the device."""
        self.told, self.released_s = None, float("-inf")
        self.verified = False

    def unheard(self, now: float) -> None:
        """The device did not answer a write: something of the aim may be in it.

        One that answers when it is read and not when it is written to is left alone for a while: each
        silence costs the readings of everything behind the same connection their time.
        """
        self.unsure()
        self.unanswered += 1
        if self.unanswered >= MOST_UNANSWERED:
            self.unanswered, self.released_s = 0, now
            self._pause(now + RETRY_S, Control.REJECTED, "the device does not answer when it is written to")

    def busy(self, now: float, why: str) -> None:
        """The device has no time for it; it is asked again soon."""
        self.told = None
        self._pause(now + BUSY_S, Control.UNKNOWN, f"the device has no time for it: {why}")

    def refused(self, now: float, why: str, other: Literal["single", "multiple"] | None = None) -> None:
        """The device said no; it is asked again much later, or at once with the `other` function code."""
        self.told, self.unanswered = None, 0
        if other is not None and self.write_with is None:
            self.write_with = other
            return
        self._pause(now + RETRY_S, Control.REJECTED, f"the device refuses: {why}")

    def _release(self, now: float, device: ReadBack, aim: Aim) -> Step:
        found = device.mismatches(aim.expect)
        if not self.touched:
            return Step(
                (), Control.RELEASED, f"someone else steers it: {'; '.join(found)}" if found else aim.detail
            )
        if not found:
            self.touched, self.told, self.contended_s, self.pause_until_s = False, None, (), 0.0
            return Step((), Control.RELEASED, aim.detail)
        due = now - self.released_s >= SMALL_CHANGE_S
        if due:
            self.released_s = now
        return Step(aim.writes if due else (), Control.OURS, "being released")

    def _changed(self, aim: Aim, now: float) -> bool:
        assert self.told is not None
        if aim.expect == self.told.expect and aim.revert_s == self.told.revert_s:
            return False
        if now - self.told_s >= SMALL_CHANGE_S or aim.revert_s != self.told.revert_s:
            return True
        return any(
            name not in self.told.expect
            or abs(value - self.told.expect[name]) > (aim.deadband if name in aim.coarse else 0)
            for name, value in aim.expect.items()
        )

    def _disobeyed(self, now: float, aim: Aim, found: str) -> Step:
        if not self.verified:
            if now - self.told_s < SETTLE_S:
                return Step((), Control.OURS, "waiting for the device to take it")
            self._pause(now + RETRY_S, Control.REJECTED, f"the device does not keep what it is told: {found}")
            self.told = None
            return Step((), self.pause_control, self.pause_detail)
        assert self.told is not None
        if self.told.revert_s is not None and now - self.told_s >= self.told.revert_s:
            return Step(aim.writes, Control.OURS, f"the device had reverted by its timer: {found}")
        recent = [at for at in self.contended_s if now - at < CONTENTION_WINDOW_S]
        self.contended_s = (*recent, now)
        if len(self.contended_s) > MOST_CONTENTIONS:
            self._pause(now + TRUCE_S, Control.CONTENDED, f"someone else keeps changing it: {found}")
            self.contended_s = ()
            self.told = None
            return Step((), self.pause_control, self.pause_detail)
        return Step(aim.writes, Control.CONTENDED, f"someone else changed it: {found}")

    def _pause(self, until_s: float, control: Control, detail: str) -> None:
        self.pause_until_s, self.pause_control, self.pause_detail = until_s, control, detail
        self.verified = False
