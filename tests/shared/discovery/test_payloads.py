"""Every discovery message is what Home Assistant takes; names are unique; only what is configured appears."""

import json
from typing import Any

import msgspec
import pytest

import ha_rules
from busbar_contracts.service import HaDiscovery, HaEntityDiscovery
from busbar_contracts.topics import match
from busbar_shared.config.root import Site
from busbar_shared.discovery.allocation import decided
from busbar_shared.discovery.chargers import chargers
from busbar_shared.discovery.payload import Naming, configs, slug
from busbar_shared.judge import decode
from full_house import devices

NAMING = Naming(service="allocator", version="1.2.3", url="https://example.org")


def messages(site: Site, form: str) -> dict[str, dict[str, Any]]:
    return {topic: one for device in devices(site) for topic, one in configs(device, NAMING, form).items()}


def components(site: Site) -> dict[str, dict[str, Any]]:
    """Every entity by its unique id."""
    found = [one for message in messages(site, "device").values() for one in message["cmps"].values()]
    return {one["unique_id"]: one for one in found}


@pytest.mark.parametrize("form", ["device", "single"])
def test_home_assistant_takes_every_message(site: Site, form: str) -> None:
    made = messages(site, form)

    wrong = [fault for topic, one in made.items() for fault in ha_rules.faults("homeassistant", topic, one)]

    assert wrong == []
    assert len(made) > 20


@pytest.mark.parametrize(("form", "kind"), [("device", HaDiscovery), ("single", HaEntityDiscovery)])
def test_every_message_is_in_the_contract(site: Site, form: str, kind: type[Any]) -> None:
    for topic, message in messages(site, form).items():
        found = match(topic)
        assert found is not None
        assert found[0].message is kind
        decode(found[0], json.dumps(message).encode())


@pytest.mark.parametrize("form", ["device", "single"])
def test_every_entity_has_a_name_of_its_own(site: Site, form: str) -> None:
    single = messages(site, "single")

    assert len({one["unique_id"] for one in single.values()}) == len(single)
    assert len({one["default_entity_id"] for one in single.values()}) == len(single)
    assert set(components(site)) == {one["unique_id"] for one in single.values()}


def test_no_name_repeats_its_page(site: Site) -> None:
    single = messages(site, "single").values()
    wrong = [
        one["name"] for one in single if one["name"] and one["device"]["name"].lower() in one["name"].lower()
    ]
    assert wrong == []


@pytest.mark.parametrize("form", ["device", "single"])
def test_every_page_hangs_on_the_site(site: Site, form: str) -> None:
    pages = [one.get("dev", one.get("device")) for one in messages(site, form).values()]
    known = {page["identifiers"][0] for page in pages}
    assert {page.get("via_device") for page in pages} == {None, "busbar_home"}
    assert "busbar_home" in known


def test_an_old_home_assistant_gets_a_message_for_each_entity(site: Site) -> None:
    topics = messages(site, "single")
    assert "homeassistant/sensor/busbar_home_site/grid_power/config" in topics
    assert "homeassistant/select/busbar_home_load_left-1/mode/config" in topics
    assert not any(topic.startswith("homeassistant/device/") for topic in topics)


@pytest.mark.parametrize(
    ("unique_id", "facts"),
    [
        pytest.param(
            "busbar_home_load_left-1_mode",
            {
                "p": "select",
                "name": "Operating mode",
                "options": ["Standard", "Solar Priority", "Solar Only", "Excess"],
                "command_topic": "hems/load/left-1/settings/set",
                "command_template": "{{ {'mode': {'Standard': 'standard', 'Solar Priority': 'solar_priority', "
                "'Solar Only': 'solar_only', 'Excess': 'excess'}[value]} | tojson }}",
                "entity_category": "config",
                "qos": 1,
            },
            id="a charger has exactly its four modes, and the contract's words go out",
        ),
        pytest.param(
            "busbar_home_load_pump_mode",
            {"options": ["Continuous", "Solar Only", "Excess"]},
            id="a plug has its three modes",
        ),
        pytest.param(
            "busbar_home_load_tank_mode",
            {"options": ["Normal", "Boost", "Solar Only", "Excess", "Off"]},
            id="a heater has its five modes",
        ),
        pytest.param(
            "busbar_home_load_twin-2_max_current",
            {
                "p": "number", "name": "Connector 2 maximum current", "min": 6.0, "max": 10.0, "step": 0.1,
                "unit_of_measurement": "A", "device_class": "current", "mode": "box",
                "command_template": "{{ {'max_a': value | float} | tojson }}",
            },
            id="a connector's current has the connector's own range",
        ),
        pytest.param(
            "busbar_home_charger_left-1_session_cost",
            {"p": "sensor", "name": "Session cost", "device_class": "monetary", "unit_of_measurement": "SEK"},
            id="a session costs something in the currency of the prices",
        ),
        pytest.param(
            "busbar_home_load_left-1_priority",
            {"min": 1, "max": 10, "command_template": "{{ {'priority': value | int} | tojson }}"},
            id="a priority is a whole number",
        ),
        pytest.param(
            "busbar_home_load_left-1_session_limit",
            {
                "unit_of_measurement": "kWh",
                "command_template": "{{ {'session_limit_wh': ((value | float) * 1000) if value | float > 0 else none}"
                " | tojson }}",
            },
            id="an energy limit of nothing is no limit",
        ),
        pytest.param(
            "busbar_home_site_distribution",
            {
                "options": ["Shared", "Priority", "Sequential - Optimized", "Sequential - Strict"],
                "command_topic": "hems/site/settings/set",
            },
            id="the distribution modes have the words of Load Juggler",
        ),
        pytest.param(
            "busbar_home_site_import_limit",
            {"min": 0, "max": 17250.0, "unit_of_measurement": "W", "device_class": "power"},
            id="the import limit ends at the main breaker",
        ),
        pytest.param(
            "busbar_home_site_import_limit_off",
            {"p": "button", "payload_press": '{"import_limit_w": null}'},
            id="the import limit can be taken away",
        ),
        pytest.param(
            "busbar_home_site_grid_charging",
            {"p": "switch", "payload_on": '{"grid_charging": true}', "payload_off": '{"grid_charging": false}'},
            id="a switch sends the contract's JSON",
        ),
        pytest.param(
            "busbar_home_meter_grid_import_energy",
            {"device_class": "energy", "state_class": "total_increasing", "unit_of_measurement": "kWh"},
            id="energy fits the energy dashboard",
        ),
        pytest.param(
            "busbar_home_charger_left-1_status",
            {"name": None, "device_class": "enum", "default_entity_id": "sensor.charger_left"},
            id="the status of a charger with one connector is its main entity",
        ),
        pytest.param(
            "busbar_home_charger_left-1_reset",
            {"command_topic": "hems/charger/left/1/command/set", "payload_press": '{"action": "reset"}'},
            id="reset is a button",
        ),
        pytest.param(
            "busbar_home_plug_pump_switch",
            {"command_topic": "hems/plug/pump/manual/set", "payload_on": '{"on": true}', "state_on": "ON"},
            id="a plug's switch is the owner's hand",
        ),
        pytest.param(
            "busbar_home_heater_pump2_sg_state",
            {
                "options": ["Automatic", "Block", "Normal", "Recommend", "Force"],
                "command_template": "{{ {'sg_state': {'Automatic': none, 'Block': 1, 'Normal': 2, 'Recommend': 3,"
                " 'Force': 4}[value]} | tojson }}",
            },
            id="a heat pump's SG Ready state can be set by hand and given back",
        ),
        pytest.param(
            "busbar_home_battery-settings_house_soc_min",
            {"min": 0, "max": 100, "command_topic": "hems/battery/house/settings/set"},
            id="a battery's minimum can be set",
        ),
        pytest.param(
            "busbar_home_charge_amps_1_last_hems_command_at",
            {"device_class": "timestamp", "entity_category": "diagnostic"},
            id="a moment is a timestamp",
        ),
        pytest.param(
            "busbar_home_service_meter_service",
            {"name": "Service meter", "state_topic": "hems/service/meter/status", "entity_category": "diagnostic"},
            id="a service's life is read from its status",
        ),
    ],
)  # fmt: skip
def test_an_entity_is_described(site: Site, unique_id: str, facts: dict[str, Any]) -> None:
    found = components(site)[unique_id]
    assert {key: found.get(key) for key in facts} == facts


def test_a_device_is_there_while_its_service_lives_and_its_link_and_data_are_fresh(site: Site) -> None:
    message = messages(site, "device")["homeassistant/device/busbar_home_meter_grid/config"]
    assert message["availability_mode"] == "all"
    assert message["availability"] == [
        {"topic": "hems/service/allocator/status", "value_template": "{{ value_json.state }}"},
        {"topic": "hems/ha/busbar_home_meter_grid/availability"},
    ]
    assert message["o"] == {"name": "Busbar", "sw": "1.2.3", "url": "https://example.org"}


def test_measurements_expire_and_nothing_else_does(site: Site) -> None:
    found = components(site)
    expiring = {one["p"] for one in found.values() if "expire_after" in one}
    assert expiring == {"sensor"}
    assert found["busbar_home_meter_grid_power"]["expire_after"] == 120
    assert "expire_after" not in found["busbar_home_meter_grid_import_energy"]


def test_another_root_and_prefix_are_everywhere(site: Site) -> None:
    naming = Naming(service="ocpp", prefix="ha/disc", root="sites/7/hems")
    [device, *_] = chargers(site)
    [(topic, message)] = configs(device, naming, "device").items()
    assert topic == "ha/disc/device/busbar_home_charger_left-1/config"
    assert message["cmps"]["power"]["state_topic"] == "sites/7/hems/ha/busbar_home_charger_left-1/state"
    assert message["cmps"]["reset"]["command_topic"] == "sites/7/hems/charger/left/1/command/set"


@pytest.mark.parametrize(
    ("words", "made"),
    [
        pytest.param(("Charger left", None), "charger_left", id="plain words"),
        pytest.param(("Busbar Haus Müller", "Grid power"), "busbar_haus_muller_grid_power", id="a German house"),
        pytest.param(("Busbar Große Straße 7",), "busbar_grosse_strasse_7", id="a German street"),
        pytest.param(("Busbar Bjørnøya", "SoC"), "busbar_bjornoya_soc", id="a Norwegian island"),
        pytest.param(("Busbar Č. Łódź",), "busbar_c_lodz", id="marks and strokes"),
        pytest.param(("Busbar Anna's (new)",), "busbar_anna_s_new", id="signs"),
        pytest.param(("Busbar 東京", "Status"), "busbar_status", id="letters that are not Latin"),
    ],
)  # fmt: skip
def test_an_entity_id_is_made_as_home_assistant_makes_it(words: tuple[str | None, ...], made: str) -> None:
    assert slug(*words) == made


def test_only_what_is_configured_appears(bare: Site) -> None:
    shown = components(bare)
    words = ("solar", "battery", "charger", "plug", "heater", "surplus", "charge_amps", "load")
    assert [one for one in shown if any(word in one for word in words)] == []
    assert "busbar_home_site_grid_power" in shown
    assert "busbar_home_site_headroom_b" in shown


def test_without_a_battery_service_the_allocator_shows_the_settings_it_keeps(site: Site) -> None:
    def kept(one: Site) -> list[str]:
        return [device.id for device in decided(one) if "battery-settings" in device.id]

    assert kept(site) == []
    assert kept(msgspec.structs.replace(site, battery_flow=None)) == ["busbar_home_battery-settings_house"]
