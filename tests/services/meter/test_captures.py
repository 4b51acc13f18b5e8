"""Real devices, as others captured them: what the service makes of each register image."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from busbar_meter.config import lines_of
from busbar_meter.sunspec_station import SunSpecStation
from busbar_shared.clock import VirtualClock
from busbar_shared.config.root import Site
from services.meter.captures_read import FOLDER, capture
from services.meter.modbus_servers import CrookedServer
from services.meter.register_images import PaperWire
from services.meter.test_independent_reader import differences, read_by_pysunspec
from services.meter.test_meter_commands import invoked

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
HERE = {"modbus": {"host": "h"}}
SITE = msgspec.convert({"inverters": {"roof": HERE}, "batteries": {"cellar": HERE}}, Site)
METER_SITE = msgspec.convert({"meters": {"grid": HERE}}, Site)
NAMES = sorted(file.stem for file in FOLDER.glob("*.hex"))


def flat(message: Any) -> dict[str, Any]:
    """A reading as plain values, phases as `a.current_a`; what is unknown is left out."""
    plain = json.loads(msgspec.json.encode(message))
    for phase in "abc":
        for key, value in (plain.pop(phase, None) or {}).items():
            plain[f"{phase}.{key}"] = round(value, 2) if isinstance(value, float) else value
    return {key: value for key, value in plain.items() if value is not None}


async def visited(
    name: str, visits: int = 1, site: Site = SITE
) -> tuple[dict[str, dict[str, Any]], PaperWire, SunSpecStation]:
    wire, clock = PaperWire(unit1=capture(name)), VirtualClock(NOON)
    station = SunSpecStation(lines_of(site)[0].stations[0], clock)
    for _ in range(visits):
        wire.asked.clear()
        outcomes = await station.visit(wire)
        await clock.advance(1.0)
    return {role.plan.kind: flat(outcome.message) for role, outcome in outcomes}, wire, station


INVERTERS = {
    "sma-sb3.6-day": {
        "power_w": 1080, "pv_power_w": 1150, "a.current_a": 4.5, "a.power_w": 1080, "a.voltage_v": 239.2,
        "rating_w": 3680, "energy_wh": 21_707_970, "state": "running", "quality": "good",
    },
    # W is blank and model 122 says that the modules are not connected: it makes nothing.
    "sma-sb3.6-night": {
        "power_w": 0, "pv_power_w": 0, "a.power_w": 0, "rating_w": 3680, "energy_wh": 29_479_140,
        "state": "sleeping", "quality": "good",
    },
    "fimer-pvs-175": {
        "power_w": 141_380, "pv_power_w": 144_390, "a.current_a": 106.7, "b.current_a": 106.6, "c.current_a": 106.8,
        "a.voltage_v": 442.3, "b.voltage_v": 441.6, "c.voltage_v": 441.7, "rating_w": 185_000,
        "energy_wh": 459_493_000, "state": "running", "quality": "good", "detail": "its clock is -60398857 s off",
    },
    # The two inputs of model 160 are 15040 W and 8531 W.
    "fronius-eco-27": {
        "power_w": 22_520, "pv_power_w": 23_571, "a.current_a": 31.8, "b.current_a": 31.67, "c.current_a": 31.77,
        "a.voltage_v": 235.7, "b.voltage_v": 236.1, "c.voltage_v": 234.0, "rating_w": 27_000,
        "energy_wh": 39_170_800, "state": "running", "quality": "good", "detail": "its clock is -29972812 s off",
    },
    "solaredge-se5000h": {
        "power_w": 1395, "pv_power_w": 1416.3, "a.current_a": 5.92, "a.power_w": 1395, "a.voltage_v": 235.7,
        "energy_wh": 14_676_442, "state": "running", "quality": "good",
    },
    # WMaxRtg and WMax are zero there: no rating, and so no limit in percent.
    "franklin-agate": {
        "power_w": 2, "pv_power_w": 0, "a.current_a": 3.4, "a.power_w": 2, "a.voltage_v": 241.8,
        "energy_wh": 4_614_656, "state": "running", "quality": "good",
    },
}  # fmt: skip


METERS = {
    # Phases b and c have no generator: what flows there is drawn, and SolarEdge says it as negative.
    "solaredge-se5000h": {
        "power_w": 58, "a.power_w": -1087, "b.power_w": 123, "c.power_w": 1022, "a.current_a": -4.8, "b.current_a": 0.8,
        "c.current_a": 4.6, "a.voltage_v": 235.49, "b.voltage_v": 236.31, "c.voltage_v": 231.45,
        "import_wh": 18_090_016, "export_wh": 21_267_458,
    },
    # Its exported energy reads 4290173437 Wh, which is a negative number in an unsigned counter.
    "kostal-ksem": {
        "power_w": 3070, "a.power_w": 2350, "b.power_w": 470, "c.power_w": 240, "a.current_a": 10.3, "b.current_a": 2.08,
        "c.current_a": 1.6, "a.voltage_v": 229.82, "b.voltage_v": 232.14, "c.voltage_v": 232.13,
        "import_wh": 3_018_895, "export_wh": 4_793_859,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", METERS)
async def test_a_meter_reads_as_it_was(name: str) -> None:
    readings, _, _ = await visited(name, site=METER_SITE)

    rest = {"detail": "", "period_s": 1.0, "phases_estimated": False, "quality": "good"}
    assert readings["meter"] == {"at": "2026-06-21T12:00:00Z"} | rest | METERS[name]


@pytest.mark.parametrize("name", INVERTERS)
async def test_an_inverter_reads_as_it_was(name: str) -> None:
    readings, _, _ = await visited(name)

    expected = {"detail": "", "period_s": 1.0, "control": "unavailable", "at": "2026-06-21T12:00:00Z"}
    assert readings["inverter"] == expected | INVERTERS[name]


@pytest.mark.parametrize(
    ("name", "battery"),
    [
        pytest.param(
            "sma-sb3.6-day",
            {"quality": "unknown", "detail": "its battery models are blank"},
            id="a model 124 of blanks is no battery",
        ),
        pytest.param(
            "franklin-agate",
            {"soc_percent": 55, "capacity_wh": 13_600, "charge_limit_w": 5000, "discharge_limit_w": 5000,
             "power_w": -2, "power_estimated": True, "quality": "estimated", "detail": ""},
            id="models 713 and 702 of an AC battery",
        ),
    ],
)  # fmt: skip
async def test_a_battery_reads_as_it_was(name: str, battery: dict[str, Any]) -> None:
    readings, _, _ = await visited(name)

    rest = {"state": "unknown", "control": "unavailable", "period_s": 1.0, "at": "2026-06-21T12:00:00Z"}
    assert {"power_estimated": False, **rest, **battery} == readings["battery"]


@pytest.mark.parametrize(
    ("name", "ended"),
    [("fronius-eco-27", "end block without length"), ("sma-sb3.6-night", "end block")],
)
async def test_how_their_chains_end(name: str, ended: str) -> None:
    _, _, station = await visited(name)

    assert station.unit.chain.ended == ended


async def test_registers_that_are_refused_by_night_are_not_asked_for_each_second() -> None:
    readings, wire, _ = await visited("sma-sb3.6-night", visits=6)

    image = wire.images[1]
    refused = [
        (at, count) for _, at, count in wire.asked if any(a not in image for a in range(at, at + count))
    ]
    assert (refused, readings["inverter"]["power_w"]) == ([], 0)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in ("sma-sb3.6-night", "fronius-eco-27")]
)
async def test_pysunspec_reads_the_same_from_a_capture(name: str) -> None:
    """Not asked of those at which its scan gives up: refused registers, and an end block without length."""
    from busbar_meter.unit import Unit
    from busbar_meter.walk import whole_block

    wire, unit = PaperWire(unit1=capture(name)), Unit(1, VirtualClock(NOON))
    async with CrookedServer(unit1=capture(name)) as server:
        theirs = await asyncio.to_thread(read_by_pysunspec, server.port)
    await unit.prepare(wire)
    ours = {place.model: await whole_block(wire, 1, place) for place in unit.chain.places}

    found = {
        number: differences(block, theirs[number]) for number, block in ours.items() if block.model.points
    }
    assert found == {number: [] for number in found}


CAN_BE = {
    "franklin-agate": [["inverter", "battery"]],
    "solaredge-se5000h": [["inverter"], ["meter"]],
    "kostal-ksem": [["meter"]],
}


@pytest.mark.parametrize("name", NAMES)
async def test_scan_proposes_what_is_really_there(name: str, tmp_path: Path) -> None:
    async with CrookedServer(unit1=capture(name)) as server:
        result = await invoked("scan", "127.0.0.1", "--ports", server.port, "--units", "1", "--json")
        file = tmp_path / "dump.json"
        dumped = await invoked("dump", "127.0.0.1", "--port", server.port, "-o", file)

    [found] = json.loads(result.stdout)
    assert [device["can_be"] for device in found["devices"]] == CAN_BE.get(name, [["inverter"]])
    assert dumped.exit_code == 0
    again = await invoked("read", "--dump", file, "--json")
    assert again.exit_code == 0, again.output
