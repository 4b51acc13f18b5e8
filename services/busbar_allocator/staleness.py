"""How far a meter is to be believed by its age alone, and what each load falls to without it.

A frozen meter is worse than a silent one: its age is counted from the time its last *new* sample was
taken, so a reading that is repeated grows old like one that does not come.
"""

from busbar_contracts.allocation import MeterHealth

STALE_AFTER_S = 10.0
STALE_PERIODS = 3
LOST_AFTER_S = 30.0
LOST_PERIODS = 6
RESERVE_A = 3.0
"""Kept free per phase while a meter is stale: what the house may have switched on unseen."""


def health(
    age_s: float | None,
    period_s: float,
    lost_after_s: float = LOST_AFTER_S,
    stale_after_s: float = STALE_AFTER_S,
) -> MeterHealth:
    """Whether a meter with a sample of this age is fresh, stale or lost; None is a meter that never spoke."""
    if age_s is None:
        return MeterHealth.STARTING
    if age_s > max(lost_after_s, LOST_PERIODS * period_s):
        return MeterHealth.LOST
    if age_s > max(stale_after_s, STALE_PERIODS * period_s):
        return MeterHealth.STALE
    return MeterHealth.FRESH


def worst(found: list[MeterHealth]) -> MeterHealth:
    """The state of a load's ground when it rests on several meters."""
    return max(found, key=_RANK.index, default=MeterHealth.FRESH)


_RANK = [MeterHealth.FRESH, MeterHealth.STALE, MeterHealth.STARTING, MeterHealth.LOST, MeterHealth.UNKNOWN]


def without_meter(last_a: float, fallback_a: float) -> float:
    """What a load falls to: never more than it had, and a load that had nothing stays at nothing."""
    return min(last_a, fallback_a)
