"""Whether a follower that runs on at its minimum takes more than its source gives."""

from busbar_allocator.plan import Plan
from busbar_allocator.snapshot import Allocation, LoadGrant, PerPhase
from busbar_contracts.load import LoadMode

BAND_W = 50.0
BAND_A = 0.2


def short_of_source(
    plan: Plan, grant: LoadGrant, least_a: float, allocation: Allocation, threshold_w: float
) -> bool:
    """Only a load at its minimum can be short: with more granted its source gives more than that."""
    if grant.limit_a <= 0:
        return True
    if grant.limit_a > least_a + 1e-6:
        return False
    used = _used(plan, allocation)
    if grant.mode is LoadMode.EXCESS:
        mine = least_a * len(grant.legs) * plan.volts
        pool_w = allocation.pools.excess_w
        others = sum(used) * plan.volts - mine
        return pool_w <= others or pool_w + threshold_w - others < mine - BAND_W
    phases = allocation.pools.solar_phase_a
    if phases is not None and _beyond(plan, grant, used, phases):
        return True
    # Netted per phase, what another phase imports is no want of this one; a battery acts on the sum.
    in_sum = phases is None or bool(plan.site.batteries)
    return in_sum and sum(used) * plan.volts > allocation.pools.solar_w + BAND_W


def _used(plan: Plan, allocation: Allocation) -> list[float]:
    """What is granted on each phase of the site."""
    used = [0.0] * len(plan.phases)
    for grant in allocation.loads.values():
        amps = grant.limit_a or grant.reserved_a
        if amps > 0 and not grant.idle:
            for phase in grant.legs:
                used[plan.phases.index(phase)] += amps
    return used


def _beyond(plan: Plan, grant: LoadGrant, used: list[float], given: PerPhase) -> bool:
    """A phase on which it counts gives less than is granted there."""
    return any(
        used[plan.phases.index(phase)] > (getattr(given, phase) or 0.0) + BAND_A for phase in set(grant.legs)
    )
