"""The mixed house of the mode Excess, alive in virtual time: 15 kW of export over a gate of 10 kW.

The real allocator, the heat service's own rules, and the simulator's water, rooms and car. The tank (priority 1)
takes its 3.5 kW, the heat pump 2 kW, and the car the 9.5 kW that are left once it is plugged in.
"""

import tomllib

import pytest

from busbar_cli.simulate import simulate
from busbar_cli.simulate_scenario import scenario_of

HOUSE = """
[simulate]
title = "mixed house"
hours = 0.5
settle_s = 600
[simulate.sun]
points = [[0, {sun_w}]]
[simulate.house.a]
points = [[0, 500]]
[site]
id = "mixed"
netting = "sum"
excess_threshold_w = 10000
excess_uses = "all"
[circuits.main]
limit_a = 35
meter = "grid"
assumed_background_a = 10
[meters.grid]
modbus = {{ host = "127.0.0.1", port = 15020, unit = 200 }}
[inverters.roof]
modbus = {{ host = "127.0.0.1", port = 15020, unit = 1 }}
rating_w = 20000
[ocpp]
security = 0
[chargers.left]
mode = "excess"
priority = 3
fallback_a = 0
[heaters.tank]
phases = ["a"]
rating_w = 3500
mode = "excess"
priority = 1
legionella = false
[heaters.tank.topics]
command = "tank/set"
temperature = {{ topic = "tank/state", path = "celsius" }}
power = {{ topic = "tank/state", path = "watts" }}
[heaters.pump]
kind = "sg_ready"
phases = ["b"]
rating_w = 2000
mode = "excess"
priority = 2
[heaters.pump.topics]
relay_a = {{ command = "pump/a" }}
relay_b = {{ command = "pump/b" }}
temperature = {{ topic = "pump/celsius" }}
power = {{ topic = "pump/watts" }}
[simulator]
seed = 7
start = "12:00"
[simulator.house]
volts = [230, 230, 230]
[simulator.battery]
capacity_wh = 0
[simulator.cars.left]
car_legs = 3
[simulator.heaters.tank]
litres = 500
celsius = 50
showers = 0
[simulator.heaters.pump]
celsius = 20.9
outside_c = 0
"""


@pytest.mark.parametrize(
    ("sun_w", "kilowatts"),
    [
        pytest.param(15_500, {"tank": 3.5, "pump": 2.0, "left-1": 9.5}, id="15 kW over a gate of 10 kW"),
        pytest.param(10_300, {"tank": 0.0, "left-1": 0.0}, id="9.8 kW do not open the gate"),
    ],
)
def test_who_takes_what_is_exported(sun_w: int, kilowatts: dict[str, float]) -> None:
    ran = simulate(scenario_of(tomllib.loads(HOUSE.format(sun_w=sun_w)), {}))
    figures = ran.figures

    drawn = {name: figures.loads_kwh[name] / figures.hours for name in kilowatts}
    assert drawn == pytest.approx(kilowatts, abs=0.35)
    assert figures.import_kwh == pytest.approx(0.0, abs=0.02)
    assert figures.promises_broken == 0
