"""The proof of a lease: grant, fall silent, and watch the measured draw fall by itself.

`busbar ocpp verify CHARGER` asks for it. Nothing is granted that is not granted anyway: the standing limit is
sent once more with a short first period, and then nothing is said until the draw has fallen or the time is up.
A cut that is ordered meanwhile ends the proof and is sent at once.
"""

from msgspec import Struct
from msgspec.structs import replace

from busbar_ocpp.profile import START_EARLY_S, Standing

GRANT_S = 20
"""How long the grant of a proof lasts inside the charger, counted from the call."""
LATE_S = 60.0
"""After the grant has ended, the longest a car may take to follow (the largest dead time of the ladder)."""
CLEAR_STEP_A = 2.0
SETTLED_S = 3.0
EARLY_S = 3.0
"""Clocks of chargers count whole seconds, and samples are rounded to them."""
FALL_TOLERANCE_A = 1.0


class Trial(Struct, frozen=True, kw_only=True):
    """A proof that runs: what the charger holds, and what must be seen."""

    standing: Standing
    began_s: float
    granted_a: float
    then_a: float

    def must_have_fallen_s(self) -> float:
        """When the draw must be down, on our monotonic clock."""
        return self.began_s + GRANT_S + LATE_S


class CannotTry(Exception):
    """There is nothing to be seen now; the sentence says what is missing."""


def trial(standing: Standing, drawn_a: float | None, now_s: float) -> Trial:
    """A proof of what stands now, or `CannotTry`."""
    if drawn_a is None or drawn_a < standing.least_a - FALL_TOLERANCE_A:
        raise CannotTry("a car must be charging, and its current measured")
    if standing.now_a < standing.least_a:
        raise CannotTry("the connector is paused")
    if drawn_a > standing.now_a + 2 * FALL_TOLERANCE_A:
        raise CannotTry(f"the car draws {drawn_a:g} A, more than its limit of {standing.now_a:g} A")
    # Just enough above what follows to be seen, so that a cut which still leaves this much disturbs nothing.
    granted = min(
        standing.now_a, max(standing.fallback_a, standing.least_a) + CLEAR_STEP_A + FALL_TOLERANCE_A
    )
    # The fall must be visible beside what the car takes; where the fallback is not below it, it is a pause.
    then = standing.then_a if min(drawn_a, granted) - standing.then_a >= CLEAR_STEP_A else 0.0
    short = replace(standing, grant_a=granted, fallback_a=then, validity_s=GRANT_S + START_EARLY_S)
    return Trial(standing=short, began_s=now_s, granted_a=granted, then_a=then)


def verdict(running: Trial, drawn_a: float | None, sample_s: float | None, now_s: float) -> bool | None:
    """Whether it fell by itself (True), did not (False), or remains to be seen (None).

    Raises `CannotTry` for a car that stopped before the grant had ended: that proves nothing.
    """
    seen = sample_s is not None and sample_s > running.began_s + SETTLED_S
    if seen and drawn_a is not None and drawn_a <= running.then_a + FALL_TOLERANCE_A:
        if sample_s is not None and sample_s < running.began_s + GRANT_S - EARLY_S:
            raise CannotTry("the car stopped drawing by itself before the grant had ended")
        return True
    return False if now_s > running.must_have_fallen_s() else None
