"""Each kind of load in one instant, in the words of the engine."""

from datetime import datetime

from busbar_allocator import probe, snapshot
from busbar_allocator.last_car import LEGS, legs_expected
from busbar_allocator.participation import part_of_charger
from busbar_allocator.permits import resting
from busbar_allocator.phases import switching
from busbar_allocator.plan import COMFORT, LoadPlan, Plan
from busbar_allocator.settings import Settings
from busbar_allocator.state import Mind
from busbar_contracts.charger import ChargerState, ConnectorStatus, LeaseQuality
from busbar_contracts.load import HeatState, LoadMode, PlugState


def may_take_all_on_one_leg(load: LoadPlan, state: ChargerState) -> bool:
    """A limit in watts binds the sum of its legs: until its car has shown them, one leg may take it all."""
    return state.capabilities.unit == "W" and state.legs_in_use is None and len(load.legs) > 1


def charger_now(
    settings: Settings,
    load: LoadPlan,
    mind: Mind,
    message: ChargerState,
    draw: float | None,
    soc: float | None,
    now: float,
) -> snapshot.LoadNow:
    """A charger's connector in this instant."""
    owner = settings.loads[load.id]
    appetite = mind.appetite
    if message.status is ConnectorStatus.UNKNOWN:
        return snapshot.LoadNow(status="unknown", limit_given_a=mind.limit_a, draw_a=draw)
    if not message.controllable and load.controllable:
        most = load.max_a if message.session is not None else 0.0
        return snapshot.LoadNow(status=message.status, reserved_a=most, draw_a=draw)
    part = part_of_charger(appetite, load.min_a, now)
    ceiling = part.most_a
    on_one = may_take_all_on_one_leg(load, message)
    if on_one:
        ceiling = _least(ceiling, load.min_a)
    if (lowered := probe.ceiling(mind, now)) is not None:
        ceiling = _least(ceiling, lowered)
    if message.lease is LeaseQuality.NONE:
        ceiling = _least(ceiling, load.standing_a)
    session = message.session
    blocked = ""
    if mind.limit_a <= 0 and resting(mind.permit, load.delays(False), now):
        left = mind.permit.stopped_at + load.pause_s - now  # type: ignore[operator]
        blocked = f"pause after a stop, {left:.0f} s more"
    if switching(mind, now):
        blocked = f"switching to {mind.phases} phase{'s' if mind.phases != 1 else ''}"
    return snapshot.LoadNow(
        status=message.status, draw_a=draw, legs_in_use=_legs(load, mind),
        legs_expected=None if on_one else legs_expected(load, mind),
        limit_given_a=mind.limit_a, ceiling_a=ceiling, idle=part.wants and ceiling == load.min_a,
        blocked=blocked, hold_minimum=mind.holding, keep_running=_young(load, mind, now),
        boost=owner.boost, session_wh=session.energy_wh if session is not None else None,
        soc_percent=message.soc_percent if message.soc_percent is not None else soc,
    )  # fmt: skip


# Only of a load that has no grant: one that was just ordered on says the same until its contact has closed.
STAYS_OFF = "it was switched a moment ago and must stay off a while"
BLOCKED = 1
"""The SG Ready state in which a heat pump is kept off."""


def plug_now(
    plan: Plan, settings: Settings, load: LoadPlan, mind: Mind, message: PlugState, draw: float | None,
    now: float, wall: datetime,
) -> snapshot.LoadNow:  # fmt: skip
    running = message.on is True
    power = message.max_w * load.times or None
    if message.manual:
        per_leg = (power or load.rating_w or 0.0) / plan.volts / len(load.legs)
        return snapshot.LoadNow(status="on", reserved_a=per_leg if running else 0.0, draw_a=draw)
    waits = message.may_switch_at is not None and message.may_switch_at > wall
    owner = settings.loads[load.id]
    wants = message.wants_power or owner.mode is LoadMode.CONTINUOUS
    return snapshot.LoadNow(
        status="on" if running else "off", wants_power=wants, draw_a=draw, limit_given_a=mind.limit_a,
        power_w=power if load.on_off else None, idle=message.idle and running and mind.limit_a > 0,
        blocked=STAYS_OFF if waits and not running and mind.limit_a <= 0 else "",
        hold_minimum=(waits and running) or mind.holding, keep_running=_young(load, mind, now),
        boost=owner.boost,
    )  # fmt: skip


def heater_now(
    plan: Plan, settings: Settings, load: LoadPlan, mind: Mind, message: HeatState, draw: float | None,
    now: float, wall: datetime, *, storing: bool,
) -> snapshot.LoadNow:  # fmt: skip
    """One of a heater's two parts; `storing` tells that the grant is with the other that stores."""
    comfort, running = load.id.endswith(COMFORT), mind.limit_a > 0
    waits = message.may_switch_at is not None and message.may_switch_at > wall
    stays = waits and not message.on and not running
    takes_turns = not message.comfort_demand
    if load.owner in plan.regulating:
        # Nobody switches it on, so it only stays off where it was blocked; which part has the grant is decided
        # in `storing`.
        stays = waits and not running and (not comfort or message.sg_state == BLOCKED)
        takes_turns = takes_turns or storing
    wants = message.comfort_demand and not storing if comfort else message.storage_demand and takes_turns
    owner = settings.loads[load.owner]
    return snapshot.LoadNow(
        status="on" if message.on else "off", wants_power=wants, draw_a=draw, limit_given_a=mind.limit_a,
        power_w=(message.max_w * load.times or None) if load.on_off else None,
        idle=comfort and running and message.idle,
        blocked=STAYS_OFF if stays else "",
        hold_minimum=(waits and running) or mind.holding, keep_running=_young(load, mind, now),
        boost=owner.boost,
    )  # fmt: skip


def _young(load: LoadPlan, mind: Mind, now: float) -> bool:
    started = mind.permit.started_at
    return started is not None and mind.limit_a > 0 and now - started < load.min_run_s


def _legs(load: LoadPlan, mind: Mind) -> tuple[snapshot.Leg, ...] | None:
    count = mind.phases if mind.phases is not None else mind.legs
    return None if count is None or count >= len(load.legs) else LEGS[:count]


def _least(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)
