"""What holds for every price list: the plan's promises as properties."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from busbar_chargeamps.plan import Window, plan
from busbar_chargeamps.slots import Slot, read

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MIDNIGHT = datetime(2025, 12, 3, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)

prices = st.lists(
    st.one_of(st.floats(-0.5, 1.0), st.sampled_from([0.05, 0.1, 0.25, 0.3])), min_size=1, max_size=48
)
levels = st.integers(1, 60)
thresholds = st.floats(-0.6, 1.1)


def hours(values: list[float]) -> tuple[Slot, ...]:
    return tuple(Slot(MIDNIGHT + i * HOUR, MIDNIGHT + (i + 1) * HOUR, v) for i, v in enumerate(values))


def chosen(slots: tuple[Slot, ...], top_x: int, threshold: float) -> set[Slot]:
    made = plan(slots, MIDNIGHT, AMSTERDAM, top_x, threshold)
    return {slot for day in made.days.values() for slot in day.chosen}


@given(prices, levels, thresholds)
def test_splitting_every_hour_into_quarters_changes_no_window(
    values: list[float], top_x: int, threshold: float
) -> None:
    slots = hours(values)
    quarter = timedelta(minutes=15)
    split = tuple(
        Slot(s.start + i * quarter, s.start + (i + 1) * quarter, s.price) for s in slots for i in range(4)
    )

    whole = plan(slots, MIDNIGHT, AMSTERDAM, top_x, threshold)

    assert plan(split, MIDNIGHT, AMSTERDAM, top_x, threshold).windows == whole.windows


@given(prices, levels, thresholds, st.randoms(use_true_random=False))
def test_order_and_exact_duplicates_do_not_matter(
    values: list[float], top_x: int, threshold: float, shuffler: object
) -> None:
    entries = [
        {"start": s.start.isoformat(), "end": s.end.isoformat(), "price": s.price} for s in hours(values)
    ]
    mixed = entries + entries[: len(entries) // 2]
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]

    ordered = plan(read(entries).slots, MIDNIGHT, AMSTERDAM, top_x, threshold)

    assert plan(read(mixed).slots, MIDNIGHT, AMSTERDAM, top_x, threshold) == ordered


@given(prices, levels, thresholds, st.integers(0, 20), st.floats(0, 0.5))
def test_more_levels_or_a_higher_threshold_never_take_an_hour_away(
    values: list[float], top_x: int, threshold: float, more: int, higher: float
) -> None:
    slots = hours(values)

    before = chosen(slots, top_x, threshold)

    assert before <= chosen(slots, top_x + more, threshold)
    assert before <= chosen(slots, top_x, threshold + higher)


@given(prices, levels, thresholds)
def test_no_chosen_hour_costs_more_than_the_threshold(
    values: list[float], top_x: int, threshold: float
) -> None:
    assert all(slot.price <= threshold for slot in chosen(hours(values), top_x, threshold))


@given(prices, levels, thresholds)
def test_an_hour_left_out_is_dearer_than_every_hour_chosen_that_day(
    values: list[float], top_x: int, threshold: float
) -> None:
    slots = hours(values)
    made = plan(slots, MIDNIGHT, AMSTERDAM, top_x, threshold)
    for day, one in made.days.items():
        todays = [s for s in slots if s.start.astimezone(AMSTERDAM).date() == day and s.price <= threshold]
        left_out = [s for s in todays if s not in one.chosen]
        assert all(out.price > taken.price for out in left_out for taken in one.chosen)


@given(prices, levels, thresholds, st.integers(1, 10))
def test_the_same_prices_weeks_later_give_the_same_windows(
    values: list[float], top_x: int, threshold: float, weeks: int
) -> None:
    shift = timedelta(weeks=weeks)
    later = tuple(Slot(s.start + shift, s.end + shift, s.price) for s in hours(values))

    now = plan(hours(values), MIDNIGHT, AMSTERDAM, top_x, threshold)
    then = plan(later, MIDNIGHT + shift, AMSTERDAM, top_x, threshold)

    assert then.windows == tuple(Window(w.start + shift, w.end + shift) for w in now.windows)


@given(prices, levels, thresholds, st.integers(0, 47))
def test_planning_again_later_in_the_day_creeps_to_no_dearer_hour(
    values: list[float], top_x: int, threshold: float, passed: int
) -> None:
    slots = hours(values)
    now = MIDNIGHT + min(passed, 23) * HOUR

    later = plan(slots, now, AMSTERDAM, top_x, threshold)

    assert later.windows == plan(slots, MIDNIGHT, AMSTERDAM, top_x, threshold).windows
    assert all(window.end > now for window in later.remaining)
