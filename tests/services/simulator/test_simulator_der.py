"""An inverter of the 7xx models, read by pysunspec2's own client and steered by model 704."""

import asyncio
from typing import Any

import pytest
import sunspec2.modbus.client as sunspec

from busbar_simulator.modbus_server import ModbusServer
from busbar_simulator.plant.inverter import Inverter, InverterSpec
from busbar_simulator.plant.storage import Storage, StorageSpec
from busbar_simulator.sunspec.der import DerControls, der_device, refresh_der
from busbar_simulator.sunspec.device import Device, Refused
from busbar_simulator.sunspec.encoding import encoded
from busbar_simulator.sunspec.personality import PERSONALITIES

VOLTS = (230.0, 231.0, 232.0)


def a_der(*, battery: bool = True) -> tuple[Inverter, Device]:
    """10 kW with 6 kW of sun; with a battery that takes 1 kW of it."""
    storage = StorageSpec(charge_w=5000, discharge_w=5000) if battery else None
    inverter = Inverter(
        spec=InverterSpec(storage=storage, gain=1.0), storage=Storage(storage, 45.0) if storage else None
    )
    device = der_device(inverter, PERSONALITIES["der"], "SN-7")
    live(inverter, -1000.0, 1)
    refresh_der(device, inverter, VOLTS)
    return inverter, device


def live(inverter: Inverter, grid_w: float, steps: int = 60) -> None:
    """Time for the inverter to answer; its own control is asked once with this grid power, then sees zero."""
    inverter.step(0.1, 0.1, 6000.0, grid_w)
    for _ in range(steps * 10):
        inverter.step(0.1, 0.1, 6000.0, 0.0)


def write(device: Device, **values: float) -> None:
    """Write points of 704 one after the other."""
    block = device.block(704)
    start = device.base + 2 + sum(len(b.registers) for b in device.blocks[: device.blocks.index(block)])
    for name, value in values.items():
        point = block.layout.points[name]
        raw = value / 10 ** ((block.raw(point.scale) or 0) if point.scale else 0)
        device.write(16, start + point.offset, encoded(point.kind, point.size, raw))


async def test_it_is_read_right() -> None:
    _, device = a_der()
    server = ModbusServer({1: device})
    port = await server.start()

    def ask() -> dict[str, Any]:
        client = sunspec.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port, timeout=2)
        client.scan()
        ac, store, dc = client.models[701][0], client.models[713][0], client.models[714][0]
        found = {
            "models": [m for m in client.models if isinstance(m, int)], "w": ac.W.cvalue, "l1": ac.WL1.cvalue,
            "hz": ac.Hz.cvalue, "soc": store.SoC.cvalue, "ports": [(p.PrtTyp.value, p.DCW.cvalue) for p in dc.Prt],
        }  # fmt: skip
        client.close()
        return found

    found = await asyncio.to_thread(ask)
    await server.stop()

    assert found["models"] == [1, 701, 702, 704, 713, 714]
    assert found["w"] == pytest.approx(5000, abs=1)
    assert found["l1"] == pytest.approx(1667, abs=1)
    assert found["hz"] == pytest.approx(50)
    assert found["soc"] == pytest.approx(45, abs=0.2)
    assert found["ports"] == [(0, 6000), (1, pytest.approx(-1000, abs=1))]


def test_a_limit_acts_and_reverts_to_the_value_that_was_left_with_it() -> None:
    inverter, device = a_der(battery=False)
    controls = device.controls
    assert isinstance(controls, DerControls)
    write(
        device, WMaxLimPct=30, WMaxLimPctRvrt=50, WMaxLimPctEnaRvrt=1, WMaxLimPctRvrtTms=60, WMaxLimPctEna=1
    )
    live(inverter, 0.0, 1)
    assert inverter.ac_w == 3000
    controls.tick(40.0)
    assert device.block(704).value("WMaxLimPctRvrtRem") == 20
    controls.tick(60.0)
    live(inverter, 0.0, 1)

    assert inverter.ac_w == 5000


def test_a_limit_without_reversion_value_is_released() -> None:
    inverter, device = a_der(battery=False)
    controls = device.controls
    assert isinstance(controls, DerControls)
    write(device, WMaxLimPct=30, WMaxLimPctRvrtTms=60, WMaxLimPctEna=1)
    controls.tick(60.0)

    assert inverter.ac_limit_w is None


@pytest.mark.parametrize(
    ("watts", "battery_w"),
    [
        pytest.param(4000, 2000, id="less than the sun gives: the battery takes the rest"),
        pytest.param(8000, -2000, id="more than the sun gives: the battery adds"),
        pytest.param(-500, 5000, id="power in: as much as the battery can"),
    ],
)
def test_a_set_point_of_the_whole_output(watts: float, battery_w: float) -> None:
    inverter, device = a_der()
    write(device, WSetMod=1, WSet=watts, WSetEna=1)
    live(inverter, 0.0, 5)

    assert inverter.battery_w == pytest.approx(battery_w, abs=1)


def test_a_set_point_in_percent() -> None:
    inverter, device = a_der()
    write(device, WSetMod=0, WSetPct=40, WSetEna=1)

    assert inverter.ac_set_w == 4000


@pytest.mark.parametrize(
    ("battery", "orders"),
    [
        pytest.param(True, {"WMaxLimPct": 101}, id="a limit above the rating"),
        pytest.param(True, {"WMaxLimPctEna": 2}, id="neither on nor off"),
        pytest.param(False, {"WSetEna": 1}, id="a set-point without a battery"),
        pytest.param(True, {"WMaxLimPctRvrtRem": 5}, id="the time that is left"),
    ],
)
def test_what_is_refused(battery: bool, orders: dict[str, float]) -> None:
    _, device = a_der(battery=battery)
    before = device.image()
    with pytest.raises(Refused):
        write(device, **orders)

    assert device.image() == before
