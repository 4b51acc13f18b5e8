"""A meter that counts the wrong way round is noticed, warned about once, and never turned silently."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from busbar_contracts.meter import Quality
from busbar_meter.config import roles_of
from busbar_meter.consumption import Producers
from busbar_meter.control import NOT_OFFERED
from busbar_meter.main import say_on
from busbar_meter.readings import inverter_reading, meter_reading
from busbar_meter.roles import role_of
from busbar_meter.samples import GridSample, InverterSample
from busbar_meter.sign_watch import SignWatch
from busbar_shared.clock import VirtualClock
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service
from services.meter.meter_house import house


def warnings(*steps: tuple[float, float], every_s: float = 1.0) -> list[str]:
    watch, said, inverter, grid = SignWatch(), [], 3000.0, 500.0
    for number, (sun, meter) in enumerate([(0.0, 0.0), *steps]):
        inverter, grid = inverter + sun, grid + meter
        watch.grid(grid)
        said.append(watch.inverter(inverter, number * every_s))
    return [text for text in said if text]


@pytest.mark.parametrize(
    ("steps", "count"),
    [
        pytest.param(
            [(800, 780), (-900, -950)] * 4, 1, id="the meter follows the sun: it counts export as positive"
        ),
        pytest.param([(800, -780), (-900, 950)] * 4, 0, id="the meter goes against the sun: all is well"),
        pytest.param([(800, 780), (-900, 950)] * 8, 0, id="a mixed picture proves nothing"),
        pytest.param([(800, 0), (-900, 20)] * 8, 0, id="a battery takes it all: no evidence"),
        pytest.param([(100, 100), (-100, -100)] * 8, 0, id="small steps drown in the household"),
        pytest.param([(800, 780)] * 4, 0, id="four times is chance"),
    ],
)
def test_evidence(steps: list[tuple[float, float]], count: int) -> None:
    assert len(warnings(*steps)) == count


def test_slow_samples_are_no_steps() -> None:
    assert warnings(*[(800, 780), (-900, -950)] * 8, every_s=30.0) == []


async def test_two_inverters_are_not_taken_for_one_that_steps(tmp_path: Path) -> None:
    site = house(
        502, batteries={}, inverters={"roof": {"modbus": {"host": "r"}}, "shed": {"modbus": {"host": "s"}}}
    )
    clock = VirtualClock(datetime(2026, 6, 21, 12, 0, tzinfo=UTC))
    bus = FakeBus(clock=clock)
    service = Service(
        name="meter", site=site, bus=bus, clock=clock, state_dir=tmp_path, passive=False, environ={}
    )
    say, roles = say_on(service, Producers(site)), {plan.id: role_of(plan) for plan in roles_of(site)}

    for _ in range(20):
        # A kettle that goes on and off as fast as the two inverters take turns.
        for inverter, made, drawn in (("roof", 5000.0, 3000.0), ("shed", 1000.0, 0.0)):
            grid = GridSample(at=clock.now(), legs={}, power_w=drawn)
            await say(roles["grid"], meter_reading(grid, 1.0, Quality.GOOD, ""))
            sun = InverterSample(at=clock.now(), legs={}, power_w=made)
            await say(roles[inverter], inverter_reading(sun, 1.0, Quality.GOOD, "", NOT_OFFERED))
            await clock.advance(0.5)

    assert bus.events == []
