"""The status of one connector, and when it has to be said again."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from busbar_chargeamps import connector
from busbar_chargeamps.instants import local
from busbar_chargeamps.memory import Memory
from busbar_chargeamps.outlet import Outlet
from busbar_chargeamps.plan import Plan
from busbar_chargeamps.planner import Planner
from busbar_chargeamps.schedule import Period, cut, glance, in_force, remaining
from busbar_contracts.chargeamps import ChargeAmpsStatus, CommandError, SchedulePeriod
from busbar_contracts.charger import LegSample

HEARTBEAT_S = 60.0
MEASURED_EVERY_S = 10.0
MISSED_POLLS = 3
MOST_FIGURE = 1000.0


class InForce(Struct, frozen=True):
    """The plan that counts now and whose it is."""

    source: str
    periods: tuple[Period, ...]
    expires_at: datetime | None = None


def plan_in_force(memory: Memory, now: datetime, *, planning: bool) -> InForce:
    """The schedule of a HEMS while it lasts, else the price plan where one is made, else none."""
    if memory.schedule is not None and in_force(memory.schedule, now):
        schedule = memory.schedule
        return InForce("hems", cut(schedule.periods, schedule.expires_at), schedule.expires_at)
    if planning and remaining(memory.plan, now):
        return InForce("standalone", memory.plan)
    return InForce("none", ())


def status(
    outlet: Outlet, planner: Planner | None, now: datetime, now_s: float, *, logged_in: bool, stale_s: float
) -> ChargeAmpsStatus:
    """What is said of one connector: the nine fields of the contract, and what else helps."""
    memory, zone = outlet.memory, outlet.terms.zone
    planning = planner is not None and (memory.mode == "standalone" or outlet.hems_silent(now))
    counts = plan_in_force(memory, now, planning=planning)
    seen = glance(counts.periods, counts.expires_at, now)
    left = remaining(counts.periods, now)
    fresh = outlet.seen_at_s is not None and now_s - outlet.seen_at_s <= stale_s
    sight = outlet.sight
    minutes = _minutes(left, now)
    return ChargeAmpsStatus(
        state=_state(outlet),
        schedule_source=counts.source if seen.active else "none",  # type: ignore[arg-type]
        schedule_active=seen.active,
        next_period_start=_local(seen.next_start, outlet),
        next_period_end=_local(seen.next_end, outlet),
        current_power_kw=sight.power_kw if sight is not None and fresh else None,
        session_energy_kwh=sight.energy_kwh if sight is not None and fresh else None,
        ready_for_schedule=memory.mode == "hems" and logged_in and _able(outlet),
        last_hems_command_at=_local(memory.last_hems_command_at, outlet),
        connector_id=outlet.place.connector,
        operation_mode=memory.mode,
        hems_connected=_hems_connected(outlet, now),
        applied=outlet.sync == "synced",
        currency=planner.currency if planner and planning else None,
        in_period=seen.in_period,
        last_command_result=memory.last_result,
        last_command_error=_error(memory),
        schedule_hash=memory.schedule.digest if counts.source == "hems" and memory.schedule else None,
        schedule_expires_at=_local(counts.expires_at, outlet),
        applied_max_current=max((period.amps for period in left), default=None),
        sync=outlet.sync,
        updated_at=now.astimezone(zone),
        price_threshold_active=planner.plan.price_threshold_active if planner and planning else False,
        plan_state=planner.state(now) if planner and planning else None,
        planned_minutes=minutes,
        planned_kwh=_kwh(left, now, outlet),
        planned_cost=_cost(planner.plan, now, outlet.place.kw) if planner and planning else None,
        periods=tuple(
            SchedulePeriod(start=local(p.start, zone), end=local(p.end, zone), max_current=p.amps)
            for p in left
        ),
        command_id=memory.last_command_id,
        refreshed_at=_local(outlet.refreshed_at, outlet),
        refresh_id=outlet.refresh_id,
        **_measured(outlet, now, now_s, fresh=fresh),
        **_seen(outlet),
        detail=_detail(outlet, planner if planning else None, fresh=fresh),
    )


def _measured(outlet: Outlet, now: datetime, now_s: float, *, fresh: bool) -> dict[str, Any]:
    """The legs and when they were told; nothing once that is too long ago."""
    sight = outlet.sight
    if sight is None or outlet.seen_at_s is None or not fresh:
        return {}
    legs = {
        f"l{i}": LegSample(current_a=_possible(leg.amps), voltage_v=_possible(leg.volts))
        for i, leg in enumerate(sight.legs[:3], 1)
        if _possible(leg.amps) is not None or _possible(leg.volts) is not None
    }
    at = now - timedelta(seconds=max(now_s - outlet.seen_at_s, 0.0))
    return legs | {"measured_at": _local(at, outlet)}


def _possible(value: float | None) -> float | None:
    """A current or a voltage as a wire can have it."""
    return value if value is not None and 0 <= value <= MOST_FIGURE else None


def _seen(outlet: Outlet) -> dict[str, Any]:
    sight = outlet.sight
    if sight is None:
        return {"note": outlet.note}
    return {
        "online": sight.online,
        "connector_mode": sight.mode,
        "connector_status": sight.connector_status,
        "error_code": sight.error_code,
        "note": outlet.note,
    }


def _hems_connected(outlet: Outlet, now: datetime) -> bool:
    heard_at = outlet.memory.last_hems_command_at
    if heard_at is None or outlet.memory.mode != "hems":
        return False
    return abs((now - heard_at).total_seconds()) <= outlet.stale_after_s


def _local(at: datetime | None, outlet: Outlet) -> datetime | None:
    return None if at is None else local(at, outlet.terms.zone)


def _state(outlet: Outlet) -> connector.State:
    sight = outlet.sight
    if sight is None or outlet.missed_polls > MISSED_POLLS:
        return "error"
    return connector.state(
        charge_point_status=sight.charge_point_status,
        ocpp_version=sight.ocpp_version,
        connector_status=sight.connector_status,
        mode=sight.mode,
    )


def _able(outlet: Outlet) -> bool:
    sight = outlet.sight
    if sight is None or outlet.missed_polls > MISSED_POLLS or not sight.online:
        return False
    return not connector.faulted(ocpp_version=sight.ocpp_version, connector_status=sight.connector_status)


def _error(memory: Memory) -> CommandError | None:
    problem = memory.last_problem
    return (
        None
        if problem is None
        else CommandError(code=problem.code, path=problem.path, message=problem.message)
    )


def _minutes(left: tuple[Period, ...], now: datetime) -> float:
    return round(sum((p.end - max(p.start, now)).total_seconds() for p in left) / 60)


def _kwh(left: tuple[Period, ...], now: datetime, outlet: Outlet) -> float:
    """The energy a car takes that uses each window's current to the full."""
    ampere_hours = sum((p.end - max(p.start, now)).total_seconds() / 3600 * p.amps for p in left)
    return round(ampere_hours * outlet.place.kw / outlet.rules.site_max_current, 2)


def _cost(plan: Plan, now: datetime, kw: float) -> float:
    """What the rest of the plan costs at full power."""
    hours = (
        (slot.price, (slot.end - max(slot.start, now)).total_seconds() / 3600)
        for day in plan.days.values()
        for slot in day.chosen
        if slot.end > now
    )
    return round(sum(price * kw * time for price, time in hours), 4)


def _detail(outlet: Outlet, planner: Planner | None, *, fresh: bool) -> dict[str, object]:
    sight = outlet.sight
    found: dict[str, object] = {"note": outlet.note, "drift": outlet.drift, "cloud_fresh": fresh}
    if outlet.stopped_by is not None:
        found["stopped_by"] = outlet.stopped_by
    if planner is not None and planner.dropped:
        found["prices_dropped"] = planner.dropped
    if sight is not None:
        found |= {"mode": sight.mode, "connector_status": sight.connector_status}
        if sight.held is not None:
            found["charger_confirmed"] = sight.held.is_synced
    return found


class Said:
    """What was said last of one connector, and when it is time to say it again."""

    def __init__(self) -> None:
        self._last: ChargeAmpsStatus | None = None
        self._at_s = 0.0

    def due(self, fresh: ChargeAmpsStatus, now_s: float) -> bool:
        """True on any change, except that measured values alone wait 10 s; and each 60 s."""
        last = self._last
        if last is None or now_s - self._at_s >= HEARTBEAT_S:
            return True
        if _still(fresh) != _still(last):
            return True
        return _figures(fresh) != _figures(last) and now_s - self._at_s >= MEASURED_EVERY_S

    def said(self, status: ChargeAmpsStatus, now_s: float) -> None:
        """Remember what was said."""
        self._last, self._at_s = status, now_s


def _figures(status: ChargeAmpsStatus) -> tuple[object, ...]:
    legs = [leg and leg.current_a for leg in (status.l1, status.l2, status.l3)]
    return (status.current_power_kw, status.session_energy_kwh, *legs)


def _still(status: ChargeAmpsStatus) -> ChargeAmpsStatus:
    """The status without what moves by itself."""
    return replace(
        status,
        current_power_kw=None,
        session_energy_kwh=None,
        updated_at=None,
        planned_minutes=None,
        planned_kwh=None,
        planned_cost=None,
        measured_at=None,
        l1=None,
        l2=None,
        l3=None,
    )
