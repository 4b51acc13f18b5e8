"""Batteries steered by the control section of a register map: SolarEdge and Kostal."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_contracts.battery import BatteryReading, BatterySetpoint
from busbar_contracts.meter import Control
from busbar_meter.map_control import control_aim, encoded, situation, value_at
from busbar_meter.map_file import BadMap, load, parse
from busbar_meter.storage_window import Most, NotOffered, Window
from busbar_meter.writes import Aim
from busbar_shared.config.root import Site
from services.meter.meter_house import PATIENCE_S, house, running, said, until
from services.meter.modbus_servers import CrookedServer
from services.meter.test_orders_on_the_wire import stamp

SOLAREDGE, KOSTAL = load("solaredge-battery").battery_control, load("kostal-battery").battery_control
MOST = Most(charge_w=5000, discharge_w=4000)
READY = {1080: 2, 1034: 0, 1035: 0}


def told(
    control: Any, low: float | None, high: float | None, registers: dict[int, int]
) -> dict[str, float] | NotOffered:
    window = Window(min_w=low, max_w=high)
    found = control_aim(control, registers, window, most=MOST, revert_s=60, originals={})
    if isinstance(found, NotOffered):
        return found
    return {
        write.points[0]: value_at(control.registers[write.points[0]], placed(write)) for write in found.writes
    }


def placed(write: Any) -> dict[int, int]:
    return {write.offset + step: value for step, value in enumerate(write.values)}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        pytest.param(0, 0, {"charge_limit": 0, "discharge_limit": 0, "command_mode": 1}, id="hold"),
        pytest.param(
            0, 3000, {"charge_limit": 3000, "discharge_limit": 0, "command_mode": 7}, id="charge from surplus"
        ),
        pytest.param(
            -2500,
            0,
            {"charge_limit": 0, "discharge_limit": 2500, "command_mode": 5},
            id="discharge for the house",
        ),
        pytest.param(
            -2500,
            None,
            {"charge_limit": 5000, "discharge_limit": 2500, "command_mode": 7},
            id="bounded freely",
        ),
        pytest.param(2000, 2000, {"charge_limit": 2000, "command_mode": 3}, id="charge, from the grid too"),
        pytest.param(
            -9000,
            -9000,
            {"discharge_limit": 4000, "command_mode": 4},
            id="more than it gives is all it gives",
        ),
    ],
)
def test_solaredge(low: float, high: float | None, expected: dict[str, float]) -> None:
    assert told(SOLAREDGE, low, high, {}) == {"control_mode": 4, "timeout": 60, **expected}


def test_the_command_mode_of_solaredge_is_written_last_after_its_timeout() -> None:
    found = control_aim(SOLAREDGE, {}, Window(min_w=0, max_w=0), most=MOST, revert_s=60, originals={})

    assert [write.points[0] for write in found.writes][:2] == ["control_mode", "timeout"]
    assert found.writes[-1].points == ("command_mode",)
    assert found.writes[1].values == (60, 0), "the low word comes first"


@pytest.mark.parametrize(
    ("low", "high", "setpoint"),
    [
        pytest.param(0, 0, 0, id="hold"),
        pytest.param(2000, 2000, -2000, id="charging is negative there"),
        pytest.param(-1500, -1500, 1500, id="discharging is positive"),
    ],
)
def test_kostal(low: float, high: float, setpoint: float) -> None:
    assert told(KOSTAL, low, high, READY) == {"setpoint": setpoint}


def test_kostal_takes_exact_set_points_only() -> None:
    assert told(KOSTAL, 0, 3000, READY) == NotOffered("this device cannot be told to charge only")


def test_kostal_is_not_written_before_the_owner_allows_it() -> None:
    found = told(KOSTAL, 0, 0, {**READY, 1080: 0})

    assert isinstance(found, NotOffered)
    assert "set battery management to external via Modbus" in found.why


def test_a_release_puts_the_control_mode_back_as_it_was() -> None:
    now = {0xE004: 4}
    found = control_aim(SOLAREDGE, now, None, most=MOST, revert_s=60, originals={"control_mode": 1})

    assert [(write.points, write.values) for write in found.writes] == [
        (("command_mode",), (7,)),
        (("control_mode",), (1,)),
    ]
    assert found.releases


@given(st.floats(-20_000, 20_000), st.floats(-20_000, 20_000))
def test_every_window_is_one_situation_and_no_figure_leaves_its_range(low: float, high: float) -> None:
    window = Window(min_w=min(low, high), max_w=max(low, high))

    found = control_aim(SOLAREDGE, {}, window, most=MOST, revert_s=60, originals={})

    assert isinstance(found, Aim)
    assert 0 <= found.expect.get("charge_limit", 0) <= 5000
    assert 0 <= found.expect.get("discharge_limit", 0) <= 4000


@pytest.mark.parametrize(
    ("low", "high", "name"), [(0.0, -0.0, "hold"), (1, 2, "force_charge"), (-2, -1, "force_discharge")]
)
def test_situations(low: float, high: float, name: str) -> None:
    assert situation(low, high) == name


def test_a_figure_too_large_for_its_register_is_cut_not_wrapped() -> None:
    assert encoded(SOLAREDGE.registers["command_mode"], 1e9) == (65534,)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            '"setpoint", take',
            '"setpont", take',
            "battery_control.force_charge[0].register: 'setpont' is none of setpoint",
        ),
        ('take = "charge_w", ', "", "battery_control.force_charge[0]: either value or take"),
        (
            'register = "management"',
            'register = "x"',
            "battery_control.require[0]: 'x' is none of its registers",
        ),
        ("revert = ", "# revert = ", "battery_control: Object missing required field `revert`"),
    ],
)
def test_a_control_section_without_a_word_on_every_register_is_refused(
    old: str, new: str, problem: str
) -> None:
    text = (Path(__file__).parents[3] / "services/busbar_meter/maps/kostal-battery.toml").read_text()

    with pytest.raises(BadMap) as error:
        parse(text.replace(old, new, 1), "my.toml")

    assert problem in str(error.value)


def cellar_by_map(port: int, name: str) -> Site:
    place = {"host": "127.0.0.1", "port": port, "unit": 71, "timeout_s": PATIENCE_S, "pause_s": 0}
    battery = {"driver": f"map:{name}", "modbus": place, "every_s": 0.2, "writable": True}
    site = house(port, batteries={"cellar": battery}, inverters={})
    return msgspec.structs.replace(site, meters={}, circuits={})


def solaredge_registers() -> dict[int, int]:
    registers = dict.fromkeys(range(0xE004, 0xE012), 0) | dict.fromkeys(range(0xE140, 0xE190), 0)
    return registers | {
        0xE004: 1,
        0xE144: 0x4000,
        0xE145: 0x459C,
        0xE146: 0x4000,
        0xE147: 0x459C,
        0xE184: 0,
        0xE185: 0x4280,
    }


async def test_a_solaredge_battery_is_steered_refreshed_and_given_back(tmp_path: Path) -> None:
    async with CrookedServer(unit71=solaredge_registers()) as server:
        async with running(cellar_by_map(server.port, "solaredge-battery"), tmp_path) as bus:
            await said(bus, BatteryReading)
            bus.feed(BatterySetpoint(min_w=2000, max_w=2000, grid_charging=True, **stamp()), battery="cellar")
            cellar = await said(bus, BatteryReading, lambda each: each.control is Control.OURS)
            await until(lambda: server.units[71][0xE00D] == 3)
            during = dict(server.units[71])
        after = server.units[71]

    assert (cellar.window_min_w, cellar.soc_percent) == (2000, 64)
    assert (during[0xE004], during[0xE00B], during[0xE00E], during[0xE00F]) == (4, 60, 0, 0x44FA)
    assert (after[0xE004], after[0xE00D]) == (1, 7)


async def test_a_kostal_battery_that_is_not_released_for_us_is_not_written(tmp_path: Path) -> None:
    registers = dict.fromkeys([514, 582, *range(1034, 1036), *range(1068, 1081)], 0) | {514: 55}
    async with CrookedServer(unit71=registers) as server:
        async with running(cellar_by_map(server.port, "kostal-battery"), tmp_path) as bus:
            await said(bus, BatteryReading)
            bus.feed(BatterySetpoint(min_w=0, max_w=0, **stamp()), battery="cellar")
            cellar = await said(bus, BatteryReading, lambda each: each.control is Control.REJECTED)

        assert server.written == []
    assert "management reads 0.0 instead of 2" in cellar.detail
