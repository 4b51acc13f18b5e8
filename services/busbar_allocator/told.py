"""The decision in the words of the bus: the retained allocation, and the orders to each load."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from busbar_allocator import snapshot
from busbar_allocator.decide import waiting
from busbar_allocator.exchange import LoadOrder, Outcome, Setup
from busbar_allocator.plan import COMFORT, STORAGE, LoadPlan, Plan
from busbar_allocator.present import Outside, drawn_a
from busbar_allocator.raising import least_of
from busbar_allocator.staleness import worst
from busbar_allocator.state import Mind, State
from busbar_allocator.wiring import Applied, detection_of, turned_phases
from busbar_contracts import allocation as bus
from busbar_contracts.charger import ChargerLimit
from busbar_contracts.load import HeatMode, HeatOrder, LoadMode, PlugSwitch
from busbar_shared.leases import OrderStamp

MOST_W = 1e9


class ToSay(Struct, frozen=True):
    """One message and the names in its topic."""

    message: Any
    ids: dict[str, str]


def said(
    setup: Setup, outcome: Outcome, now: float, wall: datetime, outside: Outside, applied: Applied
) -> bus.Allocation:
    """The whole decision for everyone who listens."""
    plan, state, found = setup.plan, outcome.state, outcome.allocation
    meter = state.known.meters.get(plan.grid_meter)
    owner = setup.settings.site
    limits = [
        (one, source)
        for one, source in ((owner.import_limit_w, "settings"), (outside.import_limit_w, outside.source))
        if one is not None
    ]
    smallest = min(limits, key=lambda pair: pair[0], default=(None, None))
    return bus.Allocation(
        at=wall,
        meter=outcome.ground.get(plan.root, bus.MeterHealth.STARTING),
        loads={
            load.id: _grant(setup, load, outcome, found.loads[load.id], now, applied)
            for load in plan.loads.values()
        },
        circuits={
            name: _circuit(plan, state, name, one) for name, one in found.circuits.items() if name in plan.circuits
        },
        batteries={
            name: bus.BatteryRoom(
                charge_limit_w=max(0.0, one.charge_limit_w), discharge_limit_w=max(0.0, one.discharge_limit_w)
            )
            for name, one in found.batteries.items()
        },
        pools=bus.Pools(
            surplus_w=_finite(found.pools.surplus_w), solar_w=_finite(found.pools.solar_w),
            excess_w=_finite(found.pools.excess_w),
        ),
        distribution=owner.distribution,
        import_limit_w=smallest[0],
        import_limit_source=smallest[1],
        polarity_advice=tuple(plan.phases[phase] for phase in turned_phases(plan, state.watch.evidence)),
        reading_age_s=None if meter is None else max(0.0, round(now - meter.at, 2)),
    )  # fmt: skip


def _grant(
    setup: Setup, load: LoadPlan, outcome: Outcome, grant: snapshot.LoadGrant, now: float, applied: Applied
) -> bus.LoadGrant:
    plan, state = setup.plan, outcome.state
    mind = state.minds.get(load.id) or Mind()
    uses = load.uses(len(plan.phases), mind.phases if mind.phases is not None else mind.legs)
    draw = drawn_a(state.books.get(plan.grid_meter), load, uses)
    binding = grant.binding
    return bus.LoadGrant(
        limit_a=round(mind.limit_a, 3),
        target_a=round(max(grant.target_a, 0.0), 3),
        available_a=round(max(grant.available_a, 0.0), 3),
        reason=_reason(setup, load, outcome, mind, grant, now)[:1000],
        binding=" ".join(part for part in (binding.kind, binding.circuit, binding.phase) if part),
        mode=grant.mode,
        limit_w=round(mind.limit_a * sum(uses) * plan.volts / load.times, 1),
        legs=tuple(grant.legs),
        number_of_phases=mind.phases,
        draw_a=None if draw is None else round(max(draw, 0.0), 2),
        served=grant.takes_part,
        detection=detection_of(plan, load, state.watch.evidence.get(load.owner), load.owner in applied.legs),
    )


def _silence(state: State, load: LoadPlan, mind: Mind, now: float) -> str:
    if mind.silent_since is None:
        return ""
    if load.owner not in state.known.loads:
        return "nothing was heard of it yet"
    return f"silent for {now - mind.silent_since:.0f} s; {mind.limit_a:g} A stay reserved for it"


def _reason(
    setup: Setup, load: LoadPlan, outcome: Outcome, mind: Mind, grant: snapshot.LoadGrant, now: float
) -> str:
    """What an owner should know first: silence, then the battery, then waiting, then what binds."""
    plan, state = setup.plan, outcome.state
    if silence := _silence(state, load, mind, now):
        return silence
    ground = worst([outcome.ground[name] for name in load.circuits if name in outcome.ground])
    wait = waiting(load, mind, grant, least_of(setup, load, grant), ground, now)
    return _promise(plan, state, grant, now) + (wait or mind.reason or grant.reason)


def _promise(plan: Plan, state: State, grant: snapshot.LoadGrant, now: float) -> str:
    left = state.promise.withdrawn_until - now
    if left <= 0 or not plan.site.batteries or grant.mode in (LoadMode.STANDARD, LoadMode.CONTINUOUS):
        return ""
    return f"the battery did not answer and is not counted on for {left:.0f} s; "


def _circuit(plan: Plan, state: State, name: str, one: snapshot.CircuitGrant) -> bus.CircuitHeadroom:
    meter = plan.circuits[name].meter
    seen = state.known.meters.get(meter) if meter is not None else None
    phases = {}
    for place, phase in enumerate(plan.phases):
        phases[phase] = bus.PhaseHeadroom(
            limit_a=plan.circuits[name].limits[place],
            current_a=None if seen is None else round(seen.amps[place], 2),
            background_a=_rounded(getattr(one.background_a, phase)),
            granted_a=max(0.0, _rounded(getattr(one.granted_a, phase)) or 0.0),
            headroom_a=_rounded(getattr(one.headroom_a, phase)),
        )
    return bus.CircuitHeadroom(**phases)


def orders_of(
    plan: Plan, state: State, orders: tuple[LoadOrder, ...], stamp: OrderStamp, wall: datetime
) -> list[ToSay]:
    """The messages that carry these orders, cuts first: each is a lease."""
    made = []
    heaters: set[str] = set()
    for order in sorted(orders, key=lambda one: one.limit_a):
        load = plan.loads[order.load]
        if load.kind == "charger":
            made.append(_to_charger(plan, load, order, stamp, wall))
        elif load.kind == "plug":
            made.append(_to_plug(plan, load, order, stamp, wall))
        elif (name := load.owner) not in heaters:
            heaters.add(name)
            made.append(_to_heater(plan, name, state, order, stamp, wall))
    return made


def _to_charger(plan: Plan, load: LoadPlan, order: LoadOrder, stamp: OrderStamp, wall: datetime) -> ToSay:
    message = ChargerLimit(
        **stamp.next(wall), lease_s=plan.lease_s, reason=order.reason[:1000],
        limit_a=round(order.limit_a, 3), number_of_phases=order.phases,
    )  # fmt: skip
    return ToSay(message, load.ids)


def _to_plug(plan: Plan, load: LoadPlan, order: LoadOrder, stamp: OrderStamp, wall: datetime) -> ToSay:
    watts = None if load.on_off else round(order.limit_a * plan.volts * load.to_find, 1)
    message = PlugSwitch(
        **stamp.next(wall),
        lease_s=plan.lease_s,
        reason=order.reason[:1000],
        on=order.limit_a > 0,
        power_w=watts,
    )
    return ToSay(message, load.ids)


def _to_heater(
    plan: Plan, name: str, state: State, order: LoadOrder, stamp: OrderStamp, wall: datetime
) -> ToSay:
    comfort, storage = state.minds[name + COMFORT].limit_a, state.minds[name + STORAGE].limit_a
    # Without a grant it must not switch itself on: its wish is heard first.
    mode = HeatMode.BOOST if storage > 0 else HeatMode.NORMAL if comfort > 0 else HeatMode.BLOCK
    load = plan.loads[name + (STORAGE if storage > 0 else COMFORT)]
    watts = (
        None if load.on_off or mode is HeatMode.BLOCK else max(comfort, storage) * plan.volts * load.to_find
    )
    reason = state.minds[load.id].reason if mode is not HeatMode.BLOCK else order.reason
    message = HeatOrder(
        **stamp.next(wall), lease_s=plan.lease_s, reason=reason[:1000], mode=mode,
        power_w=None if watts is None else round(watts, 1),
    )  # fmt: skip
    return ToSay(message, {"heater": name})


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value or abs(value) == float("inf") else round(value, 2)


def _finite(value: float | None) -> float | None:
    """Within what the contract can say, whatever a device claimed."""
    rounded = _rounded(value)
    return None if rounded is None else max(-MOST_W, min(MOST_W, rounded))
