"""Plugs on the broker say what real ones say, and end by their own timers what was switched on."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from busbar_simulator.devices.generic import Generic, Shown, Taken, number_in
from busbar_simulator.devices.message import Gadget, Message
from busbar_simulator.devices.meters import Sample, Shelly3Em, ShellyPro3Em
from busbar_simulator.devices.shelly1 import Shelly1
from busbar_simulator.devices.shelly2 import Shelly2
from busbar_simulator.devices.tasmota import Tasmota
from busbar_simulator.devices.zigbee2mqtt import Zigbee2Mqtt
from busbar_simulator.plant.appliance import Appliance, ApplianceSpec

START = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
VOLTS = (230.0, 230.0, 230.0)


class Socket:
    """A plug with a 500 W lamp, whose time moves when the test says so."""

    def __init__(self, gadget: Gadget, lamp: Appliance) -> None:
        self.gadget, self.lamp = gadget, lamp
        self.now_s = 0.0

    @property
    def at(self) -> datetime:
        return START + timedelta(seconds=self.now_s)

    def hear(self, topic: str, payload: str) -> list[Message]:
        return self.gadget.hear(topic, payload.encode(), self.now_s, self.at)

    def live(self, seconds: float) -> list[Message]:
        said = []
        for _ in range(round(seconds * 10)):
            self.now_s = round(self.now_s + 0.1, 1)
            self.lamp.step(0.1, 0.1, self.now_s, VOLTS)
            said += self.gadget.step(self.now_s, self.at)
        return said


def a_socket(kind: str, **more: Any) -> Socket:
    lamp = Appliance(ApplianceSpec(power_w=500))
    gadget: Gadget
    if kind == "shelly":
        gadget = Shelly2("shellyplus-1", lamp, **more)
    elif kind == "gen1":
        gadget = Shelly1("shellies/old", lamp, **more)
    elif kind == "tasmota":
        gadget = Tasmota("plug", lamp, **more)
    else:
        gadget = Zigbee2Mqtt("zigbee2mqtt", "plug", lamp, **more)
    return Socket(gadget, lamp)


def rpc(method: str, **params: Any) -> str:
    return json.dumps({"id": 1, "src": "gw", "method": method, "params": params})


FOR_5_S = rpc("Switch.Set", id=0, on=True, toggle_after=5)


def test_a_shelly_answers_and_notifies() -> None:
    socket = a_socket("shelly")
    answer, notice = socket.hear("shellyplus-1/rpc", rpc("Switch.Set", id=0, on=True, toggle_after=60))

    assert answer.topic == "gw/rpc"
    assert json.loads(answer.payload) == {
        "id": 1,
        "src": "shellyplus-1",
        "dst": "gw",
        "result": {"was_on": False},
    }
    assert notice.topic == "shellyplus-1/events/rpc"
    assert json.loads(notice.payload) == {
        "src": "shellyplus-1",
        "dst": "shellyplus-1/events",
        "method": "NotifyStatus",
        "params": {
            "ts": 1772366430.0,
            "switch:0": {
                "id": 0, "output": True, "source": "MQTT",
                "timer_started_at": 1772366430.0, "timer_duration": 60.0,
            },
        },
    }  # fmt: skip
    assert not any(message.retain for message in (answer, notice))


def test_a_shelly_tells_everything_when_it_has_connected() -> None:
    online, everything = a_socket("shelly").gadget.greet(START)
    told = json.loads(everything.payload)

    assert (online.topic, online.payload, online.retain) == ("shellyplus-1/online", "true", True)
    assert (told["method"], told["dst"]) == ("NotifyFullStatus", "shellyplus-1/events")
    assert told["params"]["mqtt"] == {"connected": True}
    assert told["params"]["switch:0"]["output"] is False


def test_a_shelly_tells_a_changed_power_and_energy_each_full_minute() -> None:
    socket = a_socket("shelly")
    socket.hear("shellyplus-1/rpc", rpc("Switch.Set", id=0, on=True))
    said = [json.loads(m.payload)["params"]["switch:0"] for m in socket.live(40)]

    assert said[0] == {"id": 0, "apower": 500.0, "current": 2.174}
    assert said[1]["aenergy"]["total"] == pytest.approx(4.17, abs=0.05)
    assert len(said) == 2


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param(rpc("Switch.Set", id=0), -103, id="no position"),
        pytest.param(rpc("Switch.Set", id=1, on=True), -105, id="a relay it does not have"),
        pytest.param(rpc("Light.Set", id=0, on=True), 404, id="a method it does not have"),
    ],
)
def test_a_shelly_refuses(frame: str, code: int) -> None:
    socket = a_socket("shelly")
    [answer] = socket.hear("shellyplus-1/rpc", frame)

    assert json.loads(answer.payload)["error"]["code"] == code
    assert not socket.lamp.on


@pytest.mark.parametrize(
    "payload", ["", "nonsense", "[]", '{"id":1}', '{"id":1,"src":5,"method":"x"}', "[" * 2000]
)
@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("shelly", "shellyplus-1/rpc"),
        ("shelly", "shellyplus-1/command/switch:0"),
        ("gen1", "shellies/old/relay/0/command"),
        ("tasmota", "cmnd/plug/POWER"),
        ("zigbee", "zigbee2mqtt/plug/set"),
    ],
)
def test_nonsense_moves_no_relay(kind: str, topic: str, payload: str) -> None:
    socket = a_socket(kind)
    socket.hear(topic, payload)
    socket.live(1)

    assert not socket.lamp.on


def test_a_tasmota_whose_full_topic_was_changed_speaks_and_hears_there() -> None:
    socket = a_socket("tasmota", full_topic="home/%topic%/%prefix%")

    assert socket.gadget.hears == ("home/plug/cmnd/#",)
    assert [one.topic for one in socket.hear("home/plug/cmnd/POWER1", "ON")] == [
        "home/plug/stat/RESULT", "home/plug/stat/POWER",
    ]  # fmt: skip
    assert socket.lamp.on
    assert socket.gadget.greet(START)[0].topic == socket.gadget.leave()[0].topic == "home/plug/tele/LWT"


def test_a_shelly_with_status_notifications_tells_everything() -> None:
    socket = a_socket("shelly", tells_status=True)
    messages = socket.hear("shellyplus-1/rpc", rpc("Switch.Set", id=0, on=True))
    [status] = [m for m in messages if m.topic == "shellyplus-1/status/switch:0"]

    assert list(json.loads(status.payload)) == [
        "id", "source", "output", "apower", "voltage", "current", "aenergy", "temperature",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "more", "topic", "payload", "ends_s"),
    [
        pytest.param("shelly", {}, "shellyplus-1/rpc", FOR_5_S, 5, id="Shelly, toggle_after"),
        pytest.param("shelly", {}, "shellyplus-1/command/switch:0", "on,5", 5, id="Shelly, a plain command with time"),
        pytest.param("shelly", {}, "shellyplus-1/command/switch:0", "on", None, id="Shelly, without a time"),
        pytest.param("tasmota", {"pulse_time": 105}, "cmnd/plug/POWER", "ON", 5, id="Tasmota, PulseTime 105 is 10.5 s"),
        pytest.param("tasmota", {"pulse_time": 50}, "cmnd/plug/POWER", "on", 5, id="Tasmota, PulseTime 50 is 5 s"),
        pytest.param("tasmota", {"pulse_time": 112}, "cmnd/plug/POWER", "ON", 12, id="Tasmota, PulseTime 112 is 12 s"),
        pytest.param("tasmota", {}, "cmnd/plug/POWER", "ON", None, id="Tasmota, without PulseTime"),
        pytest.param("zigbee", {}, "zigbee2mqtt/plug/set", '{"state":"ON","on_time":5}', 5, id="Zigbee, on_time"),
        pytest.param(
            "zigbee", {"on_time": False}, "zigbee2mqtt/plug/set", '{"state":"ON","on_time":5}', None,
            id="Zigbee, a plug that ignores on_time",
        ),
        pytest.param("gen1", {}, "shellies/old/relay/0/command", "on", None, id="Gen1 has no timer over MQTT"),
    ],
)  # fmt: skip
def test_their_own_timers(
    kind: str, more: dict[str, Any], topic: str, payload: str, ends_s: float | None
) -> None:
    socket = a_socket(kind, **more)
    ends_s = 10.5 if more.get("pulse_time") == 105 else ends_s
    socket.hear(topic, payload)
    assert socket.lamp.on
    socket.live((ends_s or 30) - 0.2)
    assert socket.lamp.on
    socket.live(0.4)

    assert socket.lamp.on == (ends_s is None)


def test_a_renewed_order_starts_the_timer_again() -> None:
    for kind, topic, payload in (
        ("shelly", "shellyplus-1/rpc", rpc("Switch.Set", id=0, on=True, toggle_after=10)),
        ("zigbee", "zigbee2mqtt/plug/set", '{"state":"ON","on_time":10}'),
    ):
        socket = a_socket(kind)
        for _ in range(4):
            socket.hear(topic, payload)
            socket.live(7)
        assert socket.lamp.on
        socket.live(4)
        assert not socket.lamp.on


def test_tasmota_says_what_tasmota_says() -> None:
    socket = a_socket("tasmota", every_s=10.0)
    hello = socket.gadget.greet(socket.at)
    result, power = socket.hear("cmnd/plug/Power", "ON")
    telemetry = {m.topic: json.loads(m.payload) for m in socket.live(10.5)}
    [status] = socket.hear("cmnd/plug/STATUS", "8")
    [pulse] = socket.hear("cmnd/plug/PulseTime1", "")

    assert (hello[0].topic, hello[0].payload, hello[0].retain) == ("tele/plug/LWT", "Online", True)
    assert (result.topic, result.payload) == ("stat/plug/RESULT", '{"POWER":"ON"}')
    assert (power.topic, power.payload, power.retain) == ("stat/plug/POWER", "ON", False)
    assert telemetry["tele/plug/SENSOR"] == {
        "Time": "2026-03-01T12:00:40",
        "ENERGY": {"Total": 0.001, "Power": 500, "Voltage": 229, "Current": 2.183},
    }
    assert telemetry["tele/plug/STATE"]["POWER"] == "ON"
    assert list(json.loads(status.payload)) == ["StatusSNS"]
    assert json.loads(pulse.payload) == {"PulseTime1": {"Set": 0, "Remaining": 0}}


def test_zigbee2mqtt_says_what_zigbee2mqtt_says() -> None:
    socket = a_socket("zigbee")
    hello = socket.gadget.greet(socket.at)
    [state] = socket.hear("zigbee2mqtt/plug/set", '{"state":"ON"}')
    later = [json.loads(m.payload) for m in socket.live(1)]

    assert [(m.topic, m.payload, m.retain) for m in hello[:1]] == [
        ("zigbee2mqtt/bridge/state", '{"state":"online"}', True)
    ]
    assert (hello[1].topic, json.loads(hello[1].payload)["state"]) == ("zigbee2mqtt/plug", "OFF")
    assert (state.topic, state.retain) == ("zigbee2mqtt/plug", False)
    assert json.loads(state.payload)["state"] == "ON"
    assert later == [
        {"state": "ON", "power": 500.0, "voltage": 230, "current": 2.174, "energy": 0.0, "linkquality": 120}
    ]


def test_a_first_generation_shelly_speaks_in_bare_values() -> None:
    socket = a_socket("gen1")
    socket.hear("shellies/old/relay/0/command", "on")
    said = {m.topic: m.payload for m in socket.live(31)}

    assert said == {
        "shellies/old/relay/0": "on",
        "shellies/old/relay/0/power": "500.00",
        "shellies/old/relay/0/energy": "251",
    }


@pytest.mark.parametrize(
    ("template", "text", "value"),
    [
        pytest.param("{value}", "21.5", 21.5, id="a bare number"),
        pytest.param('{"t":{value}}', '{"t":21.5}', 21.5, id="inside JSON"),
        pytest.param("{value}", "warm", None, id="a word"),
        pytest.param("{value}", "1.2.3", None, id="no number after all"),
        pytest.param("set {value}", "21.5", None, id="not as the template says"),
    ],
)
def test_numbers_in_templates(template: str, text: str, value: float | None) -> None:
    assert number_in(template, text) == value


def test_a_generic_device_shows_values_side_by_side() -> None:
    shown = [
        Shown(topic="t", path="a.b", read=lambda: 1),
        Shown(topic="t", path="c", read=lambda: "x"),
        Shown(topic="bare", path="", read=lambda: 21.5),
    ]
    heard: list[str] = []
    device = Generic(shown, [Taken(topic="set", take=heard.append)])
    device.hear("set", b" on ", 0.0, START)
    device.hear("other", b"on", 0.0, START)
    said = {m.topic: m.payload for m in device.step(0.0, START)}

    assert heard == ["on"]
    assert said == {"t": '{"a":{"b":1},"c":"x"}', "bare": "21.5"}
    assert device.step(5.0, START) == []
    assert len(device.step(30.0, START)) == 2


EXPORTING = Sample(
    currents_a=(10.0, -5.0, 0.5), volts=(230.0, 231.0, 232.0), imported_wh=1000.0, exported_wh=2000.0
)


def test_a_shelly_pro_3em_says_sizes_of_currents_and_signs_of_powers() -> None:
    meter = ShellyPro3Em("shellypro3em-1", lambda: EXPORTING, ("a", "b", "c"))
    said = {m.topic: json.loads(m.payload) for m in meter.step(0.0, START)}
    em = said["shellypro3em-1/status/em:0"]

    assert [em[f"{leg}_current"] for leg in "abc"] == [10.0, 5.0, 0.5]
    assert [em[f"{leg}_act_power"] for leg in "abc"] == [2300.0, -1155.0, 116.0]
    assert em["total_act_power"] == 1261.0
    assert said["shellypro3em-1/events/rpc"]["params"]["em:0"] == em
    assert said["shellypro3em-1/status/emdata:0"] == {"id": 0, "total_act": 1000.0, "total_act_ret": 2000.0}
    assert meter.step(0.5, START) == []


def test_a_first_generation_3em_says_bare_values() -> None:
    said = {
        m.topic: m.payload
        for m in Shelly3Em("shellies/em3", lambda: EXPORTING, ("a", "b", "c")).step(0.0, START)
    }

    assert said["shellies/em3/emeter/1/power"] == "-1155.00"
    assert said["shellies/em3/emeter/1/current"] == "5.00"
    assert said["shellies/em3/emeter/1/pf"] == "-1.00"
    assert len(said) == 18
