"""What its owner changes, what a car waits for, and what is said of it, in an evening."""

import pytest
from allocator_house import Car, House, a_site
from evening import a_one_phase_car, flat, one_leg, seconds_until, stepping

from busbar_contracts.allocation import MeterHealth, SiteLimit
from busbar_contracts.charger import ConnectorStatus
from busbar_contracts.load import LoadMode, LoadSettingsSet


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
