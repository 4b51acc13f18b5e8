"""A wrong configuration of devices is said whole and at once, each problem with its field."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from busbar_meter.checks import problems_of
from busbar_meter.config import BadMeterConfig
from busbar_meter.main import run
from busbar_shared.clock import RealClock
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service

HERE = {"host": "127.0.0.1"}


SLOW = """
title = "A slow meter"
source = "its manual, page 3"
verified = false
every_least_s = 5
meter = [{ point = "a.power_w", address = 10, type = "int16", source = "p. 3" }]
[[vector]]
source = "made by hand"
registers = { "10" = [5] }
expect = { "meter.a.power_w" = 5 }
"""
TOTALS = "map:eastron-sdm72d-m"
ONE_TOPIC = {"values": {"power_w": {"topic": "p"}}}


def grid(**config: Any) -> dict[str, Any]:
    return {"meters": {"grid": config}}


def site(**sections: Any) -> Site:
    return msgspec.convert({"circuits": {"main": {"limit_a": 25, "meter": "grid"}}, **sections}, Site)


@pytest.mark.parametrize(
    ("sections", "problem"),
    [
        pytest.param(
            grid(driver="sunspek", modbus=HERE),
            "meters.grid.driver: 'sunspek' is neither",
            id="a driver nobody knows",
        ),
        pytest.param(
            grid(), "meters.grid.modbus: driver 'sunspec' needs a host or a serial line", id="no place"
        ),
        pytest.param(grid(modbus={}), "meters.grid.modbus.host: neither host nor serial", id="no host"),
        pytest.param(
            grid(modbus={**HERE, "framing": "rtu"}),
            "meters.grid.modbus.framing: rtu needs serial",
            id="rtu over a network",
        ),
        pytest.param(
            grid(modbus={"host": "h", "serial": "/dev/ttyUSB0"}),
            "meters.grid.modbus: either host or serial (found host 'h' and serial '/dev/ttyUSB0')",
            id="two places at once",
        ),
        pytest.param(
            grid(modbus={"host": "h", "base": 65536}),
            "meters.grid.modbus.base: no address a chain can begin at, 0 to 65531 (found 65536)",
            id="a base beyond Modbus",
        ),
        pytest.param(
            grid(modbus=HERE, phases=["a", "a", "b"]),
            "meters.grid.phases: a phase is named twice (found ['a', 'a', 'b'])",
            id="two legs on one phase",
        ),
        pytest.param(
            {"site": {"phases": ["a"]}, "inverters": {"roof": {"modbus": HERE, "phases": ["b"]}}},
            "inverters.roof.phases: the site has no phase 'b'; it has a",
            id="a phase the house does not have",
        ),
        pytest.param(
            {"meters": {"car": {"modbus": HERE, "phases": ["a"], "invert": ["c"]}}},
            "meters.car.invert: it does not see phase 'c'; it sees a",
            id="a sign of a phase it does not see",
        ),
        pytest.param(
            grid(modbus={"host": "h", "timeout_s": 0}),
            "meters.grid.modbus.timeout_s: 0.05 to 60 s (found 0)",
            id="no patience at all",
        ),
        pytest.param(
            grid(modbus={"host": "h", "pause_s": 1e6}),
            "meters.grid.modbus.pause_s: 0 to 5 s (found 1e+06)",
            id="a pause of days",
        ),
        pytest.param(
            grid(modbus={"host": "h", "base": -1}),
            "meters.grid.modbus.base: no address a chain can begin at",
            id="a base below zero",
        ),
        pytest.param(
            grid(driver="map:sdm", modbus=HERE),
            "meters.grid.driver: there is no map 'sdm'; there",
            id="a map nobody wrote",
        ),
        pytest.param(
            grid(driver="map:no.toml", modbus=HERE),
            "meters.grid.driver: no.toml: No such file",
            id="a file that is not there",
        ),
        pytest.param(
            grid(driver="mqtt"), "meters.grid.mqtt: driver mqtt needs to know", id="MQTT without a place"
        ),
        pytest.param(
            grid(driver=TOTALS, modbus=HERE),
            "meters.grid.assumed_unbalance_a: this meter says only its total",
            id="totals need an assumption",
        ),
        pytest.param(
            grid(driver="mqtt", mqtt=ONE_TOPIC),
            "meters.grid.assumed_unbalance_a: this meter",
            id="on MQTT too",
        ),
        pytest.param(
            grid(driver="mqtt", mqtt={"kind": "shelly_em", "topic": "shellies/x"}),
            'meters.grid.phases: this meter says nothing of b and c; write phases = ["a"], or give',
            id="a meter of one phase on a connection of three",
        ),
        pytest.param(
            {"inverters": {"roof": {"driver": "map:abb-b23", "modbus": HERE}}},
            "inverters.roof.driver: the map of ABB B21",
            id="a meter is no inverter",
        ),
        pytest.param(
            {"batteries": {"b": {"driver": "map:victron-gx", "modbus": HERE, "writable": True}}},
            "batteries.b.writable: by its map Victron GX",
            id="a map that steers nothing",
        ),
    ],
)
def test_problems(sections: dict[str, Any], problem: str) -> None:
    [found] = problems_of(site(**sections))

    assert found.startswith(problem)


@pytest.mark.parametrize(
    "sections",
    [
        pytest.param(grid(driver=TOTALS, modbus=HERE, phases=["a"]), id="one phase is the total"),
        pytest.param(
            {"meters": {"car": {"driver": TOTALS, "modbus": HERE}}}, id="a load's meter guards no breaker"
        ),
        pytest.param(
            {"batteries": {"b": {"driver": "map:kostal-battery", "modbus": HERE, "writable": True}}},
            id="a map that steers",
        ),
    ],
)
def test_no_problem(sections: dict[str, Any]) -> None:
    assert problems_of(site(**sections)) == []


def test_a_map_may_forbid_to_be_asked_too_often(tmp_path: Path) -> None:
    file = tmp_path / "slow.toml"
    file.write_text(SLOW)
    device = {"driver": f"map:{file}", "modbus": HERE, "phases": ["a"]}

    assert problems_of(site(**grid(**device, every_s=5))) == []
    assert problems_of(site(**grid(**device))) == [
        "meters.grid.every_s: its map allows one reading in 5 s; write every_s = 5"
    ]


async def test_the_service_says_all_problems_and_connects_to_nothing(tmp_path: Path) -> None:
    wrong = site(meters={"grid": {}, "car": {"driver": "mqtt"}})
    service = Service(name="meter", site=wrong, bus=FakeBus(), clock=RealClock(), state_dir=tmp_path)

    with pytest.raises(BadMeterConfig) as error:
        await run(service)

    assert len(str(error.value).splitlines()) == 2
