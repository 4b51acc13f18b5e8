"""Two loads that rise at once, and samples that are older than a cut: neither makes sun on a line that has none."""

import pytest

from busbar_allocator.background import Book, metered, ordered, sampled


def told(book: Book, load: str, before: float, after: float, at: float) -> Book:
    return ordered(book, load, (before,), (after,), at, 5.0)


def test_what_a_plug_takes_less_than_its_plate_is_not_the_next_cars_room() -> None:
    # A boiler of 6.5 A by its plate and 3.9 A in truth, and a car that starts at 6 A in the same second.
    book = sampled(
        sampled(metered(Book(), 0.0, (0.4,)), "boiler", 0.0, (0.0,), whole=True), "car", 0.0, (0.0,)
    )
    book = told(told(metered(book, 1.5, (0.4,)), "boiler", 0.0, 6.5, 2.0), "car", 0.0, 6.0, 2.0)
    book = metered(metered(book, 3.0, (10.3,)), 4.0, (10.3,))
    book = metered(sampled(book, "car", 4.0, (6.0,)), 5.1, (10.3,))

    assert book.background == pytest.approx((0.4,))
    assert book.draws["boiler"].amps == pytest.approx((3.9,))


def test_the_plug_that_measures_later_is_believed() -> None:
    book = sampled(
        sampled(metered(Book(), 0.0, (0.4,)), "boiler", 0.0, (0.0,), whole=True), "car", 0.0, (0.0,)
    )
    book = told(told(metered(book, 1.5, (0.4,)), "boiler", 0.0, 6.5, 2.0), "car", 0.0, 6.0, 2.0)
    book = metered(metered(book, 3.0, (12.9,)), 4.0, (12.9,))
    book = metered(sampled(book, "car", 4.0, (6.8,)), 5.1, (12.9,))
    book = metered(sampled(book, "boiler", 6.0, (6.5,)), 7.1, (12.9,))

    assert book.draws["boiler"].amps == pytest.approx((6.5,))


def test_a_sample_from_before_a_cut_is_not_bound_by_the_cut() -> None:
    # A car that began so late that its rise was the house's was measured at 8.6 A; that is heard after a cut to 6.4 A.
    book = sampled(metered(Book(), 0.0, (1.3,)), "car", 0.0, (0.0,))
    book = told(metered(book, 1.5, (1.3,)), "car", 0.0, 11.0, 2.0)
    book = metered(metered(metered(book, 3.0, (1.3,)), 8.0, (9.9,)), 18.0, (9.9,))
    book = metered(sampled(told(book, "car", 11.0, 6.4, 18.4), "car", 18.2, (8.6,)), 19.3, (9.9,))
    assert book.background == pytest.approx((1.3,))

    book = metered(metered(book, 20.3, (7.7,)), 21.3, (7.7,))
    assert (book.background, book.draws["car"].amps) == (pytest.approx((1.3,)), pytest.approx((6.4,)))


def test_a_rise_that_is_all_one_load_waits_for_is_that_loads() -> None:
    # A boiler of 8.7 A that never measures closes first, a car of 6 A begins when the boiler's dead time is over.
    book = sampled(metered(Book(), 0.0, (1.3,)), "car", 0.0, (0.0,))
    book = ordered(metered(book, 1.5, (1.3,)), "car", (0.0,), (6.0,), 2.0, 5.0)
    book = ordered(book, "boiler", (0.0,), (8.7,), 2.0, 2.0)
    book = metered(metered(metered(book, 3.0, (10.0,)), 6.5, (16.0,)), 7.5, (16.0,))

    assert book.background == pytest.approx((1.3,))
    assert book.draws["boiler"].amps == pytest.approx((8.7,))


def test_a_rise_that_a_sample_and_the_meter_tell_in_one_second_is_one_rise() -> None:
    # A slow car was raised twice, 11.1 to 13.7 to 16 A, before it answered the first; its sample and the meter say so.
    book = sampled(metered(Book(), 0.0, (19.1,)), "car", 0.0, (11.1,))
    book = told(told(metered(book, 1.5, (19.1,)), "car", 11.1, 13.7, 2.0), "car", 13.7, 16.0, 8.0)
    book = metered(sampled(metered(book, 9.0, (19.1,)), "car", 9.0, (13.7,)), 10.0, (21.7,))

    assert (book.background, book.draws["car"].amps) == (pytest.approx((8.0,)), pytest.approx((13.7,)))


def test_a_car_that_stopped_and_came_back_is_not_taken_for_the_one_that_was_raised_meanwhile() -> None:
    book = ordered(metered(Book(), 0.0, (17.0,)), "first", (0.0,), (16.0,), 0.0, 2.0)
    book = metered(sampled(sampled(book, "first", 0.5, (12.0,)), "second", 0.5, (0.0,)), 2.0, (17.0,))
    book = told(book, "second", 0.0, 6.0, 2.5)
    # The first lets go and comes back with 6 A, which the second is believed to have begun with.
    book = metered(metered(book, 3.0, (5.0,)), 4.0, (11.0,))
    book = metered(sampled(book, "first", 3.9, (6.0,)), 5.0, (11.0,))

    assert book.background == pytest.approx((5.0,))


def test_a_rise_beyond_what_a_car_waits_for_is_no_proof_that_it_never_stopped() -> None:
    book = ordered(metered(Book(), 0.0, (11.0,)), "car", (0.0,), (6.0,), 0.0, 2.0)
    book = metered(sampled(book, "car", 0.5, (6.0,)), 2.0, (11.0,))
    # It stops, is raised from 6 to 11 A, and comes back with its 6 A.
    book = metered(told(metered(book, 3.0, (5.0,)), "car", 6.0, 11.0, 3.5), 4.0, (11.0,))

    assert book.background[0] >= 5.0
