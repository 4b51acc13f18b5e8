"""A real Home Assistant reads our messages: entities, units, ranges, commands, birth and removal; its log stays clean."""

import asyncio
import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from msgspec import structs

from busbar_cli.detect import entities, findings
from busbar_cli.detect_snippet import automation, snippet
from busbar_contracts.meter import MeterReading
from busbar_contracts.topics import match, topic_of
from busbar_meter.main import run as meter
from busbar_shared.asking import gathered
from busbar_shared.bus import RawHeard
from busbar_shared.clock import RealClock
from busbar_shared.config.load import read
from busbar_shared.config.root import Site
from busbar_shared.discovery.entity import Device, Seen, sight, values
from busbar_shared.discovery.manifest import parts_of, with_gone
from busbar_shared.discovery.payload import Naming, configs, slug
from busbar_shared.judge import decode
from busbar_shared.life import Service, connect
from full_house import HOUSE, devices
from hass import HomeAssistant, home_assistant
from houses import quick_site, running

HASS = os.environ.get("BUSBAR_TEST_HASS", "")
DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS.parent / "contracts" / "examples"
FORM = os.environ.get("BUSBAR_TEST_HASS_FORM", "single")

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not HASS, reason="BUSBAR_TEST_HASS names no `hass` command of a Home Assistant"),
]


def shown_as(form: str) -> str:
    """The quick house, shown in this form."""
    return quick_site().replace('host = "embedded"', f'host = "embedded"\ndiscovery = "{form}"')


async def test_a_house_in_home_assistant(tmp_path: Path) -> None:
    text = shown_as(FORM)
    port = int(text.split("[broker]")[1].split("port = ")[1].split()[0])
    async with running(text, tmp_path) as house, home_assistant(HASS, tmp_path / "hass", port) as hass:
        known = ("sensor.busbar_home_grid_power", "select.charger_left_operating_mode", "sensor.charger_left")
        found = await hass.until(
            lambda states: all(
                states.get(one, {}).get("state", "unknown") not in ("unknown", "unavailable") for one in known
            ),
            60,
            "the house has values after the birth",
        )
        mode = found["select.charger_left_operating_mode"]
        assert mode["attributes"]["options"] == ["Standard", "Solar Priority", "Solar Only", "Excess"]
        assert mode["state"] == "Standard"

        least = found["number.charger_left_minimum_current"]["attributes"]
        assert (least["min"], least["max"], least["unit_of_measurement"]) == (6, 16, "A")
        assert found["sensor.charger_left"]["attributes"]["device_class"] == "enum"
        assert found["sensor.meter_grid_imported_energy"]["attributes"]["state_class"] == "total_increasing"

        await hass.call(
            "select.select_option", entity_id="select.charger_left_operating_mode", option="Solar Only"
        )
        await hass.call("number.set_value", entity_id="number.charger_left_maximum_current", value=10.5)
        await hass.call(
            "select.select_option",
            entity_id="select.busbar_home_distribution_mode",
            option="Sequential - Strict",
        )
        await hass.call("switch.turn_off", entity_id="switch.busbar_home_grid_charging")
        await hass.until(
            lambda states: (
                states["select.charger_left_operating_mode"]["state"] == "Solar Only"
                and states["number.charger_left_maximum_current"]["state"] == "10.5"
                and states["select.busbar_home_distribution_mode"]["state"] == "Sequential - Strict"
                and states["switch.busbar_home_grid_charging"]["state"] == "off"
            ),
            15,
            "what was set is echoed",
        )

        await hass.call("number.set_value", entity_id="number.charger_left_minimum_current", value=12)
        await asyncio.sleep(3)
        states = await hass.states()
        assert states["number.charger_left_minimum_current"]["state"] == "6.0"
        assert "above" in states["sensor.charger_left_last_refused_setting"]["state"]

        await house.stop("ocpp")
        await hass.until(
            lambda states: states["sensor.charger_left"]["state"] == "unavailable",
            20,
            "a dead service's entities are unavailable",
        )
        assert hass.complaints() == []


async def test_a_house_leaves_home_assistant_without_a_trace(tmp_path: Path) -> None:
    text = shown_as(FORM)
    port = int(text.split("[broker]")[1].split("port = ")[1].split()[0])
    async with running(text, tmp_path) as house, home_assistant(HASS, tmp_path / "hass", port) as hass:
        await hass.until(
            lambda states: states.get("event.charger_left_event", {}).get("state") is not None,
            60,
            "the charger is there",
        )
        for service in ("meter", "ocpp", "allocator"):
            await house.stop(service)
        environ = {**os.environ, "BUSBAR_CONFIG": str(tmp_path / "busbar.toml")}
        command = [sys.executable, "-m", "busbar_cli", "discovery", "remove", "--json"]
        environ["PYTHONPATH"] = ":".join(sys.path)
        done = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
        out, _ = await done.communicate()
        assert done.returncode == 0
        assert len(json.loads(out)["removed"]) > 5
        states = await hass.until(
            lambda states: not any("charger_left" in one or "busbar_home" in one for one in states),
            20,
            "nothing is left",
        )
        assert [one for one in states if "meter_grid" in one or "circuit_main" in one] == []
        assert hass.complaints() == []


def said_once(site: Site, device: Device) -> dict[str, Any]:
    """What a device shows when each of its sources has said its golden example."""
    facts = {}
    for name, source in device.sources.items():
        [example, *_] = sorted((EXAMPLES / source.kind.__name__).glob("*.json"))
        facts[name] = Seen(decode(topic_of(source.kind), example.read_bytes()), 0.0)
    now = next((seen.message.at for seen in facts.values() if hasattr(seen.message, "at")), None)
    return values(device, sight(device, facts, now or datetime.now(UTC)))


async def speak(bus: Any, site: Site, shown: list[Device]) -> None:
    """Say again and again what all services say: an entity that was just made does not listen yet."""
    while True:
        for device in shown:
            if not device.always_there:
                await bus.say_raw(f"hems/ha/{device.id}/availability", b"online", qos=1, retain=True)
            if device.sources:
                state = json.dumps({"values": said_once(site, device)}, default=str)
                await bus.say_raw(f"hems/ha/{device.id}/state", state, qos=1, retain=False)
        await asyncio.sleep(3)


async def test_home_assistant_takes_everything_a_house_can_show(broker: Any, tmp_path: Path) -> None:
    site = read(HOUSE.replace("[broker]", f'[broker]\nhost = "127.0.0.1"\nport = {broker.port}'))
    shown = devices(site)
    entities = {
        one["default_entity_id"]
        for device in shown
        for one in configs(device, Naming(service="x"), "single").values()
    }
    async with connect(site, "test", {}) as bus, home_assistant(HASS, tmp_path / "hass", broker.port) as hass:
        for device in shown:
            for topic, message in configs(device, Naming(service="x"), FORM).items():
                await bus.say_raw(topic, json.dumps(message), qos=1, retain=True)
        await hass.until(lambda states: entities <= states.keys(), 60, "every entity is there")
        await bus.say_raw("hems/service/x/status", b'{"state": "online", "ready": true}', qos=1, retain=True)
        speaking = asyncio.create_task(speak(bus, site, shown))
        states = await hass.until(
            lambda states: all(
                states[one]["state"] not in ("unknown", "unavailable")
                for one in (
                    "sensor.meter_grid_power",
                    "sensor.charger_twin_connector_2_power",
                    "sensor.heater_tank_target",
                )
            ),
            60,
            "the values are there",
        )
        speaking.cancel()
        assert states["sensor.charger_left_session_cost"]["attributes"]["unit_of_measurement"] == "SEK"
        assert states["select.heater_pump2_operating_mode"]["attributes"]["options"][0] == "Normal"
        assert hass.complaints() == []


@pytest.mark.skipif(FORM != "device", reason="in the single form each entity has a message of its own")
async def test_an_entity_that_a_device_no_longer_has_leaves_home_assistant(
    broker: Any, tmp_path: Path
) -> None:
    site = read(HOUSE.replace("[broker]", f'[broker]\nhost = "127.0.0.1"\nport = {broker.port}'))
    [device] = [one for one in devices(site) if one.id == "busbar_home_charger_left-1"]
    cheap = structs.replace(
        device, entities=tuple(one for one in device.entities if one.key != "session_cost")
    )
    naming = Naming(service="ocpp")
    [(topic, whole)] = configs(device, naming, "device").items()
    fewer = with_gone(configs(cheap, naming, "device")[topic], parts_of({topic: whole}, None)[topic])
    async with connect(site, "test", {}) as bus, home_assistant(HASS, tmp_path / "hass", broker.port) as hass:
        await bus.say_raw(topic, json.dumps(whole), qos=1, retain=True)
        await hass.until(lambda states: "sensor.charger_left_session_cost" in states, 60, "it is there")
        await bus.say_raw(topic, json.dumps(fewer), qos=1, retain=True)
        states = await hass.until(
            lambda states: "sensor.charger_left_session_cost" not in states, 20, "it is taken away"
        )
        assert "sensor.charger_left_power" in states
        # Said again, as at each birth, it is no news and no complaint.
        await bus.say_raw(topic, json.dumps(fewer), qos=1, retain=True)
        await asyncio.sleep(2)
        assert hass.complaints() == []


REST = """
[broker]
host = "127.0.0.1"
port = {port}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
"""
GRID = """
template:
  - sensor:
      - name: Power meter phase A current
        unit_of_measurement: A
        state: "5.5"
      - name: Power meter phase B current
        unit_of_measurement: A
        state: "7"
        availability: "{{ false }}"
automation: !include automations.yaml
"""


@pytest.mark.skipif(FORM != "device", reason="the bridge needs Home Assistant 2024.4, for last_reported")
async def test_the_bridge_of_busbar_detect_brings_entities_as_readings(broker: Any, tmp_path: Path) -> None:
    stream = {f"statestream/sensor/power_meter_phase_{one}_current/state": b"1" for one in "ab"}
    found = findings(entities(stream))
    bridge = automation(found)
    site = read(REST.format(port=broker.port) + snippet(found))
    async with (
        connect(site, "meter", {}) as bus,
        home_assistant(HASS, tmp_path / "hass", broker.port, GRID, {"automations.yaml": "[]"}) as hass,
    ):
        # Not from the start on, because here Home Assistant gets its broker later than that.
        (tmp_path / "hass" / "automations.yaml").write_text(bridge, encoding="utf-8")
        await hass.call("automation.reload")
        service = Service(name="meter", site=site, bus=bus, clock=RealClock(), state_dir=tmp_path / "meter")
        readings = bus.listen(MeterReading)
        working = asyncio.create_task(meter(service))
        async with asyncio.timeout(30):
            reading = (await anext(readings)).message
        working.cancel()
        assert reading.a.current_a == 5.5
        assert reading.b is None or reading.b.current_a is None
        assert hass.complaints() == []


async def triggered(
    bus: Any, hass: HomeAssistant, entity: str, states: tuple[str, str], address: str, field: bytes
) -> RawHeard:
    """What is said on this topic once the entity went from one state to the other."""
    for _ in range(5):  # an automation that was just made does not look yet
        said = bus.listen_raw(address)
        for state in states:
            await hass.pretend(entity, state)
        found = await gathered(said, 8.0, lambda one: field in one.payload)
        if found and field in found[-1].payload:
            return cast(RawHeard, found[-1])
    raise AssertionError(f"{entity} became {states[1]}, and nothing was said on {address}")


@pytest.mark.skipif(
    FORM != "device", reason="the page writes automations as Home Assistant does since 2024.10"
)
async def test_the_automations_of_the_page_say_what_the_contract_takes(broker: Any, tmp_path: Path) -> None:
    page = (DOCS / "automations.md").read_text(encoding="utf-8")
    automations = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)]
    files = {"automations.yaml": "[]"}
    site = read(REST.format(port=broker.port).split("[circuits.main]")[0])
    async with (
        connect(site, "test", {}) as bus,
        home_assistant(
            HASS, tmp_path / "hass", broker.port, "automation: !include automations.yaml\n", files
        ) as hass,
    ):
        # Not from the start on, because here Home Assistant gets its broker later than that.
        (tmp_path / "hass" / "automations.yaml").write_text(yaml.safe_dump(automations), encoding="utf-8")
        await hass.pretend("sensor.car_battery_level", "50")
        await hass.call("automation.reload")
        names = {f"automation.{slug(one['alias'])}" for one in automations}
        await hass.until(lambda states: names <= states.keys(), 60, "every automation is there")
        states = await hass.states()
        assert {states[one]["state"] for one in names} == {"on"}

        for entity, before, after, address, field in (
            ("binary_sensor.free_hours", "off", "on", "hems/load/garage-1/settings/set", b'"standard"'),
            ("binary_sensor.grid_operator", "off", "on", "hems/site/limit/set", b"4200"),
            ("sensor.car_battery_level", "50", "81", "hems/load/pool/settings/set", b'"priority":1'),
        ):
            message = await triggered(bus, hass, entity, (before, after), address, field)
            decode(match(address)[0], message.payload)  # type: ignore[index]
            assert not message.retained
        assert hass.complaints() == []
