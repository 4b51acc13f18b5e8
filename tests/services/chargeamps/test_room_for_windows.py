"""The room that the allocator keeps free for windows it does not decide."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from busbar_allocator.foreign import reserved_a
from busbar_allocator.main import run
from busbar_contracts.allocation import Allocation
from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_contracts.charger import ChargerLimit, ChargerState, ConnectorStatus, LegSample
from busbar_contracts.meter import MeterReading, PhaseSample
from busbar_shared.clock import VirtualClock, settle
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service
from services.chargeamps.household import TONIGHT, Household, local

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


async def test_the_allocator_makes_room_a_minute_before_a_window_and_as_long_as_the_car_draws(
    house: Household,
) -> None:
    await house.send(TONIGHT)
    await house.wait(seconds=30)
    ten = local("2025-12-04T22:00")

    def reserved(seconds: float) -> float:
        return reserved_a(house.status, 16.0, ten + timedelta(seconds=seconds))

    assert [reserved(at) for at in (-61, -59, 0, 3599, 3601)] == [0.0, 16.0, 16.0, 16.0, 0.0]
    await house.wait(hours=2)
    assert house.status.state == "charging"
    assert reserved(4000) == 16.0


class Line:
    """A line of 25 A that a car would like to have for itself, and the allocator on a bus of lists."""

    def __init__(self, state_dir: Path, chargers: dict[str, Any] | None = None, **chargeamps: Any) -> None:
        self.clock = VirtualClock(NOON)
        self.bus = FakeBus(clock=self.clock)
        text = {
            "site": {"id": "test", "timezone": "Europe/Amsterdam"},
            "circuits": {"main": {"limit_a": 25, "meter": "grid", "assumed_background_a": 1}},
            "meters": {"grid": {"modbus": {"host": "127.0.0.1"}}},
            "chargeamps": chargeamps,
            "ocpp": {},
            "chargers": chargers or {},
        }
        self.service = Service("allocator", msgspec.convert(text, Site), self.bus, self.clock, state_dir)  # type: ignore[arg-type]

    async def seconds(self, count: int, grid_a: float = 0.0) -> None:
        """Let time pass in a house that takes so much from the grid on each phase."""
        for _ in range(count):
            self.reads(grid_a)
            await self.clock.advance(1.0)

    def reads(self, grid_a: float) -> None:
        """A reading of the meter."""
        sample = PhaseSample(current_a=grid_a)
        reading = MeterReading(at=self.clock.now(), power_w=0.0, a=sample, b=sample, c=sample)
        self.bus.feed(reading, meter="grid")

    def plug_in(self) -> None:
        """A car at the other charger."""
        state = ChargerState(at=self.clock.now(), status=ConnectorStatus.PREPARING, link=True)
        self.bus.feed(state, charger="left", connector="1")

    def limit_a(self) -> float:
        """What the other car may take."""
        said = [message for _, message in self.bus.said if isinstance(message, ChargerLimit)]
        return said[-1].limit_a if said else 0.0

    def charges(self, amps: float) -> None:
        """The scheduler says that its car draws so much, by what the cloud told it just now."""
        leg = LegSample(current_a=amps, voltage_v=230.0)
        now = self.clock.now()
        status = msgspec.json.decode(opens_in(0, 8.0), type=ChargeAmpsStatus)
        kilowatts = amps * 0.69
        state = "charging" if amps else "plugged_in"
        said = replace(
            status, state=state, current_power_kw=kilowatts, l1=leg, l2=leg, l3=leg, measured_at=now
        )
        self.bus.feed(said, connector_id="1")

    def free_a(self) -> float | None:
        """What is left of the line."""
        said = [message for _, message in self.bus.said if isinstance(message, Allocation)]
        return said[-1].circuits["main"].a.headroom_a if said[-1].circuits["main"].a else None


@asynccontextmanager
async def allocating(line: Line) -> AsyncIterator[Line]:
    task = asyncio.create_task(run(line.service))
    await settle()
    try:
        yield line
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def opens_in(seconds: float, amps: float) -> bytes:
    start = NOON + timedelta(seconds=seconds)
    said = {
        "state": "plugged_in", "schedule_source": "hems", "schedule_active": True,
        "next_period_start": start.isoformat(), "next_period_end": (start + timedelta(hours=1)).isoformat(),
        "current_power_kw": 0.0, "session_energy_kwh": None, "ready_for_schedule": True,
        "last_hems_command_at": None, "applied_max_current": amps,
    }  # fmt: skip
    return json.dumps(said).encode()


TWO = {
    "1": {"charge_point": "A"},
    "guest": {"charge_point": "B", "connector": 1, "alias": "guest", "max_current_a": 10},
}


@pytest.mark.parametrize(
    ("chargeamps", "topic", "left_a"),
    [
        pytest.param({"connectors": TWO}, "hems/charge-amps/guest/1/status", 17, id="behind an alias"),
        pytest.param(
            {"connectors": TWO, "topic_root": "garage/ca"},
            "garage/ca/1/status",
            17,
            id="under a root of its own",
        ),
        pytest.param(
            {"connectors": TWO, "topic_root": "garage/ca"},
            "garage/ca/guest/1/status",
            17,
            id="under a root of its own behind an alias",
        ),
        pytest.param({"connectors": TWO}, "hems/charge-amps/other/1/status", 25, id="a stranger is not ours"),
    ],
)
async def test_a_window_is_made_room_for_wherever_its_status_is_said(
    tmp_path: Path, chargeamps: dict[str, Any], topic: str, left_a: float
) -> None:
    async with allocating(Line(tmp_path, **chargeamps)) as line:
        line.bus.feed_raw(topic, opens_in(90, 8.0))
        line.bus.feed_raw(topic, b"nonsense")
        await line.seconds(20)
        assert line.free_a() == 25
        await line.seconds(20)
        assert line.free_a() == left_a
        heard = "other" not in topic
        assert [code for code, _ in line.bus.events] == (["payload_not_json"] if heard else [])


@pytest.mark.parametrize(
    ("is_said", "after_s", "limit_a"),
    [
        pytest.param(True, 8, 6.0, id="whose window is known"),
        pytest.param(False, 28, 0.0, id="that was not heard of yet"),
        pytest.param(False, 36, 6.0, id="that is not heard of for a lease"),
    ],
)
async def test_after_a_start_another_car_waits_for_word_of_a_schedule(
    tmp_path: Path, is_said: bool, after_s: int, limit_a: float
) -> None:
    connectors = {"1": {"charge_point": "A", "max_current_a": 8}}
    async with allocating(Line(tmp_path, {"left": {}}, connectors=connectors)) as line:
        if is_said:
            line.bus.feed(msgspec.json.decode(opens_in(600, 8.0), type=ChargeAmpsStatus), connector_id="1")
        line.plug_in()
        await line.seconds(after_s)
        assert line.limit_a() == limit_a


ONE = {"1": {"charge_point": "A", "max_current_a": 8}}


async def test_what_a_scheduled_car_draws_is_kept_for_it_once_and_not_counted_as_the_houses_too(
    tmp_path: Path,
) -> None:
    async with allocating(Line(tmp_path, connectors=ONE)) as line:
        line.charges(0.0)
        await line.seconds(5)
        assert line.free_a() == 17
        # Something begins; until the cloud has told that it is the car, it is the house's.
        await line.seconds(20, grid_a=8.0)
        assert line.free_a() == 9
        line.charges(8.0)
        await line.seconds(11, grid_a=8.0)
        assert line.free_a() == 17


async def test_a_scheduled_car_that_pauses_keeps_its_room_until_the_cloud_has_told_so(tmp_path: Path) -> None:
    async with allocating(Line(tmp_path, connectors=ONE)) as line:
        line.charges(0.0)
        await line.seconds(40, grid_a=8.0)
        for _ in range(4):
            line.charges(8.0)
            await line.seconds(20, grid_a=8.0)
        assert line.free_a() == 17
        # It pauses, and the cloud goes on telling what was.
        for _ in range(3):
            line.charges(8.0)
            await line.seconds(10, grid_a=0.0)
            assert line.free_a() is not None
            assert line.free_a() <= 17
        await line.seconds(3, grid_a=8.0)
        assert line.free_a() <= 17


async def test_a_draw_that_nobody_tells_any_more_is_the_houses(tmp_path: Path) -> None:
    async with allocating(Line(tmp_path, connectors=ONE)) as line:
        line.charges(0.0)
        for _ in range(5):
            await line.seconds(20, grid_a=8.0)
            line.charges(8.0)
        await line.seconds(10, grid_a=8.0)
        assert line.free_a() == 17
        await line.seconds(300, grid_a=8.0)
        assert line.free_a() == 9


async def test_a_car_that_the_cloud_tells_of_before_the_meter_shows_it_gives_no_room_to_others(
    tmp_path: Path,
) -> None:
    async with allocating(Line(tmp_path, {"left": {}}, connectors=ONE)) as line:
        line.charges(0.0)
        line.plug_in()
        # 25 A, less 4 A of house and the 8 A of the window.
        await line.seconds(30, grid_a=4.0)
        assert line.limit_a() == 13
        line.charges(8.0)
        await line.clock.advance(0.5)
        line.reads(4.0)
        await settle()
        assert line.limit_a() == 13
        await line.clock.advance(0.5)
        await line.seconds(12, grid_a=12.0)
        assert line.limit_a() <= 13
