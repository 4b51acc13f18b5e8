"""`busbar meter ...` on a real server: scan, read, dump, and a dump that answers like the device."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from busbar_meter.answers import DeviceRefused
from busbar_meter.commands import app
from busbar_meter.image import Dump, DumpWire, take
from busbar_meter.unit import Unit
from busbar_meter.walk import find_chain
from busbar_shared.clock import RealClock
from services.meter.meter_house import GRID, HYBRID
from services.meter.modbus_servers import CrookedServer
from services.meter.register_images import PaperWire, block, common, image


async def invoked(*arguments: object) -> Result:
    """The command in a thread of its own, as it brings its own event loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, [str(each) for each in arguments])


async def test_scan_finds_units_and_proposes_a_configuration() -> None:
    async with CrookedServer(unit1=dict(HYBRID), unit200=dict(GRID)) as server:
        result = await invoked(
            "scan", "127.0.0.1", "--ports", server.port, "--units", "1-3,200", "--timeout", 10
        )

    assert result.exit_code == 0, result.output
    assert "Fronius Symo GEN24 8.0 1.36.5-1: inverter, battery" in result.output
    assert "[meters.meter200]" in result.output
    assert f'modbus = {{ host = "127.0.0.1", port = {server.port}, unit = 200 }}' in result.output


async def test_scan_for_programs() -> None:
    async with CrookedServer(unit1=dict(HYBRID)) as server:
        result = await invoked("scan", "127.0.0.1", "--ports", server.port, "--units", "1", "--json")

    [found] = json.loads(result.stdout)
    assert (found["base"], found["devices"][0]["can_be"]) == (40000, ["inverter", "battery"])


async def test_scan_of_nothing_says_so_and_fails() -> None:
    async with CrookedServer(unit1={40000: 0, 40001: 0}) as server:
        result = await invoked("scan", "127.0.0.1", "--ports", server.port, "--units", "1", "--timeout", 10)

    assert result.exit_code == 1
    assert "answers, but is no SunSpec device (40000: 0x0000 0x0000; 0: exception 2" in result.output


async def test_read_shows_every_implemented_point_and_not_the_serial_number() -> None:
    async with CrookedServer(unit1=dict(HYBRID)) as server:
        result = await invoked("read", "127.0.0.1", "--port", server.port, "--json")

    rows = {row["model"]: row["points"] for row in json.loads(result.stdout)}
    assert rows[1]["SN"] == "34..."
    assert (rows[103]["W"], rows[103]["St"], rows[124]["ChaState"]) == (4200, "MPPT", 65)
    assert "VAr" not in rows[103]


async def test_a_dump_is_read_again_like_the_device_without_its_serial(tmp_path: Path) -> None:
    file = tmp_path / "dump.json"
    async with CrookedServer(unit1=dict(HYBRID)) as server:
        made = await invoked("dump", "127.0.0.1", "--port", server.port, "--out", file)
        live = await invoked("read", "127.0.0.1", "--port", server.port)
    again = await invoked("read", "--dump", file)

    assert made.exit_code == 0, made.output
    assert "34567890" not in file.read_text()
    assert again.output.replace("XX...", "34...") == live.output


async def test_a_serial_that_a_vendor_block_repeats_is_crossed_out_too() -> None:
    serial = [0x3334, 0x3536, 0x3738, 0x3930]
    wire = PaperWire(unit1=image(common(), [64999, 6, 7, *serial, 8]))

    made = await take(wire, 1, await find_chain(wire, 1))

    assert made.runs[2].values == (64999, 6, 7, *[0x5858] * 4, 8)


async def test_a_replayed_dump_is_a_device_for_the_service() -> None:
    wire = PaperWire(unit1=image(common("SolarEdge"), block(103, W=13950, W_SF=-1), end=[]))
    dump = Dump((await take(wire, 1, await find_chain(wire, 1)),))
    unit = Unit(1, RealClock())
    unit.want(frozenset({103}), frozenset())

    [part] = await unit.read(DumpWire(dump))

    assert part.blocks[103].number("W") == 1395.0
    assert unit.chain.ended == "no end block (exception 2 at 40122)"
    with pytest.raises(DeviceRefused):
        await DumpWire(dump).write(1, 40000, [1])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["read"], "either HOST or --dump FILE", id="read of nothing"),
        pytest.param(["scan", "x", "--units", "one"], "'one' is not a number", id="a unit that is no number"),
        pytest.param(["read", "--dump", "no-such-file"], "No such file", id="a dump that is not there"),
    ],
)
async def test_mistakes_are_sentences(arguments: list[str], says: str) -> None:
    result = await invoked(*arguments)

    assert result.exit_code == 2
    assert says in result.output


async def test_a_silent_device_is_an_error_not_a_traceback() -> None:
    async with CrookedServer(unit1=dict(HYBRID)) as server:
        server.fault = lambda pdu, honest: None
        result = await invoked("read", "127.0.0.1", "--port", server.port, "--timeout", 0.2)

    assert result.exit_code == 1
    assert "no answer" in result.output
