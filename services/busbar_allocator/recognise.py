"""What a load and a battery turned out to be: orders found in force after a restart, silence, thresholds."""

from datetime import datetime

from msgspec.structs import replace

from busbar_allocator.background import Book, forgotten, ordered
from busbar_allocator.known import gone, silent
from busbar_allocator.last_car import at_the_meter
from busbar_allocator.latches import BatteryLatch, battery_latch, excess_gate
from busbar_allocator.loads_now import BLOCKED
from busbar_allocator.plan import STORAGE, LoadPlan, Plan
from busbar_allocator.present import lapsed
from busbar_allocator.settings import Settings
from busbar_allocator.state import State
from busbar_contracts.charger import ChargerState, ConnectorStatus
from busbar_contracts.load import HeatMode, HeatState, PlugState


def recognised(plan: Plan, settings: Settings, state: State, now: float, wall: datetime) -> State:
    """The state with every load that is heard for the first time, and every latch, brought up to now."""
    minds, books = dict(state.minds), dict(state.books)
    dead = gone(state.known, now)
    for load in plan.loads.values():
        if load.kind == "foreign":
            continue
        mind = minds[load.id]
        if mind.legs_before is not None and mind.legs is None:
            mind = minds[load.id] = at_the_meter(load, mind, books.get(plan.grid_meter))
        quiet = silent(state.known, dead, load.kind, load.owner) or _unknown(state, load)
        if quiet != (mind.silent_since is not None):
            mind = minds[load.id] = replace(mind, silent_since=now if quiet else None)
        if mind.silent_since is not None and lapsed(plan, load, mind, now):
            # Nobody knows any more what it draws: whatever it is, it is in the background.
            for name in plan.meters:
                books[name] = forgotten(books.get(name) or Book(), load.id)
            if mind.limit_a > load.fallback_a:
                mind = minds[load.id] = replace(mind, limit_a=load.fallback_a)
        if not mind.known and not quiet:
            limit = found_limit(plan, load, state.known.loads[load.owner].message)
            mind = minds[load.id] = replace(mind, known=True, limit_a=limit)
            # What a heater draws without a grant is the house's; what a charger does that nobody limits is reserved.
            for circuit in load.circuits if limit > 0 or load.kind == "heater" else ():
                meter = plan.circuits[circuit].meter
                if meter is not None and meter in books:
                    allowed = tuple(count * limit for count in load.uses(len(plan.phases)))
                    books[meter] = ordered(books[meter], load.id, allowed, allowed, now, 0.0)
    latches = _latches(plan, settings, state)
    return replace(state, minds=minds, books=books, latches=latches, gate_open=_gate(plan, settings, state))


def _unknown(state: State, load: LoadPlan) -> bool:
    """It answers, but says nothing that tells what it does."""
    message = state.known.loads[load.owner].message
    return isinstance(message, ChargerState) and message.status is ConnectorStatus.UNKNOWN


def found_limit(plan: Plan, load: LoadPlan, message: object) -> float:
    """The order per leg that was in force when the load was heard for the first time."""
    if isinstance(message, ChargerState):
        return min(message.limit.limit_a, load.max_a) if message.limit is not None else 0.0
    if isinstance(message, PlugState):
        on = message.order_on if message.order_on is not None else False
        return _per_leg(plan, load, message.max_w * load.times) if on else 0.0
    if isinstance(message, HeatState):
        storing = message.order is HeatMode.BOOST
        mine = storing == load.id.endswith(STORAGE) and _may_run(plan, load, message)
        return _per_leg(plan, load, message.max_w * load.times) if mine else 0.0
    return 0.0


def _may_run(plan: Plan, load: LoadPlan, message: HeatState) -> bool:
    """It was told that it may, or it regulates itself, may run in any second, and nobody holds it back."""
    if load.owner not in plan.regulating:
        return message.on is True and message.order not in (None, HeatMode.BLOCK)
    if message.order is not None:
        return message.order is not HeatMode.BLOCK
    if message.sg_state is not None:
        return message.sg_state != BLOCKED
    return message.on is True or not message.offset_k


def _per_leg(plan: Plan, load: LoadPlan, watts: float) -> float:
    return (watts or load.rating_w or 0.0) / plan.volts / len(load.legs)


def _latches(plan: Plan, settings: Settings, state: State) -> dict[str, BatteryLatch]:
    found = dict(state.latches)
    for name, config in plan.site.batteries.items():
        seen = state.known.batteries.get(name)
        if seen is None:
            continue
        owner = settings.batteries.get(name) or state.known.battery_settings.get(name)
        found[name] = battery_latch(
            found.get(name) or BatteryLatch(),
            seen.message.soc_percent,
            owner.soc_min_percent if owner is not None else config.soc_min_percent,
            owner.soc_target_percent if owner is not None else config.soc_target_percent,
            owner.soc_hysteresis_percent if owner is not None else config.soc_hysteresis_percent,
        )
    return found


def _gate(plan: Plan, settings: Settings, state: State) -> bool:
    if settings.site.excess_uses != "all":
        return False
    meter = state.known.meters.get(plan.grid_meter)
    if meter is None:
        return False
    book = state.books.get(plan.grid_meter)
    drawn = sum(
        sum(draw.amps)
        for load, draw in (book.draws.items() if book is not None else ())
        if (mind := state.minds.get(load)) is not None
        and mind.mode is not None
        and mind.mode.value == "excess"
    )
    export_w = (drawn - sum(meter.amps)) * plan.volts
    return excess_gate(state.gate_open, export_w, settings.site.excess_threshold_w)
