"""When a sample was true: clocks that stand wrong or are set, messages that waited, readings that repeat."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from allocator_house import a_site

from busbar_allocator.known import Known, gone, heard, silent
from busbar_allocator.plan import plan_of
from busbar_contracts.battery import BatteryReading
from busbar_contracts.charger import ChargerState, ConnectorStatus, LegSample
from busbar_contracts.meter import InverterReading, MeterReading, PhaseSample
from busbar_contracts.service import ServiceStatus
from busbar_shared.config.root import Site

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PLAN = plan_of(msgspec.convert(a_site(), Site))


def reading(at: float, amps: Any = 5.0, clock_s: float = 0.0) -> MeterReading:
    """A reading stamped by a clock that stands `clock_s` ahead of ours."""
    sample = PhaseSample(current_a=amps)
    return MeterReading(at=NOON + timedelta(seconds=at + clock_s), power_w=None, a=sample, b=sample, c=sample)


def after(*arrivals: tuple[float, MeterReading], jump_s: float = 0.0) -> Known:
    """What is known after readings arrived; our own calendar jumps by `jump_s` before the last."""
    known = Known()
    for number, (arrived, message) in enumerate(arrivals, start=1):
        now = NOON + timedelta(seconds=arrived + (jump_s if number == len(arrivals) else 0.0))
        known = heard(known, PLAN, message, {"meter": "grid"}, arrived, now)
    return known


@pytest.mark.parametrize(
    ("known", "at"),
    [
        pytest.param(after((1.0, reading(0.8))), 0.8, id="a reading is as old as it says"),
        pytest.param(after((1.0, reading(1.0, clock_s=40)), (2.0, reading(2.0, clock_s=40))), 2.0, id="a clock ahead"),
        pytest.param(after((1.0, reading(1.0, clock_s=-40)), (2.0, reading(2.0, clock_s=-40))), 2.0, id="a clock behind"),
        pytest.param(after((1.0, reading(1.0)), (13.0, reading(2.0))), 2.0, id="a message that waited 11 s is old"),
        pytest.param(
            after((1.0, reading(1.0)), *((21.0 + n / 100, reading(2.0 + n)) for n in range(7))), 8.0,
            id="seven that waited while we stood still are as old as they say",
        ),
        pytest.param(after((1.0, reading(1.0)), (2.0, reading(2.0)), jump_s=3600), 2.0, id="our clock is set"),
        pytest.param(after((1.0, reading(1.0)), (2.0, reading(1.0))), 1.0, id="a repeated reading is no news"),
        pytest.param(after((1.0, reading(1.0)), (1.5, reading(0.5))), 1.0, id="an older reading is no news"),
    ],
)  # fmt: skip
def test_when_a_reading_was_taken(known: Known, at: float) -> None:
    assert known.meters["grid"].at == pytest.approx(at)


@pytest.mark.parametrize("amps", [None, float("nan"), float("inf")])
def test_a_reading_that_does_not_know_every_phase_is_none(amps: Any) -> None:
    assert after((1.0, reading(1.0, amps))).meters == {}


def test_a_sample_is_as_old_as_its_message_says_whatever_the_chargers_clock() -> None:
    wrong = NOON - timedelta(days=300)
    state = ChargerState(
        at=wrong, status=ConnectorStatus.CHARGING, link=True, sampled_at=wrong - timedelta(seconds=7),
        l1=LegSample(current_a=6.0),
    )  # fmt: skip
    known = heard(Known(), PLAN, state, {"charger": "left", "connector": "1"}, 100.0, NOON)

    assert known.loads["left-1"].at == pytest.approx(93)


def test_a_retained_state_is_as_old_as_its_message() -> None:
    then = NOON - timedelta(seconds=50)
    state = ChargerState(at=then, status=ConnectorStatus.CHARGING, link=True, sampled_at=then)
    known = heard(Known(), PLAN, state, {"charger": "left", "connector": "1"}, 100.0, NOON, retained=True)

    assert known.loads["left-1"].at == pytest.approx(50)


@pytest.mark.parametrize(
    ("link", "service", "age_s", "is_silent"),
    [
        pytest.param(True, None, 0, False, id="a charger that is linked speaks"),
        pytest.param(False, None, 0, True, id="a cut link is silence"),
        pytest.param(True, "online", 5, False, id="its service lives"),
        pytest.param(True, "online", 16, True, id="its service has not been heard for 16 s"),
        pytest.param(True, "offline", 0, True, id="its service said goodbye"),
    ],
)
def test_silence(link: bool, service: Any, age_s: float, is_silent: bool) -> None:
    state = ChargerState(at=NOON, status=ConnectorStatus.CHARGING, link=link)
    known = heard(Known(), PLAN, state, {"charger": "left", "connector": "1"}, 100.0, NOON)
    if service is not None:
        status = ServiceStatus(
            state=service, instance="1", version="1", contract="1", started_at=NOON, at=NOON
        )
        known = heard(known, PLAN, status, {"service": "ocpp"}, 100.0, NOON)

    assert silent(known, gone(known, 100.0 + age_s), "charger", "left-1") == is_silent


@pytest.mark.parametrize("period_s", [1e9, float("inf"), float("nan")])
def test_a_reading_that_claims_to_come_once_in_years_is_stale_like_any_other(period_s: float) -> None:
    claims = msgspec.structs.replace(reading(0.0), period_s=period_s)
    power = {"at": NOON, "power_w": 100.0, "period_s": period_s}
    known = heard(Known(), PLAN, claims, {"meter": "grid"}, 0.0, NOON)
    known = heard(known, PLAN, BatteryReading(**power, soc_percent=50), {"battery": "cellar"}, 0.0, NOON)
    known = heard(known, PLAN, InverterReading(**power), {"inverter": "roof"}, 0.0, NOON)

    periods = [known.meters["grid"].period_s]
    periods += [known.batteries["cellar"].message.period_s, known.inverters["roof"].message.period_s]
    assert periods == [60.0, 60.0, 60.0]


def test_a_meter_that_moved_while_nobody_listened_moved_when_that_was_heard() -> None:
    """The samples of cars that waited with it are as old as their arrival: else they moved after a meter that stands."""
    waited = [(12.0 + n / 100, reading(float(n), 16.0 if n < 10 else 6.0)) for n in range(1, 12)]
    grid = after((0.0, reading(0.0, 16.0)), *waited, (13.0, reading(13.0, 6.0))).meters["grid"]

    assert (grid.at, grid.moved_at) == (13.0, pytest.approx(12.1))
