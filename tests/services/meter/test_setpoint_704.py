"""A battery on the AC side that is steered by the set-point of model 704, and where that is not offered."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import Control
from busbar_meter.block import Block
from busbar_meter.definitions import model
from busbar_meter.image import registers_of
from busbar_meter.quirks import Manner
from busbar_meter.setpoint_704 import exact_power, setpoint_aim
from busbar_meter.storage_window import Most, Window
from busbar_meter.walk import find_chain
from busbar_meter.writes import Aim, NotOffered
from busbar_simulator.modbus_server import ModbusServer
from busbar_simulator.plant.inverter import Inverter, InverterSpec
from busbar_simulator.plant.storage import Storage, StorageSpec
from busbar_simulator.sunspec.der import DerControls, der_device, refresh_der
from busbar_simulator.sunspec.personality import PERSONALITIES
from services.meter.captures_read import capture
from services.meter.meter_house import house, running, said, until
from services.meter.register_images import PaperWire, block
from services.meter.test_orders_on_the_wire import window as order

FREE = {
    "WSetEna": 0,
    "WSetMod": 0,
    "WSet": 0,
    "WSetRvrt": 0,
    "WSetEnaRvrt": 1,
    "WSetRvrtTms": 0,
    "WSet_SF": 0,
}
MOST = Most(charge_w=5000, discharge_w=4000, device_charge_w=5000, device_discharge_w=4000)
PV = {"PrtTyp": 0, "DCW": 3000}
ESS = {"PrtTyp": 1, "DCW": 0}


def blocks(
    ports: tuple[dict, ...] = (ESS,), modes: int | None = 3, local: int = 0, **values: int | None
) -> dict[int, Block]:
    raw = {
        702: block(702, CtrlModes=modes, W_SF=0),
        704: block(704, **{**FREE, **values}),
        714: block(714, DCW_SF=0, NPrt=len(ports), inputs=ports),
        715: block(715, LocRemCtl=local),
    }
    return {number: Block(model(number), each[1], dict(enumerate(each))) for number, each in raw.items()}


def window(low: float | None, high: float | None) -> Window:
    return Window(min_w=low, max_w=high)


def aim(found: dict[int, Block], wanted: Window | None, **more) -> Aim | NotOffered:
    how = {"most": MOST, "revert_s": 60, "manner": Manner(), "supervised": True, "dc_coupled": False, **more}
    return setpoint_aim(found, wanted, **how)


@pytest.mark.parametrize(
    ("wanted", "power"),
    [
        pytest.param(window(0, 0), 0, id="hold"),
        pytest.param(window(2000, 2000), 2000, id="charge exactly"),
        pytest.param(window(-1500, -1500), -1500, id="discharge exactly"),
        pytest.param(window(1000, None), 1000, id="charge at least: as little as is asked"),
        pytest.param(window(None, -800), -800, id="discharge at least"),
        pytest.param(window(9000, 9000), 5000, id="more than the battery takes is all it takes"),
        pytest.param(window(-9000, -9000), -4000, id="more than it gives is all it gives"),
        pytest.param(window(0, 3000), None, id="a choice cannot be told"),
        pytest.param(window(-500, 500), None, id="nor one around zero"),
        pytest.param(window(None, 0), None, id="nor no charging"),
    ],
)
def test_the_power_of_a_window(wanted: Window, power: float | None) -> None:
    found = exact_power(wanted, MOST)

    assert (None if isinstance(found, NotOffered) else found) == power


def test_values_and_timer_go_first_and_the_enabling_point_last() -> None:
    found = aim(blocks(), window(2000, 2000))

    assert [(each.points, each.values) for each in found.writes] == [
        (("WSetMod", "WSet"), (1, 0xFFFF, 0xF830)),
        (("WSetEnaRvrt", "WSetRvrtTms"), (0, 0, 60)),
        (("WSetEna",), (1,)),
    ]
    assert found.expect == {"WSetEna": 1, "WSet": -2000, "WSetMod": 1}


@pytest.mark.parametrize(("factor", "raw"), [(0, 1500), (1, 150), (-1, 15000)])
def test_discharging_is_positive_and_scaled(factor: int, raw: int) -> None:
    found = aim(blocks(WSet_SF=factor), window(-1500, -1500))

    assert found.expect["WSet"] == raw


def test_a_release_only_withdraws_the_enabling_point() -> None:
    found = aim(blocks(WSetEna=1), None)

    assert ([(each.points, each.values) for each in found.writes], found.releases) == (
        [(("WSetEna",), (0,))],
        True,
    )


@pytest.mark.parametrize(
    ("found", "more", "why"),
    [
        pytest.param(
            blocks(ports=(PV, ESS)),
            {},
            "modules feed the device as well",
            id="a hybrid's set-point is not its battery's",
        ),
        pytest.param(
            blocks(),
            {"dc_coupled": True},
            "modules feed the device as well",
            id="a battery configured behind an inverter",
        ),
        pytest.param(
            blocks(modes=1), {}, "model 702 says that a set-point", id="a device that says it has none"
        ),
        pytest.param(blocks(local=1), {}, "under local control", id="local control"),
        pytest.param(blocks(WSet=None), {}, "no set-point in model 704", id="points that are blank"),
        pytest.param(blocks(WSet_SF=20), {}, "scale factor of WSet", id="a scale factor of nonsense"),
        pytest.param(
            blocks(WSetRvrtTms=None),
            {"supervised": False},
            "no revert timer",
            id="forced without timer or supervisor",
        ),
    ],
)
def test_where_it_is_not_offered(found: dict[int, Block], more: dict, why: str) -> None:
    refused = aim(found, window(2000, 2000), **more)

    assert isinstance(refused, NotOffered)
    assert why in refused.why


@pytest.mark.parametrize(
    ("found", "more"),
    [
        pytest.param(blocks((ESS, PV)), {}, id="the sun has come up over a device with modules"),
        pytest.param(blocks(), {"dc_coupled": True}, id="the configuration was changed"),
        pytest.param(blocks(modes=1), {}, id="it says it has no set-point any more"),
    ],
)
def test_a_set_point_of_ours_is_taken_back_where_none_would_be_given(
    found: dict[int, Block], more: dict
) -> None:
    assert [write.points for write in aim(found, None, **more).writes] == [("WSetEna",)]


async def test_the_franklin_agate_is_under_local_control() -> None:
    wire = PaperWire(unit1=capture("franklin-agate"))
    found: dict[int, Block] = {}
    for place in (await find_chain(wire, 1)).places:
        registers, _ = await registers_of(wire, 1, place)
        found[place.model] = Block(model(place.model), place.length, registers)

    refused = aim(found, window(2000, 2000))

    assert isinstance(refused, NotOffered)
    assert "local control" in refused.why


def an_ac_battery() -> tuple[Inverter, ModbusServer]:
    """A battery of 5 kW with models 701 to 714 and no modules."""
    spec = StorageSpec(charge_w=5000, discharge_w=5000)
    inverter = Inverter(spec=InverterSpec(storage=spec, has_sun=False), storage=Storage(spec, 45.0))
    device = der_device(inverter, PERSONALITIES["der"], "SN-1")
    refresh_der(device, inverter, (230.0, 230.0, 230.0))
    return inverter, ModbusServer({1: device})


async def test_a_simulated_battery_on_the_ac_side_follows_and_is_given_back(tmp_path: Path) -> None:
    inverter, server = an_ac_battery()
    device = server.units[1]
    port = await server.start()

    async def live() -> None:
        now = 0.0
        while True:
            for _ in range(10):
                inverter.step(0.1, 0.1, 0.0, -1000.0)
            now += 0.02
            assert isinstance(device.controls, DerControls)
            device.controls.tick(now)
            refresh_der(device, inverter, (230.0, 230.0, 230.0))
            await asyncio.sleep(0.02)

    living = asyncio.create_task(live())
    plain = house(port, meters={}, inverters={})
    battery = msgspec.structs.replace(plain.batteries["cellar"], writable=True, inverter=None)
    site = msgspec.structs.replace(plain, circuits={}, batteries={"cellar": battery})
    try:
        async with running(site, tmp_path) as bus:
            await said(bus, BatteryReading)
            bus.feed(order(2000, 2000, grid=True), battery="cellar")
            charging = await said(
                bus, BatteryReading, lambda each: each.control is Control.OURS and (each.power_w or 0) > 1900
            )
            bus.feed(order(-1500, -1500, seq=2), battery="cellar")
            giving = await said(bus, BatteryReading, lambda each: (each.power_w or 0) < -1400)
            bus.feed(order(0, 3000, seq=3), battery="cellar")
            refused = await said(bus, BatteryReading, lambda each: each.control is Control.REJECTED)
            await until(lambda: inverter.ac_set_w is None)
    finally:
        living.cancel()
        await server.stop()

    assert (charging.window_min_w, charging.window_max_w) == (2000, 2000)
    assert giving.window_max_w == -1500
    assert "cannot leave the battery a choice" in refused.detail
    written = {point for each in device.log for point in each.points}
    assert written == {"WSetMod", "WSet", "WSetEnaRvrt", "WSetRvrtTms", "WSetEna"}
    assert [each for each in device.log if each.refused is not None] == []
