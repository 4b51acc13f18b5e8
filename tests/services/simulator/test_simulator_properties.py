"""What holds for every car, every set of profiles and every battery, whatever they are told."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from busbar_simulator.plant.car import Car, CarSpec
from busbar_simulator.plant.inverter import Inverter, InverterSpec, Window
from busbar_simulator.plant.ledger import Ledger, Rule
from busbar_simulator.plant.storage import Storage, StorageSpec
from busbar_simulator.station.composite import Reader, Session
from busbar_simulator.station.profiles import Kind, Period, Profile, Purpose

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
pilots = st.lists(
    st.tuples(st.sampled_from((0.0, 4.0, 6.0, 9.5, 16.0, 32.0)), st.integers(1, 80)), max_size=12
)


@settings(max_examples=100, deadline=None)
@given(pilots=pilots, dead_s=st.floats(0, 8), ramp=st.floats(0.5, 20), soc=st.floats(0, 100))
def test_an_honest_car_never_takes_more_than_it_was_offered_within_its_dead_time(
    pilots: list[tuple[float, int]], dead_s: float, ramp: float, soc: float
) -> None:
    car = Car(CarSpec(dead_s=dead_s, ramp_a_per_s=ramp, ramp_down_a_per_s=8, max_a=32), soc)
    # Down by at most 32 A at 8 A/s: four seconds more than the dead time, and the step itself.
    window = round((dead_s + 4.0) * 10) + 2
    offered: list[float] = []
    for pilot, steps in pilots:
        for _ in range(steps):
            offered.append(pilot)
            car.step(0.1, 0.1, pilot, True, 230.0)
            assert car.draw_a <= max(offered[-window:]) + 1e-9
            assert car.draw_a == 0 or car.draw_a >= 3.2 - 1e-9, (
                "less than 6 A only where a full battery asks for less"
            )


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Any profile a central system might send."""
    starts = sorted(draw(st.sets(st.integers(1, 900), max_size=3)))
    limits = st.sampled_from((0.0, 6.0, 8.5, 16.0, 32.0))

    def moment() -> datetime | None:
        offset = draw(st.one_of(st.none(), st.integers(-900, 900)))
        return None if offset is None else NOON + timedelta(seconds=offset)

    purpose = draw(st.sampled_from((Purpose.TX, Purpose.TX_DEFAULT, Purpose.STATION_MAX)))
    return Profile(
        id=draw(st.integers(1, 5)),
        connector=0 if purpose is Purpose.STATION_MAX else draw(st.integers(0, 1)),
        level=draw(st.integers(0, 3)),
        purpose=purpose,
        kind=draw(st.sampled_from(Kind)),
        unit=draw(st.sampled_from(("A", "W"))),
        valid_from=moment(),
        valid_to=moment(),
        start=moment(),
        duration_s=draw(st.one_of(st.none(), st.integers(1, 900))),
        periods=(
            Period(start_s=0, limit=draw(limits)),
            *(Period(start_s=start, limit=draw(limits)) for start in starts),
        ),
    )


@settings(max_examples=200, deadline=None)
@given(installed=st.lists(profiles(), max_size=5), second=st.integers(0, 599), busy=st.booleans())
def test_the_composite_schedule_says_what_will_be_allowed(
    installed: list[Profile], second: int, busy: bool
) -> None:
    session = Session(transaction="t", began=NOON - timedelta(seconds=100)) if busy else None
    reader = Reader()
    if not busy and any(p.kind is not Kind.ABSOLUTE for p in installed):
        # Without a transaction a relative schedule begins whenever it is asked for.
        installed = [p for p in installed if p.kind is Kind.ABSOLUTE and (p.start or p.valid_from)]
    if not busy:
        installed = [p for p in installed if p.start or p.valid_from]
    # A schedule that repeats each day has edges beyond those of its first day, none of them within ten minutes.
    steps = reader.schedule(installed, 1, session, NOON, 600)
    said = [allowed.amps for start, allowed in steps if start <= second][-1]

    assert said == reader.allowed(installed, 1, session, NOON + timedelta(seconds=second)).amps


@settings(max_examples=100, deadline=None)
@given(
    low=st.one_of(st.none(), st.floats(-9000, 9000)),
    high=st.one_of(st.none(), st.floats(-9000, 9000)),
    grid=st.lists(st.floats(-20_000, 20_000), min_size=1, max_size=20),
    sun=st.floats(0, 12_000),
    soc=st.floats(0, 100),
    limit=st.one_of(st.none(), st.floats(0, 12_000)),
    allowed=st.booleans(),
)
def test_a_battery_stays_inside_its_plate_and_an_inverter_inside_its_rating(
    low: float | None,
    high: float | None,
    grid: list[float],
    sun: float,
    soc: float,
    limit: float | None,
    allowed: bool,
) -> None:
    spec = StorageSpec(charge_w=5000, discharge_w=4000)
    inverter = Inverter(spec=InverterSpec(rating_w=8000, storage=spec), storage=Storage(spec, soc))
    inverter.window, inverter.ac_limit_w = Window(low, high, allowed), limit
    for grid_w in grid:
        for _ in range(20):
            inverter.step(0.1, 6.0, sun, grid_w)
            assert -4000 <= inverter.battery_w <= 5000
            assert 0 <= inverter.pv_w <= sun
            assert inverter.ac_w <= 8000 + 1e-6
            assert inverter.storage is not None
            assert 0 <= inverter.storage.soc_percent <= 100


@settings(max_examples=100, deadline=None)
@given(currents=st.lists(st.tuples(st.floats(-60, 60), st.floats(0, 40)), min_size=1, max_size=120))
def test_the_ledger_adds_up(currents: list[tuple[float, float]]) -> None:
    ledger = Ledger({"main": {"a": 25.0}}, Rule())
    for house, loads in currents:
        ledger.note("main", "a", house + loads, loads, 1.0)
        ledger.tick(1.0)
    line = ledger.lines["main", "a"]
    sizes = [abs(house + loads) for house, loads in currents]
    over = [size for size in sizes if size > 25.2]

    assert line.over_s == len(over)
    assert line.highest_a == pytest.approx(max(sizes))
    assert line.over_a2s == pytest.approx(sum(a**2 - 625 for a in over))
    assert (line.longest is None) == (not over)
    assert line.longest is None or line.longest.lasted_s <= len(over)
