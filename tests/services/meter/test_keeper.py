"""Keeping a device at what it was told: when to write, when to wait, when to stop fighting."""

import asyncio
from datetime import UTC, datetime

import pytest

from busbar_contracts.meter import Control
from busbar_meter.block import Block
from busbar_meter.definitions import model
from busbar_meter.hand import written
from busbar_meter.keeper import Keeper
from busbar_meter.writes import Aim, NotOffered, write
from busbar_shared.clock import VirtualClock
from services.meter.register_images import block


def device(percent: int = 10000, enabled: int = 0) -> Block:
    registers = block(123, WMaxLimPct=percent, WMaxLim_Ena=enabled, WMaxLimPct_SF=-2)
    return Block(model(123), registers[1], dict(enumerate(registers)))


def limit(percent: int, revert_s: float | None = 60.0) -> Aim:
    writes = (write(device(), "WMaxLimPct", percent), write(device(), "WMaxLim_Ena", 1))
    expect = {"WMaxLimPct": percent, "WMaxLim_Ena": 1}
    return Aim(
        writes=writes, expect=expect, coarse=frozenset(("WMaxLimPct",)), deadband=50, revert_s=revert_s
    )


RELEASE = Aim(writes=(write(device(), "WMaxLim_Ena", 0),), expect={"WMaxLim_Ena": 0}, releases=True)


def a_keeper_that_holds(percent: int = 5000) -> Keeper:
    keeper, aim = Keeper(), limit(percent)
    assert keeper.step(0, device(), aim).writes
    keeper.wrote(0, aim)
    assert keeper.step(1, device(percent, 1), aim).writes == ()
    return keeper


def test_an_unchanged_order_is_not_written_again_before_a_third_of_the_timer() -> None:
    keeper = a_keeper_that_holds()

    written = [second for second in range(2, 21) if keeper.step(second, device(5000, 1), limit(5000)).writes]

    assert written == [20]


def test_without_a_timer_nothing_is_refreshed() -> None:
    keeper, aim = Keeper(), limit(5000, None)
    keeper.step(0, device(), aim)
    keeper.wrote(0, aim)

    assert not any(keeper.step(second, device(5000, 1), aim).writes for second in range(1, 1000))


@pytest.mark.parametrize(
    ("second", "percent", "written"),
    [
        pytest.param(2, 4000, True, id="a change is written at once"),
        pytest.param(2, 4970, False, id="a change within half a percent waits"),
        pytest.param(6, 4970, True, id="but not longer than five seconds"),
        pytest.param(2, 5001, False, id="whichever way it goes"),
    ],
)
def test_changes(second: int, percent: int, written: bool) -> None:
    keeper = a_keeper_that_holds()

    assert bool(keeper.step(second, device(5000, 1), limit(percent)).writes) is written


def test_a_device_that_rounds_by_one_obeys() -> None:
    assert a_keeper_that_holds().step(2, device(4999, 1), limit(5000)).control is Control.OURS


def test_a_device_that_never_takes_it_is_reported_and_asked_again_later() -> None:
    keeper, aim = Keeper(), limit(5000)
    keeper.step(0, device(), aim)
    keeper.wrote(0, aim)

    steps = {second: keeper.step(second, device(), aim) for second in (1, 2, 3, 10, 33)}

    assert [steps[second].control for second in (1, 2, 3, 10)] == [Control.OURS] * 2 + [Control.REJECTED] * 2
    assert "WMaxLim_Ena reads 0 instead of 1" in steps[3].detail
    assert steps[33].writes


def test_somebody_else_is_answered_three_times_and_then_left_alone_for_a_minute() -> None:
    keeper, controls = a_keeper_that_holds(), []
    for second in range(2, 12, 2):
        step = keeper.step(second, device(9000, 1), limit(5000))
        controls.append((step.control, bool(step.writes)))
        if step.writes:
            keeper.wrote(second, limit(5000))
            keeper.step(second + 1, device(5000, 1), limit(5000))

    assert controls == [(Control.CONTENDED, True)] * 3 + [(Control.CONTENDED, False)] * 2
    assert keeper.step(80, device(9000, 1), limit(5000)).writes


def test_a_reversion_by_the_devices_own_timer_is_no_contention() -> None:
    step = a_keeper_that_holds().step(70, device(5000, 0), limit(5000))

    assert (step.control, bool(step.writes)) == (Control.OURS, True)
    assert "reverted by its timer" in step.detail


def test_a_release_is_written_once_and_confirmed() -> None:
    keeper = a_keeper_that_holds()

    first, second = keeper.step(5, device(5000, 1), RELEASE), keeper.step(6, device(5000, 1), RELEASE)
    done = keeper.step(7, device(5000, 0), RELEASE)

    assert (bool(first.writes), bool(second.writes), done.control) == (True, False, Control.RELEASED)
    assert keeper.touched is False


def test_a_device_we_never_touched_is_never_released_by_us() -> None:
    step = Keeper().step(0, device(5000, 1), RELEASE)

    assert (step.writes, step.control) == ((), Control.RELEASED)
    assert step.detail.startswith("someone else steers it")


def test_after_a_crash_what_we_may_have_left_behind_is_released() -> None:
    assert Keeper(touched=True).step(0, device(5000, 1), RELEASE).writes == RELEASE.writes


def test_a_refusal_is_not_repeated_every_second() -> None:
    keeper, aim = Keeper(), limit(5000)
    keeper.step(0, device(), aim)
    keeper.refused(0, "illegal value (3)")

    assert keeper.step(1, device(), aim).control is Control.REJECTED
    assert [bool(keeper.step(second, device(), aim).writes) for second in (1, 29, 30)] == [False, False, True]


def test_a_device_that_offers_nothing_is_not_written() -> None:
    step = Keeper().step(0, device(), NotOffered("no model 123"))

    assert (step.writes, step.control, step.detail) == ((), Control.UNAVAILABLE, "no model 123")


def test_what_is_told_soon_after_a_release_is_released_again_at_once() -> None:
    keeper = a_keeper_that_holds()
    assert keeper.step(10, device(5000, 1), RELEASE).writes
    keeper.wrote(10, RELEASE)
    assert keeper.step(11, device(5000, 0), limit(4000)).writes
    keeper.wrote(11, limit(4000))

    assert keeper.step(12, device(4000, 1), RELEASE).writes


def test_what_may_have_been_told_when_the_wire_broke_is_released_at_once() -> None:
    keeper = a_keeper_that_holds()
    keeper.step(10, device(5000, 1), RELEASE)
    keeper.wrote(10, RELEASE)
    assert keeper.step(11, device(5000, 0), limit(4000)).writes
    keeper.unsure()

    assert keeper.step(12, device(4000, 1), RELEASE).writes


async def test_a_release_that_was_interrupted_is_written_again_at_once() -> None:
    keeper = a_keeper_that_holds()
    step = keeper.step(10, device(5000, 1), RELEASE)
    clock = VirtualClock(datetime(2026, 6, 21, tzinfo=UTC))
    writing = asyncio.create_task(
        written(asyncio.Event().wait(), step, RELEASE, keeper, clock, lambda: None)  # type: ignore[arg-type]
    )
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)

    assert keeper.step(11, device(5000, 1), RELEASE).writes
