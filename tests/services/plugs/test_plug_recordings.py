"""What real devices were recorded to say, message after message, and what the service makes of it.

Each recording is a public capture, named beside it; ids and addresses are theirs, cut to what is said of a relay.
"""

import json
from typing import Any

import pytest

SHELLY = '[plugs.x]\ntopic = "{}"\n'
GEN1 = '[plugs.x]\ndriver = "shelly_gen1"\ntopic = "{}"\n'
TASMOTA = '[plugs.x]\ndriver = "tasmota"\ntopic = "{}"\n'
ZIGBEE = '[plugs.x]\ndriver = "zigbee2mqtt"\ntopic = "{}"\n'

# iobroker-community-adapters/ioBroker.shelly issue 813: a Plus Plug S that has just connected.
PLUG_S_PLUS = (
    '{"src":"shellyplusplugs-80646fd031f8","dst":"shellyplusplugs-80646fd031f8/events","method":"NotifyFullStatus",'
    '"params":{"ts":1698999954.77,"ble":{},"cloud":{"connected":true},"mqtt":{"connected":true},"plugs_ui":{},'
    '"script:1":{"id":1,"running":true},"switch:0":{"id":0, "source":"init", "output":true, "apower":0.0, '
    '"voltage":229.1, "current":0.000, "aenergy":{"total":30473.355,"by_minute":[0.000,0.000,0.000],'
    '"minute_ts":1698999953},"temperature":{"tC":34.8, "tF":94.7}},"sys":{"mac":"80646FD031F8","time":"09:25"}}}'
)
# ioBroker.shelly issue 1592: a 1PM Mini Gen3 with a prefix of its own; a count alone, then its whole status.
MINI_COUNTS = (
    '{"src":"shelly1pmminig3-e4b323133734","dst":"ShellyLichtGarten/events","method":"NotifyStatus",'
    '"params":{"ts":1788945300.02,"switch:0":{"counts":{"on_above_thr":0,"on_time":241680,"switch_on":192}}}}'
)
MINI_STATUS = (
    '{"id":0,"source":"SHC","tag":null, "output":false, "apower":0.0, "voltage":238.3, "freq":50.0, "current":0.000, '
    '"aenergy":{"total":2690.730,"by_minute":[0.000,0.000,0.000],"minute_ts":1788945300}, '
    '"ret_aenergy":{"total":0.000},"counts":{"on_time":241680},"temperature":{"tC":56.1, "tF":132.9}}'
)
# ioBroker.shelly issue 1147: an Outdoor Plug S Gen3 with a balcony's solar panels behind it.
OUTDOOR = (
    '{"aenergy":{"by_minute":[9643.763],"minute_ts":1744022820,"total":15761.124},"apower":-626.6,"current":2.61,'
    '"freq":50.1,"id":0,"output":true,"ret_aenergy":{"total":15754.266},"source":"init",'
    '"temperature":{"tC":41.6,"tF":106.9},"voltage":240.3}'
)
# jbasen/Crestron-Shelly issue 36: a Plus 2PM without metering on this channel.
NO_METER = '{"id":0, "source":"init", "output":false,"temperature":{"tC":42.6, "tF":108.7}}'
# arendst/Tasmota issue 2785: a Sonoff Pow of 2018.
POW_STATE = (
    '{"Time":"2018-05-22T02:09:09","Uptime":"0T00:17:38","Vcc":3.485,"POWER":"OFF","Wifi":{"AP":1,"RSSI":88}}'
)
POW_SENSOR = (
    '{"Time":"2018-02-14T21:51:31","ENERGY":{"Total":0.984,"Yesterday":0.000,"Today":0.984,"Period":12,"Power":145,'
    '"Factor":0.90,"Voltage":220,"Current":0.731}}'
)
# arendst/Tasmota issue 6160: a Shelly 2.5 with two meters.
DUAL = (
    '{"Time":"2019-09-14T16:24:49","Switch1":"OFF","Switch2":"OFF","ANALOG":{"Temperature":52.5},'
    '"ENERGY":{"TotalStartTime":"2019-04-13T18:21:03","Total":3.262,"Yesterday":0.000,"Today":0.005,"Period":1.34,'
    '"Power":[23.63,67.17],"ApparentPower":[23.63,67.17],"Factor":[1.00,1.00],"Voltage":229.3,'
    '"Current":[0.103,0.293]},"TempUnit":"C"}'
)
# arendst/Tasmota issue 21357: a three-phase meter.
THREE = (
    '{"Time":"2024-05-05T13:27:21","ENERGY":{"TotalStartTime":"2024-05-01T11:36:59","Total":31.043,"Today":3.322,'
    '"ExportActive":[0.000,0.000,0.000],"Power":[1011,900,950],"Voltage":[231,230,229],"Current":[4.785,4.013,4.013]}}'
)
# jneilliii/OctoPrint-Tasmota issue 150: StateText was changed to 0 and 1.
STATE_TEXT = '{"POWER1":"1"}'
# Koenkk/zigbee2mqtt issue 32463: a Tuya plug.
TUYA = (
    '{"child_lock":"UNLOCK","countdown":0,"current":0,"energy":12.05,"identify":null,"indicator_mode":"off/on",'
    '"last_seen":"2026-07-27T09:41:41+02:00","linkquality":43,"power":0,"power_outage_memory":"restore","state":"OFF",'
    '"switch_type_button":null,"update":{"installed_version":268449287,"state":"idle"},"voltage":243}'
)
# Koenkk/zigbee2mqtt issue 14448: an Aqara plug (consumption, booleans, a null action).
AQARA = (
    '{"action":null,"consumption":0,"current":0.4,"device_temperature":30,"energy":7.5,"flip_indicator_light":"ON",'
    '"linkquality":244,"operation_mode":"control_relay","power":92.3,"power_outage_count":5,'
    '"power_outage_memory":true,"state":"ON","update":{"state":null},"update_available":null,"voltage":246}'
)
# Koenkk/zigbee2mqtt issue 23402: a double socket with one meter, and halves that are called left and right.
DOUBLE = (
    '{"current":0,"energy":7,"linkquality":140,"power":12,"state":"ON","state_l1":null,"state_l2":null,'
    '"state_left":"ON","state_right":"OFF","voltage":232}'
)
# Koenkk/zigbee2mqtt issue 22981: a double socket that measures its left half.
LEFT = (
    '{"current_left":0.08,"linkquality":214,"power_left":18,"state_left":"OFF","state_right":"ON","voltage_left":230,'
    '"current":null,"energy":null,"power":null,"voltage":null}'
)

RECORDINGS = [
    pytest.param(
        SHELLY.format("shellyplusplugs-80646fd031f8"),
        [("online", "true"), ("events/rpc", PLUG_S_PLUS)],
        "shellyplusplugs-80646fd031f8/",
        {"link": True, "on": True, "power_w": 0.0, "energy_wh": 30473.355},
        id="a Plus Plug S tells everything when it has connected",
    ),
    pytest.param(
        SHELLY.format("ShellyLichtGarten"),
        [("status/switch:0", MINI_STATUS), ("events/rpc", MINI_COUNTS)],
        "ShellyLichtGarten/",
        {"on": False, "power_w": 0.0, "energy_wh": 2690.73},
        id="a count alone takes nothing away from what a Mini Gen3 said before",
    ),
    pytest.param(
        SHELLY.format("outdoor"),
        [("status/switch:0", OUTDOOR)],
        "outdoor/",
        {"on": True, "power_w": -626.6, "learned_w": None, "max_w": 2000.0},
        id="what feeds in is no appliance to be learned",
    ),
    pytest.param(
        SHELLY.format("plus2pm"),
        [("status/switch:0", NO_METER)],
        "plus2pm/",
        {"on": False, "power_w": None, "measures": False},
        id="a relay without a meter measures nothing, not zero",
    ),
    pytest.param(
        # ioBroker.shelly issue 389: energy in watt-minutes.
        GEN1.format("shellyplug-s-XXYYYY"),
        [("online", "true"), ("relay/0", "on"), ("relay/0/power", "73.40"), ("relay/0/energy", "81010")],
        "shellies/shellyplug-s-XXYYYY/",
        {"link": True, "on": True, "power_w": 73.4, "energy_wh": pytest.approx(1350.17, abs=0.01)},
        id="an old Plug S counts in watt-minutes",
    ),
    pytest.param(
        # enesbcs/Shelly_MQTT pull request 64: the meters of a 3EM are not behind its relay.
        GEN1.format("shellyem3-68C63AFAF952"),
        [("relay/0", "off"), ("emeter/0/power", "120.11"), ("emeter/1/power", "116.23")],
        "shellies/shellyem3-68C63AFAF952/",
        {"on": False, "power_w": None, "measures": False},
        id="what a 3EM measures is not what its relay switches",
    ),
    pytest.param(
        TASMOTA.format("DVES_EA9716"),
        [("LWT", "Online"), ("STATE", POW_STATE), ("SENSOR", POW_SENSOR)],
        "tele/DVES_EA9716/",
        {"link": True, "on": False, "power_w": 145.0, "energy_wh": 984.0},
        id="a Sonoff Pow tells relay and power apart",
    ),
    pytest.param(
        TASMOTA.format("shelly25") + "channel = 2\n",
        [("SENSOR", DUAL)],
        "tele/shelly25/",
        {"on": None, "power_w": 67.17, "energy_wh": None},
        id="of two meters the second is the second relay's, and the total of both is nobody's",
    ),
    pytest.param(
        TASMOTA.format("shelly25") + "channel = 1\n",
        [("SENSOR", DUAL)],
        "tele/shelly25/",
        {"power_w": 23.63},
        id="and the first the first's",
    ),
    pytest.param(
        TASMOTA.format("em") + 'phases = ["a", "b", "c"]\n',
        [("SENSOR", THREE)],
        "tele/em/",
        {"power_w": 2861.0, "energy_wh": 31043.0},
        id="one relay on three phases draws the sum of them",
    ),
    pytest.param(
        TASMOTA.format("printer"),
        [("RESULT", STATE_TEXT)],
        "stat/printer/",
        {"on": True},
        id="on may be called 1",
    ),
    pytest.param(
        ZIGBEE.format("z1"),
        [("", TUYA)],
        "zigbee2mqtt/z1",
        {"on": False, "power_w": 0.0, "energy_wh": 12050.0, "power_on": "last"},
        id="a Tuya plug with its nulls",
    ),
    pytest.param(
        ZIGBEE.format("Office"),
        [("", AQARA)],
        "zigbee2mqtt/Office",
        {"on": True, "power_w": 92.3, "energy_wh": 7500.0, "power_on": "last"},
        id="an Aqara plug that remembers",
    ),
    pytest.param(
        ZIGBEE.format("Socket") + 'endpoint = "right"\n',
        [("/availability", '{"state":"online"}'), ("", DOUBLE)],
        "zigbee2mqtt/Socket",
        {"link": True, "on": False, "power_w": None},
        id="the power of both halves is not the right one's",
    ),
    pytest.param(
        ZIGBEE.format("Socket") + 'endpoint = "left"\n',
        [("/availability", "online"), ("", LEFT)],
        "zigbee2mqtt/Socket",
        {"link": True, "on": False, "power_w": 18.0, "energy_wh": None},
        id="a half with its own meter",
    ),
    pytest.param(
        ZIGBEE.format("Hue-4"),
        [("", AQARA), ("/availability", "offline")],
        "zigbee2mqtt/Hue-4",
        {"link": False, "on": None},
        id="the plain word of older bridges",
    ),
]


@pytest.mark.parametrize(("plugs", "recording", "place", "known"), RECORDINGS)
async def test_a_recording(
    plugs: str, recording: list[tuple[str, str]], place: str, known: dict[str, Any], house_of: Any
) -> None:
    async with house_of(plugs) as house:
        for topic, payload in recording:
            house.bus.feed_raw(place + topic, payload)
            await house.pass_time(1)
        state = house.state("x")

    assert {name: getattr(state, name) for name in known} == known
    assert state.last_refusal is None


@pytest.mark.parametrize(("plugs", "recording", "place", "known"), RECORDINGS)
async def test_a_recording_that_the_broker_replays_is_no_reading(
    plugs: str, recording: list[tuple[str, str]], place: str, known: dict[str, Any], house_of: Any
) -> None:
    async with house_of(plugs) as house:
        for topic, payload in recording:
            house.bus.feed_raw(place + topic, payload, retained=True)
            await house.pass_time(1)
        state = house.state("x")

    assert (state.on, state.power_w, state.energy_wh, state.learned_w) == (None, None, None, None)


@pytest.mark.parametrize(("plugs", "recording", "place", "known"), RECORDINGS)
async def test_a_recording_cut_off_anywhere_stops_nothing_and_switches_nothing_on(
    plugs: str, recording: list[tuple[str, str]], place: str, known: dict[str, Any], house_of: Any
) -> None:
    async with house_of(plugs) as house:
        for topic, payload in recording:
            for end in range(0, len(payload), max(1, len(payload) // 12)):
                house.bus.feed_raw(place + topic, payload[:end])
            house.bus.feed_raw(place + topic, json.dumps([payload]))
            await house.pass_time(1)
        said = [
            payload for topic, payload in house.bus.said_raw if b"ON" in payload or b'"on":true' in payload
        ]

    assert said == []
