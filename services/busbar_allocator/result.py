"""The engine's answer put together: grants with reasons, circuits, batteries, pools."""

from typing import TYPE_CHECKING

from busbar_allocator.battery_room import BatteryRoom
from busbar_allocator.claims import Claim
from busbar_allocator.distribution import EPS, INFINITE, Used
from busbar_allocator.reasons import Reasons
from busbar_allocator.rows import Ground
from busbar_allocator.site_model import EXCESS, SOLAR_ONLY, SOLAR_PRIORITY, TINY, SiteModel
from busbar_allocator.snapshot import Allocation, CircuitGrant, LoadGrant, PerPhase, Pools

if TYPE_CHECKING:
    from busbar_allocator.allocate import Settled

DECIMALS = 4
"""A tenth of a milliampere: finer is the computer's rounding."""


def allocation(
    model: SiteModel,
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
        limit = round(claim.limit, DECIMALS)
        loads[claim.load.id] = LoadGrant(
            round(claim.target, DECIMALS),
            limit,
            limit if claim.takes_part else round(available(claim, model, ground, limits, taken), DECIMALS),
            round(claim.reserved, DECIMALS),
            claim.takes_part,
            claim.mode,
            claim.legs,
            reason,
            binding,
        )
    batteries = room.grants() if model.batteries_on else {}
    return Allocation(loads, _circuits(model, ground, limits.used), batteries, _pools(model, ground, targets))


def available(
    claim: Claim, model: SiteModel, ground: Ground, settled: "Settled", taken: set[int | None]
) -> float:
    """What an idle load would get if it woke up now, after all others; `taken` units serve only one."""
    ceilings = settled.ceilings.get(claim.urgency or 0)
    if ceilings is None or settled.blocked or claim.reserved or not claim.load.controlled:
        return 0.0
    if claim.load.unit in taken:
        return 0.0
    if claim.urgency == SOLAR_PRIORITY and ground.storage.empty and not model.settings.grid_charging:
        return 0.0
    start, rise, gate = ceilings
    used = settled.used
    if gate is not None and used[gate[0]] > gate[1] - TINY:
        return 0.0
    wires = _room(claim, ground.limit_rows, used)
    if min(wires, _room(claim, start.rows, used)) < claim.least - EPS:
        return 0.0
    left = min(wires, _room(claim, rise.rows, used), claim.most)
    return max(claim.least, int(left / claim.step + TINY) * claim.step)


def _room(claim: Claim, rows: list[float], used: Used) -> float:
    return min(((rows[k] - used[k]) / per_amp for k, per_amp in claim.uses), default=INFINITE)


def _circuits(model: SiteModel, ground: Ground, used: Used) -> dict[str, CircuitGrant]:
    count = len(model.phases)
    found = {}
    at = 0
    for circuit in model.circuits:
        own = range(at, at + count)
        found[circuit.id] = CircuitGrant(
            phases(model, [ground.background[k] for k in own]),
            phases(model, [used[k] for k in own]),
            phases(model, [ground.limit_rows[k] - used[k] for k in own]),
        )
        at += count
    return found


def phases(model: SiteModel, values: list[float]) -> PerPhase:
    """One figure for each phase the site has."""
    if len(values) == 3:
        a, b, c = values
        return PerPhase(round(a, DECIMALS), round(b, DECIMALS), round(c, DECIMALS))
    return PerPhase(
        **{name: round(value, DECIMALS) for name, value in zip(model.phases, values, strict=True)}
    )


def _pools(model: SiteModel, ground: Ground, targets: "Settled") -> Pools:
    used_w = targets.used[model.watts]
    undrawn = ground.unmanaged[model.watts]
    batteries = ground.storage
    solar_w = ground.export_w + batteries.solar.watts
    gate = targets.ceilings[EXCESS][2]
    excess_w = (gate[1] if gate is not None else -INFINITE) - undrawn
    per_phase = None
    sources = targets.ceilings[SOLAR_ONLY][1].sources
    if model.per_phase:
        per_phase = phases(model, [sources[phase][1] for phase in range(len(model.phases))])
    imports = targets.ceilings[EXCESS][0].rows[model.watts]
    room = ground.limit_rows[model.watts]
    return Pools(
        surplus_w=round(ground.export_w + batteries.present.watts, 1),
        solar_w=round(max(0.0, solar_w), 1),
        excess_w=round(max(0.0, excess_w), 1),
        solar_left_w=round(max(0.0, solar_w + undrawn - used_w), 1),
        excess_left_w=round(max(0.0, excess_w + undrawn - used_w), 1),
        import_left_w=None if imports == INFINITE or room == INFINITE else round(room - used_w, 1),
        solar_phase_a=per_phase,
    )
