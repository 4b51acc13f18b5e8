"""One step of the controller: what was heard in, orders out. State in, state out.

    heard -> believed -> engine -> cuts -> raises -> orders

A step never waits, never asks a clock, and touches nothing outside its arguments.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from busbar_allocator import allocate as engine
from busbar_allocator import decide, probe, snapshot
from busbar_allocator.background import Book, ordered
from busbar_allocator.decide import FOLLOWING, Tick
from busbar_allocator.known import heard
from busbar_allocator.loads_now import LEGS, may_take_all_on_one_leg
from busbar_allocator.observe import observed
from busbar_allocator.phases import judged as phasing_judged
from busbar_allocator.phases import other_number
from busbar_allocator.plan import START_MARGIN_A, LoadPlan, Plan
from busbar_allocator.present import Outside, background_of, ground_of, presented
from busbar_allocator.promise import Promise, Spare, judged
from busbar_allocator.recognise import recognised
from busbar_allocator.room import Room
from busbar_allocator.settings import Settings
from busbar_allocator.shortage import short_of_source
from busbar_allocator.site_model import SiteModel
from busbar_allocator.staleness import worst
from busbar_allocator.state import NEVER, Mind, State
from busbar_contracts.allocation import MeterHealth
from busbar_contracts.charger import ChargerState

TINY = 1e-6


class Setup(Struct, frozen=True, kw_only=True):
    """What changes only with the configuration and the owner's settings."""

    plan: Plan
    settings: Settings
    model: SiteModel


class Said(Struct, frozen=True):
    """One message as it came from the bus."""

    message: Any
    ids: dict[str, str]
    at_s: float
    retained: bool = False


class LoadOrder(Struct, frozen=True):
    """What one load is to be told now."""

    load: str
    limit_a: float
    reason: str
    phases: int | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """What one step decided."""

    state: State
    orders: tuple[LoadOrder, ...]
    allocation: snapshot.Allocation
    """The engine's view."""
    ground: dict[str, MeterHealth]
    changed: bool
    """A limit is another than before."""


class Undecided(Exception):
    """The picture cannot be true: nothing is ordered, leases run out. What was heard is in `state`."""

    def __init__(self, text: str, state: State) -> None:
        super().__init__(text)
        self.state = state


def step(
    setup: Setup, state: State, said: Iterable[Said], now: float, wall: datetime, outside: Outside
) -> Outcome:
    """The orders of this instant and the state to remember; `Undecided` when nothing can be decided."""
    plan = setup.plan
    before = state.books.get(plan.grid_meter)
    state = _hear(plan, state, said, wall)
    state = recognised(plan, setup.settings, observed(plan, state, now), now, wall)
    ground = ground_of(plan, state, now)
    book, meter = state.books.get(plan.grid_meter), state.known.meters.get(plan.grid_meter)
    tick = Tick(
        now=now,
        seconds=max(0.0, now - state.stepped_at) if state.stepped_at is not None else 0.0,
        fresh=meter is not None
        and meter.sure
        and book is not None
        and (before is None or before.at != book.at),
        import_w=_import_w(plan, state),
    )
    state = _judge_promise(plan, state, tick)
    seen = presented(plan, setup.settings, state, ground, now, wall, outside)
    try:
        allocation = engine.decide(setup.model, seen)
    except snapshot.BadSnapshot as error:
        raise Undecided(str(error), state) from error
    state = _switch_phases(setup, state, seen, allocation, tick)
    minds, promise = _decide(setup, state, allocation, ground, tick)
    if plan.site.site.probe and tick.fresh and ground[plan.root] is MeterHealth.FRESH:
        minds = _probe(plan, state, minds, tick.now)
    state = state if promise is state.promise else replace(state, promise=promise)
    state, orders, changed = _order(plan, state, minds, ground, tick)
    return Outcome(state=state, orders=orders, allocation=allocation, ground=ground, changed=changed)


def _probe(plan: Plan, state: State, minds: dict[str, Mind], now: float) -> dict[str, Mind]:
    """Lower one charger for a moment whose wiring is not known, unless another is lowered already."""
    if any(probe.ceiling(mind, now) is not None for mind in minds.values()):
        return minds
    for load in plan.loads.values():
        mind = probe.probed(load, minds[load.id], state.watch.evidence.get(load.id), now)
        if mind is not minds[load.id]:
            return {**minds, load.id: mind}
    return minds


def _hear(plan: Plan, state: State, said: Iterable[Said], wall: datetime) -> State:
    known = state.known
    for one in said:
        known = heard(known, plan, one.message, one.ids, one.at_s, wall, one.retained)
    return replace(state, known=known) if known is not state.known else state


def _import_w(plan: Plan, state: State) -> float:
    """What the site takes from the grid now, an exporting phase against an importing one."""
    meter = state.known.meters.get(plan.grid_meter)
    return 0.0 if meter is None else sum(meter.amps) * plan.volts


def _judge_promise(plan: Plan, state: State, tick: Tick) -> State:
    if not plan.site.batteries or not tick.fresh:
        return state
    slowest = max((mind.dead_s for mind in state.minds.values() if mind.limit_a > 0), default=0.0)
    promise = judged(state.promise, tick.import_w, tick.now, slowest, plan.battery_answer_s)
    return state if promise is state.promise else replace(state, promise=promise)


def _switch_phases(
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
        mind = phasing_judged(mind, other, present, fits, delays.start_after_s, tick.now)
        if mind.switched_at == tick.now:
            mind = decide.paused(mind, tick.now)
        return replace(state, minds={**state.minds, load.id: mind})
    return state


def _decide(
    setup: Setup, state: State, allocation: snapshot.Allocation, ground: dict[str, MeterHealth], tick: Tick
) -> tuple[dict[str, Mind], Promise]:
    """Every load's memory after this step: first all cuts, then raises in rank order while room lasts."""
    plan, minds = setup.plan, dict(state.minds)
    grounds: dict[tuple[str, ...], MeterHealth] = {}
    rising: list[tuple[tuple[int, int, int], LoadPlan]] = []
    for place, load in enumerate(plan.loads.values()):
        if load.kind == "foreign" or not (mind := minds[load.id]).known:
            continue
        grant = allocation.loads[load.id]
        if load.circuits not in grounds:
            grounds[load.circuits] = worst([ground[name] for name in load.circuits if name in ground])
        if grounds[load.circuits] is MeterHealth.STARTING:
            continue
        mind = decide.mode_kept(mind, grant)
        if grant.reserved_a > 0 and not grant.takes_part and mind.silent_since is None:
            minds[load.id] = replace(mind, limit_a=0.0, muted=True, reason=grant.reason)
            continue
        mind = mind if not mind.muted else replace(mind, muted=False, sent_at=NEVER)
        least = _least(setup, load, grant) if mind.limit_a > 0 and grant.limit_a > 0 else 0.0
        mind, wish = decide.cut(load, mind, grant, least, grounds[load.circuits], tick)
        if mind.limit_a > 0 and grant.mode in FOLLOWING:
            least, threshold = _least(setup, load, grant), setup.settings.site.excess_threshold_w
            short = short_of_source(plan, load, grant, least, allocation, threshold)
            mind = decide.follow(load, mind, short, tick)
        minds[load.id] = mind if mind.reason == wish.reason else replace(mind, reason=wish.reason)
        if grounds[load.circuits] is MeterHealth.FRESH and grant.limit_a > mind.limit_a + TINY and tick.fresh:
            rising.append(((_URGENCY.get(grant.mode, 1), setup.model.loads[place].priority, place), load))
    ready = tick.now - state.started_at >= plan.lease_s or all(mind.known for mind in minds.values())
    if not rising or not ready:
        return minds, state.promise
    rising.sort(key=lambda one: one[0])
    return minds, _raise(setup, state, allocation, ground, minds, [load for _, load in rising], tick)


_URGENCY = {"solar_priority": 2, "solar_only": 3, "excess": 4}
_ROUND = {"solar_only": 2, "excess": 3}


def _raise(
    setup: Setup, state: State, allocation: snapshot.Allocation, ground: dict[str, MeterHealth],
    minds: dict[str, Mind], rising: list[LoadPlan], tick: Tick,
) -> Promise:  # fmt: skip
    """Raise who may, in rank order, as far as the wires are free now; the battery's promise afterwards."""
    plan = setup.plan
    room = _room(setup, state, allocation, ground, minds, tick)
    spare = Spare(state.promise, -tick.import_w, tick.now) if plan.site.batteries else None
    book = state.books.get(plan.grid_meter) or Book()
    for load in rising:
        grant, mind = allocation.loads[load.id], minds[load.id]
        least = _least(setup, load, grant)
        give = mind.limit_a <= 0 and _others_give(plan, load, allocation)
        mind, wish = decide.wants_more(load, mind, grant, least, give, tick)
        minds[load.id] = mind
        draw = book.draws.get(load.id)
        if wish is None or (
            mind.limit_a > 0
            and not decide.may_climb(load, mind, draw is not None and draw.answering(tick.now), tick)
        ):
            continue
        uses = _uses(plan, load, mind)
        held = _committed(mind, tick.now)
        # Its own share is no obstacle to itself: what it may draw already is in the room.
        space = held + room.for_load(load, uses)
        top = min(wish.limit_a, space)
        volts = sum(uses) * plan.volts
        on_source = spare is not None and mind.limit_a > 0 and _on_source(setup, grant)
        if spare is not None and on_source:
            top = min(top, mind.limit_a + spare.for_legs(volts))
        limit = decide.stepped(top, load.step_a)
        if load.on_off or mind.limit_a <= 0:
            fits = top >= least - TINY and space >= _on_a_leg(state, load, least) - TINY
            limit = least if fits else 0.0
        if limit <= mind.limit_a + TINY:
            continue
        room.raised(load, uses, max(0.0, limit - held))
        if spare is not None and on_source:
            spare.take((limit - mind.limit_a) * volts)
        minds[load.id] = decide.given(load, mind, limit, tick.now)
    return replace(state.promise, taken_at=tick.now) if spare is not None and spare.counted else state.promise


def _others_give(plan: Plan, load: LoadPlan, allocation: snapshot.Allocation) -> bool:
    """Whether another load that comes no earlier and shares a phase has enough to give up a margin."""
    mine = allocation.loads[load.id]
    turn = _ROUND.get(mine.mode.value, 1)
    return any(
        grant.takes_part
        and name != load.id
        and _ROUND.get(grant.mode.value, 1) >= turn
        and not set(grant.legs).isdisjoint(mine.legs)
        and not plan.loads[name].on_off
        and grant.limit_a >= plan.loads[name].min_a + START_MARGIN_A
        for name, grant in allocation.loads.items()
    )


def _on_source(setup: Setup, grant: snapshot.LoadGrant) -> bool:
    """Whether the load's ceiling is a source, which a battery may be part of."""
    return grant.mode.value in _URGENCY or not setup.settings.site.grid_charging


def _least(setup: Setup, load: LoadPlan, grant: snapshot.LoadGrant) -> float:
    """The least the load runs at, as the engine granted it."""
    if load.on_off:
        return grant.limit_a
    owner = setup.settings.loads.get(load.id)
    least = owner.min_a if owner is not None and owner.min_a is not None else load.min_a
    return min(least if least > 0 else load.step_a or grant.limit_a, grant.limit_a)


def _room(
    setup: Setup, state: State, allocation: snapshot.Allocation, ground: dict[str, MeterHealth],
    minds: dict[str, Mind], tick: Tick,
) -> Room:  # fmt: skip
    plan = setup.plan
    backgrounds = {name: background_of(plan, state, name, ground, keep=False) for name in plan.circuits}
    meters = {
        name: meter.amps
        for name, circuit in plan.circuits.items()
        if circuit.meter is not None and (meter := state.known.meters.get(circuit.meter)) is not None
    }
    room = Room(plan, backgrounds, meters, setup.settings.site.power_buffer_w)
    for load in plan.loads.values():
        grant = allocation.loads[load.id]
        mind = minds.get(load.id)
        amps = (
            grant.reserved_a
            if mind is None or not mind.known
            else max(_committed(mind, tick.now), grant.reserved_a)
        )
        if amps > 0:
            room.take(load, _uses(plan, load, mind), _on_a_leg(state, load, amps))
    return room


def _on_a_leg(state: State, load: LoadPlan, amps: float) -> float:
    """What a limit may become on a single leg."""
    heard = state.known.loads.get(load.owner)
    if (
        heard is None
        or not isinstance(heard.message, ChargerState)
        or not may_take_all_on_one_leg(load, heard.message)
    ):
        return amps
    return max(amps, min(amps * len(load.legs), load.max_a))


def _committed(mind: Mind, now: float) -> float:
    """What a load may draw: its order, and its old one while a cut is under way."""
    return max(mind.limit_a, mind.before_a) if now < mind.cut_until else mind.limit_a


def _uses(plan: Plan, load: LoadPlan, mind: Mind | None) -> tuple[int, ...]:
    legs = None if mind is None else mind.phases if mind.phases is not None else mind.legs
    return load.uses(len(plan.phases), legs)


def _order(
    plan: Plan, state: State, minds: dict[str, Mind], ground: dict[str, MeterHealth], tick: Tick
) -> tuple[State, tuple[LoadOrder, ...], bool]:
    """The orders that must leave now: what changed, and what is due for renewal."""
    books, orders, changed = dict(state.books), [], False
    for load in plan.loads.values():
        if any(ground.get(name) is MeterHealth.STARTING for name in load.circuits):
            # What was ordered before a restart holds until a reading says more, or its lease ends.
            continue
        mind = minds.get(load.id)
        if mind is None or not mind.known or mind.muted or load.kind == "foreign":
            continue
        old = state.minds[load.id]
        moved = abs(mind.limit_a - old.limit_a) > TINY or mind.phases != old.phases
        if moved:
            changed = True
            _write_order(plan, books, load, old, mind, tick.now)
        if moved or tick.now - mind.sent_at >= plan.lease_s / 3:
            minds[load.id] = replace(mind, sent_at=tick.now)
            orders.append(LoadOrder(load.id, mind.limit_a, mind.reason, mind.phases))
    new = replace(state, books=books, minds=minds, stepped_at=tick.now)
    return new, tuple(orders), changed


def _write_order(
    plan: Plan, books: dict[str, Book], load: LoadPlan, old: Mind, mind: Mind, now: float
) -> None:
    before = tuple(count * old.limit_a for count in _uses(plan, load, old))
    after = tuple(count * mind.limit_a for count in _uses(plan, load, mind))
    for circuit in load.circuits:
        meter = plan.circuits[circuit].meter
        if meter is not None:
            books[meter] = ordered(books.get(meter) or Book(), load.id, before, after, now, mind.dead_s)
