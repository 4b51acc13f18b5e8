"""A car follows the pilot late and by a ramp, and not always."""

import pytest

from busbar_simulator.plant.car import Car, CarSpec
from busbar_simulator.plant.socket import Socket, SocketSpec

VOLTS = (230.0, 230.0, 230.0)


def after(car: Car, seconds: float, pilot_a: float, powered: bool = True) -> float:
    """What it draws per leg after that long on this pilot."""
    for _ in range(round(seconds * 10)):
        car.step(0.1, 0.1, pilot_a, powered, 230.0)
    return round(car.draw_a, 2)


@pytest.mark.parametrize(
    ("spec", "pilot_a", "seconds", "draws_a"),
    [
        pytest.param(CarSpec(), 16, 1.9, 0, id="inside its dead time nothing happens"),
        pytest.param(CarSpec(), 16, 2.1, 6, id="it starts at the least a car can draw"),
        pytest.param(CarSpec(), 16, 20, 16, id="after a while it takes all it is offered"),
        pytest.param(CarSpec(max_a=10), 16, 20, 10, id="a small charger on board takes less"),
        pytest.param(CarSpec(), 5.9, 20, 0, id="less than 6 A is a pause"),
        pytest.param(CarSpec(), 6, 20, 6, id="6 A is enough"),
        pytest.param(CarSpec(dead_s=10), 16, 9, 0, id="a slow car thinks for ten seconds"),
        pytest.param(CarSpec(obeys=False), 6, 20, 16, id="a disobedient car takes all it can"),
        pytest.param(CarSpec(overdraw_a=0.5), 10, 20, 10.5, id="a careless car takes a little more"),
    ],
)
def test_what_a_car_draws(spec: CarSpec, pilot_a: float, seconds: float, draws_a: float) -> None:
    assert after(Car(spec, 50), seconds, pilot_a) == draws_a


def test_a_cut_shows_after_the_dead_time_and_then_at_once() -> None:
    car = Car(CarSpec(dead_s=2, ramp_down_a_per_s=8), 50)
    after(car, 20, 16)

    assert after(car, 1.8, 6) == 16
    assert after(car, 1.6, 6) == 6


def test_an_open_contactor_needs_no_obedience() -> None:
    car = Car(CarSpec(obeys=False), 50)
    after(car, 20, 16)

    assert after(car, 0.1, 16, powered=False) == 0


def test_a_car_that_was_paused_too_often_sleeps_until_the_cable_is_pulled() -> None:
    car = Car(CarSpec(dead_s=1, pauses_until_sleep=2), 50)
    for _ in range(2):
        after(car, 10, 10)
        after(car, 10, 0)

    assert after(car, 60, 16) == 0
    car.replug()
    assert after(car, 30, 16) == 16


def test_a_reluctant_car_needs_longer_after_a_pause() -> None:
    car = Car(CarSpec(dead_s=1, wake_s=20), 50)
    assert after(car, 10, 10) == 10
    after(car, 10, 0)

    assert after(car, 20, 10) == 0
    assert after(car, 10, 10) == 10


def test_near_full_it_takes_less_and_when_full_nothing() -> None:
    spec = CarSpec(taper_from_percent=90, full_percent=100, dead_s=0)

    assert after(Car(spec, 95), 20, 16) == pytest.approx(8, abs=0.1)
    assert after(Car(spec, 100), 20, 16) == 0


def test_an_hour_at_sixteen_amperes_on_three_phases_is_eleven_kilowatt_hours() -> None:
    car = Car(CarSpec(battery_wh=100_000, dead_s=0, ramp_a_per_s=1000), 0)
    after(car, 3600, 16)

    assert car.soc_percent == pytest.approx(11.04, abs=0.02)


@pytest.mark.parametrize(
    ("legs", "car_legs", "phases", "site_a"),
    [
        pytest.param(("a", "b", "c"), 3, 3, (16, 16, 16), id="wired straight"),
        pytest.param(
            ("b", "c", "a"), 1, 3, (0, 16, 0), id="a one-phase car on a rotated charger loads phase b"
        ),
        pytest.param(("c", "a", "b"), 2, 3, (16, 0, 16), id="two legs, rotated the other way"),
        pytest.param(("a", "a", "a"), 3, 3, (48, 0, 0), id="three legs on one site phase use it three times"),
        pytest.param(("b",), 3, 1, (0, 16, 0), id="a one-phase charger"),
        pytest.param(("a", "b", "c"), 3, 1, (16, 0, 0), id="switched to one phase"),
    ],
)
def test_where_the_current_flows(
    legs: tuple[str, ...], car_legs: int, phases: int, site_a: tuple[float, ...]
) -> None:
    socket = Socket(SocketSpec(legs=legs, max_a=16))
    socket.car, socket.closed, socket.pilot_a, socket.phases = (
        Car(CarSpec(legs=car_legs), 50),
        True,
        16,
        phases,
    )
    for _ in range(300):
        socket.step(0.1, 0.1, VOLTS)

    assert socket.currents() == pytest.approx(site_a, abs=0.01)
