"""How fast a limit may climb: by seconds since it could, and not again before the last raise was answered."""

from msgspec import Struct

RAMP_UP_A_PER_S = 1.0
RAISE_EVERY_S = 5.0
"""Raises to one charger leave at most this often (allocation, section 6); cuts leave at once."""


class Ramp(Struct, frozen=True):
    """Where one load stands on its way up."""

    climbing_since: float | None = None
    """Since when it could have had more than it has, or since its last raise."""
    raised_at: float = float("-inf")


def reach(ramp: Ramp, limit_a: float, wish_a: float, now: float, up_a_per_s: float) -> tuple[Ramp, float]:
    """How high the limit may stand now on its way from `limit_a` to `wish_a`; a way down is taken at once."""
    if wish_a <= limit_a:
        return (ramp if ramp.climbing_since is None else Ramp(None, ramp.raised_at)), wish_a
    since = now if ramp.climbing_since is None else ramp.climbing_since
    climbing = ramp if ramp.climbing_since is not None else Ramp(since, ramp.raised_at)
    return climbing, min(wish_a, limit_a + up_a_per_s * (now - since))


def may_raise(ramp: Ramp, now: float, every_s: float, answering: bool) -> bool:
    """Whether a raise may leave now: the last one is answered or given up, and the charger had time."""
    return not answering and now - ramp.raised_at >= every_s


def raised(now: float) -> Ramp:
    """The ramp after a raise left now: the climb goes on from here."""
    return Ramp(now, now)
