"""The wire against real servers on this machine: honest ones and crooked ones."""

import asyncio
import contextlib
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from busbar_meter.answers import DeviceRefused, DeviceSilent, LineAddress, LineLost, UnitAbsent
from busbar_meter.wire import ModbusWire
from busbar_shared.clock import RealClock
from services.meter.modbus_servers import CrookedServer, pymodbus_server
from services.meter.register_images import block, common, image

REGISTERS = image(common(), block(103, W=4200, W_SF=0))


# A busy machine may keep an honest server waiting this long; where silence is the subject, tests wait less.
PATIENCE_S, SHORT_S = 10.0, 0.15


def wire_to(port: int, timeout_s: float = PATIENCE_S) -> ModbusWire:
    return ModbusWire(LineAddress("tcp", "127.0.0.1", port), RealClock(), timeout_s=timeout_s, gap_s=0)


async def test_registers_come_from_pymodbus_own_server() -> None:
    async with pymodbus_server(unit1=REGISTERS) as port:
        wire = wire_to(port)
        try:
            assert await wire.read(1, 40000, 2) == (0x5375, 0x6E53)
            with pytest.raises(DeviceRefused) as refused:
                await wire.read(1, 100, 2)
            assert refused.value.code == 2
        finally:
            wire.close()


@pytest.mark.parametrize("unit", [0, 1, 71, 126, 200, 240, 247, 255])
async def test_every_unit_id_a_maker_uses_is_asked(unit: int) -> None:
    """0 is a SUN2000 on its own access point, 126 SMA, 247 GoodWe, 255 some gateways."""
    async with CrookedServer(**{f"unit{unit}": dict(REGISTERS)}) as server:
        wire = wire_to(server.port)
        try:
            assert await wire.read(unit, 40000, 2) == (0x5375, 0x6E53)
            await wire.write(unit, 40080, [7])
        finally:
            wire.close()

        assert server.written == [(unit, 40080, (7,))]


async def test_registers_are_written_with_function_16_or_6() -> None:
    async with CrookedServer(unit1=dict(REGISTERS)) as server:
        wire = wire_to(server.port)
        await wire.write(1, 40080, [1, 2])
        await wire.write(1, 40082, [3], single=True)
        wire.close()

        assert [server.units[1][at] for at in (40080, 40081, 40082)] == [1, 2, 3]
        assert [function for _, function, _, _ in server.requests] == [16, 6]


def exception(code: int):
    return lambda pdu, honest: honest[:4] + b"\0\3" + honest[6:7] + bytes([pdu[0] | 0x80, code])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(lambda pdu, honest: None, DeviceSilent, id="no answer"),
        pytest.param(lambda pdu, honest: honest[:9], DeviceSilent, id="half an answer"),
        pytest.param(lambda pdu, honest: b"\x77\x77" + honest[2:], DeviceSilent, id="the answer to another question"),
        pytest.param(lambda pdu, honest: b"HTTP/1.1 400 Bad Request\r\n\r\n", DeviceSilent, id="no Modbus at all"),
        pytest.param(
            lambda pdu, honest: honest[:4] + struct.pack(">HBBBH", 5, 1, 3, 2, 7), DeviceSilent, id="fewer registers than asked"
        ),
        pytest.param(exception(1), DeviceRefused, id="illegal function"),
        pytest.param(exception(2), DeviceRefused, id="illegal address"),
        pytest.param(exception(3), DeviceRefused, id="illegal value"),
        pytest.param(exception(4), DeviceSilent, id="a device failure passes"),
        pytest.param(exception(6), DeviceSilent, id="a busy device has time later"),
        pytest.param(exception(10), UnitAbsent, id="no path behind the gateway"),
        pytest.param(exception(11), UnitAbsent, id="the unit behind the gateway sleeps"),
    ],
)  # fmt: skip
async def test_what_comes_back_is_told_in_our_words(fault, error: type[Exception]) -> None:
    async with CrookedServer(unit1=REGISTERS) as server:
        server.fault = fault
        wire = wire_to(server.port, SHORT_S if error is DeviceSilent else PATIENCE_S)
        try:
            with pytest.raises(error):
                await wire.read(1, 40000, 70)
            server.fault = None
            assert await answered(wire) == (0x5375, 0x6E53)
        finally:
            wire.close()


async def answered(wire: ModbusWire) -> tuple[int, ...]:
    """The mark, asked for until it comes: a wire with little patience may have to ask twice on a busy machine."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(DeviceSilent):
                return await wire.read(1, 40000, 2)


@pytest.mark.parametrize(
    "behind",
    [
        pytest.param(lambda honest: honest, id="the same answer twice"),
        pytest.param(
            lambda honest: struct.pack(">H", struct.unpack(">H", honest[:2])[0] + 1) + honest[2:9] + b"\xde\xad\xbe\xef",
            id="one that carries the number of the next question",
        ),
        pytest.param(lambda honest: honest[:5], id="the beginning of another"),
    ],
)  # fmt: skip
async def test_what_comes_in_the_same_segment_behind_an_answer_is_no_answer(behind) -> None:
    async with CrookedServer(unit1=REGISTERS) as server:
        server.fault = lambda pdu, honest: honest + behind(honest)
        wire = wire_to(server.port)
        try:
            assert [await wire.read(1, 40000 + step, 2) for step in (0, 2, 0)] == [
                (0x5375, 0x6E53),
                (1, 66),
                (0x5375, 0x6E53),
            ]
        finally:
            wire.close()


async def test_a_late_answer_is_never_taken_for_the_next_one() -> None:
    async with CrookedServer(unit1=REGISTERS) as server:
        held: list[bytes] = []

        def late(pdu: bytes, honest: bytes) -> bytes | None:
            if not held:
                held.append(honest)
                return None
            return held[0] + honest

        server.fault = late
        wire = wire_to(server.port, SHORT_S)
        with pytest.raises(DeviceSilent):
            await wire.read(1, 40000, 2)
        held[0] = held[0][:7] + b"\x03\x04\xde\xad\xbe\xef"
        try:
            answer = await wire.read(1, 40002, 2)
        except DeviceSilent:
            answer = (1, 66)
        wire.close()

        assert answer == (1, 66)


async def test_a_connection_the_device_dropped_is_made_anew_and_counted() -> None:
    async with CrookedServer(unit1=REGISTERS) as server:
        wire = wire_to(server.port)
        assert await answered(wire) == await answered(wire) == (0x5375, 0x6E53)
        assert wire.connections == 1
        server.hang_up()

        assert await answered(wire) == (0x5375, 0x6E53)
        assert wire.connections >= 2
        wire.close()


async def test_nobody_listens() -> None:
    async with CrookedServer(unit1=REGISTERS) as server:
        port = server.port
    with pytest.raises(LineLost):
        await wire_to(port).read(1, 40000, 2)


async def test_a_second_client_holds_the_only_connection_and_then_leaves() -> None:
    async with CrookedServer(unit1=REGISTERS) as server:
        server.only_one = True
        _, other = await asyncio.open_connection("127.0.0.1", server.port)
        async with asyncio.timeout(30):
            while not server.open:
                await asyncio.sleep(0.001)
        wire = wire_to(server.port, SHORT_S)
        with pytest.raises(DeviceSilent):
            await wire.read(1, 40000, 2)
        other.close()

        assert await answered(wire) == (0x5375, 0x6E53)
        wire.close()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.booleans())
async def test_fuzzed_replies_are_silence_or_registers(rubbish: list[bytes], headed: bool) -> None:
    async with CrookedServer(unit1=REGISTERS) as server:
        bits = list(rubbish)
        server.fault = lambda pdu, honest: (honest[: 7 if headed else 0] + bits.pop()) if bits else honest
        wire = wire_to(server.port, 0.02)
        for _ in rubbish:
            try:
                answer = await wire.read(1, 40000, 2)
            except (DeviceSilent, DeviceRefused):
                continue
            assert len(answer) == 2
        wire.close()
