"""What the doctor says about a house, as its owner would read it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from busbar_cli.doctor import findings
from busbar_cli.doctor_background import highest
from busbar_cli.doctor_facts import Facts, Finding
from busbar_cli.health import verdict
from busbar_contracts.allocation import Allocation, CircuitHeadroom, LoadGrant, MeterHealth, PhaseHeadroom
from busbar_contracts.charger import ChargerState, ConnectorStatus, LeaseQuality
from busbar_contracts.meter import MeterReading, PhaseSample
from busbar_contracts.service import ServiceStatus
from busbar_shared.config.load import read

NOW = datetime(2026, 6, 21, 12, tzinfo=UTC)
SITE = read(
    """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = { host = "192.168.1.20" }
[ocpp]
security = 0
[chargers.left]
"""
)


def a_status(**more: Any) -> ServiceStatus:
    given: dict[str, Any] = {
        "state": "online",
        "instance": "i",
        "version": "1",
        "contract": "1",
        "started_at": NOW,
        "at": NOW,
    }
    return ServiceStatus(**{**given, **more})


def a_reading(amps: float = 4.0, volts: float = 230.0, total_w: float | None = None) -> MeterReading:
    phase = PhaseSample(current_a=amps, power_w=amps * volts, voltage_v=volts)
    return MeterReading(
        at=NOW, power_w=3 * amps * volts if total_w is None else total_w, a=phase, b=phase, c=phase
    )


def a_charger(**more: Any) -> ChargerState:
    given: dict[str, Any] = {
        "at": NOW,
        "status": ConnectorStatus.CHARGING,
        "link": True,
        "lease": LeaseQuality.PROVEN,
    }
    return ChargerState(**{**given, **more})


def an_allocation(after_s: float = 0, background_a: float = 4.0, current_a: float = 14.0, draw_a: float | None = 10.0,
                  meter: MeterHealth = MeterHealth.FRESH) -> Allocation:  # fmt: skip
    room = PhaseHeadroom(limit_a=25, current_a=current_a, background_a=background_a)
    grant = LoadGrant(limit_a=16, target_a=16, available_a=16, reason="as wished", draw_a=draw_a, legs=("a",))
    return Allocation(
        at=NOW + timedelta(seconds=after_s), meter=meter, loads={"left-1": grant},
        circuits={"main": CircuitHeadroom(a=room)},
    )  # fmt: skip


def a_good_house(**more: Any) -> Facts:
    given: dict[str, Any] = {
        "now": NOW,
        "statuses": {name: a_status() for name in SITE.services()},
        "skews_s": {"meter": 0.1},
        "readings": (a_reading(),) * 12,
        "chargers": {"left-1": a_charger()},
        "allocations": (an_allocation(),),
        "orders": {"left-1": 1},
        "listened_s": 12.0,
        "logins": {"meter": ""},
        "ports": {"port 9000 for charge points": True},
        "highest_a": {"main": {"a": 9.0}},
    }
    return Facts(**{**given, **more})


def bad(facts: Facts) -> list[Finding]:
    return [one for one in findings(SITE, facts) if one.level == "bad"]


def test_what_is_advised_is_enough() -> None:
    [found] = bad(a_good_house(highest_a={"main": {"a": 17.2}}))

    assert found.todo == "write at least 18 there; the fallbacks must fit beside it"


def test_phases_without_a_current_add_up_all_the_same() -> None:
    phase = PhaseSample(power_w=900.0)
    reading = MeterReading(at=NOW, power_w=2700.0, a=phase, b=phase, c=phase, phases_estimated=True)

    assert bad(a_good_house(readings=(reading,) * 12)) == []


def test_of_a_good_house_nothing_bad_is_said() -> None:
    assert bad(a_good_house()) == []
    assert {one.level for one in findings(SITE, a_good_house())} == {"good"}


WRONG = [
    pytest.param({"broker": "does not answer"}, "broker", "does not answer", id="no broker"),
    pytest.param(
        {"logins": {"meter": "the broker does not let it in"}},
        "account meter",
        "not let it in",
        id="a wrong password",
    ),
    pytest.param({"statuses": {}}, "service meter", "never seen", id="no service"),
    pytest.param(
        {"statuses": {name: a_status(state="offline") for name in SITE.services()}},
        "service ocpp",
        "offline",
        id="a service was stopped",
    ),
    pytest.param(
        {"statuses": {name: a_status(at=NOW - timedelta(seconds=40)) for name in SITE.services()}},
        "service allocator",
        "silent for 40 s",
        id="a service hangs",
    ),
    pytest.param(
        {"statuses": {name: a_status(ready=False) for name in SITE.services()}},
        "service allocator",
        "lacks what it needs",
        id="a service is not ready",
    ),
    pytest.param({"skews_s": {"meter": 61.0}}, "clock", "+61 s", id="another machine's clock is wrong"),
    pytest.param(
        {"ports": {"port 9000 for charge points": False}},
        "port",
        "nothing listens",
        id="the charger's port is closed",
    ),
    pytest.param(
        {"statuses": {name: a_status(state="offline") for name in SITE.services()}},
        "port",
        "held by another program",
        id="another program has the charger's port",
    ),
    pytest.param({"readings": ()}, "meter grid", "no reading", id="the meter is silent"),
    pytest.param(
        {"readings": (a_reading(amps=120.0),) * 12},
        "meter grid",
        "120 A behind a breaker of 25 A",
        id="an absurd current",
    ),
    pytest.param({"readings": (a_reading(volts=23.0),) * 12}, "meter grid", "23 V", id="an absurd voltage"),
    pytest.param(
        {"readings": (a_reading(total_w=0.0),) * 12},
        "meter grid",
        "add up to 2760 W",
        id="the total is something else",
    ),
    pytest.param(
        {"readings": (MeterReading(at=NOW, power_w=5.0),) * 12},
        "meter grid",
        "cannot be protected",
        id="a meter without phases",
    ),
    pytest.param({"chargers": {}}, "charger left-1", "never seen", id="the charger never came"),
    pytest.param(
        {"chargers": {"left-1": a_charger(link=False)}},
        "charger left-1",
        "not connected",
        id="the charger is away",
    ),
    pytest.param(
        {"chargers": {"left-1": a_charger(disobedient=True)}},
        "charger left-1",
        "more than it may",
        id="the charger disobeys",
    ),
    pytest.param({"allocations": ()}, "allocation", "no decision", id="nobody decides"),
    pytest.param(
        {"allocations": (an_allocation(meter=MeterHealth.LOST),)},
        "allocation",
        "lost",
        id="the allocator lost the meter",
    ),
    pytest.param({"orders": {}}, "leases", "left-1: no renewal", id="leases are not renewed"),
    pytest.param(
        {"highest_a": {"main": {"a": 17.2}}},
        "circuit main",
        "17.2 A on phase a; assumed_background_a says 15 A",
        id="the house draws more than was assumed",
    ),
    pytest.param(
        {"certificates": {"ca.pem": -1.0}}, "certificate", "has ended", id="the certificate has ended"
    ),
]


@pytest.mark.parametrize(("wrong", "about", "text"), WRONG)
def test_what_is_wrong_is_named_with_what_to_do(wrong: dict[str, Any], about: str, text: str) -> None:
    found = {one.about: one for one in bad(a_good_house(**wrong))}

    assert text in found[about].text
    assert found[about].todo


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param([an_allocation(0, 9.0, 19.0), an_allocation(10, 7.0, 17.0)], 7.0, id="what lasted"),
        pytest.param([an_allocation(0, 9.0, 19.0)], None, id="one decision proves nothing lasting"),
        pytest.param(
            [an_allocation(0, 25.0, 14.0), an_allocation(10, 25.0, 14.0)],
            4.0,
            id="an assumption is not a measurement",
        ),
        pytest.param(
            [
                an_allocation(0, 20.0, 24.0, 4.0),
                an_allocation(1, 8.0, 24.0, 16.0),
                an_allocation(10, 8.0, 24.0, 16.0),
            ],
            8.0,
            id="a car that ramps up is not the house",
        ),
        pytest.param(
            [an_allocation(0, 9.0, meter=MeterHealth.STALE), an_allocation(10, 9.0, meter=MeterHealth.STALE)],
            None,
            id="stale is not measured",
        ),
    ],
)
def test_the_highest_background_is_one_that_lasted(seen: list[Allocation], expected: float | None) -> None:
    assert highest({}, seen).get("main", {}).get("a") == expected


def test_what_was_seen_before_is_remembered() -> None:
    calm = [an_allocation(0), an_allocation(10)]

    assert highest({"main": {"a": 12.0}}, calm) == {"main": {"a": 12.0}}


@pytest.mark.parametrize(
    ("known", "healthy"),
    [
        pytest.param(a_status(), True, id="online and ready"),
        pytest.param(None, False, id="never seen"),
        pytest.param(a_status(state="offline"), False, id="offline"),
        pytest.param(a_status(at=NOW - timedelta(seconds=20)), False, id="silent for 20 s"),
        pytest.param(a_status(ready=False), False, id="not ready"),
        pytest.param(a_status(passive=True), False, id="the younger of two"),
    ],
)
def test_a_container_is_healthy_only_when_its_service_is_ready(
    known: ServiceStatus | None, healthy: bool
) -> None:
    assert verdict("meter", known, NOW)[0] is healthy
