"""What every service with devices does alike: moments, leases on disk, notes and states on the bus."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_contracts.load import PlugState, PlugSwitch
from busbar_shared.clock import VirtualClock
from busbar_shared.fakes import FakeBus
from busbar_shared.kept_leases import KeptLease, kept_lease, take_up
from busbar_shared.leases import LeaseBook, OrderStamp
from busbar_shared.moment import BoundClock, Moment
from busbar_shared.notes import Note, Notes
from busbar_shared.spoken_states import SpokenStates

NOON = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)
NOW = Moment(NOON, 1000.0)


def later(seconds: float) -> Moment:
    return Moment(NOON + timedelta(seconds=seconds), 1000.0 + seconds)


def switch_on() -> PlugSwitch:
    return PlugSwitch(**OrderStamp("allocator").next(NOON), lease_s=30.0, reason="test", on=True)


def plug(at: Moment, *, on: bool = True) -> PlugState:
    return PlugState(at=at.at, link=True, on=on)


@pytest.mark.parametrize(
    ("set_by_s", "calendar"),
    [
        pytest.param(0.4, NOON, id="a clock that drifts is not followed"),
        pytest.param(-0.4, NOON, id="nor one that drifts back"),
        pytest.param(3600.0, NOON + timedelta(hours=1), id="a clock that was set is"),
        pytest.param(-3600.0, NOON - timedelta(hours=1), id="also when it was set back"),
    ],
)
def test_the_calendar_runs_with_the_monotonic_clock(set_by_s: float, calendar: datetime) -> None:
    clock = VirtualClock(NOON)
    bound = BoundClock(clock)
    clock.jump(set_by_s)

    assert bound.now() == Moment(calendar, clock.monotonic())


@pytest.mark.parametrize(
    ("off_s", "left_s"),
    [
        pytest.param(0.0, 30.0, id="at once: all of it"),
        pytest.param(12.0, 18.0, id="after 12 s: the rest"),
        pytest.param(31.0, 0.0, id="after its end: nothing"),
        pytest.param(-500.0, 30.0, id="a calendar that was set back does not lengthen it"),
    ],
)
def test_a_lease_on_disk_goes_on_counting(off_s: float, left_s: float) -> None:
    first: LeaseBook[PlugSwitch] = LeaseBook(lambda _, __: False)
    first.offer(switch_on(), now=NOON, monotonic=NOW.s)
    kept = [kept_lease(held, NOW) for held in first.held(NOW.s)]

    book: LeaseBook[PlugSwitch] = LeaseBook(lambda _, __: False)
    take_up(book, kept, Moment(NOON + timedelta(seconds=off_s), 5.0))

    assert [held.until_s for held in book.held(0.0)] == [5.0 + left_s]


@given(until=st.floats(-1e9, 1e10), saved_at=st.floats(-1e9, 1e10), now=st.floats(-1e9, 1e10))
def test_no_file_makes_a_lease_longer_than_it_was_given(until: float, saved_at: float, now: float) -> None:
    lease = KeptLease(order=switch_on(), until=until, saved_at=saved_at)

    assert 0.0 <= lease.left_s(now) <= 30.0


async def test_the_same_warning_is_said_once_a_minute() -> None:
    bus = FakeBus()
    notes, warning = Notes(bus), Note("not_json", "boiler: not JSON", "$")
    for second in (0, 1, 59, 60, 61):
        await notes.say("boiler", warning, 1000.0 + second)
    await notes.say("dryer", warning, 1061.0)

    assert len(bus.events) == 3, "at 0 s and at 60 s, and once for the other plug"


async def test_good_news_is_always_said() -> None:
    bus = FakeBus()
    notes = Notes(bus)
    for second in (0, 1):
        await notes.say("boiler", Note("link_back", "boiler is reachable again", severity="info"), second)

    assert len(bus.events) == 2


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param([(0.0, True), (0.5, False)], 1, id="a change within a second waits"),
        pytest.param([(0.0, True), (0.5, False), (1.0, False)], 2, id="and is said when the second is over"),
        pytest.param([(0.0, True), (1.0, True), (29.0, True)], 1, id="no change, no word"),
        pytest.param([(0.0, True), (30.0, True)], 2, id="but half a minute later all the same"),
    ],
)
async def test_a_state_is_said_on_change_not_too_often_and_never_too_seldom(
    told: list[tuple[float, bool]], said: int
) -> None:
    bus = FakeBus()
    states: SpokenStates[PlugState] = SpokenStates(bus, "plug")
    for second, on in told:
        await states.say("boiler", lambda at, on=on: plug(at, on=on), later(second))  # type: ignore[misc]

    assert [topic for topic, _ in bus.said] == ["hems/plug/boiler/state"] * said
