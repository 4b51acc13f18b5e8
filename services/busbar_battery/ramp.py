"""How the ordered power moves: ramped, and resting at zero before it changes its sign."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace


class Motion(Struct, frozen=True):
    """Where the ordered power is (W, + charge), and since when it rests at zero."""

    power: float = 0.0
    at_s: float | None = None
    last_sign: int = 0
    resting_since: float | None = None


def moved(
    motion: Motion,
    target: float,
    lowest: float,
    highest: float,
    *,
    now: float,
    ramp_w_per_s: float,
    dwell_s: float,
) -> Motion:
    """One step towards the target.

    Inside `lowest` to `highest` it moves at the ramp; those two are limits and are taken up at once.
    The sign changes only after `dwell_s` at zero, limits or not: a DC link that is turned round in one go
    drops the sun for seconds, and a device comes before a limit.
    """
    passed = 0.0 if motion.at_s is None else max(0.0, now - motion.at_s)
    reach = ramp_w_per_s * passed
    wanted = max(min(target, motion.power + reach), motion.power - reach)
    wanted = max(lowest, min(wanted, highest))
    if wanted == 0 or sign(wanted) == motion.last_sign or motion.last_sign == 0:
        return _at(motion, wanted, now)
    if motion.resting_since is None:
        return _at(motion, 0.0, now)
    if now - motion.resting_since < dwell_s:
        return replace(motion, power=0.0, at_s=now)
    return _at(motion, wanted, now)


def sign(power: float) -> int:
    """1, 0 or -1."""
    return (power > 0) - (power < 0)


def _at(motion: Motion, power: float, now: float) -> Motion:
    if power == 0:
        since = motion.resting_since if motion.resting_since is not None else now
        return Motion(0.0, now, motion.last_sign, since)
    return Motion(power, now, sign(power), None)
