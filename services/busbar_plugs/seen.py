"""What one message of a device says, and how it adds up to what we know of the device.

Partial messages are the rule in this field: a Shelly mentions only what changed, a Tasmota sends its
power on one topic and its relay on another. So a message becomes a `Seen` with `None` wherever it is
silent, and `Known` keeps each value with the time at which it, and nothing else, was last said.
"""

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from busbar_shared.payloads import Problem

PowerOn = Literal["on", "off", "last"]
"""What a relay does when the mains come back."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one message says of one relay; None where it says nothing."""

    on: bool | None = None
    power_w: float | None = None
    energy_wh: float | None = None
    voltage_v: float | None = None
    current_a: float | None = None
    reachable: bool | None = None
    connected: bool = False
    """The device has just connected to the broker: it may have restarted, and stand where nobody put it."""
    by_timer: bool = False
    """The device says that its own timer moved the relay, not a person."""
    timer_s: float | None = None
    """The off-timer the device says it is running, or has been set to (Tasmota), in seconds."""
    pulse_setting: int | None = None
    """Tasmota's raw PulseTime setting, to be put back on release."""
    power_on: PowerOn | None = None
    """What the relay does when the mains come back."""
    level_w: float | None = None
    """The power a load with a number topic says it was set to."""
    refused: str | None = None
    """The device's own words for why it did not do what it was told."""
    problems: tuple[Problem, ...] = field(default=())

    @property
    def says_nothing(self) -> bool:
        """True when the message had nothing for us, which is not an error."""
        return self == NOTHING


NOTHING: Final = Seen()


@dataclass(frozen=True, slots=True)
class Value:
    """A number with the moment it was measured (seconds on the monotonic clock)."""

    value: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Known:
    """All we know of a device, each value with its own age."""

    on: bool | None = None
    on_at_s: float | None = None
    power: Value | None = None
    energy: Value | None = None
    voltage: Value | None = None
    current: Value | None = None
    level: Value | None = None
    reachable: bool | None = None
    timer_s: float | None = None
    pulse_setting: int | None = None
    power_on: PowerOn | None = None
    heard_at_s: float | None = None


def merged(known: Known, seen: Seen, at_s: float) -> Known:
    """What we know after a live message: what it mentions is new, the rest stays as old as it was."""
    reachable = known.reachable if seen.reachable is None else seen.reachable
    # Whoever speaks is there, whatever its last will said: the will of the connection before may come late.
    if seen.reachable is None and not seen.says_nothing and not only_problems(seen):
        reachable = True
    return replace(
        known,
        on=known.on if seen.on is None else seen.on,
        on_at_s=known.on_at_s if seen.on is None else at_s,
        power=_newer(known.power, seen.power_w, at_s),
        energy=_newer(known.energy, seen.energy_wh, at_s),
        voltage=_newer(known.voltage, seen.voltage_v, at_s),
        current=_newer(known.current, seen.current_a, at_s),
        level=_newer(known.level, seen.level_w, at_s),
        reachable=reachable,
        timer_s=_timer_after(known, seen),
        pulse_setting=known.pulse_setting if seen.pulse_setting is None else seen.pulse_setting,
        power_on=known.power_on if seen.power_on is None else seen.power_on,
        heard_at_s=at_s,
    )


def replayed(known: Known, seen: Seen, at_s: float) -> Known:
    """What we know after a retained message replayed by the broker: only whether the device is there.

    A retained reading may be a year old, and believing its relay would make the next true word of the
    device look like somebody's hand on the button. A retained "online" may be as old: the device has its
    usual time to say something itself.
    """
    if seen.reachable is None:
        return known
    begins = seen.reachable and not known.reachable
    return replace(known, reachable=seen.reachable, heard_at_s=at_s if begins else known.heard_at_s)


def only_problems(seen: Seen) -> bool:
    """True when nothing in the message could be believed."""
    return replace(seen, problems=()).says_nothing


def fresh(value: Value | None, now_s: float, stale_after_s: float) -> float | None:
    """The number while it is young enough to be believed, else None."""
    if value is None or now_s - value.at_s > stale_after_s:
        return None
    return value.value


def _newer(old: Value | None, number: float | None, at_s: float) -> Value | None:
    return old if number is None else Value(number, at_s)


def _timer_after(known: Known, seen: Seen) -> float | None:
    if seen.timer_s is not None:
        return seen.timer_s
    # A relay that is off runs no off-timer.
    return None if seen.on is False else known.timer_s
