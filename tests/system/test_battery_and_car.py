"""Battery, allocator and a car as real processes: over Modbus, OCPP and a real broker, by the truth of the plant."""

import asyncio
import json
from pathlib import Path

import pytest

from houses import QUICK, House, quick_site, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

BREAKER_A, TOLERANCE_A = 25.0, 0.3
ALLOCATION_S = 30.0
"""For so long the battery service believes the last word of the allocator."""

ONE_PHASE = (
    QUICK.replace('id = "test"\n', 'id = "test"\nphases = ["a"]\n')
    .replace('charge_point = "CP-LEFT"\n', 'charge_point = "CP-LEFT"\nlegs = ["a"]\n')
    .replace("{more}", """
[batteries.cellar]
modbus = {{ host = "127.0.0.1", port = {modbus}, unit = 2 }}
writable = true
capacity_wh = 100000
[battery_flow]
dry_run = false
grid_charging = true
[simulator.battery]
ac_coupled = true
capacity_wh = 100000
soc_percent = 30
[simulator.house]
base_w = 500
kettles = 0
ovens = 0
machines = 0
[simulator.sun]
peak_w = 0
[simulator.cars.left]
car_legs = 1
arrives_after_s = {arrives_s}
""")
)  # fmt: skip

SUNNY = QUICK.replace("rating_w = 10000\n", "rating_w = 10000\nhybrid = true\n").replace("{more}", """
[batteries.cellar]
modbus = {{ host = "127.0.0.1", port = {modbus}, unit = 1 }}
inverter = "roof"
writable = true
capacity_wh = 100000
soc_target_percent = 80
[battery_flow]
dry_run = false
[simulator.battery]
capacity_wh = 100000
soc_percent = 50
charge_w = 1500
discharge_w = 5000
[simulator.house]
base_w = 500
kettles = 0
ovens = 0
machines = 0
[simulator.sun]
cloudiness = 0
""")  # fmt: skip


def on_a(house: House) -> float:
    """What truly flows on phase a."""
    phase = house.truth.a
    assert phase is not None
    return phase.current_a


async def fits(house: House, seconds: float) -> None:
    """The phase bears it all the time."""
    await house.holds(lambda: on_a(house) <= BREAKER_A + TOLERANCE_A, seconds, "phase a is overloaded")


@pytest.mark.parametrize(
    "arrives_s",
    [
        pytest.param(0, id="the car was first"),
        pytest.param(30, id="the battery was first", marks=pytest.mark.soak),
    ],
)
async def test_a_battery_charging_from_the_grid_and_a_car_share_a_line_and_the_allocator_dies(
    arrives_s: int, tmp_path: Path
) -> None:
    text = quick_site(text=ONE_PHASE.replace("{arrives_s}", str(arrives_s)))
    async with running(text, tmp_path) as house:
        if arrives_s:
            await house.until(lambda: house.truth.battery_w > 4000, 40, "the battery charges alone")
        await house.until(
            lambda: house.amps() > 14 and house.truth.battery_w > 1000, 200, "car and battery share the line"
        )
        await fits(house, 12)
        await house.stop("allocator")
        await house.until(lambda: house.amps() < 6.5, 20, "the car falls to its fallback")
        await house.until(
            lambda: house.truth.battery_w < 100,
            ALLOCATION_S + 15,
            "no grid energy without the allocator's word",
        )

        assert house.truth.verdict == "ok"


async def wish(house: House, **settings: float) -> None:
    """The owner changes the battery's settings."""
    await house.bus.say_raw("hems/battery/cellar/settings/set", json.dumps(settings), qos=1)


@pytest.mark.soak
async def test_a_car_on_solar_only_beside_a_battery_below_at_and_above_its_target(tmp_path: Path) -> None:
    """8 kW of sun under 10 kW of inverter, half a kilowatt of house, a battery at 50 % that takes 1.5 kW, a car of 11 kW."""
    async with running(quick_site(mode="solar_only", start="11:30", text=SUNNY), tmp_path) as house:
        # Below: the battery takes its 1.5 kW, the car what is left.
        await house.until(lambda: house.amps() >= 6 and house.truth.battery_w > 1300, 90, "both charge")
        await steady(house, lambda watts: watts > 1200)
        # At its target: the battery rests, the car has all the sun.
        await wish(house, soc_target_percent=50)
        await house.until(lambda: house.truth.battery_w < 300 and house.amps() > 9, 60, "the car has the sun")
        await steady(house, lambda watts: abs(watts) < 500)
        # Above: it helps the car, as far as the inverter goes.
        await wish(house, soc_target_percent=30)
        await house.until(
            lambda: house.amps() > 12.5 and house.truth.battery_w < -1200, 60, "the battery helps"
        )
        # One step of the car is worth 700 W; the battery need not be pulled away for that.
        await steady(house, lambda watts: watts < -500)

        assert house.truth.verdict == "ok"


async def steady(house: House, right: object, seconds: float = 12.0) -> None:
    """No tug of war: battery and car keep doing what they do."""
    assert callable(right)
    await asyncio.sleep(12)  # the car climbs by 1 A a second
    car = house.amps()
    await house.holds(lambda: right(house.truth.battery_w), seconds, "the battery is pulled away")
    assert abs(house.amps() - car) <= 1.5
