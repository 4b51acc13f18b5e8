"""From what was heard to what is believed: samples into the books, and how each car takes its grant."""

from math import isfinite

from msgspec.structs import replace

from busbar_allocator import foreign
from busbar_allocator.background import METER_LAG_S, Book, forgotten, metered, sampled
from busbar_allocator.dead_time import learned
from busbar_allocator.known import CLOUD_LAG_S, Amps, Known, Seen, leg_currents
from busbar_allocator.last_car import shown
from busbar_allocator.participation import WANTING, took
from busbar_allocator.plan import COMFORT, STORAGE, LoadPlan, Plan
from busbar_allocator.sources import source_lag_s, sources_of
from busbar_allocator.state import Mind, State
from busbar_allocator.steady import beside
from busbar_allocator.watching import MOST_LOADS, compared, read, told
from busbar_contracts.charger import ChargerState, ConnectorStatus
from busbar_contracts.load import HeatState, PlugState

NOMINAL_V = 230.0
MOVED_A = 2.0
LAG_S = 2.0
STILL_S = 5.0


def observed(plan: Plan, state: State, now: float) -> State:
    """The state with all samples heard since the last step in its books, each at its own time."""
    books, minds, watch = dict(state.books), dict(state.minds), state.watch
    watches = len(plan.loads) <= MOST_LOADS
    for load in plan.loads.values():
        if load.kind == "foreign":
            _see_foreign(plan, state, load, books, now)
        mind = minds.get(load.id) or Mind(dead_s=load.first_dead_time_s)
        seen = state.known.loads.get(load.owner)
        if seen is not None and seen.arrived > mind.sampled_at:
            mind = _look(plan, state, load, mind, seen, books, now)
            if watches and (per_leg := _per_leg(load, seen.message)) is not None:
                watch = told(watch, load, per_leg, seen.at)
        minds[load.id] = mind
    for load in plan.loads.values():
        if load.meter is not None and (own := state.known.meters.get(load.meter)) is not None:
            _write(plan, books, load, own.at, own.amps)
    for name in plan.meters:
        meter = state.known.meters.get(name)
        before = books.get(name) or Book()
        if meter is not None and (before.at is None or meter.at > before.at):
            sources = sources_of(plan, state.known, now) if name == plan.grid_meter else ()
            books[name] = metered(before, meter.at, meter.amps, sources, source_lag_s(plan, state.known))
            if name == plan.grid_meter:
                _learn(before, books[name], minds)
                watch = compared(read(watch, books[name]), plan) if watches else watch
    beside_loads = beside(plan, state.known, books, state.beside, now) if plan.batteries else state.beside
    return State(
        started_at=state.started_at, known=state.known, books=books, minds=minds, beside=beside_loads, latches=state.latches,
        gate_open=state.gate_open, promise=state.promise, watch=watch,
        stepped_at=state.stepped_at, awake_since=state.awake_since,
        frozen_at=_frozen_at(plan, state.known, minds, state.frozen_at),
    )  # fmt: skip


def _see_foreign(plan: Plan, state: State, load: LoadPlan, books: dict[str, Book], now: float) -> None:
    """What a charger with a schedule of its own draws is reserved for it, and not counted as the house's too."""
    name = load.ids["connector_id"]
    at = state.known.foreign_at.get(name)
    amps = foreign.measured_a(state.known.foreign.get(name), at, len(load.legs), now)
    if amps is None or at is None:
        for meter in plan.meters:
            if meter in books:
                books[meter] = forgotten(books[meter], load.id)
        return
    # Its figures may be as late as the cloud was asked: the meter must have shown by then what they show,
    # or a car that has just begun would be subtracted from a reading that knows nothing of it.
    shown_at = at + CLOUD_LAG_S + METER_LAG_S
    grid = books.get(plan.grid_meter)
    if grid is None or grid.at is None or grid.at < shown_at:
        return
    phases = [0.0] * len(plan.phases)
    for leg, phase in zip(amps, load.legs, strict=True):
        phases[phase] += leg
    _write(plan, books, load, at, tuple(phases))


def _frozen_at(plan: Plan, known: Known, minds: dict[str, Mind], was: float | None) -> float | None:
    """Since when not one figure of the grid meter has moved, if a load measured a move in that time."""
    meter = known.meters.get(plan.grid_meter)
    if meter is None or meter.at - meter.moved_at < STILL_S:
        return None
    if meter.moved_at == was:
        # It is believed again when any figure of it moves.
        return was
    for mind in minds.values():
        now, before = mind.sample, mind.sample_before
        if now is None or before is None or abs(now[1] - before[1]) < MOVED_A:
            continue
        if before[0] > meter.moved_at + LAG_S and meter.at > now[0] + LAG_S:
            return meter.moved_at
    return None


def _look(
    plan: Plan, state: State, load: LoadPlan, mind: Mind, seen: Seen, books: dict[str, Book], now: float
) -> Mind:
    message = seen.message
    amps, draw_a = _measured(plan, load, mind, message, state.minds)
    if amps is not None and load.meter is None:
        _write(plan, books, load, seen.at, amps)
    if not isinstance(message, ChargerState):
        return replace(mind, sampled_at=seen.arrived)
    fresh = draw_a is not None and (mind.sample is None or seen.at > mind.sample[0])
    before, sample = (mind.sample, (seen.at, draw_a)) if fresh else (mind.sample_before, mind.sample)
    settled = seen.at > max(mind.ramp.raised_at, mind.cut_until - mind.dead_s) + mind.dead_s
    appetite = took(
        mind.appetite, message.status, draw_a, mind.limit_a, mind.dead_s, load.min_a, now, settled=settled
    )
    mind = shown(mind, message.legs_in_use if message.status in WANTING else None)
    return replace(
        mind,
        appetite=appetite,
        sampled_at=seen.arrived,
        sample=sample,
        sample_before=before,
    )


def _measured(
    plan: Plan, load: LoadPlan, mind: Mind, message: object, minds: dict[str, Mind]
) -> tuple[Amps | None, float | None]:
    """What a load measured, per site phase and on its busiest leg; None where it did not."""
    if isinstance(message, ChargerState):
        return _of_charger(plan, load, message)
    if isinstance(message, PlugState):
        if message.on is False:
            return (0.0,) * len(plan.phases), 0.0
        return _of_power(plan, load, message.power_w if message.measures else None)
    if isinstance(message, HeatState):
        if not _is_drawing_part(load, minds):
            return (0.0,) * len(plan.phases), 0.0
        return _of_power(
            plan, load, 0.0 if message.on is False else message.power_w if message.measures else None
        )
    return None, None


def _per_leg(load: LoadPlan, message: object) -> Amps | None:
    """What a load measured on each of its own legs, to learn where they hang."""
    if isinstance(message, ChargerState) and message.sampled_at is not None and message.status in WANTING:
        return leg_currents(message)
    if (
        isinstance(message, PlugState | HeatState)
        and message.measures
        and message.power_w is not None
        and isfinite(message.power_w)
    ):
        return (message.power_w / NOMINAL_V / load.to_find,) * load.to_find
    return None


def _of_charger(plan: Plan, load: LoadPlan, state: ChargerState) -> tuple[Amps | None, float | None]:
    if state.status not in WANTING and state.status is not ConnectorStatus.UNKNOWN:
        # A frozen reading of an unplugged car would be sun at night.
        return (0.0,) * len(plan.phases), 0.0
    legs = leg_currents(state) if state.sampled_at is not None else None
    if legs is None:
        legs_used = state.legs_in_use or len(load.legs)
        if state.power_w is None or not isfinite(state.power_w) or state.sampled_at is None:
            return None, None
        legs = (max(0.0, state.power_w) / plan.volts / legs_used,) * legs_used
    amps = [0.0] * len(plan.phases)
    for leg, phase in enumerate(load.legs[: len(legs)]):
        amps[phase] += max(0.0, legs[leg])
    return tuple(amps), max(legs)


def _of_power(plan: Plan, load: LoadPlan, power_w: float | None) -> tuple[Amps | None, float | None]:
    if power_w is None or not isfinite(power_w):
        return None, None
    if load.times > 1 and power_w > 0:
        # Subtracted from the wrong phase it would invent room: the meter shows where it rises.
        return None, None
    per_leg = max(0.0, power_w) / plan.volts / len(load.legs)
    return tuple(per_leg * count for count in load.uses(len(plan.phases))), per_leg


def _is_drawing_part(load: LoadPlan, minds: dict[str, Mind]) -> bool:
    """A heater has one element: what it draws belongs to the part that was granted."""
    other = minds.get(load.owner + (STORAGE if load.id.endswith(COMFORT) else COMFORT))
    mine = minds.get(load.id)
    if load.id.endswith(STORAGE):
        return mine is not None and mine.limit_a > 0
    return other is None or other.limit_a <= 0


def _write(plan: Plan, books: dict[str, Book], load: LoadPlan, at: float, amps: Amps) -> None:
    for circuit in load.circuits:
        meter = plan.circuits[circuit].meter
        if meter is not None:
            books[meter] = sampled(books.get(meter) or Book(), load.id, at, amps, whole=load.on_off)


def _learn(before: Book, after: Book, minds: dict[str, Mind]) -> None:
    """Dead times from the answers that this reading showed."""
    for load, draw in after.draws.items():
        if draw.answered_s is None:
            continue
        old = before.draws.get(load)
        if old is not None and old.answered_s is None and load in minds:
            mind = minds[load]
            minds[load] = replace(mind, dead_s=learned(mind.dead_s, draw.answered_s))
