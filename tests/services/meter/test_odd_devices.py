"""Devices that answer oddly: failures instead of refusals, silence at a base, several devices in one chain."""

import asyncio
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from busbar_contracts.meter import Control, InverterReading
from busbar_meter.answers import DeviceLater, DeviceSilent, UnitAbsent
from busbar_meter.block import Block
from busbar_meter.config import lines_of
from busbar_meter.definitions import model
from busbar_meter.discovery import Chain
from busbar_meter.image import registers_of
from busbar_meter.plausible import Gate
from busbar_meter.samples import GridSample, InverterSample, Leg
from busbar_meter.sunspec_inverter import inverter_sample
from busbar_meter.sunspec_station import SunSpecStation
from busbar_meter.unit import Unit
from busbar_meter.walk import find_chain
from busbar_shared.clock import VirtualClock
from busbar_shared.config.root import Site
from services.meter.meter_house import GRID, STEERED, house, running, said, steered
from services.meter.modbus_servers import CrookedServer
from services.meter.register_images import PaperWire, block, common, image
from services.meter.test_orders_on_the_wire import limit

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
INVERTER = block(103, W=4200, W_SF=0, St=4)
METER = block(203, W=-3000, W_SF=0)


class FailingWire(PaperWire):
    """What the image does not hold is answered with one exception code, or not at all (None)."""

    def __init__(self, code: int | None, *, passing: int = 0, **units: dict[int, int]) -> None:
        super().__init__(**units)
        self.code, self.passing = code, passing

    async def read(self, unit: int, start: int, count: int, *, function: int = 3) -> tuple[int, ...]:
        known = all(at in self.images[unit] for at in range(start, start + count))
        if known and not self.passing:
            return await super().read(unit, start, count)
        self.asked.append((unit, start, count))
        self.passing = max(self.passing - 1, 0)
        if self.code is None:
            raise DeviceSilent("no answer")
        if self.code in (10, 11):
            raise UnitAbsent("gateway")
        raise DeviceLater(self.code, f"registers {start}")


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        pytest.param(4, "no end block (exception 4 at 40122)", id="a device failure behind the last block"),
        pytest.param(11, "no end block (exception 11 at 40122)", id="a gateway that answers for the device"),
    ],
)
async def test_a_chain_without_an_end_block_ends_at_any_exception(code: int, ended: str) -> None:
    chain = await find_chain(FailingWire(code, unit1=image(common(), INVERTER, end=[])), 1)

    assert isinstance(chain, Chain)
    assert (chain.ended, [place.model for place in chain.places]) == (ended, [1, 103])


async def test_a_device_failure_at_the_first_base_leads_to_the_next() -> None:
    chain = await find_chain(FailingWire(4, unit1=image(common(), INVERTER, base=0)), 1)

    assert isinstance(chain, Chain)
    assert chain.base == 0


async def test_a_busy_device_is_asked_again_and_not_cut_off() -> None:
    wire = FailingWire(6, passing=2, unit1=image(common(), INVERTER, METER))

    chain = await find_chain(wire, 1)

    assert isinstance(chain, Chain)
    assert [place.model for place in chain.places] == [1, 103, 203]


@pytest.mark.parametrize("code", [6, 11, None])
async def test_an_absent_or_busy_device_is_no_proof_that_it_speaks_no_sunspec(code: int | None) -> None:
    with pytest.raises(DeviceSilent):
        await find_chain(FailingWire(code, unit1={}), 1)


async def test_a_device_that_keeps_silent_where_it_has_nothing_is_found_at_its_base_in_the_end() -> None:
    wire, unit = FailingWire(None, unit1=image(common(), INVERTER, base=50000)), Unit(1, VirtualClock(NOON))

    for _ in range(2):
        with pytest.raises(DeviceSilent):
            await unit.prepare(wire)
    await unit.prepare(wire)

    assert unit.chain.base == 50000


async def test_a_block_that_always_fails_costs_three_readings_and_not_the_device() -> None:
    registers = image(common(), INVERTER, METER)
    wire, unit = FailingWire(4, unit1=registers), Unit(1, VirtualClock(NOON))
    unit.want(frozenset({103, 203}), frozenset())
    await unit.read(wire)
    # From now on one register of the meter fails, by night for example.
    del registers[40122 + 60]

    failed = 0
    for _ in range(12):
        try:
            [part] = await unit.read(wire)
        except DeviceSilent:
            failed += 1

    assert part.blocks[103].number("W") == 4200
    assert part.blocks[203].number("W") == -3000
    assert failed <= 9


@pytest.mark.parametrize(
    ("blocks", "powers"),
    [
        pytest.param(
            [common(), block(103, W=1, W_SF=0), block(103, W=2, W_SF=0)],
            [1, 2],
            id="two inverters behind one model 1",
        ),
        pytest.param(
            [common(), INVERTER, common(), block(103, W=2, W_SF=0)],
            [4200, 2],
            id="two inverters, each with its model 1",
        ),
    ],
)
async def test_several_inverters_in_one_unit_are_told_apart_by_group(
    blocks: Sequence[Sequence[int]], powers: list[float]
) -> None:
    wire, clock = PaperWire(unit1=image(*blocks)), VirtualClock(NOON)
    place = {"host": "h", "unit": 1}
    inverters = {f"roof{n}": {"modbus": {**place, "group": n}} for n in range(2)}
    site = house(502, meters={}, batteries={}, inverters=inverters)
    station = SunSpecStation(lines_of(site)[0].stations[0], clock)

    outcomes = await station.visit(wire)

    assert [outcome.message.power_w for _, outcome in outcomes] == powers


@pytest.mark.parametrize(
    ("count", "watts"),
    [
        pytest.param(2, 300, id="the count is less than the room: the rest is not meant"),
        pytest.param(0, 700, id="a count of zero counts for nothing"),
        pytest.param(None, 700, id="a count that is not implemented neither"),
        pytest.param(9, 700, id="a count of more than there is room for"),
    ],
)
def test_the_inputs_of_model_160_are_as_many_as_it_says_and_fit(count: int | None, watts: float) -> None:
    inputs = [{"IDStr": f"MPPT {n}", "DCW": power} for n, power in enumerate((100, 200, 400))]
    registers = block(160, DCW_SF=0, N=count, inputs=inputs)
    read = Block(model(160), registers[1], dict(enumerate(registers)))

    assert sum(each.number("DCW") for each in read.repetitions()) == watts


def test_a_registers_hole_is_kept_out_of_a_dump_and_named() -> None:
    registers = image(common(), INVERTER)
    del registers[40070 + 39]
    wire = PaperWire(unit1=registers)

    async def asked() -> tuple[dict[int, int], list[str]]:
        chain = await find_chain(wire, 1)
        return await registers_of(wire, 1, chain.places[1])

    found, refused = asyncio.run(asked())

    assert (len(found), len(refused)) == (51, 1)
    assert 39 not in found
    assert "40109" in refused[0]


@pytest.mark.parametrize(
    ("energies", "said"),
    [
        pytest.param([5000, 0, 5001], [5000, None, 5001], id="a fall to zero is no new meter"),
        pytest.param([0, 0, 1], [0, 0, 1], id="a new meter begins at zero"),
        pytest.param([5000, None, 0], [5000, None, None], id="nor after a gap"),
    ],
)
def test_energies_that_fall_to_zero_are_unknown(energies: list, said: list) -> None:
    gate: Gate[GridSample] = Gate()

    def sample(energy: float | None) -> GridSample:
        return GridSample(at=NOON, legs={"a": Leg(1, 230, 230)}, power_w=230, import_wh=energy)

    verdicts = [gate.judge(sample(energy), float(n)) for n, energy in enumerate(energies)]

    assert [verdict.sample.import_wh for verdict in verdicts] == said


@pytest.mark.parametrize(
    ("es", "doubts"),
    [(0, ("it is not permitted to enter service (model 703)",)), (1, ()), (None, ())],
)
def test_a_device_that_may_not_feed_in_says_so(es: int | None, doubts: tuple[str, ...]) -> None:
    raw = {701: block(701, ACType=0, InvSt=0, W=0, W_SF=0), 703: block(703, ES=es)}
    blocks = {number: Block(model(number), each[1], dict(enumerate(each))) for number, each in raw.items()}

    assert inverter_sample(blocks[701], blocks, NOON).doubts == doubts


@pytest.mark.parametrize(
    ("connected", "hybrid", "power", "state"),
    [
        pytest.param(0, False, 0.0, "sleeping", id="off the grid it makes nothing"),
        pytest.param(1, False, None, "unknown", id="connected and blank is unknown"),
        pytest.param(None, False, None, "unknown", id="nobody says whether it is connected"),
        pytest.param(0, True, None, "unknown", id="a hybrid may charge without its modules"),
    ],
)
def test_a_blank_power_by_night(connected: int | None, hybrid: bool, power: float | None, state: str) -> None:
    raw = {103: block(103, W=None, W_SF=0, St=None), 122: block(122, PVConn=connected)}
    blocks = {number: Block(model(number), each[1], dict(enumerate(each))) for number, each in raw.items()}

    sample: InverterSample = inverter_sample(blocks[103], blocks, NOON, hybrid=hybrid)

    assert (sample.power_w, sample.state) == (power, state)


class OneByOne(CrookedServer):
    """Takes a register at a time: several in one request are answered with an exception."""

    code = 3

    def _answer(self, unit: int, pdu: bytes) -> bytes:
        function, _, count = struct.unpack(">BHH", pdu[:5])
        if function == 16 and count > 1:
            return bytes([function | 0x80, self.code])
        return super()._answer(unit, pdu)


@pytest.mark.parametrize("code", [1, 2, 3])
async def test_a_device_that_takes_no_bundles_is_written_register_by_register(
    code: int, tmp_path: Path
) -> None:
    server = OneByOne(unit1=dict(STEERED), unit200=dict(GRID))
    server.code = code
    async with server, running(steered(server.port), tmp_path) as bus:
        await said(bus, InverterReading)
        bus.feed(limit(4100), inverter="roof")
        reading = await said(bus, InverterReading, lambda each: each.control is Control.OURS and each.limit_w)

    assert reading.limit_w == 4100
    assert {len(values) for _, _, values in server.written} == {1}
    assert reads_of(server)[:1] == [5000]


def reads_of(server: CrookedServer) -> list[int]:
    """What was written to WMaxLimPct, in order."""
    return [values[0] for _, at, values in server.written if at == 40155]


async def test_a_number_without_a_scale_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "busbar_meter")
    inverter = block(103, W=4200, W_SF=0, Hz=5000, VA=4300, St=4)
    site = msgspec.convert({"inverters": {"roof": {"modbus": {"host": "h"}}}}, Site)
    clock = VirtualClock(NOON)
    station = SunSpecStation(lines_of(site)[0].stations[0], clock)

    for _ in range(3):
        await station.visit(PaperWire(unit1=image(common(), inverter)))
        await clock.advance(1.0)

    told = [record.getMessage() for record in caplog.records if "no scale" in record.getMessage()]
    assert told == ["unit 1 (roof): model 103 gives no scale for Hz, VA"]
