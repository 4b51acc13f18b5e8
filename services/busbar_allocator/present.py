"""One instant for the engine: what was measured, brought to one moment, and what the controller remembers."""

from datetime import datetime
from operator import gt, sub

from msgspec import Struct

from busbar_allocator import foreign, snapshot
from busbar_allocator.background import Book
from busbar_allocator.known import Meter, Seen, gone, silent
from busbar_allocator.latches import BatteryLatch
from busbar_allocator.loads_now import charger_now, heater_now, plug_now
from busbar_allocator.plan import STORAGE, LoadPlan, Plan
from busbar_allocator.settings import Settings
from busbar_allocator.staleness import health
from busbar_allocator.state import Mind, State
from busbar_contracts.allocation import MeterHealth
from busbar_contracts.battery import BatteryReading
from busbar_contracts.charger import ChargerState
from busbar_contracts.load import PlugState
from busbar_contracts.meter import InverterReading

ALL_PHASES = ("a", "b", "c")
LAPSE_S = 10.0
"""A charger's own fallback is in force this long after its profile's end (architecture, section 5)."""


class Outside(Struct, frozen=True):
    """What others allow the site now."""

    import_limit_w: float | None = None
    source: str | None = None


def ground_of(plan: Plan, state: State, now: float) -> dict[str, MeterHealth]:
    """How far each circuit's meter is to be believed now; circuits without one are not listed."""
    found = {}
    for name, circuit in plan.circuits.items():
        if circuit.meter is not None:
            meter = state.known.meters.get(circuit.meter)
            found[name] = _health(plan, state, meter, now)
    return found


def _health(plan: Plan, state: State, meter: Meter | None, now: float) -> MeterHealth:
    if meter is None:
        waited = now - state.started_at
        return MeterHealth.LOST if waited > max(plan.lost_after_s, plan.lease_s) else MeterHealth.STARTING
    # A meter that stands still while a load moves speaks of the moment in which it stopped.
    stands = state.frozen_at is not None and meter.moved_at == state.frozen_at
    told_at = meter.moved_at if stands else meter.at
    return health(now - told_at, meter.period_s, plan.lost_after_s, plan.stale_s)


def presented(
    plan: Plan, settings: Settings, state: State, ground: dict[str, MeterHealth], now: float, wall: datetime,
    outside: Outside,
) -> snapshot.Now:  # fmt: skip
    """The instant, with the background that is sure enough to cut on."""
    known = state.known
    meter = known.meters.get(plan.grid_meter)
    return snapshot.Now(
        grid_a=_per_phase(plan, meter.amps) if meter is not None else None,
        voltage_v=_per_phase(plan, meter.volts) if meter is not None and meter.volts is not None else None,
        circuits={
            name: snapshot.CircuitNow(
                background_a=_per_phase(plan, background_of(plan, state, name, ground)),
                beside_batteries_a=_beside_batteries(plan, state, name, ground),
            )
            for name, circuit in plan.circuits.items()
            if circuit.meter is not None
        },
        loads={load.id: _load(plan, settings, state, load, now, wall) for load in plan.loads.values()},
        batteries={name: _battery(state, name, now) for name in plan.site.batteries},
        inverters={
            name: _inverter(plan, seen.message)
            for name, seen in known.inverters.items()
            if name in plan.site.inverters and _fresh(seen, seen.message.period_s, now)
        },
        price=price_at(state, wall),
        import_limit_w=outside.import_limit_w,
        excess_open=state.gate_open if settings.site.excess_uses == "all" else None,
    )


def background_of(
    plan: Plan, state: State, circuit: str, ground: dict[str, MeterHealth], *, keep: bool = True
) -> tuple[float, ...]:
    """What is not managed on a circuit, per phase, with the reserve of a meter that is not fresh."""
    one = plan.circuits[circuit]
    book = state.books.get(one.meter) if one.meter is not None else None
    if book is None or not book.background:
        # A meter that never spoke: nothing is free on its wires.
        return one.background if one.background is not None else one.limits
    # Doubt may keep what is, but not on a wire that is over its limit by the meter itself.
    shown = map(sub, book.grid, book.sources)
    found = book.keep if keep and not any(map(gt, shown, one.limits)) else book.background
    if ground.get(circuit) is MeterHealth.FRESH:
        return found
    return tuple(amps + plan.reserve_a for amps in found)


def _beside_batteries(
    plan: Plan, state: State, circuit: str, ground: dict[str, MeterHealth]
) -> snapshot.PerPhase | None:
    """What is on a circuit beside loads and batteries, with the reserve of a meter that is not fresh."""
    beside = state.beside.get(circuit)
    if beside is None:
        return None
    reserve_a = 0.0 if ground.get(circuit) is MeterHealth.FRESH else plan.reserve_a
    return _per_phase(plan, tuple(amps + reserve_a for amps in beside.held))


def price_at(state: State, wall: datetime) -> float | None:
    """The import price of the slot that covers now; None when there is none."""
    series = state.known.import_prices
    if series is None:
        return None
    return next((slot.price for slot in series.slots if slot.start <= wall < slot.end), None)


def drawn_a(book: Book | None, load: LoadPlan, uses: tuple[int, ...]) -> float | None:
    """What a load is believed to draw on its busiest leg; None when nothing is known."""
    draw = book.draws.get(load.id) if book is not None else None
    if draw is None:
        return None
    return max([amps / count for amps, count in zip(draw.amps, uses, strict=True) if count], default=0.0)


def _load(
    plan: Plan, settings: Settings, state: State, load: LoadPlan, now: float, wall: datetime
) -> snapshot.LoadNow:
    if load.kind == "foreign":
        status = state.known.foreign.get(load.ids["connector_id"])
        reserved = foreign.reserved_a(status, load.max_a, wall, plan.volts * len(load.legs))
        draw = drawn_a(state.books.get(plan.grid_meter), load, load.uses(len(plan.phases)))
        return snapshot.LoadNow(status="on", reserved_a=reserved, draw_a=draw)
    mind = state.minds[load.id]
    draw = drawn_a(state.books.get(plan.grid_meter), load, load.all_uses or load.uses(len(plan.phases)))
    if mind.silent_since is not None and silent(state.known, gone(state.known, now), load.kind, load.owner):
        return snapshot.LoadNow(
            status="silent", reserved_a=reserved_a(plan, state, load, mind, now), draw_a=draw
        )
    message = state.known.loads[load.owner].message
    if isinstance(message, ChargerState):
        return charger_now(settings, load, mind, message, draw, state.known.socs.get(load.id), now)
    if isinstance(message, PlugState):
        return plug_now(plan, settings, load, mind, message, draw, now, wall)
    storing = load.owner in plan.regulating and state.minds[load.owner + STORAGE].limit_a > 0
    return heater_now(plan, settings, load, mind, message, draw, now, wall, storing=storing)


def reserved_a(plan: Plan, state: State, load: LoadPlan, mind: Mind, now: float) -> float:
    """What a silent load may still take: its last limit to the end of its profile, then its fallback."""
    since = mind.silent_since if mind.silent_since is not None else now
    if not mind.known:
        # Until then its draw is in the background, and nobody rises.
        return load.fallback_a if now - state.started_at >= plan.lease_s else 0.0
    if mind.limit_a <= 0:
        held = plan.site.ocpp.hold_pause_s if plan.site.ocpp is not None and load.kind == "charger" else 0.0
        return load.fallback_a if now - since > held and load.holds_pause else 0.0
    return load.fallback_a if lapsed(plan, load, mind, now) else mind.limit_a


def lapsed(plan: Plan, load: LoadPlan, mind: Mind, now: float) -> bool:
    """Whether a load is silent for longer than its last order can hold."""
    validity = plan.validity_s if load.kind == "charger" else plan.lease_s
    return mind.silent_since is not None and now - mind.silent_since > validity + LAPSE_S


def _battery(state: State, name: str, now: float) -> snapshot.BatteryNow:
    seen = state.known.batteries.get(name)
    if seen is None or not _fresh(seen, seen.message.period_s, now):
        return snapshot.BatteryNow(answers=False)
    reading: BatteryReading = seen.message
    latch = state.latches.get(name) or BatteryLatch()
    return snapshot.BatteryNow(
        power_w=reading.power_w, soc_percent=reading.soc_percent, charge_max_w=reading.charge_limit_w,
        discharge_max_w=reading.discharge_limit_w, above_min=latch.above_min, at_target=latch.at_target,
        above_target=latch.above_target, answers=now >= state.promise.withdrawn_until,
    )  # fmt: skip


def _inverter(plan: Plan, reading: InverterReading) -> snapshot.InverterNow:
    outputs = [getattr(reading, phase) for phase in plan.phases]
    known = all(one is not None and one.current_a is not None for one in outputs)
    return snapshot.InverterNow(
        output_a=_per_phase(plan, tuple(one.current_a for one in outputs)) if known else None,
        output_w=reading.power_w,
    )


def _fresh(seen: Seen, period_s: float, now: float) -> bool:
    return health(now - seen.at, period_s) is MeterHealth.FRESH


def _per_phase(plan: Plan, values: tuple[float, ...]) -> snapshot.PerPhase:
    if plan.phases == ALL_PHASES:
        return snapshot.PerPhase(*values)
    return snapshot.PerPhase(**dict(zip(plan.phases, values, strict=True)))
