"""Whether a car that runs on at its minimum lacks sun: its own phases tell, where the meter nets each for itself."""

import pytest
from allocator_house import Car, House, a_site
from evening import flat, stepping

DIP = stepping((0, 8), (60, 6.05), (300, 4), (310, 6.05))
"""Enough to start, then for four minutes just enough, then a cloud of ten seconds."""


@pytest.mark.parametrize(
    ("charger", "car"),
    [
        pytest.param({"legs": ["a"]}, Car(legs=("a",), uses=1), id="a charger on one phase"),
        pytest.param({}, Car(uses=1), id="a one-phase car at a charger on three"),
    ],
)
def test_a_cloud_is_ridden_through_although_another_phase_imports_all_the_time(
    charger: dict[str, object], car: Car
) -> None:
    site = a_site(chargers={"left": {"mode": "solar_only", **charger}}, site={"netting": "per_phase"})
    everywhere = stepping((0, 8), (60, 0))
    house = House(
        site, cars={"left-1": car}, house=flat(0, 0, 0), sun={"a": DIP, "b": everywhere, "c": everywhere}
    ).run(60)
    assert car.drawn_a >= 6
    house.house = flat(0, 9, 0)
    house.run(400)

    assert min(amps for at, amps in car.orders if at > 60) == 6


def test_netted_over_the_phases_what_another_takes_is_missing() -> None:
    site = a_site(chargers={"left": {"mode": "solar_only", "legs": ["a"]}}, site={"netting": "sum"})
    car = Car(legs=("a",), uses=1)
    house = House(site, cars={"left-1": car}, house=flat(0, 0, 0), sun={"a": lambda _: 8.0}).run(60)
    house.house = flat(0, 9, 0)
    house.run(150)

    assert car.limit_a == 0
