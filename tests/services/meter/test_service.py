"""The whole service against a real Modbus server: what it says on the bus, and what it says in trouble."""

from pathlib import Path

import msgspec

from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading, MeterReading, Quality
from busbar_meter.config import lines_of
from services.meter.meter_house import GRID, HYBRID, event, house, running, said
from services.meter.modbus_servers import CrookedServer, pymodbus_server


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
        running(house(server.port, timeout_s=0.3), tmp_path) as bus,
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
        running(house(server.port, timeout_s=0.3), tmp_path) as bus,
    ):
        await said(bus, MeterReading)
        await server.__aexit__()
        await event(bus, "device_silent")
        bus.said.clear()
        await server.__aenter__()

        assert (await said(bus, MeterReading)).power_w == -2100
