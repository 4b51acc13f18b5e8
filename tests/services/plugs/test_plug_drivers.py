"""What each family of plugs says and understands. The payloads are shapes of public captures, sources beside them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_plugs.drivers.driver import Driver, heard
from busbar_plugs.drivers.generic import Generic, GenericWords
from busbar_plugs.drivers.shelly1 import Shelly1
from busbar_plugs.drivers.shelly2 import Shelly2
from busbar_plugs.drivers.tasmota import Tasmota, pulse_time
from busbar_plugs.drivers.zigbee2mqtt import Zigbee2Mqtt
from busbar_plugs.seen import NOTHING, Seen
from busbar_shared.device_message import Source
from busbar_shared.device_topics import Send

PLUS = Shelly2("shellyplus1pm-08b61f", 0, "busbar/boiler")
OLD = Shelly1("shellies/shellyplug-s-6A6375", 0)
TAS = Tasmota("sonoff", 1, full_topic="%prefix%/%topic%/", pulse_time=True)
TAS2 = Tasmota("strip", 2, full_topic="%topic%/%prefix%/", pulse_time=False)
ZIG = Zigbee2Mqtt("zigbee2mqtt", "kitchen/plug", None, on_time=True)
ZIG2 = Zigbee2Mqtt("zigbee2mqtt", "double", "l2", on_time=True)

SAID = [
    # home-assistant/core issue 139105: notifications of a Gen2+ switch with and without a timer.
    pytest.param(
        PLUS,
        "shellyplus1pm-08b61f/events/rpc",
        '{"src":"shellyplus1pm-08b61f","dst":"shellyplus1pm-08b61f/events","method":"NotifyStatus","params":'
        '{"ts":1740307739.4,"switch:0":{"id":0,"output":true,"source":"MQTT","timer_duration":60.00,'
        '"timer_started_at":1740307739.40}}}',
        Seen(on=True, timer_s=60.0),
        id="a Shelly that was switched on with a timer says so, and nothing of its power",
    ),
    pytest.param(
        PLUS,
        "shellyplus1pm-08b61f/events/rpc",
        '{"src":"shellyplus1pm-08b61f","method":"NotifyStatus","params":{"ts":1,"switch:0":{"id":0,"output":false,'
        '"source":"timer","timer_duration":null,"timer_started_at":null}}}',
        Seen(on=False, by_timer=True),
        id="a Shelly whose timer ran out says that it was the timer",
    ),
    pytest.param(
        PLUS,
        "shellyplus1pm-08b61f/events/rpc",
        '{"src":"shellyplus1pm-08b61f","method":"NotifyStatus","params":{"ts":1736603760.02,"switch:0":{"id":0,'
        '"aenergy":{"by_minute":[1200.5,0,0],"minute_ts":1736603760,"total":81234.567},"apower":72.4}}}',
        Seen(power_w=72.4, energy_wh=81234.567),
        id="each full minute a Shelly brings energy and power without its relay",
    ),
    # Shelly Gen2 API documentation, Switch component, status example.
    pytest.param(
        PLUS,
        "shellyplus1pm-08b61f/status/switch:0",
        '{"id":0,"source":"WS_in","output":false,"apower":0.0,"voltage":123.3,"current":0.000,"aenergy":'
        '{"total":0.000,"by_minute":[0.000,0.000,0.000],"minute_ts":1680536525},"temperature":{"tC":44.4,"tF":112.0}}',
        Seen(on=False, power_w=0.0, voltage_v=123.3, current_a=0.0, energy_wh=0.0),
        id="a whole Shelly status",
    ),
    pytest.param(
        PLUS, "shellyplus1pm-08b61f/online", "false", Seen(reachable=False), id="the last will of a Shelly"
    ),
    pytest.param(
        PLUS,
        "busbar/boiler/rpc",
        '{"id":1,"src":"shellyplus1pm-08b61f","dst":"busbar/boiler","result":{"was_on":false}}',
        NOTHING,
        id="was_on is how it stood before, which is no news",
    ),
    pytest.param(
        PLUS,
        "busbar/boiler/rpc",
        '{"id":2,"src":"shellyplus1pm-08b61f","dst":"busbar/boiler","result":{"id":0,"source":"MQTT","output":true,'
        '"apower":1998.2,"voltage":231.0,"current":8.65,"aenergy":{"total":11.5}}}',
        Seen(on=True, power_w=1998.2, voltage_v=231.0, current_a=8.65, energy_wh=11.5),
        id="a Shelly answers our question with its whole status",
    ),
    pytest.param(
        PLUS,
        "busbar/boiler/rpc",
        '{"id":1,"src":"shellyplus1pm-08b61f","error":{"code":-103,"message":"Invalid argument"}}',
        Seen(refused="-103: 'Invalid argument'"),
        id="a Shelly that refuses says why",
    ),
    pytest.param(
        PLUS,
        "shellyplus1pm-08b61f/events/rpc",
        '{"method":"NotifyStatus","params":{"ts":1,"switch:1":{"id":1,"output":true,"apower":500}}}',
        NOTHING,
        id="the other relay of the same Shelly is none of our business",
    ),
    pytest.param(
        PLUS,
        "shellyplus1pm-08b61f/events/rpc",
        '{"method":"NotifyEvent","params":{"ts":1,"events":[{"component":"input:0","event":"single_push"}]}}',
        NOTHING,
        id="a button event of a Shelly is not a state",
    ),
    # Shelly Gen1 API documentation, MQTT.
    pytest.param(OLD, "shellies/shellyplug-s-6A6375/relay/0", "on", Seen(on=True), id="an old Shelly is on"),
    pytest.param(
        OLD,
        "shellies/shellyplug-s-6A6375/relay/0",
        "overpower",
        Seen(on=False, refused="overpower"),
        id="an old Shelly that saved itself is off",
    ),
    pytest.param(
        OLD, "shellies/shellyplug-s-6A6375/relay/0/power", "73.40", Seen(power_w=73.4), id="its power is text"
    ),
    pytest.param(
        OLD,
        "shellies/shellyplug-s-6A6375/relay/0/energy",
        "6000",
        Seen(energy_wh=100.0),
        id="its energy is in watt-minutes",
    ),
    # Tasmota documentation, JSON Status Responses and MQTT; sensor line of a Sonoff S31.
    pytest.param(
        TAS,
        "tele/sonoff/SENSOR",
        '{"Time":"2021-07-26T09:11:00","ENERGY":{"TotalStartTime":"2020-01-01T00:00:00","Total":40.543,"Yesterday":0.5,'
        '"Today":0.1,"Period":0,"Power":91,"ApparentPower":120,"ReactivePower":78,"Factor":0.76,"Voltage":229,"Current":0.627}}',
        Seen(power_w=91.0, energy_wh=40543.0, voltage_v=229.0, current_a=0.627),
        id="a Tasmota counts energy in kWh",
    ),
    pytest.param(TAS, "stat/sonoff/POWER", "ON", Seen(on=True), id="a Tasmota with one relay says POWER"),
    pytest.param(TAS, "stat/sonoff/POWER1", "OFF", Seen(on=False), id="POWER1 is the same relay"),
    pytest.param(
        TAS,
        "stat/sonoff/RESULT",
        '{"POWER":"ON"}',
        Seen(on=True),
        id="a Tasmota answers with its relay in RESULT",
    ),
    pytest.param(
        TAS,
        "stat/sonoff/STATUS8",
        '{"StatusSNS":{"Time":"2021-07-26T09:11:00","ENERGY":{"Total":1.5,"Power":2003,"Voltage":229,"Current":8.7}}}',
        Seen(power_w=2003.0, energy_wh=1500.0, voltage_v=229.0, current_a=8.7),
        id="a Tasmota answers STATUS 8 with its sensors wrapped",
    ),
    pytest.param(
        TAS,
        "stat/sonoff/STATUS11",
        '{"StatusSTS":{"Time":"2021-07-26T09:11:00","Uptime":"0T00:10:11","POWER":"OFF","Wifi":{"AP":1,"RSSI":44}}}',
        Seen(on=False),
        id="a Tasmota answers STATUS 11 with its relay",
    ),
    pytest.param(
        TAS,
        "stat/sonoff/RESULT",
        '{"PulseTime1":{"Set":220,"Remaining":0}}',
        Seen(pulse_setting=220),
        id="a Tasmota tells its stored PulseTime",
    ),
    pytest.param(TAS, "tele/sonoff/LWT", "Offline", Seen(reachable=False), id="the last will of a Tasmota"),
    pytest.param(
        TAS2,
        "strip/tele/SENSOR",
        '{"ENERGY":{"Total":3.1,"Power":[10,650],"Voltage":230,"Current":[0.1,2.9]}}',
        Seen(power_w=650.0, voltage_v=230.0, current_a=2.9),
        id="of several channels a Tasmota plug takes its own, and not the sum of all",
    ),
    pytest.param(
        TAS2,
        "strip/stat/RESULT",
        '{"POWER1":"ON"}',
        NOTHING,
        id="the first relay says nothing of the second",
    ),
    # Zigbee2MQTT documentation, MQTT topics and messages.
    pytest.param(
        ZIG,
        "zigbee2mqtt/kitchen/plug",
        '{"state":"ON","power":12.3,"voltage":230,"current":0.05,"energy":1.23,"linkquality":120}',
        Seen(on=True, power_w=12.3, voltage_v=230.0, current_a=0.05, energy_wh=1230.0),
        id="a Zigbee plug whose name has a slash",
    ),
    pytest.param(
        ZIG2,
        "zigbee2mqtt/double",
        '{"state_l1":"ON","state_l2":"OFF","power_l1":700,"power_l2":0,"linkquality":98}',
        Seen(on=False, power_w=0.0),
        id="the second half of a double Zigbee plug",
    ),
    pytest.param(
        ZIG,
        "zigbee2mqtt/kitchen/plug/availability",
        '{"state":"offline"}',
        Seen(reachable=False),
        id="a Zigbee plug that is out of reach",
    ),
    pytest.param(
        ZIG,
        "zigbee2mqtt/kitchen/plug/availability",
        "online",
        Seen(reachable=True),
        id="the older plain word",
    ),
    pytest.param(
        ZIG, "zigbee2mqtt/bridge/state", '{"state":"offline"}', Seen(reachable=False), id="no bridge, no plug"
    ),
    pytest.param(
        ZIG, "zigbee2mqtt/bridge/state", '{"state":"online"}', NOTHING, id="a bridge says nothing of one plug"
    ),
    pytest.param(
        ZIG,
        "zigbee2mqtt/kitchen/plug",
        '{"state":null,"power":null,"linkquality":1}',
        NOTHING,
        id="a null is what the bridge does not know yet",
    ),
]


@pytest.mark.parametrize(("driver", "topic", "payload", "seen"), SAID)
def test_what_a_plug_says(driver: Driver, topic: str, payload: str, seen: Seen) -> None:
    assert heard(driver, topic, payload.encode()) == seen


@pytest.mark.parametrize(
    ("driver", "on", "lease_s", "topic", "payload"),
    [
        pytest.param(
            PLUS,
            True,
            60.0,
            "shellyplus1pm-08b61f/rpc",
            {"id": 1, "src": "busbar/boiler", "method": "Switch.Set", "params": {"id": 0, "on": True, "toggle_after": 60.0}},
            id="a Shelly goes on with its own off-timer",
        ),
        pytest.param(
            PLUS,
            False,
            60.0,
            "shellyplus1pm-08b61f/rpc",
            {"id": 1, "src": "busbar/boiler", "method": "Switch.Set", "params": {"id": 0, "on": False}},
            id="an off never carries a timer, which would switch the load on",
        ),
        pytest.param(OLD, True, 60.0, "shellies/shellyplug-s-6A6375/relay/0/command", "on", id="an old Shelly just goes on"),
        pytest.param(TAS, True, 60.0, "cmnd/sonoff/POWER1", "ON", id="a Tasmota goes on"),
        pytest.param(TAS2, False, None, "strip/cmnd/POWER2", "OFF", id="the FullTopic may be turned round"),
        pytest.param(
            ZIG,
            True,
            60.0,
            "zigbee2mqtt/kitchen/plug/set",
            {"state": "ON", "on_time": 60},
            id="a Zigbee plug goes on for a while",
        ),
        pytest.param(ZIG2, False, 60.0, "zigbee2mqtt/double/set", {"state_l2": "OFF"}, id="only the second half goes off"),
    ],
)  # fmt: skip
def test_how_a_plug_is_switched(
    driver: Driver, on: bool, lease_s: float | None, topic: str, payload: dict[str, Any] | str
) -> None:
    [send] = driver.switch(on, lease_s)

    assert send.topic == topic
    assert (json.loads(send.payload) if isinstance(payload, dict) else send.payload) == payload


@pytest.mark.parametrize(
    ("driver", "sends"),
    [
        pytest.param(
            PLUS,
            [("shellyplus1pm-08b61f/rpc", '{"id":2,"src":"busbar/boiler","method":"Switch.GetStatus","params":{"id":0}}')],
            id="a Shelly is asked for its status",
        ),
        pytest.param(OLD, [("shellies/shellyplug-s-6A6375/command", "update")], id="an old Shelly is asked for everything"),
        pytest.param(
            TAS,
            [("cmnd/sonoff/STATUS", "8"), ("cmnd/sonoff/STATUS", "11")],
            id="a Tasmota is never asked with an empty POWER, which would clear its off-timer",
        ),
        pytest.param(ZIG, [("zigbee2mqtt/kitchen/plug/get", '{"state":""}')], id="a Zigbee plug is read"),
    ],
)  # fmt: skip
def test_how_a_plug_is_asked(driver: Driver, sends: list[tuple[str, str]]) -> None:
    assert [(send.topic, send.payload) for send in driver.ask()] == sends


@pytest.mark.parametrize(
    ("seconds", "value"),
    [(0.5, 5), (10, 100), (11, 110), (12, 112), (60, 160), (13, 113), (360, 460), (1e9, 64_900)],
)
def test_pulse_time_counts_tenths_first_and_then_seconds_plus_a_hundred(seconds: float, value: int) -> None:
    assert pulse_time(seconds) == value


def test_pulse_time_is_asked_for_set_once_and_put_back() -> None:
    assert TAS.prepare(60) == (Send("cmnd/sonoff/PulseTime1", ""),)
    assert TAS.arm(60) == (Send("cmnd/sonoff/PulseTime1", "160"),)
    assert TAS.restore(220) == (Send("cmnd/sonoff/PulseTime1", "220"),)
    assert TAS.restore(None) == ()
    assert TAS2.arm(60) == ()


POOL = Generic(
    GenericWords(
        state=Source("pump/status", "relay[0].on"),
        power=Source("pump/status", "$.meter.kw", factor=1000.0),
        level=Source("pump/level", ""),
        presence=Source("pump/alive", ""),
        present="here",
        absent="gone",
        command_topic="pump/set",
        command_on="start",
        command_off="stop",
        level_topic="pump/power",
        level_template='{"kw":{value}}',
        level_factor=1000.0,
    )
)


@pytest.mark.parametrize(
    ("topic", "payload", "seen"),
    [
        pytest.param(
            "pump/status",
            '{"relay":[{"on":true}],"meter":{"kw":0.75}}',
            Seen(on=True, power_w=750.0),
            id="several values of one message, each at its path and in its unit",
        ),
        pytest.param("pump/status", '{"other":1}', NOTHING, id="a message about something else"),
        pytest.param("pump/level", "640", Seen(level_w=640.0), id="a bare number"),
        pytest.param("pump/alive", "gone", Seen(reachable=False), id="the owner's word for absent"),
        pytest.param("pump/alive", "true", Seen(reachable=True), id="true goes without saying"),
    ],
)
def test_a_load_described_by_its_owner(topic: str, payload: str, seen: Seen) -> None:
    assert heard(POOL, topic, payload.encode()) == seen


def test_a_generic_load_is_switched_and_set_in_its_own_words() -> None:
    assert POOL.switch(True, 60) == (Send("pump/set", "start"),)
    assert POOL.level(1250.0) == (Send("pump/power", '{"kw":1.25}'),)


def test_a_load_with_only_a_number_is_off_at_zero() -> None:
    wallbox = Generic(GenericWords(level=Source("ac/w", ""), level_topic="ac/set"))

    assert wallbox.switch(False) == (Send("ac/set", "0"),)
    assert wallbox.switch(True) == ()
    assert heard(wallbox, "ac/w", b"0") == Seen(on=False, level_w=0.0)
    assert heard(wallbox, "ac/w", b"900") == Seen(on=True, level_w=900.0)


STATUS = "shellyplus1pm-08b61f/status/switch:0"
EVENTS = "shellyplus1pm-08b61f/events/rpc"
BAD = [
    pytest.param(PLUS, STATUS, b"", "not_json", id="an empty payload"),
    pytest.param(PLUS, STATUS, b'{"apower":', "not_json", id="a truncated payload"),
    pytest.param(PLUS, STATUS, b"[1,2]", "not_an_object", id="an array"),
    pytest.param(PLUS, STATUS, b'{"apower":NaN}', "not_json", id="NaN is not JSON"),
    pytest.param(PLUS, STATUS, b'{"apower":1e9}', "out_of_range", id="a gigawatt"),
    pytest.param(PLUS, STATUS, b'{"apower":1e999}', "not_json", id="beyond a float"),
    pytest.param(PLUS, STATUS, b'{"apower":"much"}', "not_a_number", id="text"),
    pytest.param(PLUS, STATUS, b'{"apower":true}', "not_a_number", id="true is no number"),
    pytest.param(PLUS, STATUS, b'{"output":1}', "not_a_switch", id="1 is no position in JSON"),
    pytest.param(PLUS, STATUS, b'{"output":[true]}', "not_a_switch", id="an array for a relay"),
    pytest.param(PLUS, STATUS, b'{"id":1,"output":true}', "other_channel", id="the other relay's state"),
    pytest.param(PLUS, "shellyplus1pm-08b61f/online", b"maybe", "not_a_switch", id="neither there nor not"),
    pytest.param(PLUS, EVENTS, b'{"method":"NotifyStatus","params":7}', "not_an_object", id="params is a number"),
    pytest.param(PLUS, EVENTS, b"[" * 60_000, "not_json", id="brackets without end"),
    pytest.param(PLUS, EVENTS, b" " * 70_000, "payload_too_large", id="too large"),
    pytest.param(OLD, "shellies/shellyplug-s-6A6375/relay/0/power", b"nan", "not_finite", id="NaN as text"),
    pytest.param(OLD, "shellies/shellyplug-s-6A6375/relay/0/power", b"-inf", "not_finite", id="infinity as text"),
    pytest.param(OLD, "shellies/shellyplug-s-6A6375/relay/0/power", b"1000000000", "out_of_range", id="a gigawatt as text"),
    pytest.param(OLD, "shellies/shellyplug-s-6A6375/relay/0", b"\xff\xfe", "not_utf8", id="not UTF-8"),
    pytest.param(TAS, "tele/sonoff/SENSOR", b'{"ENERGY":{"Power":"x"}}', "not_a_number", id="text inside ENERGY"),
    pytest.param(TAS, "tele/sonoff/SENSOR", b'{"ENERGY":5}', "not_an_object", id="ENERGY is a number"),
    pytest.param(TAS, "stat/sonoff/POWER", b"HOLD", "not_a_switch", id="neither on nor off"),
    pytest.param(ZIG, "zigbee2mqtt/kitchen/plug", b'{"power":{"w":3}}', "not_a_number", id="an object for a number"),
    pytest.param(POOL, "pump/level", b"1e6", "out_of_range", id="a megawatt pump"),
]  # fmt: skip


@pytest.mark.parametrize(("driver", "topic", "payload", "code"), BAD)
def test_what_cannot_be_believed_is_named_and_changes_nothing(
    driver: Driver, topic: str, payload: bytes, code: str
) -> None:
    seen = heard(driver, topic, payload)

    [problem] = seen.problems
    assert problem.code == code
    assert problem.text
    assert (seen.on, seen.power_w, seen.energy_wh, seen.reachable) == (None, None, None, None)


def test_one_bad_field_does_not_hide_the_good_ones() -> None:
    seen = heard(PLUS, STATUS, b'{"id":0,"output":true,"apower":"lots","voltage":231}')

    assert (seen.on, seen.power_w, seen.voltage_v) == (True, None, 231.0)
    assert [problem.path for problem in seen.problems] == ["$.apower"]


def test_a_topic_nobody_asked_for_is_nothing() -> None:
    assert heard(PLUS, "somebody/else", b'{"output":true}') == NOTHING


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["params", "switch:0", "output", "apower", "aenergy", "total", "ENERGY", "Power", "POWER", "id",
                         "method", "result", "error", "state", "power", "StatusSNS", "StatusSTS", "PulseTime1", "Set"]),
        inner, max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@given(payload=st.binary(max_size=200) | JSON.map(lambda tree: json.dumps(tree).encode()))
def test_no_payload_whatever_stops_a_driver_or_makes_an_absurd_number(payload: bytes) -> None:
    for driver in (PLUS, OLD, TAS, TAS2, ZIG, ZIG2, POOL):
        for topic in driver.topics:
            seen = heard(driver, topic, payload)
            assert seen.power_w is None or abs(seen.power_w) <= 100_000
            assert seen.energy_wh is None or 0 <= seen.energy_wh <= 1e10
