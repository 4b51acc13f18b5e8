"""Register maps: the shipped ones decode their own vectors, wrong ones say what is wrong."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_contracts.meter import MeterReading
from busbar_meter.map_file import BadMap, load, parse, shipped
from busbar_meter.registermap import Register as R
from busbar_meter.registermap import decoded, values_of
from services.meter.meter_house import PATIENCE_S, event, house, running, said
from services.meter.modbus_servers import CrookedServer
from services.meter.test_meter_commands import invoked

GOOD = """
title = "A meter"
source = "its manual, page 3"
verified = false
meter = [{ point = "power_w", address = 10, type = "int32", scale = 0.1, source = "p. 3" }]
[[vector]]
source = "made by hand"
registers = { "10" = [0xFFFF, 0xFFFF] }
expect = { "meter.power_w" = -0.1 }
"""


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_map_decodes_its_own_vectors_and_names_its_sources(name: str) -> None:
    definition = load(name)

    assert len(definition.vector) >= 1
    assert definition.verified is False, "nobody has compared it with hardware"
    assert all(
        register.source
        for kind in ("meter", "inverter", "battery")
        for register in definition.registers(kind)
    )
    assert all(read.count <= definition.most for read in definition.reads(("meter", "inverter", "battery")))


@pytest.mark.parametrize(
    ("register", "words", "order", "value"),
    [
        pytest.param(R(point="x", address=0, type="int16", source="xx"), [0xFE0C], "big", -500, id="a negative word"),
        pytest.param(R(point="x", address=0, type="int32", source="xx"), [0x910B, 0xFFFF], "little", -28405, id="low word first"),
        pytest.param(R(point="x", address=0, type="uint32", nothing=-1, source="xx"), [0xFFFF] * 2, "big", None, id="nothing"),
        pytest.param(R(point="x", address=0, type="uint64", nothing=-1, source="xx"), [0xFFFF] * 4, "big", None, id="all ones"),
        pytest.param(R(point="x", address=0, type="float32", source="xx"), [0x7FC0, 0], "big", None, id="not a number"),
        pytest.param(R(point="x", address=0, type="float32", sign=-1, source="xx"), [0x4120, 0], "big", -10, id="turned"),
        pytest.param(R(point="x", address=0, type="int32", source="xx"), [1], "big", None, id="half of it was refused"),
    ],
)  # fmt: skip
def test_registers_decode(register: R, words: list[int], order: str, value: float | None) -> None:
    assert decoded(register, dict(enumerate(words)), order) == value


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"power_w"', '"powr_w"', "meter[0].point: 'powr_w' is none of power_w, import_wh"),
        ('"int32"', '"int24"', "meter[0].type: Invalid enum value 'int24' (found 'int24')"),
        ("scale = 0.1", "scale = 1", "vector[0].expect.meter.power_w: decodes to -1.0 instead of -0.1"),
        ("address = 10", "address = 70000", "meter[0].address: Expected `int` <= 65535 (found 70000)"),
        ("address = 10", "address = 65535", "meter[0].address: 65535 leaves no room for int32"),
        ("verified = false", "", "Object missing required field `verified`"),
        (', source = "p. 3"', "", "meter[0]: Object missing required field `source`"),
        ("scale = 0.1", "scale = nan", "meter[0].scale: nan makes nothing of any value"),
        ("scale = 0.1", "scale = 0", "meter[0].scale: 0 makes nothing of any value"),
        ('"meter.power_w" = -0.1', '"meter.power_w" = nan', "decodes to -0.1 instead of nan"),
        ("[[vector]]", "[[vektor]]", "my.toml: Object contains unknown field `vektor`"),
        ('title = "A meter"', "title = ", "Invalid value"),
        (
            "verified = false",
            "verified = false\nword = 9",
            "my.toml: Object contains unknown field `word` (found 9)",
        ),
        ("= -0.1 }", "= 'x' }", "vector[0].expect.meter.power_w: Expected `float`, got `str` (found 'x')"),
        (
            '"10" = [0xFFFF',
            '"9" = [1], "10" = ["x"',
            "vector[0].registers.10[0]: Expected `int`, got `str` (found 'x')",
        ),
        ('title = "A meter"', "title = 7", "title: Expected `str`, got `int` (found 7)"),
        ('title = "A meter"', 'title = ""', "title: Expected `str` of length >= 2 (found '')"),
        (
            'title = "A meter"',
            'title = "A meter"\nevery_least_s = inf',
            "every_least_s: Expected `float` <= 3600.0 (found inf)",
        ),
        ('title = "A meter"', 'title = "A meter"\nmost = 126', "most: Expected `int` <= 125 (found 126)"),
        (
            '"10" = [0xFFFF',
            '"10" = [70000',
            "vector[0].registers.10: 70000 is no register, which holds 0 to 65535",
        ),
        ('"10" = [0xFFFF', '"10" = [-1', "vector[0].registers.10: -1 is no register"),
        (
            '"10" = ',
            '"65535" = ',
            "vector[0].registers.65535: 2 registers from 65535 on are not between 0 and 65535",
        ),
        ('"10" = ', '"ten" = ', "vector[0].registers: 'ten' is not an address"),
        ("[[vector]]", "deep = " + "[" * 9000 + "]" * 9000 + "\n[[vector]]", "nested too deeply"),
    ],
)
def test_a_wrong_map_says_which_field_is_wrong(old: str, new: str, problem: str) -> None:
    with pytest.raises(BadMap) as error:
        parse(GOOD.replace(old, new), "my.toml")

    assert str(error.value).startswith("my.toml: ")
    assert problem in str(error.value)


def test_a_map_without_vectors_is_refused() -> None:
    with pytest.raises(BadMap, match="no vector"):
        parse(GOOD[: GOOD.index("[[vector]]")], "my.toml")


@given(st.binary(max_size=200))
def test_no_file_whatever_raises_anything_else(raw: bytes) -> None:
    with pytest.raises(BadMap, match=r"^my\.toml: "):
        parse(raw, "my.toml")


async def test_map_check_on_the_command_line(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(GOOD)
    bad.write_text(GOOD.replace('"power_w"', '"powr_w"'))

    fine, wrong = await invoked("map", "check", good), await invoked("map", "check", bad, "--json")

    assert (fine.exit_code, wrong.exit_code) == (0, 1)
    assert "meter 1; 1 test vector(s) decode as expected" in fine.output
    assert json.loads(wrong.output)["ok"] is False


def spread(**runs: list[int]) -> dict[int, int]:
    return {
        int(start[1:], 0) + step: word for start, words in runs.items() for step, word in enumerate(words)
    }


# The readout examples of the ABB manual, pages 168 and 170, with voltages added.
ABB = spread(
    x0x5000=[0, 0, 0x000D, 0x1290, 0, 0, 0x0003, 0x1209],
    x0x5B00=[0, 2321, 0, 2334, 0, 2310, 0, 4042, 0, 4042, 0, 4032],
    x0x5B0C=[0, 0x65, 0, 0xC9, 0, 0x12E, 0, 0x86, 1, 0xE8E4, 0, 0x5AE2, 0, 0xB097, 0, 0xDD6B],
    x0x5B1C=[0xFFFF] * 16 + [0x1383],
)  # fmt: skip


async def test_a_mapped_meter_is_read_like_any_other(tmp_path: Path) -> None:
    async with CrookedServer(unit5=ABB) as server:
        place = {"host": "127.0.0.1", "port": server.port, "unit": 5, "timeout_s": PATIENCE_S, "pause_s": 0}
        site = house(server.port, meters={"grid": {"driver": "map:abb-b23", "modbus": place, "every_s": 0.2}},
                     inverters={}, batteries={})  # fmt: skip
        async with running(site, tmp_path) as bus:
            grid = await said(bus, MeterReading)
            await said(bus, type(grid), lambda each: each.at > grid.at)

        assert {(start, count) for _, _, start, count in server.requests} == {(0x5000, 8), (0x5B00, 45)}
    assert (grid.power_w, grid.a.current_a, grid.b.power_w, grid.c.voltage_v) == (
        1251.56,
        1.01,
        452.07,
        231.0,
    )
    assert (grid.import_wh, grid.export_wh) == (8567200.0, 2012250.0)


async def test_a_meter_of_totals_only_is_spread_with_the_assumed_unbalance(tmp_path: Path) -> None:
    registers = spread(x0x34=[0x452C, 0x8000] + [0] * 18 + [0x42C8, 0, 0x3F00, 0])
    async with CrookedServer(unit5=registers) as server:
        place = {"host": "127.0.0.1", "port": server.port, "unit": 5, "timeout_s": PATIENCE_S, "pause_s": 0}
        meter = {"driver": "map:eastron-sdm72d-m", "modbus": place, "every_s": 0.2, "assumed_unbalance_a": 5}
        site = house(server.port, meters={"grid": meter}, inverters={}, batteries={})
        async with running(site, tmp_path) as bus:
            text = await event(bus, "reading_doubtful")
            grid = next(message for _, message in bus.said)

    assert (grid.power_w, grid.phases_estimated, grid.quality) == (2760.0, True, "estimated")
    assert (grid.a.current_a, grid.b.current_a, grid.c.power_w) == (9.0, 9.0, 920.0)
    assert "phases are an even spread plus 5 A and not protected" in text


def test_the_words_of_carlo_gavazzi_come_low_first() -> None:
    values = values_of(load("carlo-gavazzi-em24"), "meter", {0x28: 0x910B, 0x29: 0xFFFF})

    assert values == {"power_w": pytest.approx(-2840.5)}
