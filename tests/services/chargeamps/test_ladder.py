"""The one next step, as a table of what is wanted and what is seen."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from busbar_chargeamps.ladder import HeldWeek, Sight, Terms, marks_after, marks_before, verdict
from busbar_chargeamps.memory import Marks, Wish
from busbar_chargeamps.schedule import Period
from busbar_chargeamps.week import Stretch, week

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2025, 12, 4, 19, tzinfo=UTC)
MONDAY = datetime(2025, 11, 30, 23, tzinfo=UTC)
TONIGHT = (Period(NOW + timedelta(hours=2), NOW + timedelta(hours=3), 16.0),)
RUNNING = (Period(NOW - timedelta(hours=1), NOW + timedelta(hours=3), 16.0),)
HELD = HeldWeek(MONDAY, (Stretch(338_400, 342_000, 16.0),))
WEB = Terms(weekly=True, zone=AMSTERDAM, site_max_current=16.0)
EAPI = Terms(weekly=False, zone=AMSTERDAM, site_max_current=16.0)


def sight(
    mode: str | None = "Schedule",
    amps: float | None = 16.0,
    charges: bool = False,
    held: HeldWeek | None = None,
) -> Sight:
    return Sight(mode=mode, user_current=amps, is_charging=charges, held=held)


@pytest.mark.parametrize(
    ("want", "seen", "marks", "tried", "step"),
    [
        pytest.param(
            Wish("hands_off"), sight("On", charges=True), Marks(), (), None, id="hands off touches nothing"
        ),
        pytest.param(
            Wish("windows", TONIGHT), sight(), Marks(), (), "put_week", id="a missing schedule is written"
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight(held=HELD),
            Marks(),
            (),
            None,
            id="a schedule that is there is left",
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight(held=HeldWeek(MONDAY, (Stretch(0, 3600, 16.0), *HELD.stretches))),
            Marks(),
            (),
            None,
            id="what has passed of the week does not matter",
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight(held=HeldWeek(MONDAY, (Stretch(338_400, 342_000, 15.0),))),
            Marks(),
            (),
            "put_week",
            id="another current is not what is wanted",
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight(held=HeldWeek(MONDAY, (Stretch(338_400, 342_000, 15.5),))),
            Marks(),
            (),
            None,
            id="one that the cloud has rounded down to what it knows is",
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight(held=HeldWeek(MONDAY, (Stretch(338_400, 342_000, 16.1),))),
            Marks(),
            (),
            "put_week",
            id="and one that it rounded up is not",
        ),
        pytest.param(
            Wish("windows", RUNNING),
            sight(held=HeldWeek(MONDAY, (Stretch(334_000, 345_600, 16.0),))),
            Marks(),
            (),
            "put_week",
            id="a window that ends otherwise does",
        ),
        pytest.param(
            Wish("windows", RUNNING),
            sight(held=HeldWeek(MONDAY, (Stretch(320_000, 342_000, 16.0),))),
            Marks(),
            (),
            None,
            id="when a running window began does not",
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight(held=HeldWeek(MONDAY - timedelta(weeks=1), HELD.stretches)),
            Marks(),
            (),
            "put_week",
            id="last week's schedule is not this week's",
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight(held=HeldWeek(MONDAY, HELD.stretches, default_current=6.0)),
            Marks(),
            (),
            "put_week",
            id="a current outside the windows is not ours",
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight("On", held=HELD),
            Marks(),
            (),
            "mode",
            id="mode On would ignore it",
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight("Off", held=HELD),
            Marks(),
            (),
            None,
            id="off by its owner stays off",
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight("Off", held=HELD),
            Marks(mode_off=True),
            (),
            "mode",
            id="off by us is put back",
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight(amps=0.0, held=HELD),
            Marks(zeroed=True),
            (),
            "current",
            id="0 A by us is put back",
        ),
        pytest.param(
            Wish("windows", TONIGHT),
            sight(amps=0.0, held=HELD),
            Marks(),
            (),
            None,
            id="0 A by the owner stays",
        ),
        pytest.param(
            Wish("hold"), sight("Schedule"), Marks(), (), None, id="nothing charges and nothing would"
        ),
        pytest.param(
            Wish("hold"), sight("On", held=HELD), Marks(), (), "delete_week", id="first the schedule goes"
        ),
        pytest.param(
            Wish("hold"), sight("On"), Marks(), ("delete_week",), "current", id="then 0 A, before a car comes"
        ),
        pytest.param(
            Wish("hold"),
            sight("On", 0.0, True),
            Marks(),
            ("delete_week", "current"),
            "stop",
            id="then a remote stop",
        ),
        pytest.param(
            Wish("hold"),
            sight("On", 0.0, True),
            Marks(),
            ("delete_week", "current", "stop"),
            "mode",
            id="then mode Off",
        ),
        pytest.param(
            Wish("hold"),
            sight("Schedule", 16.0, False, HELD),
            Marks(),
            ("delete_week",),
            "current",
            id="a schedule that cannot be deleted gets 0 A",
        ),
        pytest.param(
            Wish("hold"), sight("On", None), Marks(), ("current",), "mode", id="an unknown current is not 0 A"
        ),
        pytest.param(
            Wish("release"),
            sight("Schedule", held=HELD),
            Marks(wrote=True),
            (),
            "delete_week",
            id="our schedule goes",
        ),
        pytest.param(
            Wish("release"),
            sight("Schedule", held=HELD),
            Marks(wrote=True, foreign={"a": 1}),
            (),
            "restore",
            id="the owner's schedule comes back",
        ),
        pytest.param(
            Wish("release"),
            sight("Off", 0.0),
            Marks(zeroed=True, current_before=13.0),
            (),
            "current",
            id="and his current",
        ),
        pytest.param(
            Wish("release"), sight("Schedule"), Marks(mode_before="On"), (), "mode", id="and his mode"
        ),
    ],
)
def test_the_next_step_with_a_weekly_schedule(
    want: Wish, seen: Sight, marks: Marks, tried: tuple[str, ...], step: str | None
) -> None:
    found = verdict(want, seen, marks, frozenset(tried), NOW, WEB)
    assert (found.step and found.step.kind) == step


@pytest.mark.parametrize(
    ("want", "seen", "marks", "step"),
    [
        pytest.param(
            Wish("windows", RUNNING), sight("On", 16.0), Marks(), None, id="inside a window at its current"
        ),
        pytest.param(
            Wish("windows", RUNNING), sight("On", 10.0), Marks(), ("direct", 16.0), id="inside at another"
        ),
        pytest.param(
            Wish("windows", RUNNING),
            sight("Off", 0.0),
            Marks(mode_off=True),
            ("direct", 16.0),
            id="off by us",
        ),
        pytest.param(Wish("windows", RUNNING), sight("Off", 16.0), Marks(), None, id="off by its owner"),
        pytest.param(
            Wish("windows", TONIGHT), sight("On", 16.0), Marks(), ("current", 0.0), id="before the window"
        ),
        pytest.param(Wish("windows", TONIGHT), sight("On", 0.0), Marks(), None, id="before it at 0 A"),
        pytest.param(
            Wish("hold"),
            sight("Schedule", 16.0),
            Marks(),
            ("current", 0.0),
            id="the charger's own schedule is no hold",
        ),
    ],
)
def test_the_next_step_where_we_switch(
    want: Wish, seen: Sight, marks: Marks, step: tuple[str, float] | None
) -> None:
    found = verdict(want, seen, marks, frozenset(), NOW, EAPI).step
    assert (found and (found.kind, found.amps)) == step


def test_a_window_above_the_sites_limit_never_reaches_the_charger() -> None:
    over = (Period(NOW - timedelta(hours=1), NOW + timedelta(hours=1), 32.0),)
    found = verdict(Wish("windows", over), sight("On", 0.0), Marks(), frozenset(), NOW, EAPI).step
    assert found is not None
    assert found.amps == 16.0


def test_what_was_there_before_our_first_write_is_kept_once() -> None:
    first = verdict(Wish("windows", TONIGHT), sight(), Marks(), frozenset(), NOW, WEB).step
    assert first is not None
    owner = Sight(mode="On", user_current=13.0, raw_held={"scheduleId": 7})

    marks = marks_after(first, marks_before(first, owner, Marks()))
    again = marks_before(first, Sight(mode="Schedule", raw_held={"scheduleId": 8}), marks)

    assert (again.foreign, again.mode_before, again.wrote) == ({"scheduleId": 7}, "On", True)


@pytest.mark.parametrize(
    ("now", "start", "end", "stretches", "deferred", "lost"),
    [
        pytest.param(
            "2025-12-04T20:00+01:00",
            "2025-12-04T22:00+01:00",
            "2025-12-04T23:00+01:00",
            [(338_400, 342_000)],
            0,
            0,
            id="an evening",
        ),
        pytest.param(
            "2025-12-08T00:10+01:00",
            "2025-12-07T23:00+01:00",
            "2025-12-08T02:00+01:00",
            [(0, 7200)],
            0,
            0,
            id="a running part begins with the week",
        ),
        pytest.param(
            "2026-03-28T12:00+01:00",
            "2026-03-29T01:45+01:00",
            "2026-03-29T03:15+02:00",
            [(524_700, 526_500)],
            0,
            0,
            id="half an hour over the missing hour",
        ),
        pytest.param(
            "2026-03-29T12:00+02:00",
            "2026-03-29T23:00+02:00",
            "2026-03-30T01:00+02:00",
            [(597_600, 601_200)],
            1,
            0,
            id="the short week ends at 167 hours",
        ),
        pytest.param(
            "2026-10-25T12:00+01:00",
            "2026-10-25T23:00+01:00",
            "2026-10-26T01:00+01:00",
            [],
            1,
            1,
            id="only the 169th hour and next week",
        ),
        pytest.param(
            "2025-12-04T20:00+01:00", "2025-12-04T18:00+01:00", "2025-12-04T20:00+01:00", [], 0, 0, id="over"
        ),
    ],
)
def test_the_weekly_form(
    now: str, start: str, end: str, stretches: list[tuple[int, int]], deferred: int, lost: int
) -> None:
    at, begin, finish = (datetime.fromisoformat(text).astimezone(UTC) for text in (now, start, end))
    made = week([Period(begin, finish, 16.0)], at, AMSTERDAM)
    assert [(one.start_s, one.end_s) for one in made.stretches] == stretches
    assert (len(made.deferred), len(made.not_expressible)) == (deferred, lost)


def test_counted_by_the_wall_clock_the_last_evening_of_summer_time_has_its_usual_numbers() -> None:
    now = datetime(2026, 10, 25, 11, tzinfo=UTC)
    evening = Period(datetime(2026, 10, 25, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC), 16.0)
    made = week([evening], now, AMSTERDAM, "wall")
    assert [(one.start_s, one.end_s) for one in made.stretches] == [(601_200, 604_800)]
    assert made.not_expressible == ()
