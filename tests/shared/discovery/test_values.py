"""What entities show, and when: unknown is unknown, old is unknown, and a database is not filled for nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from busbar_contracts.allocation import (
    Allocation,
    CircuitHeadroom,
    LoadGrant,
    MeterHealth,
    PhaseHeadroom,
    SiteSettings,
)
from busbar_contracts.battery import BatteryReading
from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_contracts.charger import ChargerState, ConnectorStatus, LegSample, LimitInForce, Session
from busbar_contracts.load import Detection, LoadMode, LoadSettings
from busbar_contracts.meter import InverterReading, MeterReading, PhaseSample
from busbar_shared.config.root import Site
from busbar_shared.config.wiring import EVSE_MODES, HEAT_MODES
from busbar_shared.discovery.charge_amps import charge_amps
from busbar_shared.discovery.chargers import chargers, happened
from busbar_shared.discovery.entity import Device, Seen, Sight, is_there, sight, values
from busbar_shared.discovery.loads import loads
from busbar_shared.discovery.meters import meters
from busbar_shared.discovery.pacing import Shown, next_shown
from busbar_shared.discovery.site import house, outside_limit

SIX_PM = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)


def shown(device: Device, age_s: float = 0.0, **messages: Any) -> dict[str, Any]:
    """What the device's entities show after these messages, all so old."""
    facts = {name.replace("_of_", " "): Seen(message, age_s) for name, message in messages.items()}
    return values(device, sight(device, facts, SIX_PM))


def reading(power_w: float | None = 1234.4, import_wh: float | None = 5_000_000.0) -> MeterReading:
    return MeterReading(
        at=SIX_PM, power_w=power_w, a=PhaseSample(current_a=-2.04, voltage_v=231.0), import_wh=import_wh
    )


def charger(**facts: Any) -> ChargerState:
    plain: dict[str, Any] = {
        "at": SIX_PM,
        "status": ConnectorStatus.CHARGING,
        "link": True,
        "sampled_at": SIX_PM,
    }
    return ChargerState(**{**plain, **facts})


def grant(**facts: Any) -> LoadGrant:
    plain: dict[str, Any] = {
        "limit_a": 10.0,
        "target_a": 10.0,
        "available_a": 12.0,
        "reason": "main fuse, phase b",
    }
    return LoadGrant(**{**plain, **facts})


def allocation(**facts: Any) -> Allocation:
    plain: dict[str, Any] = {"at": SIX_PM, "meter": MeterHealth.FRESH, "loads": {}, "circuits": {}}
    return Allocation(**{**plain, **facts})


def test_a_meter_shows_what_it_reads(site: Site) -> None:
    [grid, *_] = meters(site)
    assert shown(grid, state=reading()) == {
        "power": 1234.0,
        "current_a": -2.0, "current_b": None, "current_c": None,
        "voltage_a": 231.0, "voltage_b": None, "voltage_c": None,
        "import_energy": 5000.0, "export_energy": None,
        "quality": "good", "quality_attributes": {"text": ""},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("energy_wh", "there"),
    [
        pytest.param(0.0, None, id="a register of zero is one that was not read yet"),
        pytest.param(None, None, id="no register is unknown"),
        pytest.param(4.0, 0.0, id="the first watt-hours are true"),
        pytest.param(12_345.6, 12.35, id="kilowatt-hours with two decimals"),
    ],
)
def test_energy_is_never_a_false_zero(site: Site, energy_wh: float | None, there: float | None) -> None:
    [grid, *_] = meters(site)
    assert shown(grid, state=reading(import_wh=energy_wh))["import_energy"] == there


@pytest.mark.parametrize(
    ("age_s", "there"),
    [
        pytest.param(1.0, True, id="a fresh reading"),
        pytest.param(29.0, True, id="a hiccup is no outage"),
        pytest.param(31.0, False, id="a meter that was silent for half a minute"),
    ],
)
def test_a_meter_is_there_while_its_readings_are_fresh(site: Site, age_s: float, there: bool) -> None:
    [grid, *_] = meters(site)
    seen = sight(grid, {"state": Seen(reading(), age_s)}, SIX_PM)
    assert is_there(grid, seen) is there


@pytest.mark.parametrize(
    ("state", "key", "value"),
    [
        pytest.param(charger(power_w=7200.4), "power", 7200.0, id="power of a fresh sample"),
        pytest.param(
            charger(power_w=7200.0, sampled_at=SIX_PM - timedelta(minutes=3)), "power", None,
            id="a sample of three minutes ago is unknown, however young the message",
        ),
        pytest.param(charger(power_w=7200.0, sampled_at=None), "power", None, id="a sample without a time is unknown"),
        pytest.param(charger(), "power", None, id="not measured is not zero"),
        pytest.param(charger(), "last_refusal", "none", id="nothing was refused"),
        pytest.param(charger(status=ConnectorStatus.UNKNOWN), "status", None, id="unknown is unknown there too"),
        pytest.param(charger(l2=LegSample(current_a=9.96)), "current_l2", 10.0, id="current of a leg"),
        pytest.param(charger(), "status", "Charging", id="the status in the words of OCPP"),
        pytest.param(charger(status=ConnectorStatus.AVAILABLE), "car", "OFF", id="free: no car"),
        pytest.param(charger(status=ConnectorStatus.PREPARING), "car", "ON", id="preparing: a car"),
        pytest.param(charger(status=ConnectorStatus.FAULTED), "car", None, id="a fault does not tell"),
        pytest.param(
            charger(session=Session(id="s", transaction=None, started_at=SIX_PM, energy_wh=1500.0)),
            "session_energy", 1.5, id="energy of the session",
        ),
        pytest.param(
            charger(limit=LimitInForce(limit_a=6.0, since=SIX_PM, until=None, issuer="allocator", reason="sun")),
            "told_attributes", {"reason": "sun", "confirmed": False, "until": None}, id="why it was told so",
        ),
        pytest.param(charger(last_refusal="x" * 300), "last_refusal", "x" * 249 + "…", id="a state is never too long"),
    ],
)  # fmt: skip
def test_a_charger_shows(site: Site, state: ChargerState, key: str, value: Any) -> None:
    [left, *_] = chargers(site)
    assert shown(left, state=state)[key] == value


@pytest.mark.parametrize(
    ("cost", "currency", "value"),
    [
        pytest.param(12.345, "SEK", 12.35, id="as the service reckoned it"),
        pytest.param(-0.4, "SEK", -0.4, id="negative prices pay"),
        pytest.param(None, None, None, id="a session without prices"),
        pytest.param(12.0, "EUR", None, id="reckoned in another currency than is shown"),
    ],
)
def test_a_session_shows_what_it_cost(
    site: Site, cost: float | None, currency: str | None, value: float | None
) -> None:
    [left, *_] = chargers(site)
    session = Session(
        id="s", transaction=None, started_at=SIX_PM, energy_wh=1500.0, cost=cost, currency=currency
    )
    assert shown(left, state=charger(session=session))["session_cost"] == value


def test_without_prices_there_is_no_cost(site: Site) -> None:
    [left, *_] = chargers(replace(site, prices=None))
    assert "session_cost" not in shown(left, state=charger())


def test_a_charger_without_a_link_is_not_there(site: Site) -> None:
    [left, *_] = chargers(site)
    seen = sight(left, {"state": Seen(charger(link=False), 0.0)}, SIX_PM)
    assert not is_there(left, seen)


def test_a_load_shows_wishes_grant_and_reason(site: Site) -> None:
    left = next(one for one in loads(site) if one.id == "busbar_home_load_left-1")
    settings = LoadSettings(
        mode=LoadMode.SOLAR_ONLY, modes=EVSE_MODES, priority=2, enabled=True, min_a=6, max_a=16, refused="no"
    )
    said = allocation(loads={"left-1": grant(reason="because " * 40)})
    found = shown(left, settings=settings, grant=said)
    assert (found["mode"], found["priority"], found["enabled"]) == ("Solar Only", 2, "ON")
    assert (found["min_current"], found["max_current"], found["session_limit"]) == (6.0, 16.0, 0.0)
    assert (found["limit"], found["available_current"], found["setting_refusal"]) == (10.0, 12.0, "no")
    assert len(found["reason"]) == 250
    assert found["reason_attributes"]["text"] == "because " * 40


def test_a_grant_that_is_not_said_again_is_unknown(site: Site) -> None:
    left = next(one for one in loads(site) if one.id == "busbar_home_load_left-1")
    settings = LoadSettings(mode=LoadMode.STANDARD, modes=EVSE_MODES, priority=1, enabled=True)
    found = shown(left, age_s=31, settings=settings, grant=allocation(loads={"left-1": grant()}))
    assert (found["limit"], found["reason"], found["mode"]) == (None, "unknown", "Standard")


@pytest.mark.parametrize(
    ("storage_a", "reason"),
    [
        pytest.param(8.0, "sun is stored", id="while it stores, that is why"),
        pytest.param(0.0, "kept warm", id="else what keeps it warm"),
    ],
)
def test_a_heater_shows_the_grant_it_lives_on(site: Site, storage_a: float, reason: str) -> None:
    tank = next(one for one in loads(site) if one.id == "busbar_home_load_tank")
    said = allocation(
        loads={
            "tank/storage": grant(limit_a=storage_a, reason="sun is stored"),
            "tank/comfort": grant(reason="kept warm"),
        }
    )
    settings = LoadSettings(mode=LoadMode.NORMAL, modes=HEAT_MODES, priority=1, enabled=True)
    assert shown(tank, settings=settings, storage=said, comfort=said)["reason"] == reason


PLUGGED = LoadSettings(mode=LoadMode.NORMAL, modes=HEAT_MODES, priority=1, enabled=True)
ON_C = Detection(legs=("c",), confidence=0.9, applied=True, advice='phases = ["c"] fits')


@pytest.mark.parametrize(
    ("load", "sources", "told", "phases", "advice"),
    [
        pytest.param("pump", {"grant": "pump"}, ON_C, "C", 'phases = ["c"] fits', id="a plug"),
        pytest.param(
            "tank", {"storage": "tank/storage", "comfort": "tank/comfort"}, ON_C, "C", 'phases = ["c"] fits',
            id="a heater, of which both parts say the same",
        ),
        pytest.param("tank", {"comfort": "tank/comfort"}, ON_C, "C", 'phases = ["c"] fits', id="a heater that only keeps warm"),
        pytest.param("pump", {"grant": "pump"}, None, "unknown", "", id="nothing was detected of a plug yet"),
        pytest.param("left-1", {"grant": "left-1"}, ON_C, "C", 'phases = ["c"] fits', id="a charger"),
    ],
)  # fmt: skip
def test_a_load_shows_the_phases_it_was_found_on(
    site: Site, load: str, sources: dict[str, str], told: Detection | None, phases: str, advice: str
) -> None:
    device = next(one for one in loads(site) if one.id == f"busbar_home_load_{load}")
    said = allocation(loads={part: grant(detection=told) for part in sources.values()})
    found = shown(device, settings=PLUGGED, **dict.fromkeys(sources, said))
    assert found["detected_phases"] == phases
    assert found["detected_phases_attributes"] == {
        "confidence": None if told is None else 0.9,
        "applied": None if told is None else True,
        "advice": advice,
    }


@pytest.mark.parametrize("load", ["pump", "tank", "pump2", "left-1"])
def test_every_load_has_a_button_that_applies_what_was_detected(site: Site, load: str) -> None:
    device = next(one for one in loads(site) if one.id == f"busbar_home_load_{load}")
    [press] = [one for one in device.entities if one.key == "apply_phases"]
    assert press.setting is not None
    assert press.setting.address == f"hems/load/{load}/settings/set"
    assert json.loads(press.setting.payload or "") == {"apply_detection": True}


def test_a_hybrid_house_adds_up(site: Site) -> None:
    [home, *_] = house(site)
    found = shown(
        home,
        grid=reading(power_w=500.0),
        inverter_of_roof=InverterReading(at=SIX_PM, power_w=3000.0, pv_power_w=None),
        battery_of_house=BatteryReading(at=SIX_PM, power_w=1200.0, soc_percent=50.0),
    )
    assert (found["solar_power"], found["battery_power"], found["house_power"]) == (4200.0, 1200.0, 3500.0)


def test_a_house_with_a_silent_inverter_is_unknown(site: Site) -> None:
    [home, *_] = house(site)
    found = shown(home, grid=reading(power_w=500.0))
    assert (found["grid_power"], found["solar_power"], found["house_power"]) == (500.0, None, None)


def test_the_headroom_of_each_phase_is_the_root_circuits(site: Site) -> None:
    [home, *_] = house(site)
    main = CircuitHeadroom(a=PhaseHeadroom(limit_a=25, headroom_a=7.26), b=PhaseHeadroom(limit_a=25))
    found = shown(home, allocation=allocation(circuits={"main": main}))
    assert (found["headroom_a"], found["headroom_b"], found["headroom_c"]) == (7.3, None, None)


def test_a_number_outside_its_range_is_unknown_to_home_assistant(site: Site) -> None:
    [home, *_] = house(site)
    assert shown(home, settings=SiteSettings(import_limit_w=1e6))["import_limit"] is None
    assert shown(home, settings=SiteSettings(import_limit_w=None))["import_limit"] is None
    assert shown(home, settings=SiteSettings(import_limit_w=4000))["import_limit"] == 4000


def test_charge_amps_shows_its_plan(site: Site) -> None:
    [one] = charge_amps(site)
    status = ChargeAmpsStatus(
        state="charging", schedule_source="hems", schedule_active=True, next_period_start=SIX_PM,
        next_period_end=None, current_power_kw=7.36, session_energy_kwh=0.0, ready_for_schedule=True,
        last_hems_command_at=SIX_PM, plan_state="no_eligible_slots", online=True, connector_mode="Schedule",
        l1=LegSample(current_a=16.0, voltage_v=230.0), note="the schedule is removed",
    )  # fmt: skip
    found = shown(one, state=status)
    assert (found["power"], found["session_energy"], found["no_eligible_slots"]) == (7360.0, None, "ON")
    assert (found["next_start"], found["next_end"]) == ("2026-05-04T18:00:00+00:00", None)
    assert (found["charging"], found["online"], found["connector_mode"]) == ("ON", "ON", "Schedule")
    assert (found["current_l1"], found["voltage_l1"], found["current_l2"]) == (16.0, 230.0, None)
    assert (found["note"], found["error_code"]) == ("the schedule is removed", "none")
    assert one.sources["state"].topic == "hems/charge-amps/1/status"


# -- pace --------------------------------------------------------------------------------------


def told(device: Device, *steps: tuple[float, dict[str, Any]]) -> list[dict[str, Any] | None]:
    """What goes out at each time for these values; None: nothing."""
    state, out = Shown(), []
    for now_s, fresh in steps:
        new = next_shown(device, state, fresh, now_s)
        state = new or state
        out.append(None if new is None else {key: new.values[key] for key in fresh})
    return out


@pytest.mark.parametrize(
    ("steps", "out"),
    [
        pytest.param(
            [(0.0, {"power": 1000.0}), (9.0, {"power": 1009.0}), (10.0, {"power": 1011.0})],
            [{"power": 1000.0}, None, {"power": 1011.0}],
            id="a power moves by more than its resolution before it is news",
        ),
        pytest.param(
            [(0.0, {"power": 1000.0}), (2.0, {"power": 9000.0}), (5.0, {"power": 9000.0})],
            [{"power": 1000.0}, None, {"power": 9000.0}],
            id="and goes out at most once in five seconds",
        ),
        pytest.param(
            [(0.0, {"power": 1000.0}), (59.0, {"power": 1000.0}), (60.0, {"power": 1004.0})],
            [{"power": 1000.0}, None, {"power": 1000.0}],
            id="unchanged it is said again at half its expiry, without a new row",
        ),
        pytest.param(
            [(0.0, {"power": 1000.0}), (6.0, {"power": None})],
            [{"power": 1000.0}, {"power": None}],
            id="losing a value is news",
        ),
        pytest.param(
            [(0.0, {"state": "charging"}), (0.5, {"state": "full"})],
            [{"state": "charging"}, {"state": "full"}],
            id="a state goes out at once",
        ),
    ],
)
def test_a_battery_is_told_in_time(site: Site, steps: Any, out: Any) -> None:
    battery = next(one for one in meters(site) if one.id == "busbar_home_battery_house")
    assert told(battery, *steps) == out


def test_a_reason_whose_figures_alone_move_waits(site: Site) -> None:
    left = next(one for one in loads(site) if one.id == "busbar_home_load_left-1")
    out = told(
        left,
        (0.0, {"reason": "silent for 3 s"}),
        (1.0, {"reason": "silent for 4 s"}),
        (2.0, {"reason": "main fuse"}),
        (3.0, {"reason": "main fuse, phase b"}),
    )
    assert out == [
        {"reason": "silent for 3 s"}, None, {"reason": "main fuse"}, {"reason": "main fuse, phase b"},
    ]  # fmt: skip


def test_a_total_does_not_step_back_a_little_but_may_begin_anew(site: Site) -> None:
    [grid, *_] = meters(site)
    out = told(
        grid,
        (0.0, {"import_energy": 100.0}),
        (10.0, {"import_energy": 99.98}),
        (20.0, {"import_energy": 0.5}),
    )
    assert out == [{"import_energy": 100.0}, None, {"import_energy": 0.5}]


# -- happenings --------------------------------------------------------------------------------


def seen(**parts: Any) -> Sight:
    return Sight(parts, SIX_PM)


@pytest.mark.parametrize(
    ("before", "now", "event"),
    [
        pytest.param(None, charger(), None, id="the first word is no event"),
        pytest.param(charger(status=ConnectorStatus.AVAILABLE), charger(), "car_connected", id="a car comes"),
        pytest.param(
            charger(), charger(status=ConnectorStatus.AVAILABLE), "car_disconnected", id="a car goes"
        ),
        pytest.param(charger(), charger(disobedient=True), "disobedient", id="it draws more than it may"),
        pytest.param(charger(disobedient=True), charger(), "obeys_again", id="it keeps to its limit again"),
        pytest.param(charger(), charger(status=ConnectorStatus.SUSPENDED_EV), None, id="a pause is no event"),
    ],
)
def test_events_of_a_charger(before: ChargerState | None, now: ChargerState, event: str | None) -> None:
    found = happened(None if before is None else seen(state=before), seen(state=now))
    assert (found[0] if found else None) == event


@pytest.mark.parametrize(
    ("before", "now", "event"),
    [
        pytest.param(None, "gridop", "set", id="the grid operator limits the import"),
        pytest.param("settings", "gridop", "set", id="his limit is smaller than the owner's"),
        pytest.param("gridop", None, "lifted", id="his limit ends"),
        pytest.param(None, "settings", None, id="the owner's own limit is no event"),
    ],
)
def test_events_of_the_site(before: str | None, now: str, event: str | None) -> None:
    first = allocation(import_limit_source=before, import_limit_w=4200)
    found = outside_limit(seen(allocation=first), seen(allocation=replace(first, import_limit_source=now)))
    assert (found[0] if found else None) == event
