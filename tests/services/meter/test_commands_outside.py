"""The commands as a stranger tries them: snippets that load, maps, dumps by night, and errors that say what is wrong."""

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from busbar_cli.main import app as busbar
from busbar_meter.discovery import Chain, Place
from busbar_meter.map_file import shipped
from busbar_meter.scan import Where
from busbar_meter.show import Device, snippet
from busbar_meter.unit import Identity
from busbar_shared.config.load import read_file
from services.meter.captures_read import capture
from services.meter.meter_house import GRID, HYBRID
from services.meter.modbus_servers import CrookedServer
from services.meter.register_images import block, common, image
from services.meter.test_meter_commands import invoked
from services.meter.test_register_maps import ABB

SITE = """
[circuits.main]
limit_a = 25
meter = "{meter}"
assumed_background_a = 10
"""
SOLAREDGE = image(
    common("SolarEdge ", "SE10K", length=65),
    block(103, W=100, W_SF=0),
    common("SolarEdge ", "SE-MTR-3Y"),
    block(203, W=-5, W_SF=0),
    common("SolarEdge ", "SE-MTR-3Y"),
    block(203, W=7, W_SF=0),
)


@pytest.mark.parametrize(
    ("units", "meter", "devices"),
    [
        pytest.param(
            {"unit1": HYBRID, "unit200": GRID}, "meter200",
            {"meters": {"meter200"}, "inverters": {"inverter1"}, "batteries": {"battery1"}},
            id="a hybrid with its battery, and the meter beside it",
        ),
        pytest.param(
            {"unit1": SOLAREDGE}, "meter1",
            {"meters": {"meter1", "meter1-2"}, "inverters": {"inverter1"}, "batteries": set()},
            id="two meters in the unit of the inverter",
        ),
        pytest.param(
            {"unit126": capture("sma-sb3.6-day")}, None,
            {"meters": set(), "inverters": {"inverter126"}, "batteries": set()},
            id="an inverter whose battery model is blank",
        ),
    ],
)  # fmt: skip
async def test_a_snippet_loads_as_it_is(
    units: dict[str, dict[int, int]], meter: str | None, devices: dict[str, set[str]], tmp_path: Path
) -> None:
    async with CrookedServer(**{name: dict(registers) for name, registers in units.items()}) as server:
        result = await invoked("scan", "127.0.0.1", "--ports", server.port, "--units", "1,126,200", "--json")
    file = tmp_path / "busbar.toml"
    file.write_text(
        (SITE.format(meter=meter) if meter else "")
        + "".join(each["snippet"] for each in json.loads(result.stdout))
    )

    checked = CliRunner().invoke(busbar, ["config", "check", "--config", str(file)])
    site = read_file(file)

    assert checked.exit_code == 0, checked.output
    found = {"meters": set(site.meters), "inverters": set(site.inverters), "batteries": set(site.batteries)}
    assert found == devices
    if devices["batteries"]:
        assert (site.inverters["inverter1"].hybrid, site.batteries["battery1"].inverter) == (
            True,
            "inverter1",
        )


@pytest.mark.parametrize(
    ("where", "base", "line"),
    [
        pytest.param(Where("gw", rtu_over_tcp=True), 40000, 'host = "gw", port = 502, framing = "rtu_over_tcp", unit = 7',
                     id="a gateway"),
        pytest.param(Where("/dev/ttyUSB0", baudrate=19200, parity="E"), 40000,
                     'serial = "/dev/ttyUSB0", framing = "rtu", baudrate = 19200, parity = "E", unit = 7',
                     id="a serial line"),
        pytest.param(Where("h"), 39000, 'host = "h", port = 502, unit = 7, base = 39000', id="an odd base"),
    ],
)  # fmt: skip
def test_a_snippet_says_how_the_device_was_reached(where: Where, base: int, line: str) -> None:
    chain = Chain(base, (Place(1, base + 2, 66), Place(203, base + 70, 105)), "end block")
    device = Device(Identity("Maker", "Meter", None), ("meter",))

    lines = snippet(where.toml(502), 7, chain, [device]).splitlines()

    assert f"modbus = {{ {line} }}" in lines
    assert lines[-1].startswith("# Check with a kettle")


def test_a_snippet_of_a_solaredge_inverter_says_how_it_can_be_limited() -> None:
    chain = Chain(40000, (Place(1, 40002, 65), Place(103, 40069, 50)), "end block")
    device = Device(Identity("SolarEdge ", "SE10K", None), ("inverter",))

    lines = snippet(Where("h").toml(1502), 1, chain, [device])

    hint = '# For Busbar to limit it: writable = true and limit_map = "solaredge-limit"'
    assert hint in lines.splitlines()
    assert "solaredge-limit" in shipped()


def test_a_name_cannot_smuggle_lines_into_the_configuration() -> None:
    device = Device(Identity("Maker\n[loads.evil]", "\x1b[2JMeter", None, option="Export+Import"), ("meter",))

    text = snippet(Where("h").toml(502), 7, Chain(40000, (), "end block"), [device])

    assert text.splitlines()[0] == "# Maker?[loads.evil] ?[2JMeter Export+Import"
    assert list(tomllib.loads(text)) == ["meters"]


@pytest.mark.parametrize(
    ("maker", "head", "hinted"),
    [
        pytest.param(
            "WattNode", "SolarEdge", False, id="a WattNode behind a SolarEdge counts as SolarEdge does"
        ),
        pytest.param("WattNode", "WattNode", True, id="of a WattNode by itself nothing is known"),
        pytest.param("Fronius", "SolarEdge", False, id="whoever is known by his own name"),
    ],
)
def test_the_kettle_is_asked_for_where_the_sign_is_not_known(maker: str, head: str, hinted: bool) -> None:
    devices = [
        Device(Identity(head, "Inverter", None), ("inverter",)),
        Device(Identity(maker, "M", None), ("meter",)),
    ]

    text = snippet(Where("h").toml(502), 1, Chain(40000, (), "end block"), devices)

    assert ("kettle" in text) is hinted


async def test_an_odd_base_is_found_when_it_is_named() -> None:
    async with CrookedServer(unit1=image(common(), block(203, W=1, W_SF=0), base=39000)) as server:
        result = await invoked(
            "scan", "127.0.0.1", "--ports", server.port, "--units", "1", "--base", 39000, "--json"
        )

    [found] = json.loads(result.stdout)
    assert "base = 39000" in found["snippet"]


async def test_a_mapped_device_is_read_and_dumped_by_its_map(tmp_path: Path) -> None:
    file = tmp_path / "abb.json"
    async with CrookedServer(unit5=ABB) as server:
        place = ("127.0.0.1", "--port", server.port, "--unit", 5, "--map", "abb-b23")
        live = await invoked("read", *place)
        dumped = await invoked("dump", *place, "-o", file)
    again = await invoked("read", "--dump", file, "--map", "abb-b23", "--json")

    assert "power_w              1251.56" in live.output
    assert dumped.exit_code == 0, dumped.output
    [row] = json.loads(again.output)
    assert (row["kind"], row["points"]["a.current_a"]) == ("meter", 1.01)


async def test_a_device_that_refuses_some_registers_is_still_read_and_dumped(tmp_path: Path) -> None:
    file = tmp_path / "night.json"
    async with CrookedServer(unit1=capture("sma-sb3.6-night")) as server:
        live = await invoked("read", "127.0.0.1", "--port", server.port)
        dumped = await invoked("dump", "127.0.0.1", "--port", server.port, "-o", file, "--json")
    again = await invoked("read", "--dump", file)

    assert (live.exit_code, again.exit_code) == (0, 0)
    assert "not answered: registers" in live.output
    assert json.loads(dumped.output)["registers"] == len(capture("sma-sb3.6-night"))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["scan", "no-such-host.invalid"], 1, "no-such-host.invalid: ", id="a name nobody knows"),
        pytest.param(["scan", "h", "--units", "0-300"], 2, "256 is not between 0 and 255", id="a unit beyond Modbus"),
        pytest.param(["scan", "h", "--ports", "70000"], 2, "70000 is not between 1 and 65535", id="a port too high"),
        pytest.param(["scan", "h", "--units", "9-1"], 2, "'9-1' names no number", id="a range turned round"),
        pytest.param(["scan", "/dev/x", "--parity", "X"], 2, "Invalid enum value 'X'", id="a parity nobody has"),
        pytest.param(["read", "127.0.0.1", "--map", "abb"], 2, "there is no map 'abb'; there are abb-b23", id="no such map"),
        pytest.param(["read", "127.0.0.1", "--port", "1"], 1, "127.0.0.1:1: no connection", id="a closed port"),
        pytest.param(["scan", "127.0.0.1", "--ports", "1"], 1, "port 1: no connection", id="a scan of a closed port"),
        pytest.param(["read", "127.0.0.1", "--base", "70000"], 2, "--base: 0 to 65531 (found 70000)", id="a base beyond Modbus"),
        pytest.param(["read", "127.0.0.1", "--base", "-3"], 2, "--base: 0 to 65531 (found -3)", id="a base below zero"),
        pytest.param(["read", "127.0.0.1", "--port", "70000"], 2, "--port: 1 to 65535 (found 70000)", id="a port beyond TCP"),
        pytest.param(["read", "127.0.0.1", "--unit", "300"], 2, "--unit: 0 to 255 (found 300)", id="a unit beyond the byte"),
        pytest.param(["dump", "127.0.0.1", "--unit", "-1"], 2, "--unit: 0 to 255 (found -1)", id="a unit below zero"),
        pytest.param(["read", "127.0.0.1", "--timeout", "0"], 2, "--timeout: 0.05 to 60 (found 0)", id="no patience at all"),
        pytest.param(["read", "/dev/x", "--baudrate", "-9"], 2, "--baudrate: 300 to 921600 (found -9)", id="a speed backwards"),
        pytest.param(["map", "check", "my-meter"], 1, "there is no map 'my-meter'", id="a map that is no file"),
    ],
)  # fmt: skip
async def test_what_goes_wrong_is_a_sentence(arguments: list[str], code: int, says: str) -> None:
    result = await invoked(*arguments)

    assert (result.exit_code, says in result.output) == (code, True), result.output
    assert "Traceback" not in result.output


async def test_a_dump_keeps_the_units_that_answer(tmp_path: Path) -> None:
    file = tmp_path / "two.json"
    async with CrookedServer(unit1=dict(HYBRID), unit200=dict(GRID)) as server:
        place = ("127.0.0.1", "--port", server.port, "--timeout", 10, "-o", file)
        made = await invoked("dump", *place, "--unit", 1, "--unit", 7, "--unit", 200)
    grid = await invoked("read", "--dump", file, "--unit", 200, "--json")
    nobody = await invoked("read", "--dump", file, "--unit", 3)

    assert "of 2 unit(s) written" in made.output
    assert "not answered: registers 40000 to 40001 of unit 7" in made.output
    assert [row["model"] for row in json.loads(grid.output)] == [1, 203]
    assert (nobody.exit_code, "unit 3 is not in it; there is 1, 200" in nobody.output) == (2, True)


async def test_a_dump_that_cannot_be_written_says_where() -> None:
    async with CrookedServer(unit1=dict(GRID)) as server:
        result = await invoked("dump", "127.0.0.1", "--port", server.port, "-o", "/no-such-folder/x.json")

    assert result.exit_code == 2
    assert "/no-such-folder/x.json: No such file or directory" in result.output
