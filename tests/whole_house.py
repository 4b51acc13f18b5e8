"""A house with everything Busbar has: nine services, two chargers, a Charge Amps unit, a plug, a tank, sun and battery.

The cars arrive when everything runs: a charger that nobody has ever told a limit takes what it can.
Each service reaches the broker over a line of its own that can be cut, the meter reaches its devices over another,
and the chargers their central system over a third.
"""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from busbar_cli.broker import free_port
from busbar_shared.config.load import read
from houses import House, running
from wires import Wire, wires

SITE = """
[site]
id = "whole"
lease_s = 6
meter_stale_s = 3
meter_lost_after_s = 6
excess_threshold_w = 3000
netting = "sum"
[broker]
host = "embedded"
port = {mqtt}
[circuits.main]
limit_a = 35
meter = "grid"
assumed_background_a = 16
[circuits.garage]
parent = "main"
limit_a = 25
background_a = 0
[meters.grid]
modbus = {{ host = "127.0.0.1", port = {modbus}, unit = 200 }}
[inverters.roof]
modbus = {{ host = "127.0.0.1", port = {modbus}, unit = 1 }}
hybrid = true
rating_w = 10000
writable = true
[batteries.house]
modbus = {{ host = "127.0.0.1", port = {modbus}, unit = 1 }}
inverter = "roof"
writable = true
charge_limit_w = 5000
discharge_limit_w = 5000
[ocpp]
port = {ocpp}
security = 0
profile_validity_s = 24
sample_s = 5
[chargers.left]
charge_point = "CP-LEFT"
circuit = "garage"
fallback_a = 6
mode = "{mode}"
[chargers.right]
charge_point = "CP-RIGHT"
circuit = "garage"
legs = ["b", "c", "a"]
fallback_a = 0
mode = "solar_only"
priority = 2
[plugs.pump]
driver = "shelly"
topic = "shellyplus1pm-pump"
phases = ["c"]
rating_w = 700
mode = "{pump}"
priority = 3
min_on_s = 20
min_off_s = 10
device_lease_s = 20
poll_s = 10
manual_hold_s = 20
max_switches_per_h = 1000
[plugs.boiler]
driver = "tasmota"
topic = "boiler"
phases = ["a"]
rating_w = 1500
mode = "solar_only"
min_on_s = 20
min_off_s = 10
use_pulse_time = true
device_lease_s = 20
poll_s = 10
manual_hold_s = 20
max_switches_per_h = 1000
[heaters.water]
plug = "boiler"
phases = ["a"]
rating_w = 1500
mode = "{heat}"
priority = 4
min_on_s = 20
min_off_s = 10
[heaters.water.topics]
temperature = {{ topic = "house/water", path = "celsius" }}
[battery_flow]
dry_run = false
export_limit_w = 6000
[prices]
every_s = 60
[prices.series.import]
kind = "file"
file = "{folder}/prices.json"
[chargeamps]
base_url = "http://127.0.0.1:{cloud}"
operation_mode = "hems"
poll_idle_s = 10
poll_charging_s = 10
[chargeamps.connectors.1]
charge_point = "2104012345M"
[simulator]
modbus_port = {modbus}
seed = {seed}
speed = {speed}
start = "{start}"
chargeamps = {{ email = "owner@example.org", password = "secret", mode = "Off" }}
battery = {{ capacity_wh = 10000, soc_percent = 60 }}
{sky}
[simulator.plugs.pump]
power_w = 700
[simulator.heaters.water]
litres = 200
celsius = 40
showers = 3
[simulator.cars.left]
arrives_after_s = 25
battery_wh = 2000000
[simulator.cars.right]
ocpp = "2.0.1"
arrives_after_s = 25
battery_wh = 2000000
"""

SUNNY = "sun = { peak_w = 11000, cloudiness = 0.25 }\n[simulator.house]\nbase_w = 500\nkettles = 8"
NIGHT = "sun = { peak_w = 0 }\n[simulator.house]\nbase_w = 0\nkettles = 0\novens = 0\nmachines = 0"

SERVICES = ("meter", "ocpp", "plugs", "heat", "prices", "chargeamps", "battery", "allocator")
OTHER = "home assistant"
"""The line of somebody who is no service of ours."""
SECRETS = {
    "CHARGEAMPS_EMAIL": "owner@example.org",
    "CHARGEAMPS_PASSWORD": "secret",
    "CHARGEAMPS_API_KEY": "key",
}


class WholeHouse:
    """The running house and its lines: one per service to the broker, `modbus`, and `chargers`."""

    def __init__(self, house: House, lines: dict[str, Wire], clock: Path) -> None:
        self.house, self.lines, self._clock = house, lines, clock

    def jump(self, seconds: float) -> None:
        """Move the calendar of all services; the house and the chargers keep theirs."""
        self._clock.write_text(f"{seconds:+g}", encoding="utf-8")


def faketime() -> str | None:
    """The library that gives a process a calendar of its own, where it is installed (Debian: faketime)."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return str(found[0]) if found else None


@asynccontextmanager
async def lined(text: str, folder: Path, *, clocks: bool = False) -> AsyncIterator[WholeHouse]:
    """The house of this configuration, running over lines; ended cleanly afterwards.

    `clocks`: the calendar of its services can jump.
    """
    site = read(text)
    assert site.ocpp is not None
    assert site.simulator is not None
    mqtt, modbus, ocpp = site.broker.port, site.simulator.modbus_port, site.ocpp.port
    names = tuple(name for name in site.services() if name != "simulator")
    clock = folder / "clock"
    clock.write_text("+0", encoding="utf-8")
    ends = [*((name, mqtt) for name in (*names, OTHER)), ("modbus", modbus), ("chargers", ocpp)]
    async with wires(ends) as lines:
        for name in names:
            embedded, own_line = f'host = "embedded"\nport = {mqtt}', lines[name].port
            own = text.replace(embedded, f'host = "127.0.0.1"\nport = {own_line}')
            if name == "meter":
                own = re.sub(rf"(modbus = .*)port = {modbus}", rf"\g<1>port = {lines['modbus'].port}", own)
            (folder / f"{name}.toml").write_text(own, encoding="utf-8")
        at_line = text.replace(
            "[simulator]\n", f'[simulator]\nocpp_url = "ws://127.0.0.1:{lines["chargers"].port}"\n'
        )
        (folder / "simulator.toml").write_text(at_line, encoding="utf-8")

        def dressed(name: str, command: list[str]) -> list[str]:
            own_clock = []
            if clocks and name in names and (library := faketime()):
                own_clock = [
                    "env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={clock}", "FAKETIME_CACHE_DURATION=1",
                    "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1",
                ]  # fmt: skip
            return [*own_clock, *command[:-1], str(folder / f"{name}.toml")]

        async with running(text, folder, dressed=dressed, more={**os.environ, **SECRETS}) as house:
            yield WholeHouse(house, lines, clock)


@asynccontextmanager
async def whole_house(
    folder: Path, *, mode: str = "solar_priority", pump: str = "solar_only", heat: str = "solar_only",
    start: str = "10:30", sky: str = SUNNY, speed: float = 1.0, seed: int = 3, clocks: bool = False,
) -> AsyncIterator[WholeHouse]:  # fmt: skip
    """The house with everything, running over its lines; ended cleanly afterwards."""
    (folder / "prices.json").write_text("[]", encoding="utf-8")
    text = SITE.format(
        mqtt=free_port(), modbus=free_port(), ocpp=free_port(), cloud=free_port(), mode=mode, pump=pump, heat=heat,
        start=start, sky=sky, speed=speed, seed=seed, folder=folder,
    )  # fmt: skip
    async with lined(text, folder, clocks=clocks) as whole:
        yield whole
