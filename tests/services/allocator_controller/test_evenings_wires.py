"""Wires in an evening: ovens, sub-circuits, cars that take less than they may; judged by the true currents of the plant."""

from itertools import pairwise

import pytest
from allocator_house import Car, House, a_site
from evening import a_one_phase_car, flat, one_leg, seconds_until, stepping

from busbar_contracts.charger import ConnectorStatus
from busbar_contracts.load import LoadSettingsSet


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("cars", [1, 3, 9])
def test_an_oven_at_a_full_line_is_answered_within_four_seconds_whatever_the_number_of_cars(
    cars: int, seed: int
) -> None:
    names = [f"box{number}" for number in range(cars)]
    leg = {name: "abc"[number // 3 if cars == 9 else 0] for number, name in enumerate(names)}
    most = 18.0 if cars == 1 else 6.0
    house = House(
        a_site(chargers={name: {"legs": [leg[name]], "max_a": most, "fallback_a": 0.0} for name in names}),
        cars={f"{name}-1": Car(legs=(leg[name],), uses=1, dead_s=2.0) for name in names},
        house={phase: stepping((0, 7), (150, 15)) for phase in "abc"},
        seed=seed,
    )
    house.cars["box0-1"].takes_a = most
    house.run(149)
    assert house.wires["a"].longest_s == 0
    house.run(30)

    assert house.wires["a"].worst_a == pytest.approx(8)
    assert 0 < house.wires["a"].longest_s <= 4.0


@pytest.mark.parametrize("seed", range(12))
def test_a_surplus_that_jumps_is_used_within_twenty_seconds_and_left_within_six(seed: int) -> None:
    site = one_leg(mode="solar_only", max_a=32.0)
    site["circuits"]["main"]["limit_a"] = 40.0
    house = House(
        site, cars=a_one_phase_car(takes_a=32.0), sun={"a": stepping((0, 8), (120, 18), (240, 8))}, seed=seed
    )
    car = house.cars["left-1"]
    house.run(120)
    assert car.drawn_a == pytest.approx(8, abs=0.31)

    assert seconds_until(house, lambda _: car.drawn_a >= 17.4, 30) <= 20
    house.run(240 - house.now)
    assert seconds_until(house, lambda _: car.drawn_a <= 8.3, 30) <= 6


def test_a_load_under_way_down_is_not_cut_twice_for_the_same_oven() -> None:
    house = House(a_site(), cars={"left-1": Car(dead_s=4.0)}, house={"a": stepping((0, 5), (60, 15))}, seed=2)
    house.run(80)

    assert [amps for at, amps in house.cars["left-1"].orders if at > 55] == [10.0]


def test_a_raise_never_takes_more_than_the_wires_have_free_while_another_load_is_still_on_its_way_down() -> (
    None
):
    site = a_site(chargers={"left": {"priority": 2}, "right": {"priority": 1}})
    cars = {"left-1": Car(dead_s=4.0), "right-1": Car(dead_s=1.0, plugged_at=60.0)}
    house = House(site, cars=cars, house=flat(5, 5, 5), seed=3).run(180)

    assert house.wires["a"].longest_s == 0
    assert cars["right-1"].drawn_a == pytest.approx(14)
    assert cars["left-1"].drawn_a == pytest.approx(6)


def test_a_running_load_is_raised_only_when_the_one_that_makes_room_has_gone_down() -> None:
    site = a_site(chargers={"left": {"priority": 1}, "right": {"priority": 2}})
    cars = {"left-1": Car(dead_s=4.0), "right-1": Car(dead_s=0.5)}
    house = House(site, cars=cars, house=flat(3, 3, 3), seed=3).run(120)
    assert (cars["left-1"].drawn_a, cars["right-1"].drawn_a) == pytest.approx((16, 6))
    house.tell(LoadSettingsSet(priority=3), load="left-1")
    house.run(120)

    assert (cars["left-1"].drawn_a, cars["right-1"].drawn_a) == pytest.approx((6, 16))
    assert house.wires["a"].longest_s == 0


@pytest.mark.parametrize(
    ("free_a", "charging"),
    [
        pytest.param(13.0, [6.0, 6.0], id="enough for both, and their margins together are one"),
        pytest.param(12.4, [0.0, 6.0], id="enough for both, but not to start the second"),
        pytest.param(6.5, [0.0, 0.0], id="enough to run one but not to start it"),
    ],
)
def test_two_cars_that_wait_do_not_leave_the_line_to_each_other(free_a: float, charging: list[float]) -> None:
    site = a_site(chargers={name: {"legs": ["a"], "fallback_a": 0.0} for name in ("left", "right")})
    site["site"] = {"distribution": "shared"}
    cars = {f"{name}-1": Car(legs=("a",), uses=1) for name in ("left", "right")}
    house = House(site, cars=cars, house={"a": stepping((0, 25 - free_a))}, seed=3).run(150)

    assert sorted(6.0 if car.drawn_a >= 6 else 0.0 for car in cars.values()) == charging
    assert house.wires["a"].longest_s == 0


def test_the_ramp_is_one_ampere_a_second_and_each_raise_waits_for_its_answer() -> None:
    house = House(a_site(), cars={"left-1": Car()}, house=flat(2, 2, 2), seed=4).run(60)
    orders = house.cars["left-1"].orders

    assert orders[0][1] == 6.0
    for (before, low), (after, high) in pairwise(orders):
        assert after - before >= 4.9
        assert high - low <= 5.0
    assert orders[-1][1] == 16.0


@pytest.mark.parametrize(
    ("takes", "first_gets", "second_gets"),
    [
        pytest.param(16.0, 14.0, 6.0, id="two hungry cars share what the line has"),
        pytest.param(8.0, 9.0, 11.0, id="a car that takes 8 A leaves the rest, but 1 A of room"),
    ],
)
def test_a_car_that_takes_less_than_granted_hands_over_the_rest(
    takes: float, first_gets: float, second_gets: float
) -> None:
    site = a_site(chargers={"left": {}, "right": {"priority": 2}})
    house = House(
        site, cars={"left-1": Car(takes_a=takes), "right-1": Car()}, house=flat(5, 5, 5), seed=5
    ).run(240)

    assert house.allocation is not None
    assert house.allocation.loads["left-1"].limit_a == pytest.approx(first_gets, abs=0.31)
    assert house.allocation.loads["right-1"].limit_a == pytest.approx(second_gets, abs=0.31)


def test_a_car_that_was_held_to_its_draw_gets_more_as_soon_as_it_uses_its_room() -> None:
    car = Car(takes_a=8.0)
    house = House(a_site(), cars={"left-1": car}, house=flat(5, 5, 5), seed=5).run(240)
    assert car.limit_a == pytest.approx(9, abs=0.31)
    car.takes_a = 16.0

    assert seconds_until(house, lambda _: car.drawn_a == 16.0, 90) <= 45


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(ConnectorStatus.SUSPENDED_EV, id="a car that paused by itself keeps its minimum only"),
        pytest.param(
            ConnectorStatus.PREPARING, id="a car that never begins keeps its minimum only after a minute"
        ),
    ],
)
def test_a_car_that_does_not_draw_keeps_its_minimum_and_leaves_the_rest(status: ConnectorStatus) -> None:
    site = a_site(chargers={"left": {}, "right": {"priority": 2}})
    cars = {"left-1": Car(status=status, takes_a=0.0), "right-1": Car()}
    House(site, cars=cars, house=flat(5, 5, 5), seed=6).run(150)

    assert cars["left-1"].limit_a == 6
    assert cars["right-1"].limit_a == pytest.approx(14)


def test_a_car_that_leaves_is_paused_and_its_frozen_reading_is_no_sun() -> None:
    site = a_site(chargers={"left": {}, "right": {"priority": 2}})
    cars = {"left-1": Car(), "right-1": Car()}
    house = House(site, cars=cars, house=flat(5, 5, 5), seed=7).run(120)
    cars["left-1"].status = ConnectorStatus.AVAILABLE
    house.run(60)

    assert cars["left-1"].limit_a == 0
    assert cars["right-1"].drawn_a == 16
    assert house.wires["a"].longest_s == 0


def test_a_garage_with_a_meter_of_its_own_holds_its_own_breaker() -> None:
    site = a_site(chargers={"left": {"circuit": "garage"}, "right": {"circuit": "garage", "priority": 2}})
    site["circuits"]["garage"] = {
        "limit_a": 20.0, "parent": "main", "meter": "garage", "assumed_background_a": 8.0
    }  # fmt: skip
    site["meters"]["garage"] = {"driver": "sunspec"}
    house = House(
        site,
        cars={"left-1": Car(), "right-1": Car()},
        house=flat(2, 2, 2),
        garage={phase: stepping((0, 1), (150, 7)) for phase in "abc"},
        seed=28,
    ).run(140)
    assert (house.cars["left-1"].drawn_a, house.cars["right-1"].drawn_a) == (13, 6)
    house.run(60)

    # Its meter tells what was a second ago.
    assert house.garage_wires["a"].longest_s <= 4.5
    assert house.cars["left-1"].drawn_a + house.cars["right-1"].drawn_a == pytest.approx(13, abs=0.31)


def test_two_plugs_of_one_charger_never_take_more_than_the_unit_may_even_while_one_makes_room() -> None:
    unit = {"max_current_a": 16.0, "connectors": {"1": {"priority": 2}, "2": {"priority": 1}}}
    cars = {"left-1": Car(dead_s=4.0), "left-2": Car(dead_s=1.0, plugged_at=60.0)}
    house = House(a_site(chargers={"left": unit}), cars=cars, house=flat(2, 2, 2), seed=34)
    most = 0.0
    for _ in range(180):
        house.run(1)
        most = max(most, cars["left-1"].drawn_a + cars["left-2"].drawn_a)

    assert most <= 16.05
    assert (cars["left-1"].drawn_a, cars["left-2"].drawn_a) == (6, pytest.approx(10, abs=0.31))


def test_a_charger_that_does_not_fall_back_by_itself_gets_no_more_than_could_stand_for_ever() -> None:
    house = House(a_site(), cars={"left-1": Car(lease="none")}, house=flat(2, 2, 2), seed=29).run(90)

    # 25 A less the 15 A that the owner expects at worst.
    assert house.cars["left-1"].limit_a == pytest.approx(10)


def test_a_meter_of_its_own_outranks_what_the_charger_says() -> None:
    site = one_leg(meter="box")
    site["meters"]["box"] = {"driver": "sunspec"}
    cars = a_one_phase_car(sample_s=60.0)
    house = House(site, cars=cars, house=flat(5), box="left-1", seed=30).run(60)
    cars["left-1"].takes_a = 8.0
    house.run(5)

    assert house.desk.state.books["grid"].draws["left-1"].amps[0] == pytest.approx(8)
