"""A connector as its state on the bus."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from busbar_contracts.charger import (
    Capabilities,
    ChargerState,
    LeaseQuality,
    LegSample,
    LimitInForce,
    Session,
)
from busbar_ocpp.bearing import Bearing
from busbar_ocpp.connector import Connector
from busbar_ocpp.measure import Leg
from busbar_ocpp.profile import Purpose, Unit
from busbar_ocpp.said import Booted


def state_of(
    connector: Connector,
    *,
    now: datetime,
    now_s: float,
    link: bool,
    controllable: bool,
    lease: LeaseQuality,
    unit: Unit,
    step_a: float,
    holds_pause: bool,
    switches_phases: bool,
    bearing: Bearing | None,
    version: str | None,
    identity: Booted | None,
    quirks: Sequence[str],
    answer_s: float | None,
    worst_wait_s: float | None,
) -> ChargerState:
    """What is true of a connector now; figures keep the time of their sample."""
    draw, wiring = connector.draw, connector.wiring
    return ChargerState(
        at=now,
        status=connector.status,
        link=link,
        controllable=controllable,
        lease=lease,
        fallback_a=wiring.fallback_a,
        disobedient=connector.obedience.disobedient,
        session=_session(connector),
        sampled_at=draw.at,
        l1=_leg(draw.l1, 1, wiring.legs),
        l2=_leg(draw.l2, 2, wiring.legs),
        l3=_leg(draw.l3, 3, wiring.legs),
        power_w=draw.power_w,
        energy_wh=draw.energy_wh,
        soc_percent=draw.soc_percent,
        legs_in_use=draw.legs_in_use,
        limit=_limit(connector, bearing, now, now_s, switches_phases=switches_phases),
        capabilities=Capabilities(
            min_a=wiring.min_a,
            max_a=wiring.max_a,
            step_a=step_a,
            legs=len(wiring.legs),
            unit=unit.value,
            switches_phases=switches_phases,
            holds_pause=holds_pause,
            measures=draw.at is not None or connector.transaction is None,
        ),
        answer_s=None if answer_s is None else round(answer_s, 3),
        worst_wait_s=None if worst_wait_s is None else round(worst_wait_s, 3),
        ocpp_version=version,
        vendor=identity.vendor if identity else None,
        model=identity.model if identity else None,
        firmware=identity.firmware if identity else None,
        quirks=tuple(quirks),
        last_refusal=connector.last_refusal,
        last_answer=connector.last_answer,
    )


def _session(connector: Connector) -> Session | None:
    visit, entry = connector.visit, connector.transaction
    if visit is None and entry is None:
        return None
    started = visit.started_at if visit is not None else entry.started_at if entry is not None else None
    assert started is not None
    base = visit.start_wh if visit is not None and visit.start_wh is not None else None
    if base is None and entry is not None:
        base = entry.start_wh
    energy = connector.draw.energy_wh
    cost = (
        connector.cost
        if connector.cost is not None and connector.cost.session == connector.session_id
        else None
    )
    gained = energy - base if energy is not None and base is not None and energy >= base else None
    return Session(
        id=connector.session_id,
        transaction=connector.transaction_id,
        started_at=started,
        energy_wh=gained,
        cost=round(cost.amount, 2) if cost is not None else None,
        currency=cost.currency if cost is not None else None,
    )


def _leg(leg: Leg, place: int, legs: tuple[str, ...]) -> LegSample | None:
    if place > len(legs) or leg == Leg():
        return None
    return LegSample(
        current_a=leg.current_a, offered_a=leg.offered_a, power_w=leg.power_w, voltage_v=leg.voltage_v
    )


def _limit(
    connector: Connector, bearing: Bearing | None, now: datetime, now_s: float, *, switches_phases: bool
) -> LimitInForce | None:
    if connector.told_a is None or connector.told_at is None:
        return None
    purpose = Purpose.TX if connector.transaction is not None else Purpose.DEFAULT
    held = [one for one in connector.installed.values() if one.profile.purpose is purpose]
    held = held or list(connector.installed.values())
    ends = [one.ends_s for one in held if one.ends_s != float("inf")]
    return LimitInForce(
        limit_a=connector.told_a,
        number_of_phases=bearing.phases if bearing and switches_phases else None,
        since=connector.told_at,
        until=now + timedelta(seconds=min(ends) - now_s) if ends else None,
        confirmed=connector.confirmed,
        issuer=bearing.issuer if bearing else "fallback",
        reason=bearing.reason[:1000] if bearing else "",
    )
