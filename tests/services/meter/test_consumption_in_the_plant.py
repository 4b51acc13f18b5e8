"""A simulated house whose meter sits in the path to the loads: the grid that is worked out is the plant's true one."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from busbar_contracts.meter import MeterReading
from busbar_shared.config.load import read
from busbar_shared.config.root import Site
from busbar_simulator.build import build
from busbar_simulator.modbus_server import ModbusServer
from busbar_simulator.units import units
from services.meter.meter_house import running, until

SITE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 8
[meters.grid]
location = "consumption"
every_s = 0.2
[meters.grid.modbus]
host = "127.0.0.1"
port = {port}
unit = 200
[inverters.roof]
every_s = 0.2
hybrid = {hybrid}
[inverters.roof.modbus]
host = "127.0.0.1"
port = {port}
unit = 1
[simulator]
start = "12:00"
speed = 1
modbus_port = {port}
"""
BATTERY = """
[batteries.cellar]
inverter = "roof"
every_s = 0.2
[batteries.cellar.modbus]
host = "127.0.0.1"
port = {port}
unit = 1
"""


def a_site(port: int, battery: bool) -> Site:
    text = SITE + (BATTERY if battery else "")
    return read(text.format(port=port, hybrid=str(battery).lower()))


@pytest.mark.parametrize("battery", [False, True], ids=["sun alone", "sun and a battery behind the inverter"])
async def test_the_grid_of_the_plant_is_worked_out(battery: bool, tmp_path: Path) -> None:
    built = build(a_site(1, battery))
    served = units(a_site(1, battery), built)
    server = ModbusServer({number: refreshed.device for number, refreshed in served.by_id.items()})
    port = await server.start()
    # A house in which the sun makes more than the loads take.
    for _ in range(100):
        built.house.step(0.1)
        served.step(built.house)
    true_w = built.house.grid_w
    made_w = sum(inverter.ac_w for inverter in built.house.inverters.values())

    async with running(a_site(port, battery), tmp_path) as bus:
        readings = await until(
            lambda: [
                each
                for _, each in bus.said
                if isinstance(each, MeterReading) and "nothing" not in each.detail
            ]
        )
    await server.stop()

    grid = readings[0]
    assert abs(made_w) > 500, "the sun shines, else this proves nothing"
    assert grid.power_w == pytest.approx(sum(true_w), abs=15)
    for phase, watts in zip((grid.a, grid.b, grid.c), true_w, strict=True):
        assert phase.power_w == pytest.approx(watts, abs=15)
    assert msgspec.json.decode(msgspec.json.encode(grid), type=MeterReading) == grid
    await asyncio.sleep(0)
