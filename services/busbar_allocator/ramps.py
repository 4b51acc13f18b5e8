"""How fast a limit may climb: never faster than its ramp, not on a glimpse of sun, not before the last answer."""

from msgspec import Struct

RAMP_UP_A_PER_S = 1.0
RAISE_EVERY_S = 5.0
"""Raises to one charger leave at most this often (allocation, section 6); cuts leave at once."""

EARLIEST_S = 1.0


class Ramp(Struct, frozen=True):
    """Where one load stands on its way up."""

    climbing_since: float | None = None
    """Since when it could have had more than it has, without a gap."""
    recent: tuple[tuple[float, float], ...] = ()
    """What it could have had lately: when, and how much."""
    raised_at: float = float("-inf")


def reach(
    ramp: Ramp, limit_a: float, wish_a: float, now: float, up_a_per_s: float, filter_s: float
) -> tuple[Ramp, float]:
    """How high the limit may stand now on its way from `limit_a` to `wish_a`.

    The least wish of the last `filter_s` counts, and it must have been there that long. Time since the
    last raise counts for the ramp, as far as raises lie apart.
    """
    if wish_a <= limit_a:
        return (Ramp(raised_at=ramp.raised_at) if ramp.climbing_since is not None else ramp), wish_a
    since = now if ramp.climbing_since is None else ramp.climbing_since
    recent = (*(one for one in ramp.recent if one[0] >= now - filter_s), (now, wish_a))
    climbing = Ramp(since, recent, ramp.raised_at)
    if now - since < filter_s:
        return climbing, limit_a
    lasting = min(wish for _, wish in recent)
    rested = min(now - ramp.raised_at, RAISE_EVERY_S)
    return climbing, max(limit_a, min(lasting, limit_a + up_a_per_s * max(rested, EARLIEST_S)))


def may_raise(ramp: Ramp, now: float, every_s: float, answering: bool) -> bool:
    """Whether a raise may leave now: the last one is answered or given up, and the charger had time."""
    return not answering and now - ramp.raised_at >= every_s


def raised(ramp: Ramp, now: float) -> Ramp:
    """The ramp after a raise left now."""
    return Ramp(ramp.climbing_since, ramp.recent, now)
