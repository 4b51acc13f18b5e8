"""From what a load may have to what it is told in this second: pauses, delays, ramps, and the safety ladder.

Cuts come first and at once. A raise needs a new reading, an answer to the last order, and room at the meter.
"""

from math import floor

from msgspec import Struct
from msgspec.structs import replace

from busbar_allocator.participation import IDLE_A
from busbar_allocator.permits import impatient, may_run_on, may_start, started, stopped
from busbar_allocator.plan import START_MARGIN_A, LoadPlan
from busbar_allocator.promise import DEAD_BAND_A
from busbar_allocator.ramps import RAMP_UP_A_PER_S, Ramp, may_raise, raised, reach
from busbar_allocator.snapshot import LoadGrant
from busbar_allocator.staleness import without_meter
from busbar_allocator.state import NEVER, Mind
from busbar_contracts.allocation import MeterHealth
from busbar_contracts.charger import ConnectorStatus
from busbar_contracts.load import LoadMode

EXPORT_BAND_A = 0.5
"""A raise smaller than this waits, unless it is the last there is: export is answered calmly."""

CALM_S = 30.0
"""After a cut the last raise, however small, waits so long."""

AHEAD_A = 0.2
"""A cut for the sun goes a little below what it gives, for the seconds until it is in place."""

FOLLOWING = frozenset({LoadMode.SOLAR_ONLY, LoadMode.EXCESS})
SOURCES = frozenset({"solar_pool", "excess_pool", "no_grid", "inverter", "battery_minimum"})
TINY = 1e-6
ROUNDED_A = 1e-4


class Tick(Struct, frozen=True):
    """What all loads share in one step."""

    now: float
    seconds: float
    """Since the step before."""
    fresh: bool
    """The grid meter has spoken anew: only then may anyone rise."""
    import_w: float


class Wish(Struct, frozen=True):
    """Where a load should go in this step, and why it is not elsewhere."""

    limit_a: float
    reason: str


def mode_kept(mind: Mind, mode: LoadMode) -> Mind:
    """The memory of a load whose mode may have changed: then no timer of the old mode counts."""
    if mind.mode is mode:
        return mind
    if mind.mode is None:
        return replace(mind, mode=mode)
    return replace(mind, mode=mode, permit=impatient(mind.permit), eager=True, holding=False)


def cut(
    load: LoadPlan, mind: Mind, grant: LoadGrant, least_a: float, ground: MeterHealth, tick: Tick
) -> tuple[Mind, Wish]:
    """The load's limit after everything that lowers it; never above what it has."""
    if mind.silent_since is not None and ground is not MeterHealth.LOST:
        return mind, Wish(mind.limit_a, grant.reason)
    if ground in (MeterHealth.LOST, MeterHealth.UNKNOWN):
        kept = without_meter(mind.limit_a, load.fallback_a)
        return _lowered(mind, kept, tick.now), Wish(
            kept, f"no reading of its meter; {kept:g} A as configured"
        )
    if mind.limit_a <= 0 or grant.limit_a >= mind.limit_a - TINY:
        return mind, Wish(mind.limit_a, grant.reason)
    source = grant.binding.kind in SOURCES
    if source and grant.limit_a > 0 and mind.limit_a - grant.limit_a < DEAD_BAND_A:
        return mind, Wish(mind.limit_a, grant.reason)
    limit_a = grant.limit_a
    if source and grant.mode in FOLLOWING and limit_a > least_a and not load.on_off:
        # Sun that falls goes on falling while the load answers.
        limit_a = max(least_a, stepped(limit_a - AHEAD_A, load.step_a))
    return _lowered(mind, limit_a, tick.now, pause=grant.takes_part and not _never_ran(mind)), Wish(
        limit_a, grant.reason
    )


def _never_ran(mind: Mind) -> bool:
    """A car with nothing but a limit found in force, which it did not use: there is no stop to rest from."""
    if mind.permit.started_at is not None:
        return False
    unused = mind.sample is not None and mind.sample[1] < IDLE_A
    return unused or mind.appetite.status is ConnectorStatus.PREPARING


def _lowered(mind: Mind, limit_a: float, now: float, *, pause: bool = True) -> Mind:
    if limit_a >= mind.limit_a - TINY:
        return mind
    permit = mind.permit
    if limit_a <= 0:
        # A car that left, or that its owner switched off, need not rest before it comes back.
        permit = stopped(permit, now) if pause else impatient(permit)
    return replace(
        mind, limit_a=limit_a, before_a=max(mind.limit_a, mind.before_a if now < mind.cut_until else 0.0),
        cut_until=now + mind.dead_s, permit=permit, ramp=Ramp(raised_at=mind.ramp.raised_at),
        holding=mind.holding and limit_a > 0,
    )  # fmt: skip


def paused(mind: Mind, now: float) -> Mind:
    """The memory of a load that is stopped for a moment by ourselves, and need not rest."""
    return _lowered(mind, 0.0, now, pause=False)


def follow(load: LoadPlan, mind: Mind, short: bool, tick: Tick) -> Mind:
    """The memory of a running follower of the sun: whether it may stay at its minimum in the next step."""
    permit, within = may_run_on(
        mind.permit, not short, tick.import_w, tick.seconds, load.delays(True), tick.now
    )
    if permit is mind.permit and within == mind.holding:
        return mind
    return replace(mind, permit=permit, holding=within)


def wants_more(
    load: LoadPlan, mind: Mind, grant: LoadGrant, least_a: float, others_give: bool, tick: Tick
) -> tuple[Mind, Wish | None]:
    """Where the load may climb to in this step if there is room for it; None when it stays.

    `others_give` tells that others of its round have more than their minimum, which they would give up.
    """
    if mind.limit_a <= 0:
        return _start(load, mind, grant, least_a, others_give, tick)
    return _climb(load, mind, grant, tick)


def _start(
    load: LoadPlan, mind: Mind, grant: LoadGrant, least_a: float, others_give: bool, tick: Tick
) -> tuple[Mind, Wish | None]:
    delays = load.delays(grant.mode in FOLLOWING)
    # A load that is not held down by anything scarce has its margin, although it cannot ask for it.
    # Nor does the sun hold down the minimum of Solar Priority, which comes from any source.
    by_sun = grant.mode is LoadMode.SOLAR_PRIORITY and grant.binding.kind in SOURCES
    # Excess has its margin in its threshold.
    scarce = (
        grant.binding.kind not in ("maximum", "status") and not by_sun and grant.mode is not LoadMode.EXCESS
    )
    margin = least_a + START_MARGIN_A if scarce and not load.on_off and not others_give else least_a
    enough = grant.takes_part and grant.limit_a > 0 and grant.limit_a >= margin - TINY
    if enough and mind.eager:
        return mind, Wish(least_a, grant.reason)
    permit, may = may_start(mind.permit, enough, delays, tick.now)
    mind = mind if permit is mind.permit else replace(mind, permit=permit)
    if may:
        return mind, Wish(least_a, grant.reason)
    return mind, None


def waiting(
    load: LoadPlan, mind: Mind, grant: LoadGrant, least_a: float, ground: MeterHealth, now: float
) -> str | None:
    """Why a load that could have power has none yet; None when it does not wait."""
    if mind.limit_a > 0 or grant.limit_a <= 0:
        return None
    if ground is not MeterHealth.FRESH:
        return f"waits until its meter speaks again; {grant.reason}"
    if mind.permit.enough_since is not None:
        left = mind.permit.enough_since + load.delays(grant.mode in FOLLOWING).start_after_s - now
        return f"starts in {max(1.0, left):.0f} s if it stays so; {grant.reason}"
    if not load.on_off and grant.limit_a < least_a + START_MARGIN_A - TINY:
        return f"starts at {least_a + START_MARGIN_A:g} A, {grant.limit_a:.1f} A left; {grant.reason}"
    return None


def _climb(load: LoadPlan, mind: Mind, grant: LoadGrant, tick: Tick) -> tuple[Mind, Wish | None]:
    more = grant.limit_a - mind.limit_a
    # The last tenths on a wire that a house flickers on would be cut with its next breath.
    is_last = more > TINY and grant.limit_a >= grant.target_a - TINY and tick.now >= mind.cut_until + CALM_S
    worth = more >= EXPORT_BAND_A or is_last
    wish = grant.limit_a if worth else mind.limit_a
    filter_s = load.delays(grant.mode in FOLLOWING).filter_s
    ramp, height = reach(mind.ramp, mind.limit_a, wish, tick.now, RAMP_UP_A_PER_S, filter_s)
    mind = mind if ramp is mind.ramp else replace(mind, ramp=ramp)
    return mind, Wish(height, grant.reason) if height > mind.limit_a + TINY else None


def may_climb(load: LoadPlan, mind: Mind, answering: bool, tick: Tick) -> bool:
    """Whether a raise of a running load may leave now."""
    return may_raise(mind.ramp, tick.now, load.raise_every_s, answering)


def beyond(load: LoadPlan, mind: Mind, on_a_leg_a: float) -> float | None:
    """What the load draws, where its own newest sample is above what it may; None where it is not, or unknown.

    `on_a_leg_a` is what its limit may become on one leg. A sample from before the end of a cut's dead time is
    judged by the limit before it. The tolerance is a meter's: 1 A, 5 % and one step.
    """
    if mind.sample is None:
        return None
    at, draw_a = mind.sample
    allowed_a = max(on_a_leg_a, mind.before_a) if at < mind.cut_until else on_a_leg_a
    return draw_a if draw_a > 1.05 * allowed_a + 1.0 + load.step_a else None


def stepped(amps: float, step_a: float) -> float:
    """A limit rounded down to the load's step; grants come in whole tenths of a milliampere, which cost no step."""
    if step_a <= 0:
        return amps
    return min(round(floor((amps + ROUNDED_A) / step_a) * step_a, 6), amps)


def given(load: LoadPlan, mind: Mind, limit_a: float, now: float) -> Mind:
    """The memory after a raise or a start was ordered."""
    permit = started(mind.permit, now) if mind.limit_a <= 0 else mind.permit
    return replace(
        mind, limit_a=limit_a, permit=permit, ramp=raised(mind.ramp, now), eager=False,
        before_a=mind.before_a if now < mind.cut_until else 0.0,
        cut_until=mind.cut_until if now < mind.cut_until else NEVER,
    )  # fmt: skip
