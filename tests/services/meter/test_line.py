"""The loop of one connection in virtual time: who is visited when."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from busbar_meter.answers import DeviceSilent, LineLost, UnitAbsent
from busbar_meter.config import StationPlan, lines_of
from busbar_meter.line import Line
from busbar_meter.roles import AnyRole, Outcome, role_of
from busbar_shared.clock import VirtualClock
from services.meter.meter_house import house
from services.meter.register_images import PaperWire


class Desk:
    """A station that counts its visits and answers as it is told."""

    def __init__(self, plan: StationPlan, clock: VirtualClock) -> None:
        self.plan, self._clock = plan, clock
        self.roles: tuple[AnyRole, ...] = tuple(role_of(role) for role in plan.roles)
        self.visits: list[float] = []
        self.error: Exception | None = None
        self.doubts = 0
        self.leaves = 0
        self.ended: list[Desk] = []
        self.leaving: list[Exception] = []

    async def visit(self, wire: Any) -> list[tuple[AnyRole, Outcome]]:
        self.visits.append(round(self._clock.monotonic() - 1000.0, 3))
        if self.error is not None:
            raise self.error
        return []

    async def leave(self, wire: Any) -> None:
        self.leaves += 1
        self.ended.append(self)
        if self.leaving:
            raise self.leaving.pop()

    def doubt(self) -> None:
        self.doubts += 1


@contextlib.asynccontextmanager
async def a_line(changed: Callable[[StationPlan], StationPlan] = lambda plan: plan):
    clock, events = VirtualClock(datetime(2026, 6, 21, tzinfo=UTC)), []
    inverter, meter = (Desk(changed(plan), clock) for plan in reversed(lines_of(house(502))[0].stations))

    async def say(role: AnyRole, message: Any) -> None:
        events.append((role.plan.kind, message.quality))

    async def event(code: str, text: str, severity: str) -> None:
        events.append((code, text))

    line = Line("test", PaperWire(), [meter, inverter], clock, say, event)
    task = asyncio.create_task(line.run())
    try:
        yield line, meter, inverter, clock, events
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_stations_are_visited_in_their_periods() -> None:
    async with a_line() as (_, meter, inverter, clock, _):
        await clock.advance(1.0)

    assert meter.visits[:5] == inverter.visits[:5] == [0.0, 0.2, 0.4, 0.6, 0.8]


async def test_a_sleeping_unit_is_asked_less_and_less_and_the_meter_beside_it_goes_on() -> None:
    async with a_line() as (_, meter, inverter, clock, events):
        inverter.error = UnitAbsent("the gateway target did not respond")
        await clock.advance(400.0)

    gaps = [later - earlier for earlier, later in zip(inverter.visits, inverter.visits[1:], strict=False)]
    assert [round(gap, 1) for gap in gaps[:4]] == [1.0, 1.6, 2.6, 4.1]
    assert max(gaps) <= 60.2
    assert len(meter.visits) >= 2000
    assert [code for code, _ in events].count("device_silent") == 2, (
        "one for the inverter, one for the battery in it"
    )


async def test_a_lost_connection_is_tried_once_for_all_units() -> None:
    async with a_line() as (_, meter, inverter, clock, _):
        await clock.advance(0.1)
        meter.error = LineLost("connection refused")
        await clock.advance(0.3)
        meter.error = None

        assert (meter.visits[-1], inverter.visits[-1], inverter.doubts) == (0.2, 0.0, 1)
        await clock.advance(1.0)
        assert inverter.visits[-1] >= 1.2


async def test_a_device_that_answers_again_is_believed_after_verification_and_said_once() -> None:
    async with a_line() as (_, _, inverter, clock, events):
        inverter.error = DeviceSilent("no answer")
        await clock.advance(1.0)
        inverter.error = None
        await clock.advance(5.0)

    assert inverter.doubts >= 1
    assert [code for code, _ in events].count("device_back") == 2


def slowed(plan: StationPlan) -> StationPlan:
    """The same station, read every ten seconds."""
    roles = [replace(role, config=replace(role.config, every_s=10.0)) for role in plan.roles]
    return replace(plan, roles=tuple(roles))


async def test_an_order_is_carried_out_at_once_but_no_more_than_five_times_a_second() -> None:
    async with a_line(slowed) as (line, _, inverter, clock, _):
        await clock.advance(1.0)
        line.poke(inverter)
        await clock.advance(0.01)
        for _ in range(50):
            line.poke(inverter)
            await clock.advance(0.01)

    assert inverter.visits[:3] == [0.0, 1.0, 1.2]
    assert len(inverter.visits) <= 5


async def test_a_surprise_in_one_device_does_not_end_the_others() -> None:
    async with a_line() as (_, meter, inverter, clock, events):
        inverter.error = ZeroDivisionError("surprise")
        await clock.advance(2.0)

    assert len(meter.visits) >= 10
    assert ("inverter", "unknown") in events


@pytest.mark.parametrize(
    ("errors", "leaves"),
    [
        pytest.param([], 1, id="it answers"),
        pytest.param([DeviceSilent("a torn reply")], 2, id="the first answer is lost"),
        pytest.param([DeviceSilent("silence")] * 9, 2, id="it is silent"),
        pytest.param([ValueError("something nobody thought of")] * 9, 2, id="something unexpected happens"),
    ],
)
async def test_at_the_end_every_device_is_released_whatever_the_one_before_it_does(
    errors: list[Exception], leaves: int
) -> None:
    async with a_line() as (line, meter, inverter, _, _):
        meter.leaving = errors

        await line.leave()

    assert (meter.leaves, inverter.leaves) == (leaves, 1)


async def test_at_the_end_a_silent_device_takes_no_time_from_those_that_answer() -> None:
    async with a_line() as (line, meter, inverter, clock, _):
        meter.error = DeviceSilent("silence")
        meter.leaving = [DeviceSilent("silence")] * 2
        meter.ended = inverter.ended = []
        await clock.advance(3.0)

        await line.leave()

    assert inverter.ended == [inverter, meter, meter]


async def test_a_reading_that_cannot_be_said_silences_nobody_else() -> None:
    clock, heard = VirtualClock(datetime(2026, 6, 21, tzinfo=UTC)), []
    talkers = [Talker(plan, clock) for plan in lines_of(house(502))[0].stations]

    async def say(role: AnyRole, message: Any) -> None:
        heard.append(role.plan.kind)
        if role.plan.kind == "inverter":
            raise RuntimeError("a figure beyond the contract")

    async def event(code: str, text: str, severity: str) -> None: ...

    line = Line("test", PaperWire(), talkers, clock, say, event)
    task = asyncio.create_task(line.run())
    await clock.advance(1.0)
    still_running = not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert still_running
    assert min(heard.count(kind) for kind in ("inverter", "battery")) >= 5


class Talker(Desk):
    """A station that says something for each of its devices at each visit."""

    async def visit(self, wire: Any) -> list[tuple[AnyRole, Outcome]]:
        await super().visit(wire)
        return [(role, Outcome(role.silent(self._clock.now(), "test"), "")) for role in self.roles]
