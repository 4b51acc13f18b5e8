"""What must never happen, whatever a device says and whenever it says it."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from busbar_contracts.load import PlugState, PlugSwitch
from busbar_contracts.topics import topic_of
from busbar_plugs.drivers.driver import Driver
from busbar_plugs.drivers.generic import Generic, GenericWords
from busbar_plugs.drivers.shelly1 import Shelly1
from busbar_plugs.drivers.shelly2 import Shelly2
from busbar_plugs.drivers.tasmota import Tasmota
from busbar_plugs.drivers.zigbee2mqtt import Zigbee2Mqtt
from busbar_plugs.plug import Plug
from busbar_plugs.portrait import state_of
from busbar_plugs.relay import Rules
from busbar_plugs.setup import Setup
from busbar_shared.device_message import Source
from busbar_shared.device_topics import Send
from busbar_shared.judge import decode
from busbar_shared.moment import Moment

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
WORDS = GenericWords(
    state=Source("g/s"),
    power=Source("g/p"),
    presence=Source("g/a"),
    command_topic="g/set",
    command_on="ON",
    command_off="OFF",
)
DRIVERS: list[Driver] = [
    Shelly2("s", 0, "busbar/x"),
    Shelly1("shellies/o", 0),
    Tasmota("t", 1, full_topic="%prefix%/%topic%/", pulse_time=True),
    Zigbee2Mqtt("zigbee2mqtt", "z", None, on_time=True),
    Generic(WORDS),
]
WORDS_SAID = (
    "on off ON OFF true false Online Offline overpower 100 nan -1e9 { [1,2,3]"
    ' {"state":"online"} {"state":"offline"} {"state":"ON","power":50} {"state":"OFF"} {"POWER":"ON"} {"POWER":"OFF"}'
    ' {"PulseTime1":{"Set":220,"Remaining":0}} {"ENERGY":{"Power":[1,2],"Total":3}} {"id":1,"output":true}'
    ' {"id":0,"output":true,"apower":1800} {"id":0,"output":false} {"output":"maybe","apower":1e12}'
    ' {"method":"NotifyStatus","params":{"switch:0":{"output":true}}}'
    ' {"method":"NotifyStatus","params":{"switch:0":{"output":false,"source":"timer"}}}'
    ' {"id":1,"error":{"code":-1,"message":"no"}} {"id":2,"result":{"id":0,"output":true}}'
)
PAYLOADS = st.sampled_from([word.encode() for word in WORDS_SAID.split()] + [b"", b"\xff\xfe"])
STEPS = st.lists(
    st.tuples(
        st.floats(0.0, 200.0),
        st.integers(0, 9),
        PAYLOADS | st.binary(max_size=40),
        st.booleans(),
        st.sampled_from(["nothing", "off", "stranger", "retained", "stale"]),
    ),
    max_size=40,
)


def says_on(send: Send) -> bool:
    """Whether this message would close the relay."""
    if send.payload in ("on", "ON"):
        return True
    if not send.payload.startswith("{"):
        return False
    tree = json.loads(send.payload)
    return tree.get("state") == "ON" or tree.get("params", {}).get("on") is True


def an_order(kind: str, seq: int, at: datetime) -> PlugSwitch:
    return PlugSwitch(
        issuer="neighbour" if kind == "stranger" else "allocator",
        instance="i",
        seq=0 if kind == "stale" else seq,
        issued_at=at - timedelta(hours=2) if kind == "stale" else at,
        lease_s=30.0,
        reason="test",
        on=kind != "off",
    )


@settings(max_examples=200, deadline=None)
@given(driver=st.sampled_from(DRIVERS), steps=STEPS)
def test_nothing_a_device_says_and_no_order_that_does_not_count_switches_it_on(
    driver: Driver, steps: list[tuple[float, int, bytes, bool, str]]
) -> None:
    # A Tasmota whose button was pressed is kept on by repeating ON; that is the owner's switch, not ours.
    rules = Rules(device_lease_s=60.0 if driver.timed else None, timer_ends_every_on=False)
    now = Moment(NOON, 1000.0)
    plug = Plug(Setup(id="x", driver=driver, rules=rules, rating_w=2000.0), now)
    for number, (pause, topic, payload, retained, kind) in enumerate(steps):
        now = Moment(now.at + timedelta(seconds=pause), now.s + pause)
        plug.hear(driver.topics[topic % len(driver.topics)], payload, now, retained=retained)
        if kind != "nothing":
            plug.order(an_order(kind, number + 1, now.at), now, retained=kind == "retained")
        out = plug.tick(now)
        assert not [one for one in out if isinstance(one, Send) and says_on(one)]
        state = state_of(plug, now)
        assert decode(topic_of(PlugState), msgspec.json.encode(state)) == state
        assert state.min_w == state.max_w <= 100_000
        assert not [one for one in plug.release(now) if says_on(one)]


SAYS_OFF = {
    "Shelly2": ("s/status/switch:0", b'{"id":0,"output":false}'),
    "Shelly1": ("shellies/o/relay/0", b"off"),
    "Tasmota": ("stat/t/POWER", b"OFF"),
    "Zigbee2Mqtt": ("zigbee2mqtt/z", b'{"state":"OFF"}'),
    "Generic": ("g/s", b"OFF"),
}


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: type(driver).__name__)
def test_an_order_that_counts_does_switch_it_on(driver: Driver) -> None:
    now = Moment(NOON, 1000.0)
    plug = Plug(Setup(id="x", driver=driver, rules=Rules(), rating_w=2000.0), now)
    topic, payload = SAYS_OFF[type(driver).__name__]
    plug.hear(topic, payload, now)
    plug.order(an_order("good", 1, now.at), now)

    assert [one for one in plug.tick(now) if isinstance(one, Send) and says_on(one)]
