"""What the allocator hears outside of the root is recorded, and replayed with the same effect."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from busbar_cli.record_commands import outside
from busbar_cli.recording import Writer, header_of, line_of
from busbar_cli.replay import replay
from busbar_contracts.charger import ChargerState, ConnectorStatus, LegSample
from busbar_contracts.meter import MeterReading, PhaseSample
from busbar_shared.bus import RawHeard
from busbar_shared.config.load import read as read_site
from busbar_shared.config.root import Site

SIX_PM = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)
HOUSE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = {{ host = "192.0.2.1" }}
[ocpp]
[chargers.left]
{car}
[chargeamps]
{root}
[chargeamps.connectors.guest]
charge_point = "A"
connector = 1
max_current_a = 16
{alias}
"""


def house(root: str = "", alias: str = "", car: str = "") -> Site:
    return read_site(HOUSE.format(root=root, alias=alias, car=car))


def a_window(at: datetime) -> bytes:
    """The schedule's window is open, though its car has not begun yet: 16 A are reserved for it."""
    return msgspec.json.encode(
        {
            "state": "plugged_in", "schedule_source": "hems", "schedule_active": True,
            "next_period_start": at, "next_period_end": at + timedelta(hours=1), "current_power_kw": 0.0,
            "session_energy_kwh": 0.0, "ready_for_schedule": True, "last_hems_command_at": at,
            "connector_id": 1, "operation_mode": "hems", "in_period": True, "last_command_result": "accepted",
            "last_command_error": None, "schedule_hash": None, "schedule_expires_at": None,
            "applied_max_current": 16.0, "sync": "synced", "updated_at": at, "price_threshold_active": False,
            "plan_state": None, "planned_minutes": None, "planned_kwh": None, "planned_cost": None,
            "periods": [], "command_id": None, "detail": {},
        }
    )  # fmt: skip


def an_evening(path: Path, site: Site, topic: str) -> None:
    """The house takes 4 A, a car waits, and the schedule says its state each half minute."""
    writer = Writer(path, header_of(site, "test", SIX_PM))
    for second in range(120):
        at, leg = SIX_PM + timedelta(seconds=second), LegSample(current_a=0.0)
        sample = PhaseSample(current_a=4.0)
        state = ChargerState(
            at=at,
            status=ConnectorStatus.CHARGING,
            link=True,
            sampled_at=at,
            l1=leg,
            l2=leg,
            l3=leg,
            legs_in_use=3,
        )
        said = [
            (topic, a_window(SIX_PM)),
            ("hems/charger/left/1/state", msgspec.json.encode(state)),
            ("hems/meter/grid/reading", msgspec.json.encode(MeterReading(at=at, power_w=None, a=sample, b=sample, c=sample))),
        ]  # fmt: skip
        for name, payload in said if second % 30 == 0 else said[1:]:
            writer.add(line_of(RawHeard(name, payload, 1000.0 + second), 1000.0))
    writer.close()


@pytest.mark.parametrize(
    ("root", "alias", "topic"),
    [
        pytest.param("", "", "hems/charge-amps/1/status", id="where the contract has it"),
        pytest.param("", 'alias = "guest"', "hems/charge-amps/guest/1/status", id="behind the alias of its charge point"),
        pytest.param('topic_root = "garage/ca"', "", "garage/ca/1/status", id="below a root of its own"),
        pytest.param(
            'topic_root = "garage/ca"', 'alias = "guest"', "garage/ca/guest/1/status", id="below both"
        ),
    ],
)  # fmt: skip
def test_a_schedule_is_heard_in_a_replay_wherever_it_is_said(
    tmp_path: Path, root: str, alias: str, topic: str
) -> None:
    heard, unheard = tmp_path / "heard.gz", tmp_path / "unheard.gz"
    an_evening(heard, house(root, alias), topic)
    an_evening(unheard, house(root, alias), "hems/somewhere/else")

    # 25 A less the house and the 16 A of the schedule are 5 A: too little for another car.
    assert replay(heard).limits["left-1"] == 0.0
    assert replay(unheard).limits["left-1"] == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("site", "places"),
    [
        pytest.param(house(), (), id="everything is below the root"),
        pytest.param(house(alias='alias = "guest"'), (), id="an alias is below the root too"),
        pytest.param(house(root='topic_root = "garage/ca"'), ("garage/ca/1/status",), id="a root of its own"),
        pytest.param(house(car='soc_topic = "car/soc"'), ("car/soc",), id="the charge of a car"),
        pytest.param(
            house(car='soc_topic = "hems/car/soc"'), (), id="a car below the root is not heard twice"
        ),
    ],
)
def test_what_is_recorded_beside_the_root(site: Site, places: tuple[str, ...]) -> None:
    assert outside(site) == places
