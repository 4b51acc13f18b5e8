"""`busbar battery reserve`: the one setting that stays in a device, written once by hand and read back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from battery_on_the_wire import a_site, living

from busbar_battery.legacy import translated
from busbar_cli.battery_reserve import NoReserve, reserve_of, reserve_write
from busbar_meter.block import Block
from busbar_meter.definitions import model
from services.meter.modbus_servers import CrookedServer
from services.meter.register_images import block, common, image

ROOT = Path(__file__).parents[3]
# Model 124 begins behind the mark, model 1 of 66 registers and its header; MinRsvPct is its register 7.
STORAGE_AT = 40000 + 2 + 68
RESERVE_AT = STORAGE_AT + 7

STORAGE = {
    "WChaMax": 1280, "WChaMax_SF": 1, "ChaState": 6500, "ChaState_SF": -2, "ChaSt": 4, "StorCtl_Mod": 0,
    "InWRte": 10000, "OutWRte": 10000, "InOutWRte_SF": -2, "MinRsvPct": 700, "MinRsvPct_SF": -2,
}  # fmt: skip

SITE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid.modbus]
host = "meter.invalid"
[batteries.cellar]
writable = {writable}
modbus = {{ host = "127.0.0.1", port = {port}, unit = 1, timeout_s = 5, pause_s = 0 }}
[battery_flow]
"""


def storage(**values: int | None) -> Block:
    registers = block(124, **{**STORAGE, **values})
    return Block(model(124), registers[1], dict(enumerate(registers)))


@pytest.mark.parametrize(
    ("values", "percent", "written"),
    [
        pytest.param({}, 15.0, (7, (1500,)), id="fifteen percent in hundredths, as a GEN24 counts"),
        pytest.param({"MinRsvPct_SF": 0, "MinRsvPct": 7}, 15.0, (7, (15,)), id="in whole percent"),
        pytest.param({"MinRsvPct_SF": None, "MinRsvPct": 7}, 15.0, (7, (15,)), id="without a scale: whole percent"),
        pytest.param({"MinRsvPct_SF": -1, "MinRsvPct": 70}, 12.34, (7, (123,)), id="rounded to what the device counts"),
        pytest.param({}, 0.0, (7, (0,)), id="none"),
        pytest.param({}, 100.0, (7, (10000,)), id="all of it"),
        pytest.param({}, 7.0, None, id="the same again is not written"),
        pytest.param({}, 7.004, None, id="nor what the device cannot tell from it"),
    ],
)  # fmt: skip
def test_a_reserve_is_one_register(
    values: dict[str, int | None], percent: float, written: tuple[int, tuple[int, ...]] | None
) -> None:
    order = reserve_write(storage(**values), percent)

    assert (None if order is None else (order.offset, order.values)) == written


@pytest.mark.parametrize(
    ("values", "why"),
    [
        pytest.param({"MinRsvPct": None}, "no reserve of its own", id="a device without one"),
        pytest.param({"MinRsvPct_SF": 0}, "reads 700 %", id="a scale that cannot be"),
        pytest.param({"ChaSt": 7}, "calibrating", id="a battery that measures itself"),
    ],
)
def test_what_is_not_sure_is_not_written(values: dict[str, int | None], why: str) -> None:
    with pytest.raises(NoReserve, match=why):
        reserve_write(storage(**values), 15.0)


def test_the_reserve_is_read_as_the_device_scales_it() -> None:
    assert reserve_of(storage()) == 7.0


async def busbar(folder: Path, port: int, *words: str, writable: str = "true") -> tuple[int, str, str]:
    """The command as its owner types it: exit code, what it prints, what it complains of."""
    file = folder / "busbar.toml"
    file.write_text(SITE.format(port=port, writable=writable))
    source = os.pathsep.join(str(ROOT / name) for name in ("contracts", "shared", "services"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "busbar_cli", "battery", "reserve", *words, "--config", str(file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source},
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_owner_reads_writes_and_reads_again(tmp_path: Path) -> None:
    async with CrookedServer(unit1=image(common(), block(124, **STORAGE))) as server:
        before = await busbar(tmp_path, server.port)
        assert server.written == []
        changed = await busbar(tmp_path, server.port, "15")
        again = await busbar(tmp_path, server.port, "15", "--json")

    assert before == (0, "cellar: the inverter keeps 7 % in reserve.\n", "")
    assert (changed[0], changed[2]) == (0, "")
    assert changed[1].startswith("cellar: the reserve is 15 % now, it was 7 %.")
    assert json.loads(again[1])["reserve"] == {
        "before_percent": 15.0, "now_percent": 15.0, "written": False,
    }  # fmt: skip
    # One register, once.
    assert server.written == [(1, RESERVE_AT, (1500,))]


@pytest.mark.parametrize(
    ("words", "writable", "code", "sentence"),
    [
        pytest.param(["15"], "false", 2, "batteries.cellar.writable: false", id="a battery that may not be written"),
        pytest.param(["101"], "true", 2, "101 is not a percentage", id="more than all"),
        pytest.param(["nan"], "true", 2, "nan is not a percentage", id="no number"),
        pytest.param(["15", "--battery", "attic"], "true", 2, "There are: cellar", id="a battery nobody has"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_a_sentence_and_nothing_is_written(
    words: list[str], writable: str, code: int, sentence: str, tmp_path: Path
) -> None:
    async with CrookedServer(unit1=image(common(), block(124, **STORAGE))) as server:
        found = await busbar(tmp_path, server.port, *words, writable=writable)

    assert (found[0], server.written) == (code, [])
    assert sentence in found[2]
    assert "Traceback" not in found[2]


async def test_a_device_that_says_no_is_believed(tmp_path: Path) -> None:
    async with CrookedServer(unit1=image(common(), block(124, **STORAGE))) as server:
        server.refuse_writes = 3
        found = await busbar(tmp_path, server.port, "3")

    assert found[0] == 1
    assert "illegal value" in found[2]
    assert "Traceback" not in found[2]


async def test_a_device_that_takes_the_order_and_keeps_its_own_is_found_out(tmp_path: Path) -> None:
    async with CrookedServer(unit1=image(common(), block(124, **STORAGE))) as server:

        def forgetful(_: bytes, answer: bytes) -> bytes:
            server.units[1][RESERVE_AT] = 700
            return answer

        server.fault = forgetful
        found = await busbar(tmp_path, server.port, "3")

    assert found[0] == 1
    assert "keeps 7 %" in found[2]


async def test_nobody_at_home_is_a_sentence(tmp_path: Path) -> None:
    async with CrookedServer(unit1={}) as server:
        port = server.port
    found = await busbar(tmp_path, port, "15")

    assert found[0] == 1
    assert "cellar: " in found[2]
    assert "Traceback" not in found[2]


def test_no_message_and_no_snapshot_writes_it() -> None:
    refusal = translated({"reserve_percent": 15}, settings=True).refusal

    assert refusal is not None
    assert "busbar battery reserve" in refusal


async def test_no_service_ever_writes_it(tmp_path: Path) -> None:
    """A battery charged from the grid, held, discharged and released: the reserve stays as the plant had it."""
    async with living(a_site(flow="grid_charging = true\n", soc=30.0), tmp_path) as alive:
        await alive.live(60)
        device = alive.served.by_id[1].device
        written = {name for entry in device.log for name in getattr(entry, "points", ())}

    assert "MinRsvPct" not in written
