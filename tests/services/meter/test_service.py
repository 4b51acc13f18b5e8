"""The whole service against a real Modbus server: what it says on the bus, and what it says in trouble."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec

from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading, MeterReading, Quality
from busbar_meter.config import lines_of
from busbar_meter.main import run
from busbar_shared.clock import RealClock
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service
from services.meter.modbus_servers import CrookedServer, pymodbus_server
from services.meter.register_images import block, common, image

SCALES = {"A_SF": -2, "V_SF": -1, "W_SF": 0, "TotWh_SF": 0, "Hz_SF": -2}
INVERTER = block(103, W=4200, St=4, AphA=610, AphB=610, AphC=610, PhVphA=2300, **{**SCALES, "TotWh_SF": None})
METER = block(203, W=-2100, WphA=-700, WphB=-700, WphC=-700, AphA=304, AphB=305, AphC=306, PhVphA=2301, PhVphB=2302,
              PhVphC=2303, Hz=5000, TotWhImp=5, TotWhExp=6, **SCALES)  # fmt: skip
STORAGE = block(124, WChaMax=1280, WChaMax_SF=1, ChaState=6500, ChaState_SF=-2, ChaSt=4, StorCtl_Mod=0)
HYBRID = image(common(), INVERTER, block(120, WRtg=8200, WRtg_SF=0, MaxChaRte=5000, MaxChaRte_SF=0), STORAGE)
GRID = image(common(name="Smart Meter TS 65A-3"), METER)


def house(port: int, **more: Any) -> Site:
    """A house with a hybrid inverter at unit 1 and a grid meter at unit 200 of the same address."""

    def at(unit: int, **place: Any) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": port, "unit": unit, "timeout_s": 0.3, "pause_s": 0.0, **place}

    return msgspec.convert(
        {
            "circuits": {"main": {"limit_a": 25, "meter": "grid"}},
            "meters": {"grid": {"modbus": at(200), "every_s": 0.2}},
            "inverters": {"roof": {"modbus": at(1), "every_s": 0.2, "hybrid": True}},
            "batteries": {"cellar": {"modbus": at(1), "every_s": 0.2, "inverter": "roof"}},
            **more,
        },
        Site,
    )


@contextlib.asynccontextmanager
async def running(site: Site, tmp_path: Path) -> AsyncIterator[FakeBus]:
    bus = FakeBus()
    service = Service(name="meter", site=site, bus=bus, clock=RealClock(), state_dir=tmp_path)
    task = asyncio.create_task(run(service))
    try:
        yield bus
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def said(bus: FakeBus, kind: type, where: Callable[[Any], bool] = lambda message: True) -> Any:
    """The first message of a kind that fits, waiting for it."""
    async with asyncio.timeout(8):
        while True:
            for _, message in bus.said:
                if isinstance(message, kind) and where(message):
                    return message
            await asyncio.sleep(0.01)


async def event(bus: FakeBus, code: str) -> str:
    async with asyncio.timeout(8):
        while True:
            for name, text in bus.events:
                if name == code:
                    return text
            await asyncio.sleep(0.01)


async def test_a_house_is_read_over_pymodbus_own_server(tmp_path: Path) -> None:
    async with pymodbus_server(unit1=HYBRID, unit200=GRID) as port, running(house(port), tmp_path) as bus:
        grid = await said(bus, MeterReading)
        roof = await said(bus, InverterReading)
        cellar = await said(bus, BatteryReading)

    assert (grid.power_w, grid.a.current_a, grid.c.voltage_v, grid.quality) == (
        -2100,
        -3.04,
        230.3,
        Quality.GOOD,
    )
    assert (grid.import_wh, grid.export_wh, grid.period_s) == (5, 6, 0.2)
    assert (roof.power_w, roof.rating_w, roof.a.current_a) == (4200, 8200, 6.1)
    assert (cellar.soc_percent, cellar.power_w, cellar.charge_limit_w) == (65, None, 5000)
    assert {address for address, _ in bus.said} == {
        "hems/meter/grid/reading",
        "hems/inverter/roof/reading",
        "hems/battery/cellar/reading",
    }


async def test_every_message_is_what_the_contract_says(tmp_path: Path) -> None:
    async with pymodbus_server(unit1=HYBRID, unit200=GRID) as port, running(house(port), tmp_path) as bus:
        await said(bus, BatteryReading)
        await said(bus, MeterReading)

    for _, message in bus.said:
        assert msgspec.json.decode(msgspec.json.encode(message), type=type(message)) == message


async def test_all_units_share_one_connection_and_one_request_is_in_flight(tmp_path: Path) -> None:
    async with CrookedServer(unit1=dict(HYBRID), unit200=dict(GRID)) as server:
        async with running(house(server.port), tmp_path) as bus:
            await said(bus, MeterReading)
            await said(bus, BatteryReading)

        assert server.most_open == 1
    assert len(lines_of(house(server.port))) == 1


async def test_a_meter_that_falls_silent_is_not_repeated_and_comes_back(tmp_path: Path) -> None:
    async with (
        CrookedServer(unit1=dict(HYBRID), unit200=dict(GRID)) as server,
        running(house(server.port), tmp_path) as bus,
    ):
        await said(bus, MeterReading)
        server.fault = lambda pdu, honest: None
        unknown = await said(bus, InverterReading, lambda each: each.quality is Quality.UNKNOWN)
        heard = sum(isinstance(message, MeterReading) for _, message in bus.said)
        server.fault = None
        await event(bus, "device_back")
        bus.said.clear()
        await said(bus, MeterReading)

    assert unknown.power_w is None
    assert unknown.detail.startswith("no answer for")
    assert heard >= 1


async def test_a_sleeping_inverter_does_not_silence_the_meter_beside_it(tmp_path: Path) -> None:
    async with CrookedServer(unit200=dict(GRID)) as server, running(house(server.port), tmp_path) as bus:
        await said(bus, MeterReading)
        roof = await said(bus, InverterReading)
        text = await event(bus, "device_silent")

    assert (roof.power_w, roof.quality) == (None, Quality.UNKNOWN)
    assert "gateway target did not respond" in text


async def test_an_all_zero_block_is_not_said(tmp_path: Path) -> None:
    zero = dict(GRID) | {40070 + at: 0 for at in range(2, 107)}
    async with (
        CrookedServer(unit1=dict(HYBRID), unit200=zero) as server,
        running(house(server.port), tmp_path) as bus,
    ):
        text = await event(bus, "reading_doubtful")
        heard = [message for _, message in bus.said if isinstance(message, MeterReading)]

    assert (heard, text) == ([], "meter grid: every figure is zero")


async def test_a_device_without_the_meter_it_should_have_says_what_it_has(tmp_path: Path) -> None:
    units = {"unit1": dict(HYBRID), "unit200": dict(HYBRID)}
    async with CrookedServer(**units) as server, running(house(server.port), tmp_path) as bus:
        text = await event(bus, "reading_doubtful")

    assert text.startswith("meter grid: the unit has no meter that can be read")


async def test_the_server_is_killed_in_a_cycle_and_comes_back_on_the_same_port(tmp_path: Path) -> None:
    async with (
        CrookedServer(unit1=dict(HYBRID), unit200=dict(GRID)) as server,
        running(house(server.port), tmp_path) as bus,
    ):
        await said(bus, MeterReading)
        await server.__aexit__()
        await event(bus, "device_silent")
        bus.said.clear()
        await server.__aenter__()

        assert (await said(bus, MeterReading)).power_w == -2100
