"""Plugs behind Zigbee2MQTT.

Shapes: Zigbee2MQTT documentation, "MQTT topics and messages" (device topic, set, get, availability,
bridge/state), "MQTT settings" (`output`: json, attribute or both; a capture of both, bare values on topics
below the device's, is in Koenkk/zigbee2mqtt issue 32463) and the device pages, "On with timed off":
`on_time` in seconds beside `"state":"ON"`; "support depends on the switch firmware", so what it leaves in the
device is a hope, not a promise.
"""

from typing import Any, Final

import msgspec

from busbar_plugs.drivers.driver import Relay
from busbar_plugs.seen import NOTHING, PowerOn, Seen
from busbar_shared.device_topics import Send
from busbar_shared.payloads import (
    CURRENT_A,
    ENERGY_WH,
    POWER_W,
    VOLTAGE_V,
    Problem,
    Reading,
    number_in_text,
    object_of,
    shown,
    text_of,
)

WH_PER_KWH: Final = 1000.0
ATTRIBUTES: Final = ("state", "power", "energy", "voltage", "current")
ANY_NUMBER: Final = (-1e12, 1e12)
"""What is believable of each is judged where it is read."""
LONGEST_ON_TIME_S: Final = 6553
"""Zigbee cluster library, On/Off cluster, "On With Timed Off": OnTime is 16 bits of tenths of a second."""

POWER_ON: Final[dict[str, PowerOn]] = {"on": "on", "off": "off", "previous": "last", "restore": "last"}
"""Zigbee2MQTT device pages, `power_on_behavior`; `toggle` is no steady answer. Tuya plugs call it
`power_outage_memory` with on, off and restore (exposes in nurikk/zigbee2mqtt-frontend issue 2450); where that is
true or false it only says whether the plug remembers, and false says nothing of what it does."""


class Zigbee2Mqtt(Relay):
    """One plug or one endpoint of a plug."""

    def __init__(self, base: str, name: str, endpoint: str | None, *, on_time: bool) -> None:
        """`name` is the friendly name (it may hold slashes); `endpoint` such as `l1` for a double plug."""
        self.base = base
        self.topic = f"{base}/{name}"
        self.availability = f"{self.topic}/availability"
        self.bridge = f"{base}/bridge/state"
        self.endpoint = endpoint
        self.timed = on_time
        self.attributes = {f"{self.topic}/{self.key(name)}": name for name in ATTRIBUTES}

    @property
    def topics(self) -> tuple[str, ...]:
        """The device, its availability (off by default), the bridge it hangs on, and its values one by one."""
        return (self.topic, self.availability, self.bridge, *self.attributes)

    def key(self, name: str) -> str:
        """The property's name, with the endpoint where there are several."""
        return name if self.endpoint is None else f"{name}_{self.endpoint}"

    def parse(self, topic: str, payload: bytes) -> Seen:
        """Read one message; which properties there are depends on the device."""
        if topic in (self.availability, self.bridge):
            seen = availability(payload)
            # A bridge that is up says nothing about a plug that may be out of its socket.
            return NOTHING if topic == self.bridge and seen.reachable else seen
        if topic in self.attributes:
            return self.attribute(self.attributes[topic], payload)
        tree = object_of(payload)
        if isinstance(tree, Problem):
            return Seen(problems=(tree,))
        return self.report(tree)

    def attribute(self, name: str, payload: bytes) -> Seen:
        """One bare value, as `output = attribute` publishes it: `ON`, `92.3`."""
        text = text_of(payload)
        if isinstance(text, Problem):
            return Seen(problems=(text,))
        value: object = text.strip()
        if value in ("", "null") or text.lstrip().startswith("{"):
            # Not known yet; or another device whose name begins like ours.
            return NOTHING
        if name != "state":
            value = number_in_text(text, f"$.{name}", ANY_NUMBER)
        return Seen(problems=(value,)) if isinstance(value, Problem) else self.report({self.key(name): value})

    def report(self, tree: dict[str, Any]) -> Seen:
        """The properties of a plug; a null is one the bridge does not know yet."""
        reading = Reading()
        power, energy, current = (self.value(tree, name) for name in ("power", "energy", "current"))
        seen = Seen(
            on=reading.switch(tree.get(self.key("state")), f"$.{self.key('state')}"),
            power_w=reading.number(power, "$.power", POWER_W),
            energy_wh=reading.scaled(energy, "$.energy", ENERGY_WH, WH_PER_KWH),
            voltage_v=reading.number(self.shared(tree, "voltage"), "$.voltage", VOLTAGE_V),
            current_a=reading.number(current, "$.current", CURRENT_A),
            power_on=self.power_on(tree),
            problems=tuple(reading.problems),
        )
        return NOTHING if seen.says_nothing else seen

    def power_on(self, tree: dict[str, Any]) -> PowerOn | None:
        """What the plug does when the mains come back, where it says so."""
        for name in ("power_on_behavior", "power_outage_memory"):
            said = tree.get(self.key(name), tree.get(name))
            if isinstance(said, str) and said in POWER_ON:
                return POWER_ON[said]
            if said is True:
                return "last"
        return None

    def value(self, tree: dict[str, Any], name: str) -> object:
        """An endpoint's own number; a plug without endpoints has the bare name."""
        return tree.get(self.key(name))

    def shared(self, tree: dict[str, Any], name: str) -> object:
        """A number that both halves of a double plug have in common unless each has its own."""
        own = self.value(tree, name)
        return tree.get(name) if own is None else own

    def switch(self, on: bool, lease_s: float | None = None) -> tuple[Send, ...]:
        """State ON or OFF, and with a lease the time after which the plug itself goes off."""
        body: dict[str, object] = {self.key("state"): "ON" if on else "OFF"}
        if on and self.timed and lease_s is not None:
            body["on_time"] = min(round(lease_s), LONGEST_ON_TIME_S)
        return (Send(f"{self.topic}/set", msgspec.json.encode(body).decode()),)

    def ask(self) -> tuple[Send, ...]:
        """Read the relay; the bridge then publishes all it knows."""
        return (Send(f"{self.topic}/get", msgspec.json.encode({self.key("state"): ""}).decode()),)


def availability(payload: bytes) -> Seen:
    """`{"state":"online"}`, or the bare word of older versions."""
    text = text_of(payload)
    if isinstance(text, Problem):
        return Seen(problems=(text,))
    word: object = text.strip()
    if text.lstrip().startswith("{"):
        tree = object_of(payload)
        if isinstance(tree, Problem):
            return Seen(problems=(tree,))
        word = tree.get("state")
    if word in ("online", "offline"):
        return Seen(reachable=word == "online")
    return Seen(
        problems=(
            Problem("not_presence", "$.state", f"state is {shown(word)}, online or offline is expected"),
        )
    )
