"""The safety ladder in an evening: meters, chargers and allocators that fall silent; judged by the true currents of the plant."""

import pytest
from allocator_house import Car, House, a_site
from evening import flat, stepping

from busbar_contracts.allocation import MeterHealth


@pytest.mark.parametrize("how", ["gone", "frozen"])
def test_without_a_meter_every_load_is_at_its_fallback_within_the_stated_time(how: str) -> None:
    site = a_site(chargers={"left": {"fallback_a": 6.0}, "right": {"fallback_a": 0.0}})
    site["circuits"]["main"]["assumed_background_a"] = 10.0
    cars = {"left-1": Car(fallback_a=6.0), "right-1": Car(legs=("a",), uses=1)}
    house = House(site, cars=cars, house=flat(2, 2, 2), seed=8).run(90)
    house.meter_mode, house.meter_from = how, house.now
    house.run(30 + 1 + 2 + 1)

    assert (cars["left-1"].drawn_a, cars["right-1"].drawn_a) == (6, 0)
    assert house.allocation is not None
    assert house.allocation.meter is MeterHealth.LOST
    house.meter_from = 1e9
    house.run(260)
    assert cars["left-1"].drawn_a == 16


def test_a_meter_that_stands_still_while_a_car_moves_is_as_good_as_none() -> None:
    site = a_site(chargers={"left": {"fallback_a": 6.0}, "right": {"priority": 2, "fallback_a": 0.0}})
    site["circuits"]["main"]["assumed_background_a"] = 10.0
    cars = {"left-1": Car(fallback_a=6.0), "right-1": Car()}
    house = House(site, cars=cars, house=flat(2, 2, 2), seed=31).run(90)
    house.meter_mode, house.meter_from = "stuck", house.now
    house.run(20)
    cars["left-1"].takes_a = 9.0
    house.run(35)

    assert (cars["left-1"].drawn_a, cars["right-1"].drawn_a) == (6, 0)


def test_a_reading_that_its_service_doubts_may_cut_but_raises_nobody() -> None:
    house = House(a_site(), cars={"left-1": Car()}, house=flat(12, 12, 12), seed=32).run(90)
    house.meter_mode, house.meter_from = "doubtful", house.now
    house.house = flat(2, 2, 2)
    house.run(40)
    assert house.cars["left-1"].limit_a == pytest.approx(13)
    house.house = flat(15, 15, 15)
    house.run(5)

    assert house.cars["left-1"].limit_a == pytest.approx(10)


def test_a_stale_meter_keeps_a_reserve_and_raises_nobody() -> None:
    house = House(a_site(), cars={"left-1": Car()}, house=flat(12, 12, 12), seed=9).run(90)
    car = house.cars["left-1"]
    assert car.limit_a == pytest.approx(13)
    house.meter_from = house.now
    house.house = flat(0, 0, 0)
    house.run(20)

    assert car.limit_a == pytest.approx(10)


def test_a_load_that_is_paused_stays_paused_when_the_meter_dies() -> None:
    site = a_site(chargers={"left": {"fallback_a": 6.0}})
    site["circuits"]["main"]["assumed_background_a"] = 15.0
    house = House(site, cars={"left-1": Car(fallback_a=6.0)}, house=flat(22, 22, 22), seed=10).run(60)
    house.meter_from = house.now
    house.run(300)

    assert house.cars["left-1"].limit_a == 0


def test_a_silent_charger_stays_reserved_until_its_profile_ends() -> None:
    site = a_site(chargers={"left": {"fallback_a": 0.0}, "right": {"priority": 2, "fallback_a": 0.0}})
    cars = {"left-1": Car(), "right-1": Car()}
    house = House(site, cars=cars, house=flat(5, 5, 5), seed=11).run(120)
    assert cars["right-1"].limit_a == pytest.approx(6)
    cars["left-1"].link = False
    cars["left-1"].sample_s = 1e9
    house.run(100)
    # Its car charges on behind the dead link; the other must not take the room.
    assert cars["right-1"].limit_a == pytest.approx(6)
    cars["left-1"].takes_a = 0.0
    house.run(120)

    assert cars["right-1"].limit_a == pytest.approx(16)
    assert house.wires["a"].longest_s == 0


def test_a_restarted_allocator_takes_over_what_is_in_force_and_drops_no_car() -> None:
    house = House(a_site(), cars={"left-1": Car()}, house=flat(5, 5, 5), seed=12).run(60)
    car = house.cars["left-1"]
    assert car.drawn_a == 16
    house.restart()
    house.run(40)

    assert {amps for at, amps in car.orders if at > 60} == set()
    assert car.drawn_a == 16


def test_a_restarted_allocator_grants_nothing_until_every_charger_spoke_or_the_lease_is_over() -> None:
    site = a_site(chargers={"left": {}, "right": {}})
    cars = {"left-1": Car(), "right-1": Car(link=False, sample_s=1e9)}
    house = House(site, cars=cars, house=flat(2, 2, 2), seed=13)
    house.mute = {"right-1"}
    house.run(29)
    assert cars["left-1"].limit_a == 0
    house.run(20)

    assert cars["left-1"].limit_a > 0


@pytest.mark.parametrize("seed", range(6))
def test_lost_and_repeated_messages_cost_a_moment_and_never_the_wire(seed: int) -> None:
    site = a_site(chargers={"left": {}, "right": {}})
    house = House(
        site,
        cars={"left-1": Car(), "right-1": Car(dead_s=3.0)},
        house={phase: stepping((0, 3), (90, 9), (150, 2), (200, 8)) for phase in "abc"},
        seed=seed,
        loses=0.1,
        repeats=0.1,
    ).run(300)

    # An order that was lost leaves again when it is renewed, at the latest after a third of the lease.
    assert max(wire.longest_s for wire in house.wires.values()) <= 15


def test_a_charger_that_ignores_its_limit_is_reserved_at_what_it_draws() -> None:
    site = a_site(chargers={"left": {"priority": 1}, "right": {"priority": 2}})
    cars = {"left-1": Car(), "right-1": Car(obeys="never")}
    house = House(site, cars=cars, house={p: stepping((0, 2), (120, 8)) for p in "abc"}, seed=14).run(119)
    house.run(120)

    assert cars["left-1"].drawn_a <= 25 - 8 - 16 + 0.31 or cars["left-1"].drawn_a == 0
    assert house.wires["a"].longest_s <= 15
