"""The controller's heartbeat of model 715: written while an order of ours is in the device, and only then."""

from pathlib import Path

import msgspec
import pytest

from busbar_contracts.meter import Control, InverterReading
from busbar_shared.config.root import Site
from services.meter.meter_house import INVERTER, house, running, said, until
from services.meter.modbus_servers import CrookedServer, Fault
from services.meter.register_images import block, common, image
from services.meter.test_orders_on_the_wire import limit

CAPACITY = block(702, WMax=8200, W_SF=0, CtrlModes=1)
ORDERS = block(704, WMaxLimPctEna=0, WMaxLimPct=1000, WMaxLimPctRvrt=1000, WMaxLimPctEnaRvrt=0,
               WMaxLimPctRvrtTms=0, WMaxLimPct_SF=-1)  # fmt: skip


def modern(**control: int | None) -> dict[int, int]:
    return image(common(), INVERTER, CAPACITY, ORDERS, block(715, **control))


def roof(port: int) -> Site:
    site = house(port, batteries={})
    inverter = msgspec.structs.replace(site.inverters["roof"], writable=True)
    return msgspec.structs.replace(site, inverters={"roof": inverter}, meters={}, circuits={})


def place_of(registers: dict[int, int], model: int) -> int:
    length = {702: 50, 715: 7}[model]
    return next(at for at in registers if registers[at] == model and registers.get(at + 1) == length)


def heard(server: CrookedServer, beat: int) -> list[tuple[int, ...]]:
    return [values for _, at, values in server.written if at == beat]


async def test_a_device_that_counts_it_hears_the_seconds_while_it_is_limited(tmp_path: Path) -> None:
    registers = modern(LocRemCtl=0, ControllerHb=0)
    beat = place_of(registers, 715) + 5
    async with CrookedServer(unit1=registers) as server, running(roof(server.port), tmp_path) as bus:
        await said(bus, InverterReading, lambda each: each.control is Control.RELEASED)
        assert server.written == []
        bus.feed(limit(4100), inverter="roof")
        await said(bus, InverterReading, lambda each: each.control is Control.OURS)
        await until(lambda: len(heard(server, beat)) >= 3)

    counted = [high << 16 | low for high, low in heard(server, beat)]
    assert counted == sorted(set(counted)), "each second once, upwards"


@pytest.mark.parametrize(
    ("control", "is_limited"),
    [
        pytest.param({"LocRemCtl": 0, "ControllerHb": None}, True, id="it does not offer a heartbeat"),
        pytest.param({"LocRemCtl": 1, "ControllerHb": 0}, False, id="it is under local control"),
    ],
)
async def test_elsewhere_no_heartbeat_is_written(
    control: dict[str, int | None], is_limited: bool, tmp_path: Path
) -> None:
    registers = modern(**control)
    start = place_of(registers, 715)
    wanted = Control.OURS if is_limited else Control.UNAVAILABLE
    async with CrookedServer(unit1=registers) as server, running(roof(server.port), tmp_path) as bus:
        await said(bus, InverterReading)
        bus.feed(limit(4100), inverter="roof")
        await said(bus, InverterReading, lambda each: each.control is wanted)
        await said(bus, InverterReading)

        assert [at for _, at, _ in server.written if start <= at < start + 9] == []


async def test_a_device_that_refuses_the_heartbeat_is_limited_all_the_same(tmp_path: Path) -> None:
    registers = modern(LocRemCtl=0, ControllerHb=0)
    beat = place_of(registers, 715) + 5
    refused: list[int] = []

    def refusing() -> Fault:
        def bent(pdu: bytes, honest: bytes) -> bytes:
            if pdu[0] != 16 or int.from_bytes(pdu[1:3], "big") != beat:
                return honest
            refused.append(beat)
            return honest[:4] + b"\0\3" + honest[6:7] + bytes([pdu[0] | 0x80, 2])

        return bent

    async with CrookedServer(unit1=registers) as server, running(roof(server.port), tmp_path) as bus:
        server.fault = refusing()
        await said(bus, InverterReading)
        bus.feed(limit(4100), inverter="roof")
        for _ in range(8):
            reading = await said(bus, InverterReading, lambda each: each.control is Control.OURS)

    assert (reading.limit_w, len(refused)) == (4100, 1)
