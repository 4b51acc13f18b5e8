"""The wires of the simulated house: what goes in comes out."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from busbar_simulator.plant.almanac import Almanac
from busbar_simulator.plant.car import Car, CarSpec
from busbar_simulator.plant.house import Circuit, Grid, House
from busbar_simulator.plant.household import Habit, Household
from busbar_simulator.plant.inverter import Inverter, InverterSpec, Window
from busbar_simulator.plant.recorded import BadDay, read_day
from busbar_simulator.plant.sky import Sky
from busbar_simulator.plant.socket import Socket, SocketSpec
from busbar_simulator.plant.storage import Storage, StorageSpec

NOON = datetime(2026, 6, 21, 12)  # noqa: DTZ001 -- local time of the house
MIDNIGHT = datetime(2026, 6, 21, 0)  # noqa: DTZ001


def a_house(at: datetime = MIDNIGHT, *, peak_w: float = 0.0, speed: float = 1.0, **more: object) -> House:
    """An empty house without appliances."""
    calm = Household(seed=1, base_w=0, kettles=0, ovens=0, machines=0)
    sky = Sky(seed=1, peak_w=peak_w, cloudiness=0.0)
    options = {"grid": Grid(volts=(230.0, 230.0, 230.0), ohms=0.0), "household": calm} | more
    return House(almanac=Almanac(start=at, speed=speed), sky=sky, **options)  # type: ignore[arg-type]


def with_battery(house: House, *, soc: float = 50.0, sun: bool = True, **spec: float) -> Inverter:
    """A hybrid inverter with a battery."""
    storage = StorageSpec(**spec)
    inverter = Inverter(spec=InverterSpec(storage=storage, has_sun=sun), storage=Storage(storage, soc))
    house.inverters["inverter"] = inverter
    return inverter


def live(house: House, seconds: float) -> None:
    """Step in tenths of a second."""
    for _ in range(round(seconds * 10)):
        house.step(0.1)


def test_an_oven_loads_only_its_phase() -> None:
    house = a_house()
    house.extra_w = (0.0, 2300.0, 0.0)
    live(house, 1)

    assert house.grid_a == pytest.approx((0, 10, 0))


def test_a_load_pulls_its_own_voltage_down() -> None:
    house = a_house(grid=Grid(volts=(230.0, 230.0, 230.0), ohms=0.1))
    house.extra_w = (4600.0, 0.0, 0.0)
    live(house, 1)

    assert house.volts[0] == pytest.approx(228, abs=0.1)
    assert house.volts[1] == 230


def test_the_battery_brings_the_sum_to_zero_and_leaves_the_phases_crooked() -> None:
    house = a_house()
    with_battery(house)
    house.extra_w = (3000.0, 0.0, 0.0)
    live(house, 15)

    assert sum(house.grid_w) == pytest.approx(0, abs=50)
    assert house.grid_a[0] == pytest.approx(8.7, abs=0.2)
    assert house.grid_a[1] == pytest.approx(-4.35, abs=0.2)


def test_noon_on_an_empty_house_is_exported_once_the_battery_takes_its_most() -> None:
    house = a_house(NOON, peak_w=9000)
    inverter = with_battery(house, charge_w=3000)
    live(house, 15)

    assert inverter.battery_w == pytest.approx(3000, abs=1)
    assert sum(house.grid_w) == pytest.approx(-(inverter.pv_w - 3000), abs=5)


@pytest.mark.parametrize(
    ("window", "load_w", "battery_w"),
    [
        pytest.param(Window(), 2000, -2000, id="left alone it feeds the house"),
        pytest.param(Window(low_w=0), 2000, 0, id="no discharge"),
        pytest.param(Window(low_w=-500), 2000, -500, id="discharge at most 500 W"),
        pytest.param(Window(low_w=1500, grid_charge=True), 0, 1500, id="at least 1500 W from the grid"),
        pytest.param(Window(low_w=1500), 0, 0, id="forced, but the grid is not allowed to charge it"),
        pytest.param(Window(high_w=-1000), 0, -1000, id="at least 1000 W out"),
        pytest.param(Window(low_w=0, high_w=0), 3000, 0, id="held at zero"),
    ],
)
def test_a_window_around_the_battery_at_night(window: Window, load_w: float, battery_w: float) -> None:
    house = a_house()
    inverter = with_battery(house)
    inverter.window = window
    house.extra_w = (load_w / 3,) * 3
    live(house, 20)

    assert inverter.battery_w == pytest.approx(battery_w, abs=30)


def test_an_ac_limit_takes_the_sun_and_leaves_charging_alone() -> None:
    house = a_house(NOON, peak_w=9000)
    inverter = with_battery(house, charge_w=2000)
    live(house, 10)
    inverter.ac_limit_w = 1000.0
    live(house, 10)

    assert inverter.ac_w == pytest.approx(1000, abs=1)
    assert inverter.battery_w == pytest.approx(2000, abs=1)


def test_an_ac_limit_throttles_discharge_too() -> None:
    house = a_house()
    inverter = with_battery(house)
    inverter.ac_limit_w = 500.0
    house.extra_w = (1000.0, 1000.0, 1000.0)
    live(house, 10)

    assert inverter.ac_w == pytest.approx(500, abs=1)


def test_a_tripped_inverter_gives_nothing_and_comes_back() -> None:
    house = a_house(NOON, peak_w=9000)
    inverter = with_battery(house)
    live(house, 5)
    inverter.trip(10)
    live(house, 5)
    assert inverter.ac_w == 0
    live(house, 10)
    assert inverter.pv_w > 5000


def test_an_empty_battery_gives_nothing_and_a_full_one_takes_nothing() -> None:
    night, noon = a_house(), a_house(NOON, peak_w=9000)
    empty, full = with_battery(night, soc=5.0), with_battery(noon, soc=100.0)
    night.extra_w = (1000.0, 0.0, 0.0)
    live(night, 10)
    live(noon, 10)

    assert empty.battery_w == 0
    assert full.battery_w == 0


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    hour=st.integers(0, 23),
    load_w=st.floats(0, 9000),
    soc=st.floats(0, 100),
    car_legs=st.integers(1, 3),
)
def test_energy_is_neither_made_nor_lost(
    seed: int, hour: int, load_w: float, soc: float, car_legs: int
) -> None:
    house = House(
        almanac=Almanac(start=NOON.replace(hour=hour), speed=60),
        household=Household(seed=seed),
        sky=Sky(seed=seed, peak_w=9000, cloudiness=0.5),
    )
    inverter = with_battery(house, soc=soc)
    socket = house.sockets["left-1"] = Socket(SocketSpec(legs=("b", "c", "a")))
    socket.car, socket.closed, socket.pilot_a = Car(CarSpec(legs=car_legs), 50), True, 16
    house.extra_w = (load_w, 0.0, 0.0)
    for _ in range(200):
        volts = house.volts
        house.step(0.1)
        drawn = sum(house.house_w) + socket.power_w(volts)
        grid = sum(a * v for a, v in zip(house.grid_a, volts, strict=True))
        assert grid == pytest.approx(drawn - inverter.pv_w + inverter.battery_w, abs=1e-6)
        assert 0 <= inverter.pv_w <= inverter.sun_w + 1e-9
        assert inverter.ac_w <= inverter.spec.rating_w + 1e-6
        assert -5000 <= inverter.battery_w <= 5000


def test_a_nested_circuit_carries_its_own_loads_and_the_main_one_all() -> None:
    circuits = (Circuit(), Circuit(id="garage", parent="main", limits_a={"a": 20.0, "b": 20.0, "c": 20.0}))
    house = a_house(circuits=circuits)
    for name, circuit in (("left-1", "garage"), ("drive-1", "")):
        socket = house.sockets[name] = Socket(SocketSpec(circuit=circuit))
        socket.car, socket.closed, socket.pilot_a = Car(CarSpec(), 50), True, 10
    house.extra_w = (460.0, 0.0, 0.0)
    live(house, 20)

    assert house.currents_a["garage"] == pytest.approx((10, 10, 10))
    assert house.currents_a["main"] == pytest.approx((22, 20, 20))


def test_speed_moves_the_calendar_and_states_of_charge_but_not_the_wires() -> None:
    slow, fast = a_house(speed=1), a_house(speed=60)
    for house in (slow, fast):
        socket = house.sockets["left-1"] = Socket(SocketSpec())
        socket.car, socket.closed, socket.pilot_a = Car(CarSpec(dead_s=5, battery_wh=50_000), 0), True, 16
        live(house, 4)
        assert socket.legs_a[0] == 0, "the dead time is in real seconds"
        live(house, 56)
        assert socket.legs_a[0] == 16

    assert fast.almanac.at(fast.elapsed_s).hour == 1
    cars = [house.sockets["left-1"].car for house in (slow, fast)]
    assert cars[1].soc_percent == pytest.approx(60 * cars[0].soc_percent, rel=1e-6)  # type: ignore[union-attr]
    assert fast.sockets["left-1"].energy_wh == pytest.approx(slow.sockets["left-1"].energy_wh)


def test_the_same_seed_is_the_same_day_and_another_is_not() -> None:
    second = 171 * 86_400.0
    days = [[Household(seed=s).power_w(second + 60 * m) for m in range(1440)] for s in (1, 1, 2)]

    assert days[0] == days[1]
    assert days[0] != days[2]


def test_a_family_boils_kettles_on_one_phase_and_bakes_on_another() -> None:
    home, second = Household(seed=3), 171 * 86_400.0
    highest = [max(home.power_w(second + 10 * n)[phase] for n in range(8640)) for phase in range(3)]

    assert highest[1] > 2000
    assert highest[2] > 2400


def test_a_habit_comes_every_day_at_its_time() -> None:
    oven = Habit(at_s=18 * 3600, lasts_s=1800, power_w=2300, phases=("a",))
    home = Household(seed=1, base_w=0, kettles=0, ovens=0, machines=0, habits=(oven,))
    day = 100 * 86_400.0

    assert home.power_w(day + 18 * 3600 - 1) == (0, 0, 0)
    assert home.power_w(day + 18 * 3600 + 1) == (2300, 0, 0)
    assert home.power_w(day + 86_400 + 18.4 * 3600) == (2300, 0, 0)
    assert home.power_w(day + 18.6 * 3600) == (0, 0, 0)


def test_no_sun_at_night_most_at_noon_and_less_behind_clouds() -> None:
    clear, grey = Sky(seed=1, peak_w=9000, cloudiness=0), Sky(seed=1, peak_w=9000, cloudiness=1)
    noon = 171.5 * 86_400

    assert clear.power_w(171 * 86_400) == 0
    assert 7000 < clear.power_w(noon) <= 9000
    assert grey.power_w(noon) < 0.5 * clear.power_w(noon)


DAY = "time,sun_w,house_a_w,house_b_w,house_c_w\n06:00,0,100,200,300\n12:00,5000,400,500,600\n"


@pytest.mark.parametrize(
    ("hour", "house_w", "sun_w"),
    [
        pytest.param(6, (100, 200, 300), 0, id="the first row from its time on"),
        pytest.param(11.9, (100, 200, 300), 0, id="a row holds until the next"),
        pytest.param(12, (400, 500, 600), 5000, id="the next row"),
        pytest.param(3, (400, 500, 600), 5000, id="before the first row the last of the day holds"),
        pytest.param(30, (100, 200, 300), 0, id="the day repeats"),
    ],
)
def test_a_recorded_day(hour: float, house_w: tuple[float, ...], sun_w: float) -> None:
    day = read_day(DAY)

    assert day.house_at(hour * 3600) == house_w
    assert day.sun_at(hour * 3600) == sun_w


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("time,load\n00:00,1\n", "needs `time` and `house_w`", id="no house column"),
        pytest.param("time,house_w\n", "no rows", id="only a heading"),
        pytest.param(
            "time,house_w\n00:00,nan\n", "line 2, house_w: 'nan' is out of range", id="not a number"
        ),
        pytest.param("time,house_w\n00:00,ten\n", "line 2, house_w: 'ten' is no number", id="a word"),
        pytest.param("time,house_w\n00:00\n", "line 2, house_w: None is no number", id="a short row"),
        pytest.param(
            "time,house_w\n25:00,1\n", "line 2, time: '25:00' is no time of day", id="an hour too many"
        ),
        pytest.param(
            "time,house_w\n01:00,1\n00:30,1\n", "line 3: time '00:30' does not rise", id="going back"
        ),
    ],
)
def test_a_bad_file_is_named_by_line_column_and_value(text: str, says: str) -> None:
    with pytest.raises(BadDay, match=says.replace("(", r"\(")):
        read_day(text)


def test_a_day_of_sums_is_spread_over_the_phases() -> None:
    assert read_day("time,house_w\n0,600\n").house_at(0) == (200, 200, 200)
