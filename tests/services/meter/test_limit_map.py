"""Inverters without models 123 and 704, limited by the control section of a register map: SolarEdge."""

import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest

from busbar_contracts.meter import Control, InverterReading
from busbar_meter.checks import problems_of
from busbar_meter.inverter_limit import Limit
from busbar_meter.limit_control import limit_control_aim
from busbar_meter.map_control import value_at
from busbar_meter.map_file import BadMap, load, parse
from busbar_meter.writes import Aim, NotOffered
from busbar_shared.config.root import Site
from services.meter.meter_house import INVERTER, PATIENCE_S, house, running, said, until
from services.meter.modbus_servers import CrookedServer, Fault
from services.meter.register_images import common, image
from services.meter.test_orders_on_the_wire import limit

CONTROL = load("solaredge-limit").limit_control
assert CONTROL is not None
TEXT = (Path(__file__).parents[3] / "services/busbar_meter/maps/solaredge-limit.toml").read_text()


def float_words(value: float) -> tuple[int, int]:
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return low, high


def power_control(enabled: int = 1, timeout: int = 60, fallback: float = 100.0) -> dict[int, int]:
    found = {0xF300: enabled, 0xF310: timeout, 0xF311: 0}
    for address, value in ((0xF304, 10000.0), (0xF312, fallback), (0xF322, 100.0)):
        found[address], found[address + 1] = float_words(value)
    return found


def aimed(wanted: Limit | None, registers: dict[int, int] | None = None, **more: Any) -> Aim | NotOffered:
    registers = power_control() if registers is None else registers
    given = {"reference_w": 10000.0, "fallback_w": None, "originals": {}, **more}
    return limit_control_aim(CONTROL, registers, wanted, **given)


def told(found: Aim | NotOffered) -> dict[str, float | None]:
    assert isinstance(found, Aim)
    return {
        write.points[0]: value_at(
            CONTROL.registers[write.points[0]],
            {write.offset + step: value for step, value in enumerate(write.values)},
        )
        for write in found.writes
    }


def test_a_limit_is_a_percentage_rounded_down_and_refreshed_within_the_devices_patience() -> None:
    found = aimed(Limit(watts=3333.39))

    assert told(found) == {"limit": pytest.approx(33.33)}
    assert found.revert_s == 45
    assert aimed(Limit(watts=5000), power_control(timeout=12)).revert_s == 12


@pytest.mark.parametrize(
    ("fallback_w", "fallback"),
    [
        pytest.param(None, 40, id="it stands as it is"),
        pytest.param(2000, 20, id="it falls to the configured watts"),
        pytest.param(6000, 40, id="never looser than the limit itself"),
    ],
)
def test_a_mandatory_limit_also_stands_when_busbar_dies(fallback_w: float | None, fallback: float) -> None:
    found = aimed(Limit(watts=4000, mandatory=True), fallback_w=fallback_w)

    assert told(found) == {"fallback": fallback, "limit": 40}
    assert [each.points[0] for each in found.writes] == ["fallback", "limit"]


def test_what_stands_already_is_not_written_again_except_the_limit_itself() -> None:
    found = aimed(Limit(watts=4000, mandatory=True), power_control(fallback=40.0))

    assert told(found) == {"limit": 40}
    assert found.expect == {"fallback": 40, "limit": 40}


def test_a_release_puts_back_what_was_there_before() -> None:
    found = aimed(None, power_control(fallback=40.0), originals={"fallback": 80.0})

    assert (told(found), found.releases) == ({"limit": 100, "fallback": 80}, True)
    assert told(aimed(Limit(watts=10000))) == {"limit": 100}


@pytest.mark.parametrize(
    ("wanted", "registers", "reference_w", "why"),
    [
        (
            Limit(watts=1),
            power_control(enabled=0),
            10000.0,
            "enabled reads 0.0 instead of 1: enable dynamic power control on the inverter",
        ),
        (Limit(watts=1), {}, 10000.0, "enabled reads None instead of 1"),
        (Limit(watts=1), power_control(), None, "what 100 percent is, is not known: set rating_w"),
    ],
)
def test_what_cannot_be_limited_says_why(
    wanted: Limit, registers: dict[int, int], reference_w: float | None, why: str
) -> None:
    found = aimed(wanted, registers, reference_w=reference_w)

    assert isinstance(found, NotOffered)
    assert why in found.why


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            'take = "percent"',
            'take = "charge_w"',
            "limit_control.limit[0].take: 'charge_w' is none of percent",
        ),
        (
            'timeout = "timeout"',
            'timeout = "patience"',
            "limit_control.timeout[0]: 'patience' is none of its",
        ),
        ('["fallback"]', '["backfall"]', "limit_control.restore[0]: 'backfall' is none of its registers"),
        ("value = 100", "value = nan", "limit_control.release[0].value: nan does not fit into limit"),
        ("value = 100", 'take = "percent"', "limit_control.release[0].take: a release has no figures"),
        ('take = "percent" }]', "value = 50 }]", "limit_control.limit: nothing in it takes percent"),
        (
            "function = 3",
            "function = 4",
            "function: 4 reads input registers, but the limit of an inverter lies in holding",
        ),
        ("value = 1, why", "value = inf, why", "limit_control.require[0].value: inf is no value"),
    ],
)
def test_a_wrong_limit_section_is_refused(old: str, new: str, problem: str) -> None:
    with pytest.raises(BadMap) as error:
        parse(TEXT.replace(old, new, 1), "my.toml")

    assert problem in str(error.value)


def roof_by_map(port: int, timeout_s: float = PATIENCE_S, **more: Any) -> Site:
    place = {"host": "127.0.0.1", "port": port, "unit": 1, "timeout_s": timeout_s, "pause_s": 0}
    roof = {"modbus": place, "every_s": 0.2, "writable": True, "limit_map": "solaredge-limit", **more}
    site = house(port, batteries={}, inverters={"roof": roof})
    return msgspec.structs.replace(site, meters={}, circuits={})


def solaredge(**more: Any) -> dict[int, int]:
    return image(common(maker="SolarEdge", name="SE10K"), INVERTER) | power_control(**more)


async def test_a_solaredge_inverter_is_limited_and_released(tmp_path: Path) -> None:
    async with CrookedServer(unit1=solaredge()) as server:
        async with running(roof_by_map(server.port), tmp_path) as bus:
            await said(bus, InverterReading, lambda each: each.control is Control.RELEASED)
            bus.feed(limit(2500), inverter="roof")
            roof = await said(bus, InverterReading, lambda each: each.control is Control.OURS)
            await until(lambda: (server.units[1][0xF322], server.units[1][0xF323]) == float_words(25.0))
        after = server.units[1]

    assert (roof.limit_w, roof.power_w) == (2500, 4200)
    assert {address for _, address, _ in server.written} == {0xF322}
    assert (after[0xF322], after[0xF323]) == float_words(100.0)


async def test_a_mandatory_limit_stays_in_a_solaredge_inverter_and_its_fallback_is_put_back_later(
    tmp_path: Path,
) -> None:
    def reads(address: int) -> tuple[int, int]:
        return server.units[1][address], server.units[1][address + 1]

    async with CrookedServer(unit1=solaredge(fallback=80.0)) as server:
        async with running(roof_by_map(server.port), tmp_path) as bus:
            await said(bus, InverterReading)
            bus.feed(limit(4000, mandatory=True), inverter="roof")
            await until(lambda: reads(0xF322) == float_words(40.0))
        assert (reads(0xF312), reads(0xF322)) == (float_words(40.0), float_words(40.0))

        async with running(roof_by_map(server.port), tmp_path) as bus:
            await said(bus, InverterReading, lambda each: each.control is Control.OURS)
            bus.feed(limit(99999, mandatory=True, seq=2), inverter="roof")
            await until(lambda: reads(0xF312) == float_words(80.0))
            await until(lambda: reads(0xF322) == float_words(100.0))


async def test_without_dynamic_power_control_nothing_is_written(tmp_path: Path) -> None:
    async with (
        CrookedServer(unit1=solaredge(enabled=0)) as server,
        running(roof_by_map(server.port), tmp_path) as bus,
    ):
        roof = await said(bus, InverterReading, lambda each: each.control is Control.UNAVAILABLE)
        bus.feed(limit(2500), inverter="roof")
        roof = await said(bus, InverterReading, lambda each: "enable dynamic" in each.detail)

    assert (roof.power_w, roof.limit_w, server.written) == (4200, None, [])


def answering(code: int | None) -> Fault:
    """Every question about the power control registers is answered with this exception, or not at all."""

    def bent(pdu: bytes, honest: bytes) -> bytes | None:
        if int.from_bytes(pdu[1:3], "big") < 0xF300:
            return honest
        return None if code is None else honest[:4] + b"\0\3" + honest[6:7] + bytes([pdu[0] | 0x80, code])

    return bent


@pytest.mark.parametrize(
    ("code", "control"),
    [
        pytest.param(4, Control.UNKNOWN, id="device failure"),
        pytest.param(6, Control.UNKNOWN, id="busy"),
        pytest.param(11, Control.UNKNOWN, id="gateway target did not respond"),
        pytest.param(1, Control.UNAVAILABLE, id="illegal function"),
        pytest.param(None, Control.UNKNOWN, id="no answer"),
    ],
)
async def test_an_inverter_whose_power_control_does_not_answer_is_read_all_the_same(
    code: int | None, control: Control, tmp_path: Path
) -> None:
    async with CrookedServer(unit1=solaredge()) as server:
        server.fault = answering(code)
        async with running(roof_by_map(server.port, timeout_s=0.3), tmp_path) as bus:
            bus.feed(limit(2500), inverter="roof")
            roof = await said(bus, InverterReading, lambda each: each.control is control)

    assert (roof.power_w, roof.limit_w, server.written) == (4200, None, [])


async def test_an_inverter_without_these_registers_is_read_all_the_same(tmp_path: Path) -> None:
    async with (
        CrookedServer(unit1=image(common(), INVERTER)) as server,
        running(roof_by_map(server.port), tmp_path) as bus,
    ):
        roof = await said(bus, InverterReading, lambda each: each.control is Control.UNAVAILABLE)

    assert roof.power_w == 4200
    assert "SolarEdge" in roof.detail


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"limit_map": "abb-b23"}, "inverters.roof.limit_map: the map of ABB"),
        ({"limit_map": "nonsuch"}, "inverters.roof.limit_map: "),
        ({"driver": "map:solaredge-limit", "limit_map": None}, "does not know the inverter's power"),
        ({"driver": "map:huawei-sun2000", "every_s": 5}, "limit_map: works beside driver sunspec only"),
    ],
)
def test_a_wrong_limit_map_is_found_before_anything_is_connected(more: dict[str, Any], problem: str) -> None:
    found = problems_of(roof_by_map(502, **more))

    assert any(problem in each for each in found), found
