"""What a load draws, learned from a week of household life in virtual time."""

import math
import random
from collections.abc import Callable, Iterator

import msgspec
import pytest

from busbar_plugs import watch
from busbar_plugs.learn import Figures, Learned, drawing_above_w, figures, lived, peaked, planned_w

MONDAY = 1_700_000_000.0
HOUR = 3600.0
Sample = tuple[float, float]
"""Seconds since Monday, and watts."""


def boiler(rng: random.Random, hours: float) -> Iterator[Sample]:
    """2 kW for twenty minutes, then satisfied for two hours; one watt for its lamp."""
    at = 0.0
    while at < hours * HOUR:
        draws = (at % (140 * 60)) < 20 * 60
        yield at, rng.gauss(2000, 25) if draws else 1.0
        at += 30


def fridge(rng: random.Random, hours: float) -> Iterator[Sample]:
    """A start peak of a second, fifteen minutes falling from 115 to 85 W, half an hour of rest."""
    at = 0.0
    while at < hours * HOUR:
        yield at, 780.0
        for second in range(1, 900, 10):
            yield at + second, 85 + 30 * math.exp(-second / 300) + rng.gauss(0, 1)
        for second in range(900, 2700, 300):
            yield at + second, 0.8
        at += 2700


def washing_machine(rng: random.Random, hours: float) -> Iterator[Sample]:
    """Every twelve hours: heats a quarter of an hour, turns its drum for an hour with short rests, spins, is done."""
    at = 0.0
    while at < hours * HOUR:
        for second in range(0, 900, 10):
            yield at + second, rng.gauss(2050, 20)
        for second in range(900, 4500, 10):
            yield at + second, rng.gauss(180, 30) if second % 40 else 6.0
        for second in range(4500, 5100, 10):
            yield at + second, rng.gauss(420, 40)
        yield at + 5100, 1.4
        yield at + 8000, 1.4
        at += 12 * HOUR


def lived_through(samples: Iterator[Sample], settle_s: float = 120.0) -> tuple[Learned, list[Figures]]:
    """What is known at the end, and what was known when each cycle ended."""
    learned, seen, at_end = Learned(), watch.Watch(), []
    seen, learned = watch.after_switch(seen, learned, True, 0.0, MONDAY)
    for at, power_w in samples:
        cycles = learned.cycles
        seen, learned = watch.settled(seen, learned, at, settle_s)
        if learned.cycles > cycles:
            at_end.append(figures(learned, MONDAY + at))
        seen, learned = watch.after_sample(seen, learned, power_w, True, at, MONDAY + at)
    return learned, at_end


@pytest.mark.parametrize("rating_w", [1000.0, 4000.0], ids=["half its power", "twice its power"])
def test_a_boiler_configured_with_the_wrong_rating_is_known_after_three_cycles(rating_w: float) -> None:
    _, cycles = lived_through(boiler(random.Random(1), 10))

    assert planned_w(cycles[2], rating_w, seen_w=None) == pytest.approx(2000, rel=0.05)
    assert cycles[2].standby_w == pytest.approx(1.0, abs=0.1)


def test_before_three_cycles_a_level_below_the_rating_is_not_believed_yet() -> None:
    _, cycles = lived_through(boiler(random.Random(1), 10))

    assert planned_w(cycles[0], 4000.0, seen_w=None) == 4000.0
    assert planned_w(cycles[0], 1000.0, seen_w=None) == pytest.approx(2000, rel=0.05)


def test_a_boiler_that_is_satisfied_most_of_the_day_is_known_by_what_it_draws_when_it_runs() -> None:
    learned, _ = lived_through(boiler(random.Random(2), 7 * 24))
    known = figures(learned, MONDAY + 7 * 24 * HOUR)

    assert known.running_w == pytest.approx(2000, rel=0.02)
    assert known.duty == pytest.approx(20 / 140, rel=0.1)
    assert known.cycles > 60


def test_a_fridge_is_not_known_by_its_start_peak() -> None:
    learned, _ = lived_through(fridge(random.Random(3), 7 * 24))
    known = figures(learned, MONDAY + 7 * 24 * HOUR)

    assert known.running_w == pytest.approx(110, rel=0.1)
    assert known.peak_w == pytest.approx(780, rel=0.01)
    assert known.standby_w == pytest.approx(0.8, abs=0.1)
    assert known.duty == pytest.approx(1 / 3, rel=0.1)


def test_a_washing_machine_is_known_by_its_heater_and_its_drum_does_not_count_as_done() -> None:
    learned, cycles = lived_through(washing_machine(random.Random(4), 7 * 24))
    known = figures(learned, MONDAY + 7 * 24 * HOUR)

    assert known.running_w == pytest.approx(2050, rel=0.05)
    assert len(cycles) == 14, "one cycle a wash, whatever its pauses"


def test_a_load_that_draws_more_than_it_is_known_for_is_planned_at_what_it_draws() -> None:
    known = Figures(running_w=200.0, cycles=5)

    assert planned_w(known, 2000.0, seen_w=1950.0) == 1950.0


def test_a_new_heater_in_the_same_socket_is_learned_within_days() -> None:
    learned, _ = lived_through(boiler(random.Random(5), 7 * 24))
    now = MONDAY + 7 * 24 * HOUR
    for minute in range(60 * 12):
        learned = lived(learned, 900.0, 60.0, now + minute * 60)
    after = figures(learned, now + 12 * HOUR)
    for day in range(1, 60):
        for minute in range(60):
            learned = lived(learned, 900.0, 60.0, now + day * 24 * HOUR + minute * 60)

    assert after.running_w == pytest.approx(2000, rel=0.05), "a half day of less is not yet proof"
    assert figures(learned, now + 60 * 24 * HOUR).running_w == pytest.approx(900, rel=0.05)


def test_a_start_peak_fades_and_a_higher_one_replaces_it() -> None:
    learned = peaked(Learned(), 1000.0, MONDAY)

    assert figures(learned, MONDAY + 7 * 24 * HOUR).peak_w == pytest.approx(500)
    assert figures(peaked(learned, 1200.0, MONDAY + 60), MONDAY + 60).peak_w == pytest.approx(1200)


def test_what_was_learned_survives_a_file() -> None:
    learned, _ = lived_through(boiler(random.Random(6), 24))
    copy = msgspec.json.decode(msgspec.json.encode(learned), type=Learned)

    assert figures(copy, MONDAY + 24 * HOUR) == figures(learned, MONDAY + 24 * HOUR)


@pytest.mark.parametrize("appliance", [boiler, fridge, washing_machine])
def test_the_threshold_found_fast_is_the_one_of_the_figures(
    appliance: Callable[..., Iterator[Sample]],
) -> None:
    learned, _ = lived_through(appliance(random.Random(7), 24))

    assert drawing_above_w(learned) == figures(learned, MONDAY + 24 * HOUR).drawing_above_w


def test_a_gap_in_the_readings_is_not_filled_with_the_last_one() -> None:
    learned = lived(Learned(), 2000.0, 86_400.0, MONDAY)

    assert sum(level.seconds for level in learned.levels.values()) == 600.0


def test_a_calendar_that_was_set_back_forgets_nothing() -> None:
    learned = lived(Learned(), 2000.0, 600.0, MONDAY)
    learned = lived(learned, 2000.0, 600.0, MONDAY - 365 * 86_400)

    assert figures(learned, MONDAY).running_w == pytest.approx(2000, rel=0.01)


def test_a_calendar_that_jumped_by_years_forgets_not_everything() -> None:
    learned = Learned()
    for minute in range(120):
        learned = lived(learned, 2000.0, 60.0, MONDAY + minute * 60)
    learned = lived(learned, 2000.0, 60.0, MONDAY + 50 * 365 * 86_400)

    assert figures(learned, MONDAY + 50 * 365 * 86_400).running_w == pytest.approx(2000, rel=0.01)


def test_nothing_is_known_of_a_load_that_never_ran() -> None:
    assert figures(Learned(), MONDAY) == Figures()
    assert planned_w(Figures(), 2000.0, seen_w=None) == 2000.0


def test_a_level_counts_as_held_only_after_a_few_seconds() -> None:
    seen, learned = watch.after_switch(watch.Watch(), Learned(), True, 0.0, MONDAY)
    seen, learned = watch.after_sample(seen, learned, 3000.0, True, 1.0, MONDAY)
    assert watch.held_w(seen, 2.0) is None
    seen, learned = watch.after_sample(seen, learned, 700.0, True, 3.0, MONDAY)
    assert watch.held_w(seen, 7.0) == 700.0
