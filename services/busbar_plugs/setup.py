"""One plug as the service needs it: its driver, its rules and its power, free of how they were configured."""

from dataclasses import dataclass

from busbar_plugs.drivers.driver import Driver
from busbar_plugs.relay import Rules


@dataclass(frozen=True, slots=True)
class Range:
    """A load that can run between two powers."""

    min_w: float
    max_w: float
    step_w: float
    stepped: bool = True
    """False: on or off, although on is said as a number."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What one plug is."""

    id: str
    driver: Driver
    rules: Rules
    rating_w: float
    range: Range | None = None
    open_loop: bool = False
    """The device never says where its relay stands."""
    issuer: str = "allocator"
    settle_s: float = 120.0
    done_after_s: float = 900.0
    """A washing machine pauses for minutes in the middle of its programme, and must not be switched off then."""
    retry_s: float = 1800.0
    """A load that was done and switched off is tried again after so long: off is not absent."""
    poll_s: float = 30.0
    silent_after_s: float | None = 120.0
    """Without a word for so long the link is down; None when the device cannot be asked."""
    stale_after_s: float = 660.0
    """A measured power older than this is unknown: two of Tasmota's 300 s periods and a minute."""
    phase_is_unknown: bool = False
    """Its owner did not write down its phase, and the site has several."""
    proven_timer: bool = True
    """The device's off-timer may be counted on; False where it depends on a firmware nobody has asked."""


def clamped(power_w: float | None, span: Range) -> float:
    """The power a load with a range is set to: inside it, on its step, rounded down; 0 below its minimum.

    Without a figure it is the minimum: a write never guesses upwards.
    """
    if power_w is None:
        return span.min_w
    if power_w < span.min_w:
        return 0.0
    power_w = min(power_w, span.max_w)
    if span.step_w <= 0:
        return power_w
    steps = int((power_w - span.min_w) / span.step_w + 1e-9)
    return span.min_w + steps * span.step_w
