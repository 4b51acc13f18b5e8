"""What a connector was told and when: a draw is judged by the highest limit it could still be following.

A raise counts from the moment it leaves, a cut from the moment it was accepted. So a limit that is raised each
few seconds cannot excuse a charger that drew too much before the first raise.
"""

from collections.abc import Sequence

from msgspec import Struct

LONGEST_DEAD_S = 60.0
OLDEST_SAMPLE_S = 60.0


class Told(Struct, frozen=True):
    """One limit from this moment on, per leg."""

    since_s: float
    limit_a: float
    sent_legs: int | None = None
    """The legs a limit in watts was worked out for; None for one in ampere."""

    def on_one_leg(self, legs_in_use: int | None) -> float:
        """What the busiest leg may take: a limit in watts binds the sum, which one leg may take alone."""
        if self.sent_legs is None:
            return self.limit_a
        return self.limit_a * self.sent_legs / min(legs_in_use or 1, self.sent_legs)


def noted(log: Sequence[Told], new: Told) -> tuple[Told, ...]:
    """The log with one more entry; what no sample can be judged by any more is let go."""
    if log and (log[-1].limit_a, log[-1].sent_legs) == (new.limit_a, new.sent_legs):
        return tuple(log)
    kept = [*log, new]
    horizon_s = new.since_s - LONGEST_DEAD_S - OLDEST_SAMPLE_S
    while len(kept) > 1 and kept[1].since_s < horizon_s:
        kept.pop(0)
    return tuple(kept)


def allowed(log: Sequence[Told], sample_s: float, dead_s: float, legs_in_use: int | None) -> float | None:
    """The highest limit a sample of this moment may still show; None where it was told too little by then."""
    if not log or log[0].since_s > sample_s - dead_s:
        return None
    ends = [*(one.since_s for one in log[1:]), float("inf")]
    return max(
        one.on_one_leg(legs_in_use)
        for one, end_s in zip(log, ends, strict=True)
        if one.since_s <= sample_s and end_s > sample_s - dead_s
    )
