"""What the Charge Amps scheduler shows of each connector."""

from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_shared.config.root import Site
from busbar_shared.discovery.entity import Device, Entity, Sight, Source
from busbar_shared.discovery.kinds import (
    button,
    choice,
    current,
    energy,
    moment,
    power,
    remark,
    text,
    voltage,
    yes_no,
)
from busbar_shared.discovery.pages import id_of, page
from busbar_shared.discovery.words import name_of

STATES = ("idle", "charging", "plugged_in", "error")
PLANS = ("scheduled", "idle", "no_eligible_slots", "waiting_for_prices", "disabled", "error")
LEGS = ("l1", "l2", "l3")
RESULTS = ("accepted", "rejected", "ignored", "cleared", "expired", "provider_rejected")


def charge_amps(site: Site) -> tuple[Device, ...]:
    """Every configured connector."""
    section = site.chargeamps
    if section is None:
        return ()
    root = section.topic_root or f"{site.site.topic_root}/charge-amps"
    made = []
    for label, connector in section.connectors.items():
        number = connector.connector if connector.connector is not None else label
        place = f"{root}/{connector.alias}/{number}" if connector.alias else f"{root}/{number}"
        made.append(
            Device(
                id=id_of(site, "charge_amps", label),
                page=page(site, "charge_amps", label, "Charge Amps connector"),
                sources={"state": Source(kind=ChargeAmpsStatus, topic=f"{place}/status")},
                entities=_entities(
                    place,
                    connector.charge_point,
                    _planned(ZoneInfo(site.site.timezone), section.top_x_charge_count),
                    hems=section.operation_mode == "hems",
                ),
                needs=("state",),
            )
        )
    return tuple(made)


def _entities(
    place: str, charge_point: str, planned: Callable[[Sight], dict[str, object]], *, hems: bool
) -> tuple[Entity, ...]:
    # The cloud is asked each 30 to 60 s, so its figures are older than a meter's.
    return (
        choice("status", "state", STATES, name=None, icon="mdi:ev-station"),
        yes_no("charging", work=_charges, icon="mdi:battery-charging"),
        power("power", "current_power_kw", into=lambda kilowatts: kilowatts * 1000.0),
        energy("session_energy", "session_energy_kwh", into=lambda total: total if total > 0 else None),
        choice("schedule_source", "schedule_source", ("standalone", "hems", "none")),
        yes_no("schedule_active", "schedule_active", icon="mdi:calendar-check"),
        moment("next_start", "next_period_start"),
        moment("next_end", "next_period_end"),
        choice("operation_mode", "operation_mode", ("standalone", "hems"), category="diagnostic"),
        yes_no("hems_connected", "hems_connected", device_class="connectivity", category="diagnostic",
               attributes=_heard),
        yes_no("online", "online", device_class="connectivity", category="diagnostic"),
        yes_no("connector_enabled", work=_enabled, category="diagnostic", icon="mdi:power-plug"),
        text("serial", work=lambda seen: charge_point, category="diagnostic", icon="mdi:identifier"),
        text("connector_mode", "connector_mode", category="diagnostic"),
        text("connector_status", "connector_status", category="diagnostic"),
        remark("error_code", "error_code"),
        remark("note", "note"),
        current("current", work=lambda seen: _mean(seen, "current_a"), category="diagnostic"),
        voltage("voltage", "", work=lambda seen: _mean(seen, "voltage_v")),
        *(current(f"current_{leg}", f"{leg}.current_a", category="diagnostic") for leg in LEGS),
        *(voltage(f"voltage_{leg}", f"{leg}.voltage_v") for leg in LEGS),
        moment("last_hems_command_at", "last_hems_command_at", category="diagnostic"),
        yes_no("ready_for_schedule", "ready_for_schedule", category="diagnostic"),
        yes_no("price_threshold_active", "price_threshold_active", category="diagnostic",
               icon="mdi:cash-remove"),
        yes_no("no_eligible_slots", work=_no_slots, device_class="problem"),
        choice("plan_state", "plan_state", PLANS, attributes=planned),
        choice("command_result", "last_command_result", RESULTS, category="diagnostic", attributes=_refused),
        choice("sync", "sync", ("none", "pending", "synced", "failed"), category="diagnostic"),
        current("applied_current", "applied_max_current", measured=False, at_once=True),
        Entity(key="planned_energy", platform="sensor", name=name_of("planned_energy"), path="planned_kwh",
               precision=1, unit="kWh", device_class="energy"),
        remark("schedule_error", "last_command_error.message"),
        button("force_refresh", f"{place}/refresh/set", "{}", exact=True, device_class="restart", category="config"),
        *((_clear(place),) if hems else ()),
    )  # fmt: skip


def _clear(place: str) -> Entity:
    return button("clear_schedule", f"{place}/schedule/clear", "null", exact=True, icon="mdi:calendar-remove")


def _charges(seen: Sight) -> bool | None:
    return None if seen.get("state") is None else seen.get("state", "state") == "charging"


def _enabled(seen: Sight) -> bool | None:
    """The owner, or a stop, has not switched the connector off."""
    mode = seen.get("state", "connector_mode")
    return None if mode is None else mode.lower() != "off"


def _mean(seen: Sight, field: str) -> float | None:
    """Of the legs that are told; unknown where none is."""
    told = [value for leg in LEGS if (value := seen.get("state", f"{leg}.{field}")) is not None]
    return sum(told) / len(told) if told else None


def _planned(zone: ZoneInfo, top_x: int) -> Callable[[Sight], dict[str, object]]:
    """What the plan comes to, with the windows of today and tomorrow in the owner's zone."""
    names = (
        "schedule_source", "planned_minutes", "planned_kwh", "planned_cost", "currency", "connector_id", "applied",
    )  # fmt: skip

    def attributes(seen: Sight) -> dict[str, object]:
        today = seen.now.astimezone(zone).date()
        return {name: seen.get("state", name) for name in names} | {
            "message": seen.get("state", "note"),
            "plan_date": today.isoformat(),
            "automation_enabled": seen.get("state", "plan_state") not in (None, "disabled"),
            "top_x_charge_count": top_x,
            "timezone": zone.key,
            "today_slots": _windows(seen, zone, today),
            "tomorrow_slots": _windows(seen, zone, today + timedelta(days=1)),
        }

    return attributes


def _windows(seen: Sight, zone: ZoneInfo, day: date) -> list[dict[str, object]]:
    """The windows still to come, or running, that begin on this day."""
    return [
        {
            "start": one.start.astimezone(zone).isoformat(),
            "end": one.end.astimezone(zone).isoformat(),
            "max_current": one.max_current,
        }
        for one in seen.get("state", "periods") or ()
        if one.start.astimezone(zone).date() == day
    ]


def _heard(seen: Sight) -> dict[str, object]:
    return {"last_command_result": seen.get("state", "last_command_result")}


def _no_slots(seen: Sight) -> bool | None:
    return None if seen.get("state") is None else seen.get("state", "plan_state") == "no_eligible_slots"


def _refused(seen: Sight) -> dict[str, object]:
    return {
        "code": seen.get("state", "last_command_error.code"),
        "text": seen.get("state", "last_command_error.message") or "",
    }
