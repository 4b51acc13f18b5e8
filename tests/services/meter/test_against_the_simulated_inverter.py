"""Our orders and the simulated inverter, which was written apart: it obeys, and never has to refuse."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from busbar_contracts.battery import BatteryReading, BatterySetpoint
from busbar_contracts.meter import Control, InverterLimit, InverterReading, MeterReading
from busbar_simulator.modbus_server import ModbusServer
from busbar_simulator.plant.inverter import Inverter, InverterSpec
from busbar_simulator.plant.storage import Storage, StorageSpec
from busbar_simulator.sunspec.device import Device
from busbar_simulator.sunspec.inverter import inverter_device, refresh
from busbar_simulator.sunspec.meter import measure, meter_device
from busbar_simulator.sunspec.personality import PERSONALITIES
from services.meter.meter_house import running, said, steered, until
from services.meter.test_orders_on_the_wire import stamp

ABC, VOLTS = ("a", "b", "c"), (230.0, 231.0, 232.0)


@contextlib.asynccontextmanager
async def simulated(personality: str) -> AsyncIterator[tuple[Device, int]]:
    """A hybrid of 10 kW with 5 kW of battery in 6 kW of sun, and a grid meter; its plant moves while it is served."""
    chosen = PERSONALITIES[personality]
    spec = StorageSpec(charge_w=5000, discharge_w=5000)
    inverter = Inverter(spec=InverterSpec(storage=spec), storage=Storage(spec, 45.0))
    device, meter = inverter_device(inverter, chosen, "SN-1"), meter_device(chosen, "SN-2", ABC)
    measure(meter, chosen, ABC, (10.0, -5.0, 0.5), VOLTS, 1_234_567.0, 7_654.0)
    refresh(device, inverter, chosen, VOLTS)
    server = ModbusServer({1: device, 200: meter})
    port = await server.start()

    async def live() -> None:
        while True:
            for _ in range(10):
                inverter.step(0.1, 0.1, 6000.0, -1000.0)
            refresh(device, inverter, chosen, VOLTS)
            await asyncio.sleep(0.02)

    living = asyncio.create_task(live())
    try:
        yield device, port
    finally:
        living.cancel()
        await server.stop()


def refused(device: Device) -> list[Any]:
    return [write for write in device.log if write.refused is not None]


WINDOWS = [
    (0, 0),
    (2000, 2000),
    (-1500, -1500),
    (0, 3000),
    (3000, 3000),
    (-3000, 0),
    (-500, 500),
    (1000, None),
]


@pytest.mark.parametrize("personality", ["plain", "gen24", "symo_hybrid", "float", "zero_scale"])
async def test_windows_one_after_the_other_are_never_refused(personality: str, tmp_path: Path) -> None:
    async with simulated(personality) as (device, port), running(steered(port), tmp_path) as bus:
        await said(bus, BatteryReading)
        for seq, (low, high) in enumerate(WINDOWS, start=1):
            order = BatterySetpoint(min_w=low, max_w=high, grid_charging=low > 0, **stamp(seq=seq))
            bus.feed(order, battery="cellar")
            bus.said.clear()
            ours = await said(bus, BatteryReading, lambda each, low=low: each.window_min_w == low)
            assert ours.control is not Control.REJECTED, ours.detail

    assert refused(device) == []
    assert device.block(124).value("StorCtl_Mod") == 0


async def test_the_battery_does_what_it_is_told(tmp_path: Path) -> None:
    async with simulated("gen24") as (_, port), running(steered(port), tmp_path) as bus:
        await said(bus, BatteryReading)
        bus.feed(BatterySetpoint(min_w=-1500, max_w=-1500, **stamp()), battery="cellar")

        cellar = await said(
            bus, BatteryReading, lambda each: each.power_w is not None and abs(each.power_w + 1500) < 60
        )

    assert cellar.control is Control.OURS


async def test_the_inverter_keeps_its_limit(tmp_path: Path) -> None:
    async with simulated("gen24") as (device, port), running(steered(port), tmp_path) as bus:
        await said(bus, InverterReading)
        # With the battery at rest all the sun would go out.
        bus.feed(BatterySetpoint(min_w=0, max_w=0, **stamp()), battery="cellar")
        await said(bus, InverterReading, lambda each: each.power_w is not None and each.power_w > 4000)
        bus.feed(InverterLimit(limit_w=1234.0, **stamp()), inverter="roof")

        roof = await said(
            bus, InverterReading, lambda each: each.power_w is not None and 1100 < each.power_w <= 1234
        )

    assert (roof.limit_w, roof.control) == (1234.0, Control.OURS)
    assert refused(device) == []


@pytest.mark.parametrize(
    ("functions", "wanted"), [({6}, "only one register at a time"), ({16}, "only several")], ids=str
)
async def test_the_function_the_device_wants_is_found_out(
    functions: set[int], wanted: str, tmp_path: Path
) -> None:
    async with simulated("plain") as (device, port), running(steered(port), tmp_path) as bus:
        device.functions = frozenset(functions)
        await said(bus, BatteryReading)
        bus.feed(BatterySetpoint(min_w=0, max_w=0, **stamp()), battery="cellar")

        await until(lambda: device.block(124).value("StorCtl_Mod") == 3)

    assert len([write for write in refused(device) if write.refused == 1]) <= 1, wanted


@pytest.mark.parametrize("personality", ["plain", "float", "solaredge"])
async def test_every_makers_meter_reads_the_same_house(personality: str, tmp_path: Path) -> None:
    async with simulated(personality) as (_, port), running(steered(port), tmp_path) as bus:
        grid = await said(bus, MeterReading)

    found = [round(leg.current_a, 1) for leg in (grid.a, grid.b, grid.c)]
    assert found == [10.0, -5.0, 0.5]
    assert (round(grid.import_wh), round(grid.export_wh)) == (1_234_567, 7_654)


async def test_forcing_is_refused_without_timer_and_supervisor_and_the_order_before_it_is_taken_back(
    tmp_path: Path,
) -> None:
    async with (
        simulated("symo_hybrid") as (device, port),
        running(steered(port), tmp_path, supervised=False) as bus,
    ):
        await said(bus, BatteryReading)
        bus.feed(BatterySetpoint(min_w=0, max_w=0, **stamp(seq=1)), battery="cellar")
        await until(lambda: device.block(124).value("StorCtl_Mod") == 3)
        bus.feed(BatterySetpoint(min_w=2000, max_w=2000, **stamp(seq=2)), battery="cellar")
        cellar = await said(bus, BatteryReading, lambda each: each.control is Control.REJECTED)
        await until(lambda: device.block(124).value("StorCtl_Mod") == 0)

    assert "only offered under a supervisor" in cellar.detail
