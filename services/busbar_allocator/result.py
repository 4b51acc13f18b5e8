"""The engine's answer put together: grants with reasons, circuits, batteries, pools."""

from operator import sub
from typing import TYPE_CHECKING

from busbar_allocator.battery_room import BatteryRoom
from busbar_allocator.claims import Claim
from busbar_allocator.distribution import EPS, INFINITE, Used
from busbar_allocator.figures import all_fine, fine
from busbar_allocator.household import contradictions
from busbar_allocator.pools import excess_w, solar_w
from busbar_allocator.reasons import Reasons
from busbar_allocator.rows import Ground
from busbar_allocator.site_model import SOLAR_PRIORITY, TINY, SiteModel
from busbar_allocator.snapshot import Allocation, CircuitGrant, LoadGrant, Now, PerPhase, Pools

if TYPE_CHECKING:
    from busbar_allocator.allocate import Settled


def allocation(
    model: SiteModel,
    now: Now,
    ground: Ground,
    asked: list[Claim],
    targets: "Settled",
    limits: "Settled",
    room: BatteryRoom,
    reasons: Reasons,
) -> Allocation:
    """Everything the service publishes about one instant."""
    loads = {}
    taken = {c.load.unit for c in asked if c.runs and c.load.plugs == "exclusive"}
    for claim in asked:
        reason, binding = reasons.of(claim)
        target = fine(claim.target)
        limit = target if claim.limit == claim.target else fine(claim.limit)
        loads[claim.load.id] = LoadGrant(
            target,
            limit,
            limit if claim.takes_part else fine(_available(claim, model, ground, targets, limits, taken)),
            fine(claim.reserved) if claim.reserved else 0.0,
            claim.takes_part,
            claim.mode,
            claim.legs,
            reason,
            binding,
            claim.light,
        )
    batteries = room.grants(limits.used) if model.batteries_on else {}
    pools = _pools(model, now, ground, targets)
    notes: tuple[str, ...] = ()
    if ground.generation or now.solar_w is not None:
        notes = contradictions(now, ground.generation, ground.export_w, ground.storage)
    return Allocation(loads, _circuits(model, ground, limits.used), batteries, pools, notes)


def _available(
    claim: Claim, model: SiteModel, ground: Ground, targets: "Settled", limits: "Settled", taken: set[int | None]
) -> float:  # fmt: skip
    """What an idle load would get if it woke up now, after all others; `taken` units serve only one."""
    now_a = _left_beside(claim, model, ground, limits, ground.limit_rows, taken)
    if targets is limits or now_a <= 0:
        return now_a
    # Nobody gets more than its target, and the targets of the others may leave it none.
    return min(now_a, _left_beside(claim, model, ground, targets, ground.target_rows, taken))


def _left_beside(
    claim: Claim, model: SiteModel, ground: Ground, settled: "Settled", rows: list[float], taken: set[int | None]
) -> float:  # fmt: skip
    ceilings = settled.ceilings.get(claim.urgency or 0)
    if ceilings is None or claim.reserved or not claim.load.controlled:
        return 0.0
    rank = (claim.urgency or 0, claim.load.priority, claim.load.index)
    if settled.blocked is not None and rank > settled.blocked:
        return 0.0
    if claim.load.unit in taken:
        return 0.0
    if claim.urgency == SOLAR_PRIORITY and ground.storage.empty and not model.settings.grid_charging:
        return 0.0
    start, rise, gate = ceilings
    used = settled.used
    if gate is not None and used[gate[0]] > gate[1] - TINY:
        return 0.0
    wires = _room(claim, rows, used)
    if min(wires, _room(claim, start.rows, used)) < claim.least - EPS:
        return 0.0
    left = min(wires, _room(claim, rise.rows, used), claim.most)
    return max(claim.least, int(left / claim.step + TINY) * claim.step)


def _room(claim: Claim, rows: list[float], used: Used) -> float:
    return min([(rows[k] - used[k]) / per_amp for k, per_amp in claim.uses], default=INFINITE)


def _circuits(model: SiteModel, ground: Ground, used: Used) -> dict[str, CircuitGrant]:
    count = len(model.phases)
    found = {}
    at = 0
    for circuit in model.circuits:
        upto = at + count
        granted = used[at:upto]
        left = list(map(sub, ground.limit_rows[at:upto], granted))
        background = ground.background[at:upto]
        found[circuit.id] = CircuitGrant(
            phases(model, background), phases(model, granted), phases(model, left)
        )
        at = upto
    return found


def phases(model: SiteModel, values: list[float]) -> PerPhase:
    """One figure for each phase the site has."""
    if len(values) == 3:
        return PerPhase(*all_fine(values))
    return PerPhase(**dict(zip(model.phases, all_fine(values), strict=True)))


def _pools(model: SiteModel, now: Now, ground: Ground, targets: "Settled") -> Pools:
    used_w = targets.used[model.watts] - ground.unmanaged[model.watts]
    sun = solar_w(ground)
    excess = excess_w(model, ground, now, targets.before_excess_w)
    per_phase = None
    if model.per_phase:
        amps = ground.export_a
        if ground.storage.each:
            shares = ground.storage.part("solar").per_phase
            amps = [a + w / v for a, w, v in zip(amps, shares, ground.volts, strict=True)]
        per_phase = phases(model, amps)
    room = ground.limit_rows[model.watts]
    return Pools(
        round(ground.export_w + ground.storage.watts("present"), 1),
        round(max(0.0, sun), 1),
        round(max(0.0, excess), 1),
        round(max(0.0, sun - used_w), 1),
        round(max(0.0, excess - used_w), 1),
        None if room == INFINITE else round(room - targets.used[model.watts], 1),
        per_phase,
    )
