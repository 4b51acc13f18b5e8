"""The Modbus server, read and written by pysunspec2's own client."""

import asyncio
import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import sunspec2.modbus.client as sunspec

from busbar_simulator.modbus_server import ModbusServer
from busbar_simulator.plant.almanac import Almanac
from busbar_simulator.plant.house import House
from busbar_simulator.plant.household import Household
from busbar_simulator.plant.inverter import Inverter, InverterSpec
from busbar_simulator.plant.sky import Sky
from busbar_simulator.plant.storage import Storage, StorageSpec
from busbar_simulator.sunspec.controls import InverterControls
from busbar_simulator.sunspec.device import Device, Refused
from busbar_simulator.sunspec.inverter import inverter_device, refresh
from busbar_simulator.sunspec.meter import measure, meter_device
from busbar_simulator.sunspec.personality import PERSONALITIES, Personality

ABC = ("a", "b", "c")
VOLTS = (230.0, 231.0, 232.0)


def an_inverter(personality: str | Personality = "plain") -> tuple[Inverter, Device]:
    """A hybrid of 10 kW with 5 kW of battery, at noon."""
    storage = StorageSpec(charge_w=5000, discharge_w=5000)
    inverter = Inverter(spec=InverterSpec(storage=storage), storage=Storage(storage, 45.0))
    for _ in range(50):
        inverter.step(0.1, 0.1, 6000.0, -1000.0)
    chosen = PERSONALITIES[personality] if isinstance(personality, str) else personality
    device = inverter_device(inverter, chosen, "SN-1")
    refresh(device, inverter, chosen, VOLTS)
    return inverter, device


def a_meter(personality: str = "plain", phases: tuple[str, ...] = ABC) -> Device:
    """A meter that shows 10 A in, 5 A out, 0.5 A in."""
    chosen = PERSONALITIES[personality]
    device = meter_device(chosen, "SN-2", phases)
    measure(device, chosen, phases, (10.0, -5.0, 0.5), VOLTS, 1_234_567.0, 7_654.0)
    return device


async def by_client(device: Device, ask: Callable[[Any], Any]) -> Any:
    """What pysunspec2's client finds out."""
    server = ModbusServer({1: device})
    port = await server.start()

    def talk() -> Any:
        client = sunspec.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port, timeout=2)
        try:
            client.scan()
            return ask(client)
        finally:
            client.close()

    try:
        return await asyncio.to_thread(talk)
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("personality", "models"),
    [
        pytest.param("plain", [1, 103, 120, 121, 122, 123, 124, 160], id="a hybrid with scale factors"),
        pytest.param("float", [1, 113, 120, 121, 122, 123, 124, 160], id="a hybrid with floats"),
        pytest.param("solaredge", [1, 103, 120, 121, 122, 160], id="a maker without 123 and 124"),
    ],
)
async def test_the_chain_of_an_inverter(personality: str, models: list[int]) -> None:
    _, device = an_inverter(personality)

    assert await by_client(device, lambda c: [m for m in c.models if isinstance(m, int)]) == models


@pytest.mark.parametrize(
    ("personality", "model", "sign"),
    [
        pytest.param("plain", 203, 1, id="import is positive"),
        pytest.param("float", 213, 1, id="floats"),
        pytest.param("solaredge", 203, -1, id="a maker that counts export as positive, with moving factors"),
    ],
)
async def test_a_meter_is_read_right(personality: str, model: int, sign: int) -> None:
    def ask(client: Any) -> list[float]:
        found = client.models[model][0]
        return [
            found.points[name].cvalue for name in ("AphA", "AphB", "AphC", "WphA", "W", "PhVphC", "TotWhImp")
        ]

    a, b, c, power_a, power, volt, energy = await by_client(a_meter(personality), ask)

    assert [a * sign, b * sign, c * sign] == pytest.approx([10, -5, 0.5], abs=0.01)
    assert power_a * sign == pytest.approx(2300, abs=1)
    assert power * sign == pytest.approx(2300 - 1155 + 116, abs=1)
    assert volt == pytest.approx(232, abs=0.1)
    assert energy == pytest.approx(1_234_567, abs=1)


async def test_a_one_phase_site_has_a_one_phase_meter() -> None:
    models = await by_client(a_meter(phases=("a",)), lambda c: [m for m in c.models if isinstance(m, int)])

    assert models == [1, 201]


@pytest.mark.parametrize("personality", ["plain", "float", "solaredge", "gen24", "symo_hybrid"])
async def test_sun_and_battery_are_read_right(personality: str) -> None:
    inverter, device = an_inverter(personality)
    model = 113 if personality == "float" else 103

    def ask(client: Any) -> dict[str, float]:
        strings = client.models[160][0].groups["module"]
        powers = {s.IDStr.value: s.DCW.cvalue for s in strings}
        return {"ac": client.models[model][0].W.cvalue} | powers

    found = await by_client(device, ask)

    assert found["ac"] == pytest.approx(inverter.ac_w, abs=10)
    assert found["String 1"] + found["String 2"] == pytest.approx(6000, abs=2)
    assert found["StCha 3"] == pytest.approx(inverter.battery_w, abs=1)
    assert found["StDisCha 4"] == 0


def write(device: Device, model: int, **values: float) -> None:
    """Write points one by one, as a client with function 6 does."""
    for name, value in values.items():
        block = device.block(model)
        point = block.layout.points[name]
        factor = (block.raw(point.scale) or 0) if point.scale else 0
        address = device.base + 2 + block.layout.points[name].offset
        for earlier in device.blocks[: device.blocks.index(block)]:
            address += len(earlier.registers)
        device.write(6, address, [round(value / 10**factor) & 0xFFFF])


@pytest.mark.parametrize(
    ("orders", "low_w", "high_w"),
    [
        pytest.param({"StorCtl_Mod": 0}, None, None, id="released"),
        pytest.param({"InWRte": 0, "OutWRte": 0, "StorCtl_Mod": 3}, 0, 0, id="held at zero"),
        pytest.param({"OutWRte": 0, "StorCtl_Mod": 2}, 0, None, id="no discharge, charging is free"),
        pytest.param({"InWRte": 0, "StorCtl_Mod": 1}, None, 0, id="no charging, discharge is free"),
        pytest.param({"OutWRte": -50, "StorCtl_Mod": 2}, 2500, None, id="at least half of its power in"),
        pytest.param({"OutWRte": 40, "InWRte": -40, "StorCtl_Mod": 3}, -2000, -2000, id="forced out"),
    ],
)
def test_the_window_of_model_124(orders: dict[str, float], low_w: float | None, high_w: float | None) -> None:
    inverter, device = an_inverter()
    write(device, 124, **orders)

    assert (inverter.window.low_w, inverter.window.high_w) == (low_w, high_w)


def test_percentages_refer_to_what_the_device_says_not_to_the_battery() -> None:
    inverter, device = an_inverter("gen24")
    write(device, 124, InWRte=25, StorCtl_Mod=1)

    assert inverter.window.high_w == 3200


@pytest.mark.parametrize(
    ("model", "orders", "code"),
    [
        pytest.param(124, {"StorCtl_Mod": 3, "InWRte": -50, "OutWRte": 40}, 3, id="an impossible window"),
        pytest.param(124, {"InWRte": 101}, 3, id="more than a hundred percent"),
        pytest.param(124, {"InWRte": -327.68}, 3, id="the pattern of not implemented"),
        pytest.param(124, {"StorCtl_Mod": 4}, 3, id="an unknown bit"),
        pytest.param(124, {"WChaGra": 50}, 2, id="a ramp that is read only"),
        pytest.param(124, {"ChaState": 50}, 2, id="the state of charge"),
        pytest.param(123, {"WMaxLimPct": 101}, 3, id="a limit above the rating"),
        pytest.param(123, {"WMaxLimPct_SF": 0}, 2, id="a scale factor"),
        pytest.param(103, {"W": 0}, 2, id="a measured value"),
    ],
)
def test_what_is_refused_changes_nothing(model: int, orders: dict[str, float], code: int) -> None:
    inverter, device = an_inverter()
    write(device, 124, OutWRte=0, InWRte=50)
    *first, last = orders.items()
    if first:
        # Both bounds active at 0 and 50 %, then the one write that makes the window impossible.
        write(device, 124, StorCtl_Mod=3)
        last = ("InWRte", -50)
    before, window = device.image(), inverter.window
    with pytest.raises(Refused) as refused:
        write(device, model, **dict([last]))

    assert refused.value.code == code
    assert device.image() == before
    assert inverter.window == window
    assert device.log[-1].refused == code


def test_a_symo_hybrid_swallows_an_impossible_window() -> None:
    inverter, device = an_inverter("symo_hybrid")
    write(device, 124, OutWRte=0, InWRte=50, StorCtl_Mod=3)
    window = inverter.window
    write(device, 124, InWRte=-50)

    assert inverter.window == window


def test_both_percentages_in_one_write_are_one_change() -> None:
    inverter, device = an_inverter()
    write(device, 124, OutWRte=0, InWRte=0, StorCtl_Mod=3)
    start = (
        device.base
        + 2
        + sum(len(b.registers) for b in device.blocks[: device.blocks.index(device.block(124))])
    )
    device.write(16, start + 12, [10_000, 0x10000 - 10_000])

    assert (inverter.window.low_w, inverter.window.high_w) == (-5000, -5000)


def test_a_limit_on_the_output() -> None:
    inverter, device = an_inverter()
    write(device, 123, WMaxLimPct=30)
    assert inverter.ac_limit_w is None, "not before it is enabled"
    write(device, 123, WMaxLim_Ena=1)

    assert inverter.ac_limit_w == 3000


@pytest.mark.parametrize(
    ("restart", "again", "ends_s"),
    [
        pytest.param("group", {"WMaxLimPct": 30}, 140, id="any write to the group starts the timer again"),
        pytest.param(
            "enable", {"WMaxLimPct": 30}, 100, id="on this device only a write to the enabling point does"
        ),
        pytest.param("enable", {"WMaxLim_Ena": 1}, 140, id="and here it does"),
    ],
)
def test_a_limit_reverts_by_itself(restart: str, again: dict[str, float], ends_s: float) -> None:
    inverter, device = an_inverter(Personality(timer_restart=restart))
    controls = device.controls
    assert isinstance(controls, InverterControls)
    controls.tick(0.0)
    write(device, 123, WMaxLimPct=30, WMaxLimPct_RvrtTms=100, WMaxLim_Ena=1)
    controls.tick(40.0)
    write(device, 123, **again)
    controls.tick(ends_s - 1)
    assert inverter.ac_limit_w == 3000
    controls.tick(ends_s)

    assert inverter.ac_limit_w is None
    assert device.block(123).value("WMaxLim_Ena") == 0


def test_a_window_reverts_by_itself() -> None:
    inverter, device = an_inverter()
    controls = device.controls
    assert isinstance(controls, InverterControls)
    write(device, 124, InOutWRte_RvrtTms=60, OutWRte=0, StorCtl_Mod=2)
    controls.tick(59.0)
    assert inverter.window.low_w == 0
    controls.tick(60.0)

    assert inverter.window.low_w is None


def test_a_device_without_timers_says_so_and_refuses_them() -> None:
    _, device = an_inverter("symo_hybrid")

    assert device.block(124).value("InOutWRte_RvrtTms") is None
    with pytest.raises(Refused):
        write(device, 124, InOutWRte_RvrtTms=60)


@pytest.mark.parametrize(
    ("request_pdu", "answer"),
    [
        pytest.param(bytes([3]) + struct.pack(">HH", 40_000, 2), b"\x03\x04SunS", id="the mark of SunSpec"),
        pytest.param(
            bytes([4]) + struct.pack(">HH", 40_000, 2), b"\x04\x04SunS", id="as input registers too"
        ),
        pytest.param(bytes([3]) + struct.pack(">HH", 0, 2), b"\x83\x02", id="nothing at another base"),
        pytest.param(bytes([3]) + struct.pack(">HH", 40_000, 126), b"\x83\x03", id="more than 125 registers"),
        pytest.param(bytes([3]) + struct.pack(">HH", 40_000, 0), b"\x83\x03", id="no registers"),
        pytest.param(bytes([3, 1]), b"\x83\x03", id="half a request"),
        pytest.param(bytes([5]) + struct.pack(">HH", 1, 1), b"\x85\x01", id="a function it does not have"),
        pytest.param(
            bytes([16]) + struct.pack(">HHB", 40_000, 1, 3), b"\x90\x03", id="bytes that do not match"
        ),
    ],
)
def test_answers_on_the_wire(request_pdu: bytes, answer: bytes) -> None:
    _, device = an_inverter()

    assert ModbusServer({1: device}).answer(1, request_pdu) == answer


def test_a_unit_that_is_not_there() -> None:
    assert ModbusServer({}).answer(7, bytes([3]) + struct.pack(">HH", 0, 1)) == b"\x83\x0b"


def test_scale_factors_move_with_the_power() -> None:
    chosen = PERSONALITIES["solaredge"]
    device = meter_device(chosen, "SN", ABC)
    factors = []
    for amps in (0.1, 5.0, 100.0):
        measure(device, chosen, ABC, (amps, 0.0, 0.0), VOLTS, 1.0, 1.0)
        factors.append((device.blocks[1].raw("W_SF"), device.blocks[1].raw("A_SF")))

    assert factors == [(-2, -3), (0, -3), (1, -2)]


def test_a_day_of_the_plant_never_writes_the_pattern_of_not_implemented() -> None:
    house = House(
        almanac=Almanac(start=datetime(2026, 6, 21, 4), speed=3600),  # noqa: DTZ001
        household=Household(seed=1),
        sky=Sky(seed=1, peak_w=9000),
    )
    storage = StorageSpec()
    inverter = house.inverters["inverter"] = Inverter(
        spec=InverterSpec(storage=storage), storage=Storage(storage, 50)
    )
    chosen = PERSONALITIES["plain"]
    device, meter = inverter_device(inverter, chosen, "SN"), meter_device(chosen, "SN", ABC)
    for _ in range(240):
        house.step(0.1)
        refresh(device, inverter, chosen, house.volts)
        measure(meter, chosen, ABC, house.grid_a, house.volts, house.imported_wh + 1, house.exported_wh + 1)
        assert device.blocks[1].value("W") == pytest.approx(inverter.ac_w, abs=0.5)
        assert meter.blocks[1].value("W") == pytest.approx(sum(house.grid_w), abs=0.5)
        assert meter.blocks[1].value("AphB") == pytest.approx(house.grid_a[1], abs=0.005)
