"""One step of the controller: what was heard in, orders out. State in, state out.

    heard -> believed -> engine -> cuts -> raises -> orders

A step never waits, never asks a clock, and touches nothing outside its arguments.
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from busbar_allocator import allocate as engine
from busbar_allocator import decide, probe, snapshot
from busbar_allocator.background import Book, ordered
from busbar_allocator.decide import FOLLOWING, Tick
from busbar_allocator.exchange import LoadOrder, Outcome, Said, Setup, Undecided
from busbar_allocator.known import heard
from busbar_allocator.observe import observed
from busbar_allocator.phase_look import look_at_phases
from busbar_allocator.plan import COMFORT, STORAGE, LoadPlan, Plan
from busbar_allocator.present import Outside, ground_of, presented
from busbar_allocator.promise import Promise, judged
from busbar_allocator.raising import URGENCY, least_of, raise_loads, uses_of
from busbar_allocator.recognise import recognised
from busbar_allocator.shortage import short_of_source
from busbar_allocator.staleness import worst
from busbar_allocator.state import NEVER, STOOD_S, Mind, State
from busbar_allocator.storing import look_at_storing
from busbar_contracts.allocation import MeterHealth
from busbar_contracts.load import LoadMode

TINY = 1e-6


def step(
    setup: Setup, state: State, said: Iterable[Said], now: float, wall: datetime, outside: Outside
) -> Outcome:
    """The orders of this instant and the state to remember; `Undecided` when nothing can be decided."""
    plan = setup.plan
    before = state.books.get(plan.grid_meter)
    state = _hear(plan, state, said, wall)
    if state.stepped_at is not None and now - state.stepped_at > STOOD_S:
        state = replace(state, awake_since=now)
    state = recognised(plan, setup.settings, observed(plan, state, now), now, wall)
    ground = ground_of(plan, state, now)
    book, meter = state.books.get(plan.grid_meter), state.known.meters.get(plan.grid_meter)
    tick = Tick(
        now=now,
        seconds=max(0.0, now - state.stepped_at) if state.stepped_at is not None else 0.0,
        fresh=meter is not None
        and meter.sure
        and book is not None
        and (before is None or before.at != book.at)
        and state.is_awake(now),
        import_w=_import_w(plan, state),
    )
    state = _judge_promise(plan, state, tick)
    seen = presented(plan, setup.settings, state, ground, now, wall, outside)
    try:
        allocation = engine.decide(setup.model, seen)
    except snapshot.BadSnapshot as error:
        raise Undecided(str(error), state) from error
    state = look_at_phases(setup, state, seen, allocation, tick)
    state, seen, allocation, stores = look_at_storing(setup, state, seen, allocation, ground, tick)
    minds, promise = _decide(setup, state, allocation, ground, tick)
    if plan.site.site.probe and tick.fresh and ground[plan.root] is MeterHealth.FRESH:
        minds = _probe(plan, state, minds, tick.now)
    state = state if promise is state.promise else replace(state, promise=promise)
    state, orders, changed = _order(plan, state, minds, ground, allocation, tick)
    return Outcome(
        state=state, orders=orders, allocation=allocation, ground=ground, changed=changed or stores
    )


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
        trust = grounds.get(load.circuits)
        if trust is None:
            trust = grounds[load.circuits] = worst([ground[name] for name in load.circuits if name in ground])
        if trust is MeterHealth.STARTING:
            continue
        mind = decide.mode_kept(mind, _mode(setup, load, grant))
        if grant.reserved_a > 0 and not grant.takes_part and mind.silent_since is None:
            minds[load.id] = replace(mind, limit_a=0.0, muted=True, reason=grant.reason)
            continue
        mind = mind if not mind.muted else replace(mind, muted=False, sent_at=NEVER)
        follows = grant.mode in FOLLOWING and mind.limit_a > 0
        least = least_of(setup, load, grant) if follows and grant.limit_a > 0 else 0.0
        mind, wish = decide.cut(load, mind, grant, least, trust, tick)
        if follows and mind.limit_a > 0:
            least, threshold = least_of(setup, load, grant), setup.settings.site.excess_threshold_w
            short = short_of_source(plan, grant, least, allocation, threshold)
            mind = decide.follow(load, mind, short, tick)
        minds[load.id] = mind if mind.reason == wish.reason else replace(mind, reason=wish.reason)
        if trust is MeterHealth.FRESH and grant.limit_a > mind.limit_a + TINY and tick.fresh:
            rising.append(((URGENCY.get(grant.mode, 1), setup.model.loads[place].priority, place), load))
    if not rising or not _is_ready(plan, state, minds, tick):
        return minds, state.promise
    rising.sort(key=lambda one: one[0])
    return minds, raise_loads(setup, state, allocation, ground, minds, [load for _, load in rising], tick)


def _is_ready(plan: Plan, state: State, minds: dict[str, Mind], tick: Tick) -> bool:
    """Whether anything new may be granted after a start: every load has spoken, or a lease is over."""
    return tick.now - state.started_at >= plan.lease_s or all(
        load.ids["connector_id"] in state.known.foreign if load.kind == "foreign" else minds[load.id].known
        for load in plan.loads.values()
    )


def _mode(setup: Setup, load: LoadPlan, grant: snapshot.LoadGrant) -> LoadMode:
    """The mode a load counts as: one that its owner disabled is off, and starts at once when it is enabled."""
    owner = setup.settings.loads.get(load.owner)
    return grant.mode if owner is None or owner.enabled else LoadMode.OFF


def _order(
    plan: Plan, state: State, minds: dict[str, Mind], ground: dict[str, MeterHealth],
    allocation: snapshot.Allocation, tick: Tick,
) -> tuple[State, tuple[LoadOrder, ...], bool]:  # fmt: skip
    """The orders that must leave now: what changed, and what is due for renewal."""
    books, orders, changed = dict(state.books), [], False
    starting = {name for name, one in ground.items() if one is MeterHealth.STARTING}
    renew = tick.now - plan.lease_s / 3
    for load in plan.loads.values():
        if starting and not starting.isdisjoint(load.circuits):
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
        if (moved or mind.sent_at <= renew) and not _first_grant_comes(
            plan, state, load, minds, ground, tick
        ):
            minds[load.id] = replace(mind, sent_at=tick.now)
            waits = mind.limit_a <= 0 < allocation.loads[load.id].limit_a
            reason = f"not yet; {mind.reason}" if waits else mind.reason
            orders.append(LoadOrder(load.id, mind.limit_a, reason, mind.phases))
    new = replace(state, books=books, minds=minds, stepped_at=tick.now)
    return new, tuple(orders), changed


def _first_grant_comes(
    plan: Plan,
    state: State,
    load: LoadPlan,
    minds: dict[str, Mind],
    ground: dict[str, MeterHealth],
    tick: Tick,
) -> bool:
    """A heater that was told nothing since our start is not blocked in the seconds before its first grant.

    A heat pump that is blocked for a moment stays off for its dwell, and we may be restarted often. So it is
    first blocked on a reading that leaves it no place, or when there are no readings any more.
    """
    if load.kind != "heater" or minds[load.id].sent_at != NEVER:
        return False
    comfort, storage = minds[load.owner + COMFORT], minds[load.owner + STORAGE]
    if comfort.limit_a > 0 or storage.limit_a > 0:
        return False
    if not tick.fresh:
        return all(ground.get(name) is not MeterHealth.LOST for name in load.circuits)
    return comfort.permit.enough_since is not None or not _is_ready(plan, state, minds, tick)


def _write_order(
    plan: Plan, books: dict[str, Book], load: LoadPlan, old: Mind, mind: Mind, now: float
) -> None:
    before = tuple(count * old.limit_a for count in uses_of(plan, load, old))
    after = tuple(count * mind.limit_a for count in uses_of(plan, load, mind))
    for circuit in load.circuits:
        meter = plan.circuits[circuit].meter
        if meter is not None:
            books[meter] = ordered(books.get(meter) or Book(), load.id, before, after, now, mind.dead_s)
