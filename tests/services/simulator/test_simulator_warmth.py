"""Tanks, rooms and appliances: heat in, heat out."""

import pytest

from busbar_simulator.plant.appliance import Appliance, ApplianceSpec, Kind
from busbar_simulator.plant.contact import DryContact
from busbar_simulator.plant.room import Room, RoomSpec
from busbar_simulator.plant.tank import Tank, TankSpec

VOLTS = (230.0, 230.0, 230.0)


def live(thing: Tank | Room | Appliance, hours: float, speed: float = 60.0) -> None:
    """Step in seconds of the calendar."""
    for _ in range(round(hours * 3600 * 10 / speed)):
        thing.step(0.1, 0.1 * speed, 0.0, VOLTS)


def test_two_kilowatts_for_an_hour_warm_two_hundred_litres_by_eight_and_a_half_kelvin() -> None:
    tank = Tank(TankSpec(showers=0, loss_w_per_k=1e-9), 40.0)
    tank.on = True
    live(tank, 1)

    assert tank.celsius == pytest.approx(48.6, abs=0.05)


def test_a_tank_loses_heat_to_its_cellar() -> None:
    tank = Tank(TankSpec(showers=0, loss_w_per_k=2.0), 70.0)
    live(tank, 24)

    assert tank.celsius == pytest.approx(60.7, abs=0.3)


def test_its_own_thermostat_stops_it_whatever_the_switch_says() -> None:
    tank = Tank(TankSpec(showers=0, stops_c=75), 74.0)
    tank.on = True
    live(tank, 3)

    assert tank.celsius == pytest.approx(75, abs=0.5)


def test_showers_cost_heat() -> None:
    bathed, dry = Tank(TankSpec(showers=3, seed=2), 60.0), Tank(TankSpec(showers=0), 60.0)
    live(bathed, 24)
    live(dry, 24)

    # Three times 45 litres of 28 K in 200 litres are 18.9 K; a cooler tank then loses less to the cellar.
    assert dry.celsius - bathed.celsius == pytest.approx(17.0, abs=1.0)


def test_a_tank_with_a_set_point_heats_by_itself() -> None:
    tank = Tank(TankSpec(showers=0), 40.0)
    tank.target_c = 55.0
    live(tank, 6)

    assert 52.9 < tank.celsius < 55.2


def test_a_tank_loads_only_its_phase() -> None:
    tank = Tank(TankSpec(phases=("c",), power_w=2300), 40.0)
    tank.on = True
    tank.step(0.1, 0.1, 0.0, VOLTS)

    assert tank.currents() == (0, 0, 10)


@pytest.mark.parametrize(
    ("first", "second", "settles_c"),
    [
        pytest.param(False, False, 21, id="normal"),
        pytest.param(False, True, 22, id="recommended: a degree more"),
        pytest.param(True, True, 23, id="forced: two degrees more"),
        pytest.param(True, False, None, id="blocked: it cools down"),
    ],
)
def test_an_sg_ready_heat_pump(first: bool, second: bool, settles_c: float | None) -> None:
    room = Room(RoomSpec(power_w=3000), 21.0)
    contacts = (DryContact(), DryContact())
    contacts[0].on, contacts[1].on = first, second
    room.contacts = contacts
    live(room, 24)

    if settles_c is None:
        assert room.celsius < 16
    else:
        assert room.celsius == pytest.approx(settles_c, abs=0.6)


def test_a_heat_pump_in_summer_cools() -> None:
    room = Room(RoomSpec(cools=True, outside_mean_c=32, outside_swing_k=0), 28.0)
    room.target_c = 24.0
    live(room, 48)

    assert room.celsius == pytest.approx(24, abs=0.6)


def test_a_compressor_is_not_switched_in_a_hurry() -> None:
    room = Room(RoomSpec(least_run_s=30), 20.0)
    room.step(0.1, 0.1, 0.0, VOLTS)
    assert room.running
    room.target_c = 10.0
    for _ in range(290):
        room.step(0.1, 0.1, 0.0, VOLTS)
    assert room.running
    for _ in range(20):
        room.step(0.1, 0.1, 0.0, VOLTS)
    assert not room.running


@pytest.mark.parametrize(
    ("kind", "calendar_s", "watts"),
    [
        pytest.param(Kind.PLAIN, 1, 1000, id="a lamp"),
        pytest.param(Kind.FRIDGE, 10, 1000, id="a fridge that runs"),
        pytest.param(Kind.FRIDGE, 1000, 3, id="a fridge that rests"),
        pytest.param(Kind.FRIDGE, 2500, 1000, id="a fridge that runs again"),
        pytest.param(Kind.WASHER, 300, 1000, id="a wash that heats"),
        pytest.param(Kind.WASHER, 1500, 150, id="a wash that turns"),
        pytest.param(Kind.WASHER, 6000, 3, id="a wash that is done"),
    ],
)
def test_what_an_appliance_draws(kind: Kind, calendar_s: float, watts: float) -> None:
    appliance = Appliance(ApplianceSpec(kind=kind, standby_w=3), on=True)
    appliance.step(2.0, calendar_s, 0.0, VOLTS)

    assert appliance.power_w == watts


def test_a_motor_takes_more_for_its_first_second() -> None:
    appliance = Appliance(ApplianceSpec(start_w=4000), on=True)
    drawn = []
    for _ in range(15):
        appliance.step(0.1, 0.1, 0.0, VOLTS)
        drawn.append(appliance.power_w)

    assert drawn == [4000] * 10 + [1000] * 5


def test_switched_off_it_draws_nothing_not_even_standby() -> None:
    appliance = Appliance(ApplianceSpec(standby_w=5))
    appliance.step(0.1, 0.1, 0.0, VOLTS)

    assert appliance.power_w == 0
