"""Plugs in an evening; judged by the true currents of the plant."""

from typing import Any

from allocator_house import House, Plug, a_site
from evening import stepping


def a_plug(**changes: Any) -> dict[str, Any]:
    return a_site(chargers={}, plugs={"boiler": {"rating_w": 2000.0, "phases": ["a"], **changes}})


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
