"""Evenings in a household, in virtual time, judged by the true currents of the plant."""

from itertools import pairwise
from math import sin, tau
from typing import Any

import pytest
from allocator_house import Battery, Car, House, Plug, Profile, a_site

from busbar_contracts.allocation import MeterHealth, SiteLimit
from busbar_contracts.charger import ConnectorStatus
from busbar_contracts.load import LoadMode, LoadSettingsSet


def flat(*phases: float) -> dict[str, Profile]:
    """The same on each phase all evening."""
    return {phase: (lambda _, amps=amps: amps) for phase, amps in zip("abc", phases, strict=False)}  # type: ignore[misc]


def stepping(*steps: tuple[float, float]) -> Profile:
    """Amperes from given moments on."""

    def now(at: float) -> float:
        return [amps for start, amps in steps if start <= at][-1]

    return now


def one_leg(**changes: Any) -> dict[str, Any]:
    """A site with a one-phase charger on phase a."""
    return a_site(chargers={"left": {"legs": ["a"], **changes}})


def a_one_phase_car(**changes: Any) -> dict[str, Car]:
    return {"left-1": Car(legs=("a",), uses=1, **changes)}


def seconds_until(house: House, reached: Any, most: float) -> float:
    """How long until the house is as wanted; more than `most` when it never is."""
    start = house.now
    while house.now - start <= most and not reached(house):
        house.run(0.1)
    return round(house.now - start, 1)


# -- wires ------------------------------------------------------------------------------------


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


# -- the safety ladder --------------------------------------------------------------------------


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


# -- following the sun ----------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("mode", "shown"), [(LoadMode.SOLAR_PRIORITY, "solar_priority"), (LoadMode.EXCESS, "excess")]
)
def test_a_mode_that_moves_no_limit_is_shown_in_the_same_moment(mode: LoadMode, shown: str) -> None:
    site = one_leg(mode="solar_only")
    cars = a_one_phase_car(status=ConnectorStatus.AVAILABLE)
    house = House(site, cars=cars, house=flat(5, 5, 5)).run(33.3)
    house.tell(LoadSettingsSet(mode=mode), load="left-1")

    assert house.allocation is not None
    assert house.allocation.loads["left-1"].mode == shown


def test_a_car_that_its_owner_enables_again_starts_with_the_next_reading() -> None:
    house = House(one_leg(), cars=a_one_phase_car(), house=flat(5, 5, 5)).run(40)
    house.tell(LoadSettingsSet(enabled=False), load="left-1")
    house.run(20)
    assert house.cars["left-1"].limit_a == 0
    house.tell(LoadSettingsSet(enabled=True), load="left-1")

    assert seconds_until(house, lambda one: one.cars["left-1"].limit_a >= 6, 10) <= 1.1


@pytest.mark.parametrize("after_s", [0.5, 1.5, 2.5, 3.0, 3.5, 4.0, 5.0])
def test_a_limit_from_outside_while_a_car_still_climbs_does_not_stop_it(after_s: float) -> None:
    """What still rises at the meter is the answer to the raise before, and no oven."""
    car = Car(dead_s=2.0, ramp_a_per_s=2.0)
    house = House(a_site(chargers={"left": {}}), cars={"left-1": car}, house=flat(0, 0, 0))
    seconds_until(house, lambda _: car.limit_a >= 16, 60)
    house.run(after_s)
    for number in range(4):
        order = SiteLimit(
            issuer="dso", instance="q", seq=number + 1, issued_at=house._wall(house.now), lease_s=15.0,
            reason="section 14a", import_limit_w=4200.0,
        )  # fmt: skip
        house.tell(order)
        house.run(4)

    assert min(limit for at, limit in car.orders) >= 6
    assert car.drawn_a == 6


def test_a_car_that_never_drew_need_not_rest_from_a_fallback_that_was_found_in_force() -> None:
    """After a start of everything the charger tells of its fallback; the sun is enough for the car."""
    car = Car(legs=("a",), uses=1, status=ConnectorStatus.PREPARING, limit_a=6.0, lease_until=1e9)
    sun = {"a": stepping((0, 0), (3, 12)), "b": lambda _: 0.0, "c": lambda _: 0.0}
    house = House(one_leg(mode="solar_only"), cars={"left-1": car}, sun=sun)
    house.run(3)
    assert house.desk.state.minds["left-1"].limit_a == 0

    assert seconds_until(house, lambda _: car.limit_a >= 6 and house.now > 6, 60) <= 34


def test_a_meter_that_falls_silent_is_shown_within_two_seconds_of_being_stale() -> None:
    house = House(one_leg(mode="solar_only"), cars=a_one_phase_car(), house=flat(5, 5, 5))
    house.meter_from = 14.5
    house.run(27.0)

    assert house.allocation is not None
    assert house.allocation.meter is MeterHealth.STALE


@pytest.mark.parametrize(
    ("sun_a", "silent", "said"),
    [
        pytest.param(6.6, False, "starts at 7 A, 6.6 A left; sun", id="enough to run but not to start"),
        pytest.param(12.0, False, "starts in 10 s if it stays so; sun", id="enough, for a moment only"),
        pytest.param(12.0, True, "waits until its meter speaks again; sun", id="a meter that is stale"),
    ],
)
def test_a_car_that_could_run_but_does_not_says_what_it_waits_for(
    sun_a: float, silent: bool, said: str
) -> None:
    house = House(
        one_leg(mode="solar_only"), cars=a_one_phase_car(), sun={"a": stepping((0, sun_a)), "b": lambda _: 0}
    )
    if silent:
        house.meter_from = 10.0
    house.run(24.0)

    assert house.allocation is not None
    assert house.allocation.loads["left-1"].limit_a == 0
    assert house.allocation.loads["left-1"].reason.startswith(said)


# -- batteries ------------------------------------------------------------------------------------


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


# -- circuits -------------------------------------------------------------------------------------


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


# -- plugs ----------------------------------------------------------------------------------------


def a_plug(**changes: Any) -> dict[str, Any]:
    return a_site(chargers={}, plugs={"boiler": {"rating_w": 2000.0, **changes}})


def test_a_small_plug_switches_on_although_it_takes_less_than_a_car() -> None:
    house = House(
        a_plug(mode="solar_only", rating_w=1000.0),
        plugs={"boiler": Plug(watts=1000.0)},
        sun={"a": stepping((0, 6))},
        seed=22,
    ).run(60)

    assert house.plugs["boiler"].on


def test_a_plug_that_measures_every_five_minutes_runs_on_while_the_house_flickers() -> None:
    house = House(a_plug(mode="solar_only"), plugs={"boiler": Plug()}, sun={"a": stepping((0, 12))}, seed=23)
    house.house = {"a": lambda at: 1.0 + (1.0 if int(at / 20) % 2 else 0.0)}
    house.run(900)

    assert [watts for _, watts in house.plugs["boiler"].orders] == [0.0, 2000.0]


def test_an_oven_beside_a_running_plug_switches_it_off_at_once() -> None:
    house = House(a_plug(), plugs={"boiler": Plug()}, house={"a": stepping((0, 5), (60, 20))}, seed=24).run(
        59
    )
    assert house.plugs["boiler"].on
    house.run(5)

    assert not house.plugs["boiler"].on
    assert house.wires["a"].longest_s <= 2.5
