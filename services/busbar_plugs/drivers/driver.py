"""What every driver can do, and the one place where a payload is kept from doing harm."""

from typing import Protocol

from busbar_plugs.seen import NOTHING, Seen
from busbar_shared.device_topics import Send
from busbar_shared.payloads import Problem


class Driver(Protocol):
    """A device in words: pure, no connection, no clock."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics this device speaks on; no wildcards."""
        ...

    @property
    def timed(self) -> bool:
        """True when `switch(True, lease_s)` leaves a timer in the device that ends it by itself."""
        ...

    def parse(self, topic: str, payload: bytes) -> Seen:
        """What the message says of our relay; `NOTHING` when it is about something else."""
        ...

    def switch(self, on: bool, lease_s: float | None = None) -> tuple[Send, ...]:
        """The messages that move the relay; with `lease_s` it goes off by itself after so many seconds."""
        ...

    def ask(self) -> tuple[Send, ...]:
        """The messages that make the device say how it is; none of them changes anything in it."""
        ...

    def introduce(self) -> tuple[Send, ...]:
        """The messages that make the device say what it does when the mains come back; they change nothing."""
        ...

    def prepare(self, lease_s: float) -> tuple[Send, ...]:
        """What must be asked of the device once, before its timer may be used."""
        ...

    def arm(self, lease_s: float) -> tuple[Send, ...]:
        """What must be set in the device once, so that its timer ends every later order."""
        ...

    def restore(self, pulse_setting: int | None) -> tuple[Send, ...]:
        """What puts back into the device what `arm` changed."""
        ...

    def level(self, watts: float) -> tuple[Send, ...]:
        """The messages that set a load's power; none for a plain relay."""
        ...


class Relay:
    """The parts most devices share: no preparation, nothing to restore, no power to set."""

    timed: bool = False

    def introduce(self) -> tuple[Send, ...]:
        """Nothing can be asked, or it is said unasked."""
        return ()

    def prepare(self, lease_s: float) -> tuple[Send, ...]:
        """Nothing to ask first."""
        return ()

    def arm(self, lease_s: float) -> tuple[Send, ...]:
        """Nothing to set first."""
        return ()

    def restore(self, pulse_setting: int | None) -> tuple[Send, ...]:
        """Nothing to put back."""
        return ()

    def level(self, watts: float) -> tuple[Send, ...]:
        """A relay is on or off."""
        return ()


def heard(driver: Driver, topic: str, payload: bytes) -> Seen:
    """What the driver makes of a message; a payload it did not foresee is a problem, never an exception."""
    if topic not in driver.topics:
        # A broker may deliver what nobody subscribed to (amqtt does so with retained messages).
        return NOTHING
    try:
        return driver.parse(topic, payload)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        return Seen(problems=(Problem("unreadable", "$", f"{topic}: {type(error).__name__}: {error}"),))
