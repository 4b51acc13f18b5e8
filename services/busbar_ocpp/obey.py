"""Does the charger obey? The measurement is believed, not the answer `Accepted`.

The first sample above what it was told holds back every raise. A second one is disobedience, and then nothing is
left of the lease: whoever does not follow a limit does not follow its end. What follows is a ladder, each rung
with a pause for its effect: clear and set the profiles again, a soft reset once, a hard reset once if the owner
allows it. Trust comes back with a proof, or when cuts were followed for some samples.
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

# Meters of class 2 with their rounding; a paused car still feeds its contactor and heater.
TOLERANCE_A = 1.0
TOLERANCE_SHARE = 0.05
SAMPLES = 2
# A car that takes as little as a cut left it, and took clearly more before: only then the cut was the cause.
CURBED_SAMPLES = 3
CLEARLY_A = 2.0
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
    followed: bool = False
    """This car was seen to draw, and no more than was told."""
    over_samples: int = 0
    held_a: float | None = None
    """What may not be exceeded while the newest sample is above what was told; None while it is not."""
    peak_a: float = 0.0
    """The most this car was seen to draw."""
    curbed_samples: int = 0
    """Samples in a row of a car that a cut keeps clearly below what it drew."""
    last_sample_s: float = -1e9
    rungs: tuple[Rung, ...] = ()
    acted_s: float = -1e9
    obeyed_s: float | None = None

    @property
    def curbed(self) -> bool:
        """Whether cuts were followed for long enough to believe in them again."""
        return self.curbed_samples >= CURBED_SAMPLES


def over(drawn_a: float, limit_a: float) -> bool:
    """Whether a draw is above a limit by more than a meter may err."""
    return drawn_a > limit_a * (1 + TOLERANCE_SHARE) + TOLERANCE_A


def seen(
    known: Obedience,
    *,
    drawn_a: float,
    sample_s: float,
    allowed_a: float | None,
    told_a: float,
    now_s: float,
) -> Obedience:
    """What is known after a sample taken at `sample_s`, which may show `allowed_a` (see `told.allowed`)."""
    if sample_s <= known.last_sample_s:
        return known
    peak_a = max(known.peak_a, drawn_a)
    followed = drawn_a >= CLEARLY_A and not over(drawn_a, told_a)
    known = replace(known, last_sample_s=sample_s, peak_a=peak_a, followed=known.followed or followed)
    if allowed_a is None:
        return known  # the limit had no time to show
    if over(drawn_a, allowed_a):
        count = known.over_samples + 1
        held_a = min(allowed_a, told_a, float("inf") if known.held_a is None else known.held_a)
        return replace(
            known, over_samples=count, disobedient=known.disobedient or count >= SAMPLES, obeyed_s=None,
            held_a=held_a, curbed_samples=0,
        )  # fmt: skip
    cut_holds = allowed_a <= peak_a - CLEARLY_A and drawn_a >= max(allowed_a - CLEARLY_A, CLEARLY_A)
    known = replace(known, held_a=None, curbed_samples=known.curbed_samples + 1 if cut_holds else 0)
    obeyed_s = known.obeyed_s if known.obeyed_s is not None else now_s
    rungs = () if now_s - obeyed_s > FORGIVEN_AFTER_S else known.rungs
    return replace(known, over_samples=0, disobedient=False, obeyed_s=obeyed_s, rungs=rungs)


def left(known: Obedience) -> Obedience:
    """The car has gone or its transaction has ended: what the next one draws is judged anew."""
    return replace(known, followed=False, over_samples=0, held_a=None, peak_a=0.0, curbed_samples=0)


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
