"""Does the charger obey? The measurement is believed, not the answer `Accepted`.

A draw above the limit for longer than the dead time and in two samples is disobedience. What follows is a
ladder, each rung with a pause for its effect: clear and set the profiles again, a soft reset once, a hard reset
once if the owner allows it.
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

# Meters of class 2 with their rounding; a paused car still feeds its contactor and heater.
TOLERANCE_A = 1.0
TOLERANCE_SHARE = 0.05
SAMPLES = 2
# How long each rung is given: calls take seconds, a reset minutes.
SET_AGAIN_S = 60.0
RESET_S = 300.0
FORGIVEN_AFTER_S = 3600.0


class Rung(StrEnum):
    """What to do about a charger that draws more than it may."""

    SET_AGAIN = "set_again"
    SOFT_RESET = "soft_reset"
    HARD_RESET = "hard_reset"


class Obedience(Struct, frozen=True, kw_only=True):
    """What was seen of one connector."""

    disobedient: bool = False
    over_samples: int = 0
    last_sample_s: float = -1e9
    rungs: tuple[Rung, ...] = ()
    acted_s: float = -1e9
    obeyed_s: float | None = None


def over(drawn_a: float, limit_a: float) -> bool:
    """Whether a draw is above a limit by more than a meter may err."""
    return drawn_a > limit_a * (1 + TOLERANCE_SHARE) + TOLERANCE_A


def seen(
    known: Obedience,
    *,
    drawn_a: float,
    sample_s: float,
    limit_a: float,
    since_s: float,
    dead_s: float,
    now_s: float,
) -> Obedience:
    """What is known after a sample taken at `sample_s`, under a limit that stands since `since_s`."""
    if sample_s <= known.last_sample_s:
        return known
    known = replace(known, last_sample_s=sample_s)
    if sample_s < since_s + dead_s:
        return known  # the limit had no time to show
    if over(drawn_a, limit_a):
        count = known.over_samples + 1
        return replace(
            known, over_samples=count, disobedient=known.disobedient or count >= SAMPLES, obeyed_s=None
        )
    obeyed_s = known.obeyed_s if known.obeyed_s is not None else now_s
    rungs = () if now_s - obeyed_s > FORGIVEN_AFTER_S else known.rungs
    return replace(known, over_samples=0, disobedient=False, obeyed_s=obeyed_s, rungs=rungs)


def next_rung(known: Obedience, *, hard_allowed: bool, now_s: float) -> Rung | None:
    """What to do now, or None while the last rung still works or none is left."""
    if not known.disobedient:
        return None
    wait_s = SET_AGAIN_S if known.rungs in ((), (Rung.SET_AGAIN,)) else RESET_S
    if known.rungs and now_s - known.acted_s < wait_s:
        return None
    for rung in Rung:
        if rung not in known.rungs and (rung is not Rung.HARD_RESET or hard_allowed):
            return rung
    return None


def acted(known: Obedience, rung: Rung, now_s: float) -> Obedience:
    """A rung was climbed; the counting begins again."""
    return replace(known, rungs=(*known.rungs, rung), acted_s=now_s, over_samples=0)
