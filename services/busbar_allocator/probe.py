"""A small step of a charger to learn its wiring: downwards only, so that it overloads and imports nothing."""

from msgspec.structs import replace

from busbar_allocator.detection import SURE, Evidence, finding
from busbar_allocator.plan import LoadPlan
from busbar_allocator.state import Mind

STEP_A = 3.0
LASTS_S = 25.0
"""Long enough for a charger that measures every ten seconds, and for the meter."""

EVERY_S = 3600.0
STEADY_S = 30.0


def probed(load: LoadPlan, mind: Mind, evidence: Evidence | None, now: float) -> Mind:
    """The memory after deciding whether to lower this charger for a moment: at most once an hour until it is known."""
    if load.kind != "charger" or now - mind.probed_at < EVERY_S:
        return mind
    steady = now - max(mind.ramp.raised_at, mind.cut_until) >= STEADY_S
    if not steady or mind.limit_a < load.min_a + STEP_A or _known(evidence):
        return mind
    return replace(mind, probed_at=now, probe_a=mind.limit_a - STEP_A)


def ceiling(mind: Mind, now: float) -> float | None:
    """What the load is held to while it is probed; None when it is not."""
    return mind.probe_a if now - mind.probed_at < LASTS_S else None


def _known(evidence: Evidence | None) -> bool:
    found = finding(evidence) if evidence is not None else None
    return found is not None and found.confidence >= SURE
