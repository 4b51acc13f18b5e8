"""Whatever the contract lets through, however absurd, stops nothing and raises no limit beyond its bounds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from allocator_house import a_site
from hypothesis import given, settings
from hypothesis import strategies as st

from busbar_allocator.desk import Desk
from busbar_allocator.plan import plan_of
from busbar_contracts.allocation import Allocation, SiteLimit
from busbar_contracts.battery import BatteryReading, BatterySettings
from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_contracts.charger import ChargerLimit, ChargerState, ConnectorStatus
from busbar_contracts.load import HeatState, PlugState
from busbar_contracts.meter import InverterReading, MeterReading, PhaseSample
from busbar_contracts.prices import PriceSeries
from busbar_contracts.service import ServiceStatus
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
PLAN = plan_of(
    msgspec.convert(
        a_site(
            chargers={
                "left": {"phase_switching": True},
                "right": {"mode": "solar_only", "connectors": {"1": {}, "2": {}}},
            },
            plugs={"boiler": {}, "rod": {"max_w": 3000.0, "step_w": 250.0}},
            heaters={"tank": {}},
            batteries={"home": {}},
            inverters={"roof": {}},
            chargeamps={"connectors": {"1": {"charge_point": "x"}}},
            site={"auto_apply": True, "probe": True, "excess_uses": "all"},
        ),
        Site,
    )
)
STATUS = {
    "state": "idle", "schedule_source": "none", "schedule_active": True, "next_period_start": None, "next_period_end": None,
    "current_power_kw": None, "session_energy_kwh": None, "ready_for_schedule": False, "last_hems_command_at": None,
}  # fmt: skip
ORDER = {"issuer": "x", "instance": "y", "seq": 1, "issued_at": NOON, "lease_s": 30.0, "reason": ""}
ORDINARY: list[tuple[type[Any], dict[str, str], dict[str, Any]]] = [
    (MeterReading, {"meter": "grid"}, {"at": NOON, "power_w": 0.0}),
    (InverterReading, {"inverter": "roof"}, {"at": NOON, "power_w": 0.0}),
    (BatteryReading, {"battery": "home"}, {"at": NOON, "power_w": 0.0, "soc_percent": 50.0}),
    (BatterySettings, {"battery": "home"}, {}),
    (ChargerState, {"charger": "left", "connector": "1"}, {"at": NOON, "status": "Charging", "link": True}),
    (PlugState, {"plug": "rod"}, {"at": NOON, "link": True, "on": True}),
    (HeatState, {"heater": "tank"}, {"at": NOON, "link": True, "on": True}),
    (ChargeAmpsStatus, {"connector_id": "1"}, STATUS),
    (
        PriceSeries,
        {"series": "import"},
        {"schema": "hems.prices/1", "series": "import", "currency": "EUR", "unit": "EUR/kWh", "slots": []},
    ),
    (
        ServiceStatus,
        {"service": "ocpp"},
        {"state": "online", "instance": "1", "version": "1", "contract": "1", "started_at": NOON, "at": NOON},
    ),
    (SiteLimit, {}, ORDER),
]

LEG = {"current_a": 1e5, "power_w": -1e9, "voltage_v": 0.0}
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    3,
    0.001,
    6.0,
    16.0,
    230.0,
    1e5,
    1e9,
    -1e5,
    -1e9,
    "",
    "x",
    "doubtful",
    *(one.value for one in ConnectorStatus),
    "2026-06-01T11:59:00Z",
    "1970-01-01T00:00:00Z",
    "2999-01-01T00:00:00Z",
    LEG,
    {"current_a": None},
    {"current_a": 7.5, "voltage_v": 230.0},
    {},
    {"min_a": 0, "max_a": 0, "unit": "W", "switches_phases": True},
    {"limit_a": 1e5, "since": "2026-06-01T11:59:00Z"},
    [],
]


@st.composite
def wild(draw: Any) -> tuple[Any, dict[str, str]]:
    """An ordinary message with some of its fields changed to anything that still is the contract."""
    kind, ids, values = draw(st.sampled_from(ORDINARY))
    fields = [field.encode_name for field in msgspec.structs.fields(kind)]
    changes = draw(st.dictionaries(st.sampled_from(fields), st.sampled_from(VALUES), max_size=8))
    message = msgspec.json.decode(msgspec.json.encode(values), type=kind)
    for name, value in changes.items():
        changed = {**values, name: value}
        try:
            message = msgspec.json.decode(msgspec.json.encode(changed), type=kind)
        except msgspec.ValidationError:
            continue  # The bus refuses it; it never arrives here.
        values = changed
    return message, ids


@settings(max_examples=150, deadline=None)
@given(st.lists(wild(), min_size=1, max_size=15))
def test_no_message_stops_the_desk_and_what_it_says_is_the_contract(
    messages: list[tuple[Any, dict[str, str]]],
) -> None:
    desk = Desk(PLAN, None, 0.0, "test")
    for second, (message, ids) in enumerate(messages, start=1):
        wall = NOON + timedelta(seconds=second)
        sample = PhaseSample(current_a=3.0)
        desk.hear(Heard(message, ids, "", float(second)))
        desk.hear(
            Heard(
                MeterReading(at=wall, power_w=None, a=sample, b=sample, c=sample),
                {"meter": "grid"},
                "",
                float(second),
            )
        )
        for one in desk.decide(float(second), wall).messages:
            said = msgspec.json.decode(msgspec.json.encode(one.message), type=type(one.message))
            if isinstance(said, ChargerLimit):
                assert said.limit_a <= 16
            if isinstance(said, Allocation):
                assert said.loads
