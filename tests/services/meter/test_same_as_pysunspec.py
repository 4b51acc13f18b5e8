"""Every model of the issue's list, every point: pysunspec2's own client and our reader say the same of the simulator.

The simulator serves the registers over its own server, which shares no code with either reader.
"""

import asyncio
import math
import random
from typing import Any

import pytest
import sunspec2.modbus.client as independent

from busbar_meter.answers import LineAddress
from busbar_meter.block import Block, Repetition
from busbar_meter.definitions import Point, model
from busbar_meter.image import Run, UnitImage
from busbar_meter.unit import Unit
from busbar_meter.values import NUMBERS
from busbar_meter.walk import whole_block
from busbar_meter.wire import ModbusWire
from busbar_shared.clock import RealClock
from busbar_simulator.modbus_server import ModbusServer
from busbar_simulator.plant.inverter import Inverter, InverterSpec
from busbar_simulator.plant.storage import Storage, StorageSpec
from busbar_simulator.sunspec.der import der_device, refresh_der
from busbar_simulator.sunspec.device import Device
from busbar_simulator.sunspec.inverter import inverter_device, refresh
from busbar_simulator.sunspec.meter import measure, meter_device
from busbar_simulator.sunspec.personality import PERSONALITIES
from busbar_simulator.sunspec.replay import replays
from services.meter.register_images import NOTHING, block, common, image

MODELS = (
    *(101, 102, 103, 111, 112, 113, 120, 121, 122, 123, 124, 160, 201, 202, 203, 204, 211, 212, 213, 214),
    *(701, 702, 703, 704, 713, 714, 715, 802),
)
VOLTS = (230.0, 231.0, 232.0)
Values = dict[str, object]


def by_pysunspec(port: int) -> dict[int, Values]:
    """Every point of every model as pysunspec2's client computes it, repeated groups as `1.DCW`."""
    device = independent.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port, timeout=2)
    device.scan()
    try:
        return {found.model_id: points_of(found) for found in device.model_list}
    finally:
        device.close()


def points_of(group: Any) -> Values:
    values: Values = {name: point.cvalue for name, point in group.points.items()}
    for name, inner in group.groups.items():
        if isinstance(inner, list):
            for number, each in enumerate(inner, start=1):
                values |= {f"{number}.{point}": value for point, value in points_of(each).items()}
        else:
            values |= {f"{name}.{point}": value for point, value in points_of(inner).items()}
    return values


def ours(found: Block) -> Values:
    values: Values = {name: said(found, point) for name, point in found.model.points.items()}
    for number, repetition in enumerate(found.repetitions(), start=1):
        values |= {f"{number}.{name}": said(repetition, p) for name, p in found.model.repeated.items()}
    return values


def said(where: Block | Repetition, point: Point) -> object:
    if point.type == "string":
        return where.text(point.name) or ""
    return where.number(point.name) if point.type in NUMBERS else ...


def differences(mine: Values, theirs: Values) -> list[str]:
    return [
        f"{name}: {value} and {theirs.get(name, 'nothing')}"
        for name, value in mine.items()
        if value is not ... and not alike(value, theirs.get(name, ...))
    ]


def alike(mine: object, theirs: object) -> bool:
    if isinstance(mine, str):
        # They keep the blanks that pad a text; an empty one is None or empty.
        return mine == str(theirs or "").strip()
    if mine is None or theirs is None:
        # An accumulator of zero is "not accumulated" for us and zero for them.
        return mine is theirs or theirs == 0
    return math.isclose(float(str(mine)), float(str(theirs)), rel_tol=1e-6)


async def compared(server: ModbusServer) -> tuple[set[int], dict[int, list[str]]]:
    """Which models were found, and where the two readers differ."""
    port = await server.start()
    try:
        theirs = await asyncio.to_thread(by_pysunspec, port)
        wire, unit = (
            ModbusWire(LineAddress("tcp", "127.0.0.1", port), RealClock(), gap_s=0),
            Unit(1, RealClock()),
        )
        await unit.prepare(wire)
        mine = {place.model: ours(await whole_block(wire, 1, place)) for place in unit.chain.places}
        wire.close()
    finally:
        await server.stop()
    assert set(mine) == set(theirs)
    return set(mine), {number: differences(values, theirs[number]) for number, values in mine.items()}


def any_value(point: Point, dice: random.Random) -> float | str | None:
    """A legal raw value of any size, now and then "not implemented"."""
    if point.type == "string":
        return dice.choice(("KOSTAL", "MPPT 1", ""))
    if point.type == "sunssf":
        return dice.randint(-4, 3)
    if point.type == "pad" or point.type not in NUMBERS or dice.random() < 0.1:
        return None
    if point.type == "float32":
        return round(dice.uniform(-1e6, 1e6), 2)
    bits = 16 * point.size
    if point.type.startswith("int"):
        return dice.randint(-(1 << (bits - 1)) + 1, (1 << (bits - 1)) - 1)
    if point.type == "enum16":
        return dice.randint(0, 5)
    # An acc64 uses 63 bits; an unsigned one must not be all ones.
    return dice.randint(1, (1 << (bits - 1)) - 1)


def full_block(number: int, dice: random.Random) -> list[int]:
    """A block with every point set, and three repetitions where it has any."""
    definition = model(number)
    values = {p.name: any_value(p, dice) for p in definition.points.values() if p.name not in ("ID", "L")}
    inputs = [
        {name: any_value(point, dice) for name, point in definition.repeated.items()}
        for _ in range(3 if definition.stride else 0)
    ]
    if definition.count:
        values[definition.count] = len(inputs)
    return block(number, inputs=inputs, **values)


def replayed(registers: dict[int, int]) -> ModbusServer:
    """A register image, as a dump file holds it, served by the simulator."""
    import msgspec

    start = min(registers)
    run = Run(start, tuple(registers[at] for at in range(start, start + len(registers))))
    dump = msgspec.json.encode({"units": [UnitImage(1, start, "end block", (run,))]})
    return ModbusServer(replays(dump))


@pytest.mark.parametrize("number", MODELS)
@pytest.mark.parametrize("seed", range(4))
async def test_every_point_of_a_model_is_read_alike(number: int, seed: int) -> None:
    dice = random.Random(f"{number}/{seed}")
    # Odd lengths of model 1 and other bases come along.
    registers = image(
        common(length=66 - seed % 2), full_block(number, dice), base=(40000, 0, 50000)[seed % 3]
    )

    found, differing = await compared(replayed(registers))

    assert found == {1, number}
    assert differing == {1: [], number: []}


def simulated_inverter(personality: str, phases: str) -> Device:
    chosen = PERSONALITIES[personality]
    spec = StorageSpec(charge_w=5000, discharge_w=5000)
    plant = InverterSpec(storage=spec, phases=tuple(phases))
    inverter = Inverter(spec=plant, storage=Storage(spec, 45.0))
    for _ in range(50):
        inverter.step(0.1, 0.1, 6000.0, -1000.0)
    if chosen.der:
        device = der_device(inverter, chosen, "SN-1")
        refresh_der(device, inverter, VOLTS)
        return device
    device = inverter_device(inverter, chosen, "SN-1")
    refresh(device, inverter, chosen, VOLTS)
    return device


@pytest.mark.parametrize("phases", ["abc", "b"])
@pytest.mark.parametrize("personality", PERSONALITIES)
async def test_a_simulated_inverter_is_read_alike(personality: str, phases: str) -> None:
    found, differing = await compared(ModbusServer({1: simulated_inverter(personality, phases)}))

    assert len(found) >= 5
    assert differing == {number: [] for number in found}


@pytest.mark.parametrize("phases", ["abc", "a"])
@pytest.mark.parametrize("personality", ["plain", "solaredge", "float"])
async def test_a_simulated_meter_is_read_alike(personality: str, phases: str) -> None:
    chosen = PERSONALITIES[personality]
    device = meter_device(chosen, "SN-2", tuple(phases))
    measure(device, chosen, tuple(phases), (10.0, -5.0, 0.5), VOLTS, 1_234_567.0, 7_654.0)

    found, differing = await compared(ModbusServer({1: device}))

    assert differing == {number: [] for number in found}


def test_the_comparison_would_notice() -> None:
    assert differences({"W": 1.0, "Mn": "A"}, {"W": 1.1, "Mn": "B"}) == ["W: 1.0 and 1.1", "Mn: A and B"]
    assert differences({"W": None}, {"W": 5}) == ["W: None and 5"]
    assert set(NOTHING), "the image of a point that is not implemented is known for each type"
