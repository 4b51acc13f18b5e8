"""Thermometers found on a broker, and the lines for the configuration. Payload shapes: sources in `detect.py`."""

import tomllib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from busbar_heat.config import setups
from busbar_heat.detect import Found, found, snippet
from busbar_shared.config.load import read
from busbar_shared.config.loads import PlugConfig

HEARD = [
    (
        "tele/th16/SENSOR",
        b'{"Time":"2023-08-20T11:09:47","DS18B20":{"Id":"3CE10457A8F9","Temperature":47.9},"TempUnit":"C"}',
    ),
    (
        "tele/cellar/SENSOR",
        b'{"Time":"2019-11-06T10:00:00","DS18B20-1":{"Id":"011543E249BA","Temperature":55.2},'
        b'"DS18B20-2":{"Id":"0115340334BA","Temperature":45.3},"TempUnit":"C"}',
    ),
    (
        "tele/freezer/SENSOR",
        b'{"Time":"2025-03-03T20:47:51","DS18B20-1":{"Id":"0301A279D4D4","Temperature":44.3},"TempUnit":"F"}',
    ),
    ("tele/plug/SENSOR", b'{"ENERGY":{"Power":3},"ESP32":{"Temperature":51.7},"TempUnit":"C"}'),
    ("shellies/shelly1-F42054/ext_temperature/0", b"52.19"),
    ("shellies/shelly1-F42054/ext_temperature/1", b"999"),
    ("shellyplus1-a8032abe54dc/status/temperature:100", b'{"id":100,"tC":48.3,"tF":118.9}'),
    (
        "zigbee2mqtt/bridge/devices",
        b'[{"friendly_name":"cellar/water","definition":{"exposes":[{"type":"numeric","property":"temperature",'
        b'"unit":"\xc2\xb0C"}]}},{"friendly_name":"lamp","definition":{"exposes":[{"type":"light"}]}},'
        b'{"friendly_name":"Coordinator","definition":null}]',
    ),
]

SITE = """
[site]
id = "home"
[broker]
host = "127.0.0.1"
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid]
modbus = { host = "127.0.0.1" }
[plugs.boiler]
driver = "tasmota"
topic = "th16"
phases = ["b"]
"""


def test_every_thermometer_that_gives_itself_away_is_found_once() -> None:
    assert found([*HEARD, *HEARD]) == [
        Found(
            "shelly",
            "shellyplus1-a8032abe54dc",
            "shellyplus1-a8032abe54dc/status/temperature:100",
            "tC",
            48.3,
        ),
        Found("shelly_gen1", "shelly1-F42054", "shellies/shelly1-F42054/ext_temperature/0", celsius=52.19),
        Found("tasmota", "cellar", "tele/cellar/SENSOR", "DS18B20-1.Temperature", 55.2),
        Found("tasmota", "cellar", "tele/cellar/SENSOR", "DS18B20-2.Temperature", 45.3),
        Found("tasmota", "th16", "tele/th16/SENSOR", "DS18B20.Temperature", 47.9),
        Found("zigbee2mqtt", "cellar/water", "zigbee2mqtt/cellar/water", "temperature"),
    ]


def test_the_lines_load_and_read_what_the_devices_say() -> None:
    site = read(SITE)
    text = snippet(found(HEARD), site.plugs)
    made = {one.id: one for one in setups(read(SITE + text))}

    assert list(made) == [
        "shellyplus1-a8032abe54dc-100",
        "shelly1-f42054-0",
        "cellar-ds18b20-1",
        "cellar-ds18b20-2",
        "th16-ds18b20",
        "water",
    ]
    assert made["th16-ds18b20"].wires.plug == "boiler", "the relay in the same device is proposed"
    assert made["water"].wires.plug is None
    assert "# it says 47.9 °C now" in text
    assert 'phases = ["b"]' in text.split("[heaters.th16-ds18b20]")[1].split("[heaters")[0], (
        "those of its plug"
    )
    assert made["water"].phase_is_unknown, "a guess would protect the wrong wire"


def test_names_that_are_taken_get_a_number() -> None:
    plugs = {"water": PlugConfig(driver="zigbee2mqtt", topic="elsewhere")}
    text = snippet(
        [Found("zigbee2mqtt", "a/water", "z/a/water"), Found("zigbee2mqtt", "water", "z/water")], plugs
    )

    assert list(tomllib.loads(text)["heaters"]) == ["water-2", "water-3"]


@given(
    topic=st.sampled_from([topic for topic, _ in HEARD]) | st.text(max_size=30),
    payload=st.binary(max_size=60)
    | st.sampled_from(
        [
            b"[[]]",
            b"true",
            b"NaN",
            b'{"tC":"hot"}',
            b'{"\\"]\\n":{"Temperature":5}}',
            b'[{"friendly_name":"a#","definition":{}}]',
        ]
    ),
)
def test_no_message_stops_the_search_or_spoils_the_configuration(topic: str, payload: bytes) -> None:
    tomllib.loads(snippet(found([(topic, payload)]), {}))


def test_findings_are_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(found(HEARD)))[0]["celsius"] == 48.3
