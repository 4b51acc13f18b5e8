"""The house beside the loads, with samples that are never taken at one instant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from busbar_allocator.background import Book, metered, ordered, sampled


def a_house(grid: float, car: float, limit: float = 16.0) -> Book:
    """One phase that shows `grid` ampere, of which a sampled car takes `car`."""
    book = metered(Book(), 0.0, (grid,))
    book = ordered(book, "car", (0.0,), (limit,), 0.0, 2.0)
    book = sampled(book, "car", 0.5, (car,))
    return metered(book, 2.0, (grid,))


def after(book: Book, *grids: float, start: float = 3.0) -> Book:
    """The book after readings each second."""
    for second, grid in enumerate(grids):
        book = metered(book, start + second, (grid,))
    return book


def test_a_sampled_car_is_subtracted_from_the_meter() -> None:
    assert a_house(15, 10).background == (5.0,)


@pytest.mark.parametrize(
    ("grids", "background"),
    [
        pytest.param((25,), 15, id="an oven that switches on is the house's at once"),
        pytest.param((5,), 5, id="a fall of what the car draws may be the car that stopped"),
        pytest.param((0,), 0, id="what falls beyond the car's draw is the house's"),
        pytest.param((11,), 5, id="a fall of a part of it may be the car, so the house keeps its figure"),
        pytest.param((11, 15), 9, id="a car that may have stopped and an oven that came are both believed"),
        pytest.param((14.9, 14.8, 15.0), 5, id="flicker is nobody's step"),
        pytest.param((14.8, 14.6, 14.4, 14.2), 4.2, id="a slow decline is the sun's or the house's"),
        pytest.param((13.5, 12.0, 10.5), 5, id="a quick decline adds up to a fall that may be the car's"),
    ],
)
def test_between_samples_the_doubt_goes_to_the_safe_side(grids: tuple[float, ...], background: float) -> None:
    assert after(a_house(15, 10), *grids).background[0] == pytest.approx(background)


def test_the_next_sample_ends_the_doubt_for_a_car_that_charges_on() -> None:
    book = metered(sampled(after(a_house(15, 10), 5), "car", 3.6, (10.0,)), 4.7, (5.0,))

    assert book.background == pytest.approx((-5.0,))


def test_the_next_sample_ends_the_doubt_for_a_car_that_stopped() -> None:
    book = metered(sampled(after(a_house(15, 10), 5), "car", 3.6, (0.0,)), 4.7, (5.0,))

    assert book.background == pytest.approx((5.0,))


def test_a_sample_taken_before_the_fall_does_not_end_the_doubt() -> None:
    book = metered(sampled(after(a_house(15, 10), 15, 5), "car", 3.5, (10.0,)), 5.0, (5.0,))

    assert book.background == pytest.approx((5.0,))


def test_a_rise_within_the_dead_time_of_a_raise_is_the_cars() -> None:
    book = ordered(a_house(13, 8, limit=8), "car", (8.0,), (12.0,), 2.5, 2.0)

    assert after(book, 13, 17).background == pytest.approx((5.0,))


def test_a_rise_far_beyond_the_raise_proves_no_raise_and_is_the_houses() -> None:
    book = after(ordered(a_house(13, 8, limit=8), "car", (8.0,), (12.0,), 2.5, 2.0), 13, 20)

    assert book.background == pytest.approx((12.0,))
    assert book.keep == pytest.approx((8.0,))


def test_a_rise_after_the_dead_time_is_the_houses_for_raising_but_may_be_the_cars_for_keeping() -> None:
    book = ordered(a_house(13, 8, limit=8), "car", (8.0,), (12.0,), 2.5, 2.0)
    book = after(book, 13, 13, 13, 17)

    assert book.background == pytest.approx((9.0,))
    assert book.keep == pytest.approx((5.0,))


def test_a_cut_counts_from_the_moment_the_meter_shows_it() -> None:
    book = ordered(a_house(21, 16), "car", (16.0,), (10.0,), 2.5, 5.0)

    assert after(book, 21).background == pytest.approx((5.0,))
    book = after(book, 21, 15)
    assert book.background == pytest.approx((5.0,))
    assert book.draws["car"].amps == pytest.approx((10.0,))
    assert book.draws["car"].answered_s == pytest.approx(1.5)


def test_after_its_dead_time_a_cut_load_that_did_not_fall_is_blamed_on_the_house() -> None:
    book = ordered(a_house(21, 16), "car", (16.0,), (10.0,), 2.5, 2.0)

    assert after(book, 21, 21, 21).background == pytest.approx((11.0,))


def test_a_disobedient_car_counts_as_house_beyond_its_limit() -> None:
    book = ordered(a_house(21, 16), "car", (16.0,), (10.0,), 2.5, 2.0)

    book = metered(sampled(after(book, 21, 21, 21), "car", 5.5, (16.0,)), 7.0, (21.0,))
    assert book.background == pytest.approx((11.0,))


@pytest.mark.parametrize(
    ("sample", "grids", "draw", "background"),
    [
        pytest.param(7.3, (12.3, 12.3), 7.3, 5.0, id="the sample shows the end of a cut that the meter shows later"),
        pytest.param(10.0, (12.3, 12.3), 7.3, 5.0, id="the car falls on after its sample"),
        pytest.param(8.3, (12.3, 12.3), 7.3, 5.0, id="a part of the fall was in the sample"),
        pytest.param(7.3, (12.3, 21.9), 7.3, 14.6, id="a kettle after the cut is a kettle"),
    ],
)  # fmt: skip
def test_the_end_of_a_cut_is_counted_once_whoever_tells_it_first(
    sample: float, grids: tuple[float, ...], draw: float, background: float
) -> None:
    book = ordered(a_house(21, 16), "car", (16.0,), (7.3,), 2.5, 5.0)
    book = sampled(after(book, 21, 15), "car", 4.4, (sample,))
    book = after(book, *grids, start=5.0)

    assert book.draws["car"].amps == pytest.approx((draw,))
    assert book.background == pytest.approx((background,))


def test_a_rise_that_only_the_sample_shows_is_not_subtracted_before_the_meter_must_show_it() -> None:
    book = a_house(5, 0)
    book = sampled(book, "car", 2.4, (16.0,))

    assert book.background == pytest.approx((5.0,))
    assert metered(book, 3.0, (5.0,)).background == pytest.approx((5.0,))
    assert metered(book, 3.5, (21.0,)).background == pytest.approx((5.0,))


def test_a_fall_that_the_sample_tells_first_is_expected_at_the_meter() -> None:
    book = sampled(a_house(21, 16), "car", 2.4, (10.0,))

    assert book.background == pytest.approx((5.0,))
    book = metered(book, 3.0, (15.0,))
    assert book.background == pytest.approx((5.0,))
    assert metered(book, 4.0, (15.0,)).background == pytest.approx((5.0,))


def test_a_load_that_never_measures_counts_only_what_the_meter_was_seen_to_rise() -> None:
    book = metered(Book(), 0.0, (5.0,))
    book = ordered(book, "boiler", (0.0,), (8.7,), 0.2, 2.0)

    assert metered(book, 1.0, (5.0,)).background == pytest.approx((5.0,))
    book = metered(book, 2.0, (13.5,))
    assert book.background == pytest.approx((5.0,))
    assert metered(book, 3.0, (5.1,)).background == pytest.approx((5.1,))


def test_two_cars_share_a_fall_until_each_has_spoken() -> None:
    book = metered(Book(), 0.0, (25.0,))
    for car in ("left", "right"):
        book = ordered(book, car, (0.0,), (10.0,), 0.0, 2.0)
        book = sampled(book, car, 0.5, (10.0,))
    book = metered(metered(book, 2.0, (25.0,)), 3.0, (15.0,))

    assert book.background == pytest.approx((5.0,))
    book = metered(sampled(book, "left", 3.4, (10.0,)), 4.5, (15.0,))
    assert book.background == pytest.approx((5.0,))
    book = metered(sampled(book, "right", 3.8, (10.0,)), 5.0, (15.0,))
    assert book.background == pytest.approx((-5.0,))


def test_a_repeated_or_older_reading_changes_nothing() -> None:
    book = a_house(15, 10)

    assert metered(book, 2.0, (40.0,)) is book
    assert sampled(book, "car", 0.5, (3.0,)) is book


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 16), st.floats(0, 20)), min_size=3, max_size=40),
    st.integers(2, 10),
)
def test_the_house_is_never_believed_smaller_than_it_is_while_the_car_keeps_within_its_order(
    seconds: list[tuple[float, float]], every: int
) -> None:
    """The car may draw anything below its limit, the house anything; samples come each `every` seconds.

    A rise of the car itself between samples counts as the house's, a fall of the house as the car's:
    both make the believed house larger, never smaller, beyond its flicker.
    """
    book = metered(Book(), 0.0, (sum(seconds[0]),))
    book = ordered(book, "car", (0.0,), (16.0,), -60.0, 2.0)
    book = sampled(book, "car", 0.0, (seconds[0][0],))
    for number, (car, house) in enumerate(seconds, start=1):
        now = 2.0 * number
        if number % every == 0:
            book = sampled(book, "car", now - 0.001, (car,))
        book = metered(book, now, (car + house,))
        if number % every == 0:
            # The car keeps still for the second in which the meter catches up with its sample.
            book = metered(book, now + 1.0, (car + house,))
            assert book.background[0] >= house - 0.31


def a_sunny_house() -> Book:
    """14 A of house and a car of 16 A under 14 A of sun: the meter shows 16 A, and the car has 9 A left."""
    book = metered(Book(), 0.0, (16.0,), (14.0,))
    book = ordered(book, "car", (0.0,), (16.0,), 0.0, 2.0)
    book = sampled(book, "car", 0.5, (16.0,))
    return metered(metered(book, 2.0, (16.0,), (14.0,)), 3.0, (16.0,), (14.0,))


@pytest.mark.parametrize(
    ("told", "background"),
    [
        pytest.param([(30, 0)], [14], id="meter and inverter tell of the trip at once"),
        pytest.param([(30, 14), (30, 0), (30, 0)], [14, 14, 14], id="the meter tells of the trip first"),
        pytest.param([(30, 14), (30, 14), (30, 14), (30, 0)], [14] * 4, id="the inverter is read late"),
        pytest.param([(16, 0), (30, 0), (30, 0)], [14, 14, 14], id="the inverter tells of the trip first"),
        pytest.param([(23, 7), (30, 7), (30, 0)], [7, 14, 14], id="the inverter falls in two steps"),
        pytest.param([(0, 14), (0, 14)], [0, 0], id="no source moved: the car may have stopped"),
        pytest.param(
            [(30, 14), (30, 14), (30, 14), (30, 14), (14, 14)], [14] * 5, id="an oven, later a car that may have stopped"
        ),
    ],
)  # fmt: skip
def test_an_inverter_that_trips_is_counted_once(
    told: list[tuple[float, float]], background: list[float]
) -> None:
    book, found = a_sunny_house(), []
    for second, (meter, sun) in enumerate(told):
        book = metered(book, 4.0 + second, (float(meter),), (float(sun),))
        found.append(book.background[0])

    assert found == pytest.approx(background)


def test_a_trip_that_is_told_late_is_not_taken_for_the_answer_to_the_cut_it_caused() -> None:
    book = metered(a_sunny_house(), 4.0, (30.0,), (14.0,))
    book = ordered(book, "car", (16.0,), (11.0,), 4.0, 5.0)
    book = metered(metered(book, 5.0, (30.0,), (14.0,)), 6.0, (30.0,), (0.0,))
    assert (book.background[0], book.draws["car"].amps[0]) == pytest.approx((14.0, 16.0))

    book = metered(book, 7.0, (25.0,), (0.0,))
    assert (book.background[0], book.draws["car"].amps[0]) == pytest.approx((14.0, 11.0))


@pytest.mark.parametrize(
    ("told", "draws", "background"),
    [
        pytest.param(
            [(13, 0), (13, -2), (18, -2)], [8, 6, 11], [5, 7, 7], id="the meter tells first what the battery took"
        ),
        pytest.param(
            [(11, -2), (13, -2), (18, -2)], [6, 6, 11], [7, 7, 7], id="the battery tells first what it took"
        ),
        pytest.param([(13, -2), (18, -2)], [6, 11], [7, 7], id="both tell of it at once"),
        pytest.param([(16, 0), (16, 0)], [11, 11], [5, 5], id="no battery moved: it was the car"),
    ],
)  # fmt: skip
def test_what_a_battery_takes_is_not_the_answer_of_a_car_that_was_raised_just_then(
    told: list[tuple[float, float]], draws: list[float], background: list[float]
) -> None:
    book = metered(Book(), 0.0, (11.0,), (0.0,))
    book = ordered(book, "car", (0.0,), (6.0,), 0.0, 2.0)
    book = metered(sampled(book, "car", 0.5, (6.0,)), 2.0, (11.0,), (0.0,))
    book, found = ordered(book, "car", (6.0,), (11.0,), 2.5, 6.0), []
    for second, (meter, battery) in enumerate(told):
        book = metered(book, 3.0 + second, (float(meter),), (float(battery),))
        found.append((book.draws["car"].amps[0], book.background[0]))

    assert found == [pytest.approx(one) for one in zip(draws, background, strict=True)]
