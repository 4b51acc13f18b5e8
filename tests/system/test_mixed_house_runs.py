"""The mixed house of the mode Excess with real processes, a real broker and devices that speak their own protocols."""

import asyncio
from pathlib import Path

import pytest

from houses import quick_site, running

pytestmark = [pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(300)]

MIXED = """
[simulator.house]
base_w = 300
kettles = 0
ovens = 0
machines = 0
[simulator.battery]
capacity_wh = 0
[simulator.sun]
peak_w = 19000
cloudiness = 0
[plugs.element]
driver = "tasmota"
phases = ["a"]
rating_w = 3500
poll_s = 2
[heaters.tank]
plug = "element"
phases = ["a"]
rating_w = 3500
mode = "excess"
priority = 1
legionella = false
[heaters.tank.topics]
temperature = { topic = "cellar/tank" }
[heaters.pump]
kind = "sg_ready"
phases = ["b"]
rating_w = 2000
mode = "excess"
priority = 2
dwell_s = 5
[heaters.pump.topics]
relay_a = { command = "pump/a/set" }
relay_b = { command = "pump/b/set" }
temperature = { topic = "pump/celsius" }
power = { topic = "pump/power" }
[simulator.heaters.tank]
litres = 500
celsius = 50
[simulator.heaters.pump]
celsius = 20.9
outside_c = 0
"""
CHANGES = (
    ("excess_threshold_w = 3000", 'excess_threshold_w = 10000\nexcess_uses = "all"\nnetting = "sum"'),
    ("limit_a = 25", "limit_a = 35"),
    ("rating_w = 10000", "rating_w = 20000"),
    # A busy machine must not make a lease end or the meter seem lost.
    ("\nlease_s = 6", "\nlease_s = 20"),
    ("meter_stale_s = 3", "meter_stale_s = 15"),
    ("meter_lost_after_s = 6", "meter_lost_after_s = 40"),
)


async def test_over_a_gate_of_ten_kilowatts_tank_heat_pump_and_car_take_all_that_is_exported(
    tmp_path: Path,
) -> None:
    text = quick_site(mode="excess", start="12:30", more=MIXED)
    for old, new in CHANGES:
        assert old in text
        text = text.replace(old, new)
    async with running(text, tmp_path) as house:

        def watts(load: str) -> float:
            grants = house.scene.allocation.loads if house.scene.allocation is not None else {}
            return grants[load].limit_w if load in grants else 0.0

        await house.until(
            lambda: watts("tank/storage") == pytest.approx(3500, abs=200), 90, "the tank has its 3.5 kW"
        )
        await house.until(
            lambda: watts("pump/storage") == pytest.approx(2000, abs=200), 90, "the heat pump has its 2 kW"
        )
        await house.until(lambda: watts("left-1") > 6000, 120, "the car has the rest")
        await house.until(lambda: house.amps("tank") > 14 and house.amps("pump") > 7, 60, "they truly draw")
        await house.until(lambda: house.amps() > 8.5, 60, "and so does the car")

        assert watts("tank/comfort") == watts("pump/comfort") == 0, "what they take is stored sun"
        left_w = [await house.metered_w()]
        while not -1500 < left_w[-1] < 700 and len(left_w) < 60:
            await asyncio.sleep(1.0)
            left_w.append(await house.metered_w())
        assert -1500 < left_w[-1] < 700, f"hardly anything is left, and nothing is bought: {left_w}"
