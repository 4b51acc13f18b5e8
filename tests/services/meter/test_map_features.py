"""What a register map can say beyond one register for one value: sums, flags of direction, and a device that is not there."""

from pathlib import Path

import pytest

from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading, MeterReading
from busbar_meter.answers import DeviceSilent
from busbar_meter.config import lines_of
from busbar_meter.map_file import BadMap, load, parse
from busbar_meter.map_station import MapStation
from busbar_meter.registermap import invalid, values_of
from busbar_shared.clock import VirtualClock
from services.meter.meter_house import PATIENCE_S, event, house, running, said
from services.meter.modbus_servers import CrookedServer
from services.meter.register_images import PaperWire
from services.meter.test_odd_devices import NOON

HEAD = 'title = "A device"\nsource = "its manual, page 3"\nverified = false\n'
TAIL = (
    '[[vector]]\nsource = "made by hand"\nregisters = { "1" = [5, 7] }\nexpect = { "battery.power_w" = 12 }\n'
)
PART = '{{ point = "power_w", address = {}, type = "uint16", nothing = -1, {}source = "p. 3" }}'


def a_map(*parts: tuple[int, str]) -> str:
    return HEAD + f"battery = [{', '.join(PART.format(*part) for part in parts)}]\n" + TAIL


@pytest.mark.parametrize(
    ("how", "registers", "watts"),
    [
        pytest.param("all", {1: 5, 2: 7}, 12, id="both known are added"),
        pytest.param("all", {1: 5, 2: 0xFFFF}, None, id="of two that must be known one is not"),
        pytest.param("all", {1: 5}, None, id="or was refused"),
        pytest.param("known", {1: 5, 2: 0xFFFF}, 5, id="of strings those that are there"),
        pytest.param("known", {}, None, id="of none nothing"),
    ],
)
def test_registers_of_one_point_are_added(how: str, registers: dict[int, int], watts: float | None) -> None:
    definition = parse(a_map((1, f'add = "{how}", '), (2, f'add = "{how}", ')), "my.toml")

    assert values_of(definition, "battery", registers).get("power_w") == watts


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        pytest.param([(1, ""), (2, "")], "battery[1].point: 'power_w' is there twice; to add them up, each needs add",
                     id="twice without a word"),
        pytest.param([(1, 'add = "all", '), (2, "")], "battery[1].point: 'power_w' is there twice", id="half a word"),
        pytest.param([(1, 'add = "all", '), (2, 'add = "known", ')], "battery[1].add: 'known' differs from 'all' before",
                     id="two different words"),
    ],
)  # fmt: skip
def test_a_point_that_is_there_twice_by_mistake(parts: list[tuple[int, str]], problem: str) -> None:
    with pytest.raises(BadMap) as error:
        parse(a_map(*parts), "my.toml")

    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("state", "watts"),
    [
        pytest.param(0x0002, 750, id="charging"),
        pytest.param(0x0004, -750, id="discharging"),
        pytest.param(0x0000, 750, id="at rest the figure stands"),
        pytest.param(None, None, id="without the state nobody knows which way"),
    ],
)
def test_the_running_state_tells_which_way_the_power_goes(state: int | None, watts: float | None) -> None:
    registers = {13021: 750, 13022: 500} | ({} if state is None else {13000: state})

    assert values_of(load("sungrow-sh"), "battery", registers).get("power_w") == watts


def test_the_registers_that_say_how_to_take_others_are_read_as_well() -> None:
    addresses = {
        at
        for read in load("sungrow-sh").reads(["battery"])
        for at in range(read.start, read.start + read.count)
    }
    meter = {
        at
        for read in load("huawei-sun2000").reads(["meter"])
        for at in range(read.start, read.start + read.count)
    }

    assert 13000 in addresses
    assert 37100 in meter


@pytest.mark.parametrize(
    ("name", "address", "there", "gone"),
    [("huawei-sun2000", 37100, 1, 0), ("goodwe-et", 36004, 1, 0)],
)
def test_a_meter_that_the_inverter_does_not_hear_is_not_believed(
    name: str, address: int, there: int, gone: int
) -> None:
    definition = load(name)

    assert invalid(definition, "meter", {address: there}) == ""
    assert f"(register {address} reads {gone})" in invalid(definition, "meter", {address: gone})
    assert f"(register {address} reads None)" in invalid(definition, "meter", {})
    assert invalid(definition, "inverter", {}) == ""


def huawei(status: int) -> dict[int, int]:
    """A SUN2000 that makes 3000 W of 4200 W, charges 1100 W, and whose meter draws 1500 W, as it last heard."""
    registers = dict.fromkeys(
        [*range(32060, 32110), *range(37040, 37050), *range(37090, 37140), *range(37750, 37770)], 0
    )
    return registers | {
        37100: status, 37102: 2310, 37104: 2310, 37106: 2310, 37108: 220, 37110: 220, 37112: 220,
        37113: 0xFFFF, 37114: 0xFA24, 37132: 0xFFFF, 37133: 0xFE0C, 37134: 0xFFFF, 37135: 0xFE0C,
        37136: 0xFFFF, 37137: 0xFE0C, 37118: 5000, 32065: 4200, 32081: 3000, 37760: 645, 37766: 1100, 37759: 10000,
    }  # fmt: skip


def huawei_house(port: int):
    place = {"host": "127.0.0.1", "port": port, "unit": 1, "timeout_s": PATIENCE_S, "pause_s": 0}
    device = {"driver": "map:huawei-sun2000", "modbus": place, "every_s": 0.2}
    return house(port, meters={"grid": device}, inverters={"roof": device}, batteries={"cellar": device})


async def test_a_huawei_with_its_meter_is_read(tmp_path: Path) -> None:
    async with CrookedServer(unit1=huawei(1)) as server, running(huawei_house(server.port), tmp_path) as bus:
        grid, roof = await said(bus, MeterReading), await said(bus, InverterReading)
        cellar = await said(bus, BatteryReading)

    assert (grid.power_w, grid.a.current_a, grid.c.power_w) == (1500, 2.2, 500)
    assert (roof.power_w, roof.pv_power_w, cellar.power_w, cellar.soc_percent) == (3000, 4200, 1100, 64.5)


async def test_a_huawei_whose_meter_is_offline_says_so_and_no_figures(tmp_path: Path) -> None:
    async with CrookedServer(unit1=huawei(0)) as server, running(huawei_house(server.port), tmp_path) as bus:
        text = await event(bus, "reading_doubtful")
        await said(bus, InverterReading)

    assert text == "meter grid: the inverter says that its power meter is offline (register 37100 reads 0)"
    assert not [message for _, message in bus.said if isinstance(message, MeterReading)]


async def test_after_a_night_of_refusals_a_mapped_device_is_asked_in_few_requests_again() -> None:
    wire = PaperWire(unit1=huawei(1))
    station = MapStation(lines_of(huawei_house(502))[0].stations[0], VirtualClock(NOON))
    await station.visit(wire)
    before = list(wire.asked)
    day = wire.images[1]
    wire.images[1] = {}
    for _ in range(3):
        with pytest.raises(DeviceSilent):
            await station.visit(wire)
    wire.images[1] = day
    wire.asked.clear()

    await station.visit(wire)

    assert wire.asked == before


async def test_a_register_the_device_does_not_have_is_left_out_and_not_asked_for_again() -> None:
    registers = huawei(1)
    # An inverter without a battery.
    for at in range(37750, 37770):
        del registers[at]
    wire = PaperWire(unit1=registers)
    station = MapStation(lines_of(huawei_house(502))[0].stations[0], VirtualClock(NOON))
    for _ in range(4):
        wire.asked.clear()
        outcomes = await station.visit(wire)
    refused = [at for _, at, _ in wire.asked if at not in registers]
    powers = {role.plan.kind: outcome.message.power_w for role, outcome in outcomes}

    assert (powers, refused) == ({"meter": 1500, "inverter": 3000, "battery": None}, [])


async def test_a_register_that_comes_back_in_the_morning_is_read_again() -> None:
    registers, clock = huawei(1), VirtualClock(NOON)
    night = {at: word for at, word in registers.items() if at < 37750}
    wire = PaperWire(unit1=night)
    station = MapStation(lines_of(huawei_house(502))[0].stations[0], clock)
    for _ in range(3):
        await station.visit(wire)
    wire.images[1] = registers
    await clock.advance(121.0)

    outcomes = await station.visit(wire)

    assert {role.plan.kind: outcome.message.power_w for role, outcome in outcomes}["battery"] == 1100
