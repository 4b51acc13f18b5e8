"""Following one load from sample to sample: when it draws, when it is idle, when a cycle is over."""

from dataclasses import dataclass, replace
from typing import Final

from busbar_plugs.learn import Learned, drawing_above_w, lived, peaked

HELD_S: Final = 5.0
"""A level counts as held, not as a start peak, after so long."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Where a load is in its cycle. Times in seconds on the monotonic clock."""

    power_w: float | None = None
    at_s: float | None = None
    on: bool = False
    idle_since_s: float | None = None
    ran: bool = False
    """It drew since the last cycle ended."""
    held_w: float | None = None
    """The lowest of the last samples over `HELD_S`: what it is seen to hold now."""
    held_since_s: float | None = None


def after_sample(
    watch: Watch, learned: Learned, power_w: float, on: bool, now_s: float, calendar_s: float
) -> tuple[Watch, Learned]:
    """The cycle and the knowledge after one sample of the power.

    The time since the sample before is booked at the power of that sample: devices report changes, so a
    value holds until the next one.
    """
    learned = _booked(watch, learned, now_s, calendar_s)
    if on:
        learned = peaked(learned, power_w, calendar_s)
    idle = not on or power_w <= drawing_above_w(learned)
    return (
        replace(
            watch,
            power_w=power_w,
            at_s=now_s,
            on=on,
            idle_since_s=(watch.idle_since_s if watch.idle_since_s is not None else now_s) if idle else None,
            ran=watch.ran or not idle,
            **_held(watch, power_w if on else 0.0, now_s),
        ),
        learned,
    )


def after_switch(
    watch: Watch, learned: Learned, on: bool, now_s: float, calendar_s: float
) -> tuple[Watch, Learned]:
    """The same when the relay moved: an open relay draws nothing, a closed one is not known to draw yet."""
    if on == watch.on:
        return watch, learned
    learned = _booked(watch, learned, now_s, calendar_s)
    return replace(
        watch, on=on, power_w=None, at_s=None, idle_since_s=None if on else now_s, held_w=None
    ), learned


def settled(watch: Watch, learned: Learned, now_s: float, settle_s: float) -> tuple[Watch, Learned]:
    """Count a cycle once the load has been idle for the settle time after it drew."""
    if not watch.ran or not is_idle(watch, now_s, settle_s):
        return watch, learned
    learned.cycles += 1
    return replace(watch, ran=False), learned


def is_idle(watch: Watch, now_s: float, settle_s: float) -> bool:
    """It has drawn no more than standby for the settle time."""
    return watch.idle_since_s is not None and now_s - watch.idle_since_s >= settle_s


def held_w(watch: Watch, now_s: float) -> float | None:
    """The power it is seen to hold now; None before it held one long enough."""
    if watch.held_w is None or watch.held_since_s is None or now_s - watch.held_since_s < HELD_S:
        return None
    return watch.held_w


def _booked(watch: Watch, learned: Learned, now_s: float, calendar_s: float) -> Learned:
    if not watch.on or watch.power_w is None or watch.at_s is None:
        return learned
    return lived(learned, watch.power_w, now_s - watch.at_s, calendar_s)


def _held(watch: Watch, power_w: float, now_s: float) -> dict[str, float]:
    """A rise starts a new level whose holding is yet to be seen; a fall is believed at once."""
    if watch.held_w is None or watch.held_since_s is None or power_w > watch.held_w * 1.1:
        return {"held_w": power_w, "held_since_s": now_s}
    return {"held_w": power_w, "held_since_s": watch.held_since_s}
