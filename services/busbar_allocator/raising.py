"""Raises in rank order: as far as the wires are free now, the last order answered, the battery asked a little at a time."""

from msgspec.structs import replace

from busbar_allocator import decide, snapshot
from busbar_allocator.background import Book
from busbar_allocator.decide import Tick
from busbar_allocator.exchange import Setup
from busbar_allocator.loads_now import may_take_all_on_one_leg
from busbar_allocator.plan import START_MARGIN_A, LoadPlan, Plan
from busbar_allocator.present import background_of
from busbar_allocator.promise import Promise, Spare
from busbar_allocator.room import Room
from busbar_allocator.state import Mind, State
from busbar_allocator.steady import batteries_a, most_of_batteries_a
from busbar_contracts.allocation import MeterHealth
from busbar_contracts.charger import ChargerState

TINY = 1e-6

URGENCY = {"solar_priority": 2, "solar_only": 3, "excess": 4}
ROUND = {"solar_only": 2, "excess": 3}


def raise_loads(
    setup: Setup, state: State, allocation: snapshot.Allocation, ground: dict[str, MeterHealth],
    minds: dict[str, Mind], rising: list[LoadPlan], tick: Tick,
) -> Promise:  # fmt: skip
    """Raise who may, in rank order, as far as the wires are free now; the battery's promise afterwards."""
    plan = setup.plan
    room: Room | None = None
    spare = Spare(state.promise, -tick.import_w, tick.now) if plan.site.batteries else None
    book = state.books.get(plan.grid_meter) or Book()
    for load in rising:
        grant, mind = allocation.loads[load.id], minds[load.id]
        least = least_of(setup, load, grant)
        give = mind.limit_a <= 0 and _others_give(plan, load, least, allocation, minds)
        mind, wish = decide.wants_more(load, mind, grant, least, give, tick)
        minds[load.id] = mind
        draw = book.draws.get(load.id)
        over_a = decide.beyond(load, mind, _on_a_leg(state, load, mind.limit_a))
        if over_a is not None:
            # Who does not follow a limit would not follow its end: it gets no more until it does.
            reason = f"it draws {over_a:.0f} A, more than its limit of {mind.limit_a:g} A"
            minds[load.id] = replace(mind, reason=reason)
            continue
        if wish is None or (
            mind.limit_a > 0
            and not decide.may_climb(load, mind, draw is not None and draw.answering(tick.now), tick)
        ):
            continue
        # Most seconds nobody may climb, and then nobody need measure the room.
        room = room or _room(setup, state, allocation, ground, minds, tick)
        uses = uses_of(plan, load, mind)
        held = committed(mind, tick.now)
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


def _others_give(
    plan: Plan, load: LoadPlan, least: float, allocation: snapshot.Allocation, minds: dict[str, Mind]
) -> bool:
    """Whether a margin can be had from loads that come no earlier and share a phase, its own part of it included.

    A running one gives what it has above its minimum, one that waits all that is kept for it: two that each wait
    for the other would leave the line empty.
    """
    mine = allocation.loads[load.id]
    turn = ROUND.get(mine.mode.value, 1)
    spare_a = max(0.0, mine.limit_a - least)
    for name, grant in allocation.loads.items():
        if (
            grant.takes_part
            and name != load.id
            and ROUND.get(grant.mode.value, 1) >= turn
            and not set(grant.legs).isdisjoint(mine.legs)
            and not plan.loads[name].on_off
        ):
            waits = name in minds and minds[name].limit_a <= 0
            spare_a += grant.limit_a if waits else max(0.0, grant.limit_a - plan.loads[name].min_a)
    return spare_a >= START_MARGIN_A - TINY


def _on_source(setup: Setup, grant: snapshot.LoadGrant) -> bool:
    """Whether the load's ceiling is a source, which a battery may be part of."""
    return grant.mode.value in URGENCY or not setup.settings.site.grid_charging


def least_of(setup: Setup, load: LoadPlan, grant: snapshot.LoadGrant) -> float:
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
    backgrounds = {
        name: _with_batteries(
            plan, state, name, background_of(plan, state, name, ground, keep=False), tick.now
        )
        for name in plan.circuits
    }
    meters = {
        name: meter.amps
        for name, circuit in plan.circuits.items()
        if circuit.meter is not None and (meter := state.known.meters.get(circuit.meter)) is not None
    }
    room = Room(plan, backgrounds, meters, setup.settings.site.power_buffer_w)
    for load in plan.loads.values():
        mind, amps = minds.get(load.id), allocation.loads[load.id].reserved_a
        if mind is not None and mind.known:
            amps = max(committed(mind, tick.now), amps)
        if amps > 0:
            room.take(load, uses_of(plan, load, mind), _on_a_leg(state, load, amps))
    return room


def _with_batteries(
    plan: Plan, state: State, circuit: str, background: tuple[float, ...], now: float
) -> tuple[float, ...]:
    """A meter shows what batteries take; where there is none their own figures do, or the most they may take."""
    if not plan.batteries or plan.circuits[circuit].meter is not None:
        return background
    drawn = batteries_a(plan, state.known, circuit, None, now) or most_of_batteries_a(plan, circuit)
    return tuple(amps + max(0.0, more) for amps, more in zip(background, drawn, strict=True))


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


def committed(mind: Mind, now: float) -> float:
    """What a load may draw: its order, and its old one while a cut is under way."""
    return max(mind.limit_a, mind.before_a) if now < mind.cut_until else mind.limit_a


def uses_of(plan: Plan, load: LoadPlan, mind: Mind | None) -> tuple[int, ...]:
    legs = None if mind is None else mind.phases if mind.phases is not None else mind.legs
    return load.uses(len(plan.phases), legs)
