"""Plugs found on a broker, and the lines for the configuration. Payload shapes: sources in `detect.py`."""

import tomllib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from busbar_plugs.detect import Found, found, snippet
from busbar_shared.config.loads import PlugConfig

HEARD = [
    ("shellyplus1pm-08b61f/online", b"true"),
    (
        "shellyplus1pm-08b61f/events/rpc",
        b'{"method":"NotifyStatus","params":{"switch:0":{"id":0,"output":true}}}',
    ),
    (
        "shellyplus1pm-08b61f/events/rpc",
        b'{"method":"NotifyStatus","params":{"switch:0":{"id":0,"apower":12.5}}}',
    ),
    ("shelly2pm/status/switch:1", b'{"id":1,"output":false,"apower":0.0}'),
    (
        "shellies/announce",
        b'{"id":"shelly1-B929CC","model":"SHSW-1","mac":"98CDAC0E39C2","ip":"192.168.1.7"}',
    ),
    ("shellies/shellyplug-s-6A6375/relay/0", b"on"),
    ("shellies/shellyplug-s-6A6375/relay/0/power", b"73.40"),
    (
        "tasmota/discovery/48551917E7AE/config",
        b'{"dn":"plug-dishwasher","fn":["Dish washer",null],"t":"tasmota_17E7AE","ft":"%prefix%/%topic%/",'
        b'"tp":["cmnd","stat","tele"],"rl":[1,0,0,0]}',
    ),
    ("tele/tasmota_17E7AE/SENSOR", b'{"ENERGY":{"Power":3}}'),
    (
        "tasmota/discovery/A/config",
        b'{"t":"strip","fn":["Left","Right"],"ft":"%topic%/%prefix%/","rl":[1,1,0]}',
    ),
    (
        "zigbee2mqtt/bridge/devices",
        b'[{"friendly_name":"Coordinator","definition":null},'
        b'{"friendly_name":"kitchen/kettle","definition":{"exposes":[{"type":"switch","features":[]},'
        b'{"type":"numeric","property":"power","unit":"W"}]}},'
        b'{"friendly_name":"double","definition":{"exposes":[{"type":"switch","endpoint":"l1"},{"type":"switch","endpoint":"l2"}]}},'
        b'{"friendly_name":"lamp","definition":{"exposes":[{"type":"light"}]}}]',
    ),
]


def test_every_plug_that_gives_itself_away_is_found_once() -> None:
    assert found(HEARD) == [
        Found("shelly", "shelly2pm", 1, metered=True),
        Found("shelly", "shellyplus1pm-08b61f", 0, metered=True),
        Found("shelly_gen1", "shelly1-B929CC"),
        Found("shelly_gen1", "shellyplug-s-6A6375", 0, metered=True),
        Found("tasmota", "strip", 1, name="Left", full_topic="%topic%/%prefix%/"),
        Found("tasmota", "strip", 2, name="Right", full_topic="%topic%/%prefix%/"),
        Found("tasmota", "tasmota_17E7AE", 0, metered=True, name="Dish washer"),
        Found("zigbee2mqtt", "double", endpoint="l1"),
        Found("zigbee2mqtt", "double", endpoint="l2"),
        Found("zigbee2mqtt", "kitchen/kettle", metered=True),
    ]


def test_the_lines_for_the_configuration_can_be_used_as_they_are() -> None:
    plugs = msgspec.convert(tomllib.loads(snippet(found(HEARD)))["plugs"], dict[str, PlugConfig])

    assert list(plugs) == [
        "shelly2pm-1",
        "shellyplus1pm-08b61f",
        "shelly1-b929cc",
        "shellyplug-s-6a6375",
        "left",
        "right-2",
        "dish-washer",
        "double-l1",
        "double-l2",
        "kettle",
    ]
    assert plugs["right-2"] == PlugConfig(
        driver="tasmota", topic="strip", channel=2, full_topic="%topic%/%prefix%/", phase_unknown=True
    )


def test_two_plugs_of_one_name_get_two_ids() -> None:
    text = snippet([Found("tasmota", "a", name="Plug"), Found("tasmota", "b", name="Plug")])

    assert list(tomllib.loads(text)["plugs"]) == ["plug", "plug-2"]


@given(
    topic=st.sampled_from([topic for topic, _ in HEARD]) | st.text(max_size=30),
    payload=st.binary(max_size=60)
    | st.sampled_from([b"[[]]", b'{"params":{"switch:x":1}}', b'{"rl":[1],"t":"\\"","fn":3}']),
)
def test_no_message_stops_the_search_or_spoils_the_configuration(topic: str, payload: bytes) -> None:
    tomllib.loads(snippet(found([(topic, payload)])))
