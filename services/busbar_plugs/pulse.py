"""The off-timer that a device must be given once and have taken away again (Tasmota's PulseTime)."""

from typing import Final

from busbar_plugs.drivers.driver import Driver
from busbar_plugs.seen import Known
from busbar_shared.device_topics import Send

ASK_AGAIN_S: Final = 10.0


class TimerDuty:
    """Asks for the owner's setting, puts ours in its place, checks that it stands, puts the owner's back.

    The owner's value is remembered on disk before ours is written, and only ever once: after a crash the
    device says our own value, which must not be taken for the owner's.
    """

    def __init__(self, lease_s: float | None, owner_pulse: int | None) -> None:
        """`owner_pulse` as kept from before a restart."""
        self.lease_s = lease_s
        self.owner_pulse = owner_pulse
        self.armed = False
        self._asked_s: float | None = None
        self._said_s: float | None = None

    def due(self, driver: Driver, known: Known, now_s: float) -> tuple[Send, ...]:
        """What to send now; nothing for devices whose timer travels with each order."""
        if self.lease_s is None or not driver.prepare(self.lease_s) or not known.reachable:
            return ()
        ours = self.our_setting(driver)
        if known.pulse_setting is not None and self.owner_pulse is None and known.pulse_setting != ours:
            self.owner_pulse = known.pulse_setting
        self.armed = known.pulse_setting == ours
        if self.armed:
            return ()
        if self.owner_pulse is None:
            if self._asked_s is not None and now_s - self._asked_s < ASK_AGAIN_S:
                return ()
            self._asked_s = now_s
            return driver.prepare(self.lease_s)
        if self._said_s is not None and now_s - self._said_s < ASK_AGAIN_S:
            return ()
        self._said_s = now_s
        return driver.arm(self.lease_s) + driver.prepare(self.lease_s)

    def our_setting(self, driver: Driver) -> int | None:
        """The raw value that `arm` writes."""
        sends = driver.arm(self.lease_s) if self.lease_s is not None else ()
        return int(sends[0].payload) if sends else None

    def is_armed(self, driver: Driver) -> bool:
        """The next on will end by itself."""
        if self.lease_s is None or not driver.timed:
            return False
        return self.armed if driver.prepare(self.lease_s) else True

    def released(self, driver: Driver) -> tuple[Send, ...]:
        """What puts the owner's setting back."""
        sends = driver.restore(self.owner_pulse)
        if sends:
            self.owner_pulse, self.armed = None, False
        return sends
