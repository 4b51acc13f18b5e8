"""Two dozen orders at random to each kind of device that takes any: every register written is looked at afterwards."""

import asyncio
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading
from busbar_meter.definitions import model
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from services.meter.meter_house import INVERTER, STEERED, house, running
from services.meter.modbus_servers import CrookedServer
from services.meter.register_images import block, common, image
from services.meter.test_heartbeat import modern
from services.meter.test_limit_map import power_control
from services.meter.test_map_control import solaredge_registers
from services.meter.test_orders_on_the_wire import limit, window

STEPS = 24
WINDOWS = [
    (None, None),
    (0, 0),
    (0, 3000),
    (-2500, 0),
    (-2500, 3000),
    (2000, 2000),
    (-1500, -1500),
    (500, None),
    (-1e6, 1e6),
]

ESS = image(
    common(),
    block(701, W=0, St=1, W_SF=0),
    block(702, WMax=5000, W_SF=0, CtrlModes=3),
    block(704, WSetEna=0, WSetMod=0, WSet=0, WSetRvrt=0, WSetEnaRvrt=1, WSetRvrtTms=0, WSet_SF=0),
    block(713, SoC=5500, Pct_SF=-2, WHRtg=10000, WH_SF=0),
    block(714, DCW=0, DCW_SF=0, NPrt=1, inputs=({"PrtTyp": 1, "DCW": 0},)),
)
KOSTAL = dict.fromkeys([514, 582, *range(1034, 1036), *range(1068, 1082)], 0) | {514: 55, 1080: 2}


def by_sunspec(port: int, coupled: str | None = "roof") -> Site:
    site = house(port)
    roof = msgspec.structs.replace(site.inverters["roof"], writable=True)
    cellar = msgspec.structs.replace(site.batteries["cellar"], writable=True, inverter=coupled)
    return msgspec.structs.replace(
        site,
        meters={},
        circuits={},
        inverters={} if coupled is None else {"roof": roof},
        batteries={"cellar": cellar},
    )


def by_704(port: int) -> Site:
    return msgspec.structs.replace(by_sunspec(port), batteries={})


def ac_battery(port: int) -> Site:
    return by_sunspec(port, coupled=None)


def solaredge(port: int) -> Site:
    site = by_sunspec(port)
    roof = msgspec.structs.replace(site.inverters["roof"], limit_map="solaredge-limit")
    cellar = msgspec.structs.replace(site.batteries["cellar"], driver="map:solaredge-battery")
    return msgspec.structs.replace(site, inverters={"roof": roof}, batteries={"cellar": cellar})


def kostal(port: int) -> Site:
    site = by_sunspec(port)
    cellar = msgspec.structs.replace(site.batteries["cellar"], driver="map:kostal-battery")
    return msgspec.structs.replace(site, inverters={}, batteries={"cellar": cellar})


# What must read as before when all is over.
RELEASED = ("WMaxLim_Ena", "StorCtl_Mod", "ChaGriSet", "704.WMaxLimPctEna", "704.WSetEna")
SUNSPEC_POINTS = {
    "a hybrid with models 123 and 124": {
        *(f"123.WMaxLimPct{tail}" for tail in ("", "_WinTms", "_RvrtTms", "_RmpTms")),
        *(f"124.{name}" for name in ("StorCtl_Mod", "OutWRte", "InWRte", "InOutWRte_RvrtTms", "ChaGriSet")),
        "123.WMaxLim_Ena",
    },
    "an inverter with model 704": {
        *(f"704.WMaxLimPct{tail}" for tail in ("", "Ena", "Rvrt", "EnaRvrt", "RvrtTms")),
        "715.ControllerHb",
    },
    "a battery with model 704": {
        f"704.WSet{tail}" for tail in ("", "Ena", "Mod", "Rvrt", "EnaRvrt", "RvrtTms")
    },
}
SHAPES: dict[str, tuple[Callable[[int], Site], dict[int, int], set[str]]] = {
    "a hybrid with models 123 and 124": (by_sunspec, STEERED, set()),
    "an inverter with model 704": (by_704, modern(LocRemCtl=0, ControllerHb=0), set()),
    "a battery with model 704": (ac_battery, ESS, set()),
    "a SolarEdge inverter and its battery": (
        solaredge,
        image(common(), INVERTER) | power_control() | solaredge_registers(),
        {"0xF312", "0xF322", "0xE004", "0xE00B", "0xE00D", "0xE00E", "0xE010"},
    ),
    "a Kostal battery": (kostal, KOSTAL, {"0x40A"}),
}


def names_in(registers: dict[int, int]) -> dict[int, tuple[str, int]]:
    """The point that begins at each address of a SunSpec image, with its size."""
    found: dict[int, tuple[str, int]] = {}
    place = 40002 if registers.get(40000) == 0x5375 else None
    while place is not None and registers.get(place, 0xFFFF) != 0xFFFF:
        definition = model(registers[place])
        assert definition is not None
        for point in definition.points.values():
            found[place + point.offset] = (f"{definition.id}.{point.name}", point.size)
        place += registers[place + 1] + 2
    return found


def points(written: list[tuple[int, int, tuple[int, ...]]], registers: dict[int, int]) -> Iterator[Any]:
    """Each point written, one by one, with its raw words; a write must begin and end at a point."""
    names = names_in(registers)
    for _, address, values in written:
        if address not in names:
            yield f"{address:#X}".replace("0X", "0x"), values
            continue
        at = 0
        while at < len(values):
            name, size = names[address + at]
            yield name, values[at : at + size]
            at += size
        assert at == len(values), f"the write at {address} ends inside a point"


async def readings_of(bus: FakeBus, kinds: tuple[type, ...]) -> None:
    bus.said.clear()
    async with asyncio.timeout(30):
        while len([1 for _, message in bus.said if isinstance(message, kinds)]) < len(kinds):
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("shape", SHAPES)
async def test_only_sound_values_in_control_points_are_written_and_all_is_taken_back(
    shape: str, tmp_path: Path
) -> None:
    site_of, registers, beside = SHAPES[shape]
    before = dict(registers)
    dice = random.Random(shape)
    async with CrookedServer(unit1=dict(registers)) as server:
        site = site_of(server.port)
        kinds = tuple(
            kind
            for kind, there in ((InverterReading, site.inverters), (BatteryReading, site.batteries))
            if there
        )
        for _ in range(2):
            async with running(site, tmp_path) as bus:
                await readings_of(bus, kinds)
                for seq in range(1, STEPS // 2 + 1):
                    low, high = dice.choice(WINDOWS)
                    lease_s = dice.choice((0.3, 5.0, 60.0))
                    if site.batteries:
                        order = window(low, high, grid=dice.random() < 0.4, seq=seq, lease_s=lease_s)
                        bus.feed(order, battery="cellar")
                    if site.inverters:
                        bus.feed(limit(dice.uniform(0, 9000), seq=seq, lease_s=lease_s), inverter="roof")
                    await readings_of(bus, kinds)
        written = list(server.written)
        after = dict(server.units[1])

    told = list(points(written, before))
    assert {name for name, _ in told} <= SUNSPEC_POINTS.get(shape, set()) | beside
    assert len({name for name, _ in told}) >= 1
    for name, words in told:
        assert words not in ((0x8000,), (0xFFFF,), (0x8000, 0), (0xFFFF, 0xFFFF)), (
            f"{name} was written as unknown"
        )
    # Each order is written at most twice: itself, and what takes it back.
    names = [name for name, _ in told]
    assert max(names.count(name) for name in set(names)) <= 2 * STEPS + 4
    assert {name: after[at] for at, (name, _) in names_in(before).items() if name.endswith(RELEASED)} == {
        name: before[at] for at, (name, _) in names_in(before).items() if name.endswith(RELEASED)
    }
