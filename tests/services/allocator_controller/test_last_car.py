"""A one-phase car at a charger with three legs comes home: the sun of one leg is enough, from the second time on."""

from typing import Any

import pytest
from allocator_house import Battery, Car, House, a_site
from evening import flat, seconds_until
from msgspec.structs import replace

from busbar_allocator.desk import Desk
from busbar_contracts.charger import ConnectorStatus
from busbar_contracts.load import LoadMode, LoadSettingsSet

SITE: dict[str, Any] = {"chargers": {"left": {"mode": "solar_only"}}, "site": {"netting": "sum"}}
LITTLE_A, MUCH_A = 3.0, 8.0
"""Sun per phase: 2 kW, which bears 6 A on one leg and not on three; and 5.5 kW."""


def sunny(amps: float) -> dict[str, Any]:
    return dict.fromkeys("abc", lambda _: amps)


def after_a_session(first: Car, **changes: Any) -> House:
    """An evening after a car was charged in full sun and has left; now there is little."""
    house = House(a_site(**SITE), cars={"left-1": first}, sun=sunny(MUCH_A), **changes).run(120)
    assert first.drawn_a >= 6
    first.status = ConnectorStatus.AVAILABLE
    house.run(60)
    house.sun = sunny(LITTLE_A)
    return house.run(5)


def plugged_in(house: House, **changes: Any) -> Car:
    """A car comes: the one from before, or another."""
    car = house.cars["left-1"]
    car.status = ConnectorStatus.CHARGING
    for name, value in changes.items():
        setattr(car, name, value)
    house.import_wh = 0.0
    return car


def test_a_one_phase_car_that_comes_back_starts_on_the_sun_of_one_leg_and_imports_nothing() -> None:
    house = after_a_session(Car(uses=1))
    car = plugged_in(house)

    assert seconds_until(house, lambda _: car.drawn_a >= 6, 120) <= 40
    house.run(120)
    # Three times 3 A, all on its one leg.
    assert car.drawn_a == pytest.approx(9, abs=0.31)
    assert house.import_wh == 0


def test_the_first_time_nobody_knows_and_it_waits_for_the_sun_of_three_legs() -> None:
    car = Car(uses=1)
    house = House(a_site(**SITE), cars={"left-1": car}, sun=sunny(LITTLE_A)).run(200)
    assert car.orders == []
    house.sun = sunny(MUCH_A)

    assert seconds_until(house, lambda _: car.drawn_a >= 6, 120) <= 40


@pytest.mark.parametrize("sample_s", [10.0, 60.0])
def test_a_guest_on_three_legs_is_stopped_by_the_meter_and_the_mistake_is_made_once(sample_s: float) -> None:
    house = after_a_session(Car(uses=1))
    guest = plugged_in(house, uses=3, sample_s=sample_s)
    assert seconds_until(house, lambda _: guest.drawn_a >= 6, 120) <= 40
    started = house.now

    assert seconds_until(house, lambda _: guest.drawn_a == 0, 120) <= 15
    assert house.import_wh <= 10
    assert house.now > started
    house.run(600)
    assert guest.drawn_a == 0
    assert house.import_wh <= 10


def test_a_guest_is_noticed_too_where_all_legs_hang_on_one_phase() -> None:
    site = a_site(chargers={"left": {"mode": "solar_only", "legs": ["b", "b", "b"], "max_a": 8.0}})
    site["circuits"]["main"]["limit_a"] = 40.0
    car = Car(legs=("b", "b", "b"), uses=1, takes_a=8.0)
    house = House(site, cars={"left-1": car}, sun={"b": lambda _: 24.0}).run(120)
    assert car.drawn_a >= 6
    car.status = ConnectorStatus.AVAILABLE
    house.run(60)
    house.sun = {"b": lambda _: 9.0}
    guest = plugged_in(house, uses=3, sample_s=60.0)
    assert seconds_until(house, lambda _: guest.drawn_a >= 6, 120) <= 40

    assert seconds_until(house, lambda _: guest.drawn_a == 0, 120) <= 15


def test_a_guest_who_was_charged_on_three_legs_is_remembered_as_the_last_car() -> None:
    house = after_a_session(Car(uses=3))
    car = plugged_in(house)
    house.run(200)

    assert car.drawn_a == 0
    assert house.import_wh == 0


def test_the_last_car_is_remembered_over_a_restart() -> None:
    house = after_a_session(Car(uses=1))
    house.restart()
    house.run(30)
    car = plugged_in(house)

    assert seconds_until(house, lambda _: car.drawn_a >= 6, 120) <= 40
    assert house.import_wh == 0


@pytest.mark.parametrize("legs", [-1, 0, 4, 99])
def test_a_number_of_legs_that_no_car_has_is_no_thought(legs: int) -> None:
    house = after_a_session(Car(uses=1))
    kept = replace(house.desk.kept(), legs={"left-1": legs, "gone-1": 1})
    house.desk = Desk(house.desk.plan, kept, 1000.0 + house.now, "again")
    car = plugged_in(house)
    house.run(100)

    assert not house.refusals
    assert car.limit_a == 0


def test_it_does_not_start_where_another_leg_could_not_bear_it_after_all() -> None:
    house = after_a_session(Car(uses=1))
    # Phase b has 4 A left, whatever the sun does; netted over the phases there is sun for one leg.
    house.house = flat(0, 21 + LITTLE_A, 0)
    house.sun = {"a": lambda _: 20.0, "b": lambda _: LITTLE_A, "c": lambda _: 12.0}
    car = plugged_in(house)
    house.run(120)

    assert car.limit_a == 0
    assert house.allocation is not None
    assert "phase B" in house.allocation.loads["left-1"].reason


def test_while_it_sleeps_the_house_lowers_it_as_if_it_drew_on_all_legs() -> None:
    house = after_a_session(Car(uses=1))
    car = plugged_in(house, takes_a=0.0)
    assert seconds_until(house, lambda _: car.limit_a >= 6, 120) <= 40
    house.run(15)
    house.house = flat(0, 21 + LITTLE_A, 0)
    house.sun = {"a": lambda _: 20.0, "b": lambda _: LITTLE_A, "c": lambda _: 12.0}

    assert seconds_until(house, lambda _: car.limit_a == 0, 10) <= 3


def test_the_reason_says_what_is_thought_of_the_car() -> None:
    house = after_a_session(Car(uses=1))
    plugged_in(house, takes_a=0.0)
    house.run(45)

    assert house.allocation is not None
    assert house.allocation.loads["left-1"].reason == (
        "the last car here used one leg; more once this one has shown its own: 6 A"
    )


def test_in_standard_nothing_is_thought_and_nothing_held_back() -> None:
    house = after_a_session(Car(uses=1))
    car = plugged_in(house, uses=3)
    house.tell(LoadSettingsSet(mode=LoadMode.STANDARD), load="left-1")
    house.run(60)

    assert car.drawn_a == 16


def test_below_its_target_the_battery_gives_a_guest_next_to_nothing() -> None:
    battery = Battery(soc=50.0, answers=False)
    site = {**SITE, "batteries": {"home": {"driver": "sunspec", "charge_limit_w": 0.0}}}
    car = Car(uses=1)
    house = House(a_site(**site), cars={"left-1": car}, sun=sunny(MUCH_A), battery=battery).run(120)
    car.status = ConnectorStatus.AVAILABLE
    house.run(60)
    house.sun = sunny(LITTLE_A)
    guest = plugged_in(house, uses=3)
    house.run(200)

    assert guest.drawn_a == 0
    assert house.import_wh <= 10
