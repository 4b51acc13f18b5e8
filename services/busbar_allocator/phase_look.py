"""Asks the engine what a charger would get on the other number of phases, one charger at a time."""

from msgspec.structs import replace

from busbar_allocator import allocate as engine
from busbar_allocator import decide, snapshot
from busbar_allocator.decide import FOLLOWING, Tick
from busbar_allocator.exchange import Setup
from busbar_allocator.last_car import LEGS
from busbar_allocator.phases import judged, other_number
from busbar_allocator.plan import START_MARGIN_A
from busbar_allocator.state import State
from busbar_contracts.charger import ChargerState


def look_at_phases(
    setup: Setup, state: State, seen: snapshot.Now, allocation: snapshot.Allocation, tick: Tick
) -> State:
    """Look, for one charger at a time, what the engine would give it on the other number of phases."""
    if not tick.fresh or not setup.plan.any_switches:
        return state
    for load in setup.plan.loads.values():
        mind, one = state.minds[load.id], seen.loads[load.id]
        heard = state.known.loads.get(load.owner)
        can = (
            heard is not None
            and isinstance(heard.message, ChargerState)
            and heard.message.capabilities.switches_phases
        )
        other = other_number(load, mind, can, tick.now)
        grant = allocation.loads[load.id]
        if other is None or not (grant.takes_part or one.blocked):
            continue
        legs = None if other == 3 else LEGS[:1]
        changed = replace(one, legs_in_use=legs, blocked="", hold_minimum=False, idle=False, ceiling_a=None)
        there = engine.decide(setup.model, replace(seen, loads={**seen.loads, load.id: changed})).loads[
            load.id
        ]
        least = load.min_a
        delays = load.delays(grant.mode in FOLLOWING)
        fits = there.limit_a >= least + (START_MARGIN_A if other == 3 else 0.0)
        present = grant.limit_a >= least and mind.permit.short_since is None
        mind = judged(mind, other, present, fits, delays.start_after_s, tick.now)
        if mind.switched_at == tick.now:
            mind = decide.paused(mind, tick.now)
        return replace(state, minds={**state.minds, load.id: mind})
    return state
