"""What owners of the Charge Amps Monitor knew in Home Assistant is there, with its class, unit and category."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from busbar_chargeamps.config import places
from busbar_contracts.chargeamps import ChargeAmpsStatus, CommandError, SchedulePeriod, ScheduleRefresh
from busbar_contracts.charger import LegSample
from busbar_contracts.topics import topic_of
from busbar_shared.config.root import Site
from busbar_shared.discovery.charge_amps import charge_amps
from busbar_shared.discovery.entity import Seen, sight, values
from busbar_shared.discovery.payload import Naming, configs
from busbar_shared.judge import decode

SIX_PM = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)


def components(site: Site) -> dict[str, dict[str, Any]]:
    [device] = charge_amps(site)
    [message] = configs(device, Naming(service="chargeamps"), "device").values()
    found: dict[str, dict[str, Any]] = message["cmps"]
    return found


@pytest.mark.parametrize(
    ("key", "platform", "name", "device_class", "unit", "category"),
    [
        ("charging", "binary_sensor", "Charging", None, None, None),
        ("session_energy", "sensor", "Session energy", "energy", "kWh", None),
        ("power", "sensor", "Power", "power", "W", None),
        ("voltage", "sensor", "Voltage", "voltage", "V", "diagnostic"),
        ("current", "sensor", "Current", "current", "A", "diagnostic"),
        ("online", "binary_sensor", "Online", "connectivity", None, "diagnostic"),
        ("connector_enabled", "binary_sensor", "Connector enabled", None, None, "diagnostic"),
        ("serial", "sensor", "Serial number", None, None, "diagnostic"),
        ("connector_mode", "sensor", "Connector mode", None, None, "diagnostic"),
        ("connector_status", "sensor", "Connector status", None, None, "diagnostic"),
        ("error_code", "sensor", "Error code", None, None, "diagnostic"),
        ("plan_state", "sensor", "Plan", "enum", None, None),
        ("next_start", "sensor", "Next charge start", "timestamp", None, None),
        ("next_end", "sensor", "Next charge end", "timestamp", None, None),
        ("schedule_error", "sensor", "Schedule error", None, None, "diagnostic"),
        ("schedule_source", "sensor", "Schedule source", "enum", None, None),
        ("last_hems_command_at", "sensor", "Last HEMS command", "timestamp", None, "diagnostic"),
        ("price_threshold_active", "binary_sensor", "Price threshold active", None, None, "diagnostic"),
        ("hems_connected", "binary_sensor", "HEMS connected", "connectivity", None, "diagnostic"),
        ("force_refresh", "button", "Force schedule refresh", "restart", None, "config"),
    ],
)
def test_it_is_there(
    site: Site, key: str, platform: str, name: str, device_class: str | None, unit: str | None, category: str
) -> None:
    one = components(site)[key]
    facts = ("p", "name", "device_class", "unit_of_measurement", "entity_category")
    assert tuple(one.get(fact) for fact in facts) == (platform, name, device_class, unit, category)


def test_the_refresh_button_says_what_the_contract_takes(site: Site) -> None:
    one = components(site)["force_refresh"]
    topic = topic_of(ScheduleRefresh)
    assert one["command_topic"] == "hems/charge-amps/1/refresh/set"
    assert "retain" not in one
    decode(topic, one["payload_press"].encode())
    assert json.loads(one["payload_press"]) == {}


@pytest.mark.parametrize(
    ("root", "own", "topic"),
    [
        pytest.param("hems", None, "hems/charge-amps/1", id="as it comes"),
        pytest.param("oak", None, "oak/charge-amps/1", id="below the site's root"),
        pytest.param("hems/oak", None, "hems/oak/charge-amps/1", id="below a root of two words"),
        pytest.param(
            "oak", "hems/charge-amps", "hems/charge-amps/1", id="below the contract's, in another site"
        ),
        pytest.param("oak", "garage/ca", "garage/ca/1", id="below a root of its own"),
    ],
)
def test_the_buttons_reach_the_topics_the_scheduler_listens_to(
    site: Site, root: str, own: str | None, topic: str
) -> None:
    assert site.chargeamps is not None
    there = replace(
        site, site=replace(site.site, topic_root=root), chargeamps=replace(site.chargeamps, topic_root=own)
    )
    [device] = charge_amps(there)
    [message] = configs(device, Naming(service="chargeamps", root=root), "device").values()
    found = {key: message["cmps"][key]["command_topic"] for key in ("force_refresh", "clear_schedule")}
    assert found == {"force_refresh": f"{topic}/refresh/set", "clear_schedule": f"{topic}/schedule/clear"}
    assert [f"{place.root}/{place.connector}" for place in places(there)] == [topic]


def shown(site: Site, **facts: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "state": "idle", "schedule_source": "none", "schedule_active": False, "next_period_start": None,
        "next_period_end": None, "current_power_kw": None, "session_energy_kwh": None,
        "ready_for_schedule": True, "last_hems_command_at": None,
    }  # fmt: skip
    [device] = charge_amps(site)
    return values(device, sight(device, {"state": Seen(ChargeAmpsStatus(**plain | facts), 0.0)}, SIX_PM))


@pytest.mark.parametrize(
    ("facts", "key", "value"),
    [
        pytest.param({"connector_mode": "Schedule"}, "connector_enabled", "ON", id="by its schedule"),
        pytest.param({"connector_mode": "Off"}, "connector_enabled", "OFF", id="switched off"),
        pytest.param({}, "connector_enabled", None, id="not known is not enabled"),
        pytest.param({}, "serial", "2106100001L", id="the charge point's own number"),
        pytest.param({}, "voltage", None, id="no voltage told is no 0 V"),
        pytest.param(
            {"l1": LegSample(voltage_v=228.0), "l2": LegSample(voltage_v=232.0)}, "voltage", 230.0,
            id="the mean of the legs that are told",
        ),
        pytest.param(
            {"l1": LegSample(current_a=16.0), "l2": LegSample(voltage_v=232.0)}, "current", 16.0,
            id="a leg without a current is no 0 A",
        ),
        pytest.param({}, "schedule_error", "none", id="no error"),
        pytest.param(
            {"last_command_error": CommandError(code="periods_empty", message="periods: [] is empty")},
            "schedule_error", "periods: [] is empty", id="the error in words",
        ),
    ],
)  # fmt: skip
def test_it_shows(site: Site, facts: dict[str, Any], key: str, value: Any) -> None:
    assert shown(site, **facts)[key] == value


def test_the_plan_tells_the_windows_of_today_and_tomorrow_in_the_owners_zone(site: Site) -> None:
    late, soon = datetime(2026, 5, 4, 22, 30, tzinfo=UTC), datetime(2026, 5, 4, 19, 0, tzinfo=UTC)
    found = shown(
        site, plan_state="scheduled", note="sent", applied=True,
        periods=tuple(
            SchedulePeriod(start=start, end=start + timedelta(minutes=30), max_current=16.0) for start in (soon, late)
        ),
    )["plan_state_attributes"]  # fmt: skip
    assert (found["plan_date"], found["timezone"], found["top_x_charge_count"]) == (
        "2026-05-04",
        "Europe/Berlin",
        16,
    )
    assert (found["automation_enabled"], found["message"], found["applied"]) == (True, "sent", True)
    assert [datetime.fromisoformat(one["start"]) for one in found["today_slots"]] == [soon]
    assert found["tomorrow_slots"] == [
        {"start": "2026-05-05T00:30:00+02:00", "end": "2026-05-05T01:00:00+02:00", "max_current": 16.0}
    ]


def test_a_scheduler_without_a_price_plan_has_no_automation(site: Site) -> None:
    found = shown(site)["plan_state_attributes"]
    assert (found["automation_enabled"], found["today_slots"], found["tomorrow_slots"]) == (False, [], [])
