"""The devices as the controller wants to see them, from what was heard and what was configured."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from busbar_battery.config import Plan
from busbar_battery.heard import TWICE, Source
from busbar_battery.inputs import percent
from busbar_battery.latch import Band
from busbar_battery.site import BatteryNow, InverterNow, smallest
from busbar_contracts.allocation import Allocation
from busbar_contracts.battery import BatteryReading, BatterySettings, BatteryState
from busbar_contracts.charger import ChargerState
from busbar_contracts.meter import Control, InverterReading

# The headroom of a hybrid moves with every cloud; in steps of this an order does not.
HEADROOM_STEP_W = 500.0
# Someone else at the controls for so long, and the battery is left to them for a while.
CONTENDED_AFTER_S = 10.0
LEFT_ALONE_S = 300.0
# A charger's own figures count for so long; then what it was granted does.
CAR_SAMPLE_S = 60.0


class Rivalry(Struct, frozen=True):
    """Since when someone else steers a battery, and until when it is left to them."""

    since: float | None = None
    until: float = float("-inf")


def rivalry(before: Rivalry, reading: BatteryReading | None, now: float) -> Rivalry:
    """Who is at the controls, after this reading."""
    if reading is None or reading.control is not Control.CONTENDED:
        return Rivalry(None, before.until)
    since = before.since if before.since is not None else now
    return Rivalry(since, now + LEFT_ALONE_S if now - since >= CONTENDED_AFTER_S else before.until)


def ours(plan: Plan, name: str, source: Source, rival: Rivalry, now: float) -> bool:
    """Whether this battery is ours to steer now. In a dry run any battery is looked at as if it were."""
    reading = source.last
    if not isinstance(reading, BatteryReading):
        return plan.batteries[name].writable or plan.flow.dry_run
    # A calibration must run to its end (SunSpec 124 ChaSt 7, TESTING).
    if reading.state is BatteryState.TESTING or now < rival.until:
        return False
    offered = plan.batteries[name].writable and reading.control is not Control.UNAVAILABLE
    return offered or plan.flow.dry_run


def battery_now(
    plan: Plan,
    name: str,
    source: Source,
    settings: BatterySettings,
    allocation: Allocation | None,
    inverters: Mapping[str, Source],
) -> BatteryNow:
    """One battery with every bound that holds for it."""
    configured = plan.batteries[name]
    reading = source.last if isinstance(source.last, BatteryReading) else None
    room = allocation.batteries.get(name) if allocation is not None else None
    give, take = _hybrid_room(plan, name, source, inverters)
    return BatteryNow(
        id=name,
        power=source.trace,
        soc=percent(reading.soc_percent) if reading is not None else None,
        band=Band(settings.soc_min_percent, settings.soc_target_percent, settings.soc_max_percent),
        hysteresis=settings.soc_hysteresis_percent,
        charge_max=smallest(
            configured.charge_limit_w,
            settings.charge_max_w,
            reading.charge_limit_w if reading is not None else None,
            take,
        ),
        discharge_max=smallest(
            configured.discharge_limit_w,
            settings.discharge_max_w,
            reading.discharge_limit_w if reading is not None else None,
            give,
        ),
        wire_charge=room.charge_limit_w if room is not None else None,
        wire_discharge=room.discharge_limit_w if room is not None else None,
        capacity_wh=(reading.capacity_wh if reading is not None else None) or configured.capacity_wh,
        inverter=configured.inverter,
        follows_grid=name not in plan.flow.exact_setpoints,
        from_grid=settings.grid_charging,
        period_s=source.period_s,
    )


def _hybrid_room(
    plan: Plan, name: str, battery: Source, inverters: Mapping[str, Source]
) -> tuple[float | None, float | None]:
    """What a hybrid's AC side leaves for discharge beside its sun, and for charging beside it."""
    inverter = plan.batteries[name].inverter
    source = inverters.get(inverter or "")
    reading = source.last if source is not None else None
    if inverter is None or not isinstance(reading, InverterReading):
        return None, None
    rating = reading.rating_w or plan.inverters[inverter].rating_w
    if rating is None or reading.power_w is None or not battery.trace.values:
        return None, None
    sun = max(0.0, reading.power_w + battery.trace.values[-1])
    steps = max(0.0, rating - sun) // HEADROOM_STEP_W
    return steps * HEADROOM_STEP_W, rating + sun


def inverter_now(plan: Plan, name: str, source: Source) -> InverterNow:
    """One inverter."""
    reading = source.last if isinstance(source.last, InverterReading) else None
    configured = plan.inverters[name]
    rating = reading.rating_w if reading is not None else None
    writable = configured.writable or plan.flow.dry_run
    return InverterNow(
        id=name,
        power=source.trace,
        rating=configured.rating_w or rating,
        writable=writable,
        period_s=source.period_s,
    )


def inverter_most(plan: Plan, name: str) -> float:
    """What this inverter could give at most, W; a reading beyond is none."""
    rating = plan.inverters[name].rating_w
    return plan.most_w if rating is None else min(plan.most_w, TWICE * rating)


def car_draw(state: ChargerState, sample_age_s: float | None, legs: int, volts: float) -> float:
    """What a car takes, W, on the high side: from an old or missing sample what it was granted."""
    legs = state.legs_in_use or legs
    if sample_age_s is not None and sample_age_s <= CAR_SAMPLE_S and state.link:
        if state.power_w is not None:
            return max(0.0, state.power_w)
        amps = [leg.current_a for leg in (state.l1, state.l2, state.l3) if leg is not None]
        if amps and None not in amps:
            return sum(one for one in amps if one is not None) * volts
    if state.link and (state.session is None or state.limit is None):
        return 0.0
    limit_a = state.fallback_a if state.limit is None else state.limit.limit_a
    return limit_a * legs * volts
