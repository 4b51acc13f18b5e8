"""Following the sun in an evening; judged by the true currents of the plant."""

from itertools import pairwise
from math import sin, tau
from typing import Any

import pytest
from allocator_house import Battery, Car, House, Profile, a_site
from evening import a_one_phase_car, flat, one_leg, seconds_until, stepping

from busbar_contracts.load import LoadMode, LoadSettingsSet


def test_a_solar_car_waits_half_a_minute_for_sun_and_rides_through_a_cloud() -> None:
    house = House(
        one_leg(mode="solar_only"),
        cars=a_one_phase_car(),
        sun={"a": stepping((0, 9), (100, 2), (120, 9))},
        seed=15,
    ).run(29)
    car = house.cars["left-1"]
    assert car.limit_a == 0
    house.run(131)

    assert min(amps for at, amps in car.orders if at > 31) == 6
    assert car.drawn_a == pytest.approx(9, abs=0.31)


@pytest.mark.parametrize(
    ("left_over", "after", "why"),
    [
        pytest.param(1.0, 94, "30 Wh of import", id="it stops when it has imported its allowance"),
        pytest.param(5.5, 120, "two minutes", id="it stops after two minutes at the latest"),
    ],
)
def test_after_sunset_a_solar_car_stops_in_time_and_rests(left_over: float, after: float, why: str) -> None:
    house = House(
        one_leg(mode="solar_only"),
        cars=a_one_phase_car(),
        sun={"a": stepping((0, 9), (120, left_over))},
        seed=16,
    ).run(120)
    car = house.cars["left-1"]

    assert seconds_until(house, lambda _: car.limit_a == 0, 300) == pytest.approx(after, abs=4), why
    assert house.import_wh <= 30 + 2
    house.sun = {"a": stepping((0, 9))}
    house.run(170)
    assert car.limit_a == 0
    house.run(60)
    assert car.limit_a >= 6


@pytest.mark.parametrize(
    "sun",
    [
        pytest.param(lambda at: 11.3 + 4 * sin(at * tau / 600), id="slow waves"),
        pytest.param(lambda at: 11.3 + 3 * sin(at * tau / 120), id="quick waves"),
        pytest.param(
            lambda at: 11.3 + 4 * sin(at * tau / 900) + 0.3 * sin(at * tau / 3.7), id="flicker on slow waves"
        ),
    ],
)
def test_moving_sun_is_followed_with_little_import_and_little_waste(sun: Profile) -> None:
    house = House(one_leg(mode="solar_only"), cars=a_one_phase_car(), sun={"a": sun}, seed=33).run(300)
    before = (house.import_wh, house.export_wh)
    house.run(1200)

    # A third of an hour: at most 0.05 kWh of import and 0.15 kWh of waste in a whole one.
    assert house.import_wh - before[0] <= 50 / 3
    assert house.export_wh - before[1] <= 150 / 3


@pytest.mark.parametrize("seed", range(10))
def test_a_car_that_climbs_slowly_is_never_counted_twice_whenever_it_measures(seed: int) -> None:
    sun = dict.fromkeys("abc", stepping((0, 11.3)))
    car = Car(dead_s=2.5, ramp_a_per_s=2.0)
    house = House(
        a_site(chargers={"left": {"mode": "solar_only"}}), cars={"left-1": car}, sun=sun, seed=seed
    ).run(90)

    assert [amps for _, amps in car.orders if amps > 11.31] == []
    assert [low > high for (_, low), (_, high) in pairwise(car.orders)].count(True) == 0
    assert house.import_wh == 0


def test_in_steady_sun_nothing_oscillates() -> None:
    flicker = House(
        a_site(chargers={"left": {"legs": ["a"], "mode": "solar_only"}}),
        cars=a_one_phase_car(),
        sun={"a": stepping((0, 12))},
        seed=17,
    )
    flicker.house = {"a": lambda _: 1.0 + flicker.random.uniform(-0.15, 0.15)}
    flicker.run(120)
    before = len(flicker.cars["left-1"].orders)
    flicker.run(1800)

    assert len(flicker.cars["left-1"].orders) - before <= 20


def test_a_mode_change_acts_in_the_same_second_both_ways() -> None:
    house = House(one_leg(mode="standard"), cars=a_one_phase_car(), house=flat(5), seed=18).run(60)
    car = house.cars["left-1"]
    assert car.limit_a == 16
    house.tell(LoadSettingsSet(mode=LoadMode.SOLAR_ONLY), load="left-1")
    assert car.limit_a == 0
    house.run(10)
    house.tell(LoadSettingsSet(mode=LoadMode.STANDARD), load="left-1")
    house.run(1.1)

    assert car.limit_a == 6


def test_a_charger_that_may_switch_follows_the_sun_on_one_phase_and_back_on_three() -> None:
    site = a_site(chargers={"left": {"mode": "solar_only", "phase_switching": True}}, site={"netting": "sum"})
    sun = stepping((0, 4), (500, 12))
    house = House(site, cars={"left-1": Car()}, sun=dict.fromkeys("abc", sun), seed=25).run(200)
    car = house.cars["left-1"]
    assert (car.uses, car.drawn_a) == (1, pytest.approx(12, abs=0.31))
    house.run(500)

    assert (car.uses, car.drawn_a) == (3, pytest.approx(12, abs=0.31))
    switches = [at for at, amps in car.orders if amps == 0]
    assert all(later - before >= 300 for before, later in pairwise(switches))


def test_excess_runs_above_its_threshold_and_stops_in_time_below() -> None:
    site = one_leg(mode="excess")
    site["site"] = {"excess_threshold_w": 2000.0, "phases": ["a"]}
    house = House(site, cars=a_one_phase_car(), sun={"a": stepping((0, 8), (60, 20), (300, 8))}, seed=26).run(
        55
    )
    car = house.cars["left-1"]
    assert car.limit_a == 0
    house.run(200)
    # 20 A of sun less the threshold of 2000 W.
    assert car.drawn_a == pytest.approx(20 - 2000 / 230, abs=0.4)
    house.run(300)
    assert car.drawn_a == 0
    assert house.import_wh < 1


@pytest.mark.parametrize("uses", ["above", "all"])
def test_excess_may_use_all_of_the_export_once_its_gate_is_open(uses: str) -> None:
    site = one_leg(mode="excess")
    site["site"] = {"excess_threshold_w": 2000.0, "phases": ["a"], "excess_uses": uses}
    house = House(site, cars=a_one_phase_car(), sun={"a": stepping((0, 15))}, seed=27).run(200)

    expected = {"above": 6.3, "all": 15.0}
    assert house.cars["left-1"].drawn_a == pytest.approx(expected[uses], abs=0.4)


def with_battery(mode: str) -> dict[str, Any]:
    return a_site(chargers={"left": {"mode": mode}}, batteries={"home": {"driver": "sunspec"}})


def test_a_battery_that_gives_way_is_asked_two_amperes_at_a_time() -> None:
    house = House(
        with_battery("solar_only"),
        cars={"left-1": Car()},
        sun=flat(12, 12, 12),
        battery=Battery(soc=90),
        seed=19,
    ).run(200)
    orders = house.cars["left-1"].orders

    assert max(high - low for (_, low), (_, high) in pairwise(orders[1:])) <= 2.01
    assert house.cars["left-1"].drawn_a == 16
    assert house.import_wh < 12


def test_a_battery_that_does_not_answer_is_not_counted_on_for_five_minutes_and_the_reason_says_so() -> None:
    battery = Battery(soc=90, power_w=4000.0, answers=False)
    house = House(
        with_battery("solar_only"), cars={"left-1": Car()}, sun=flat(14, 14, 14), battery=battery, seed=20
    )
    house.run(80)
    car = house.cars["left-1"]
    at_most = (14 * 3 * 230 - 4000) / 230 / 3

    assert seconds_until(house, lambda _: car.drawn_a <= at_most + 0.31 and house.now > 70, 60) <= 60
    assert house.allocation is not None
    house.run(11)
    assert "battery" in house.allocation.loads["left-1"].reason
    imported = house.import_wh
    house.run(200)
    assert house.import_wh - imported < 1


def test_a_slow_battery_never_overloads_a_wire() -> None:
    house = House(
        with_battery("standard"),
        cars={"left-1": Car()},
        house=flat(6, 6, 20),
        battery=Battery(soc=90, lag_s=15.0),
        seed=21,
    ).run(300)

    assert max(wire.longest_s for wire in house.wires.values()) == 0
