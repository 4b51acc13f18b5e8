"""Shelly devices of generation 2 and later, over their own MQTT.

Shapes: Shelly Gen2 API documentation, "MQTT" (topics, rpc, online) and "Switch" (Switch.Set,
Switch.GetStatus, component status); captures of partial notifications with `timer_duration` and
`"source":"timer"` in home-assistant/core issue 139105.
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
    SECONDS,
    VOLTAGE_V,
    Problem,
    Reading,
    object_of,
    shown,
    switch_of,
    text_of,
)

SET: Final = 1
GET: Final = 2
CONFIG: Final = 3
"""Our request numbers: the answer carries the same one back."""


INITIAL: Final[dict[str, PowerOn]] = {"on": "on", "off": "off", "restore_last": "last"}
"""Switch.GetConfig `initial_state`; `match_input` depends on a wall switch and stays unknown."""


class Shelly2(Relay):
    """One switch component of a Shelly Gen2+."""

    def __init__(self, prefix: str, channel: int, source: str, *, timed: bool = True) -> None:
        """`prefix` is the device's MQTT prefix (its id unless the owner changed it)."""
        self.prefix = prefix
        self.channel = channel
        self.source = source
        self.timed = timed
        self.component = f"switch:{channel}"
        self.online = f"{prefix}/online"
        self.events = f"{prefix}/events/rpc"
        self.status = f"{prefix}/status/{self.component}"
        self.answers = f"{source}/rpc"

    @property
    def topics(self) -> tuple[str, ...]:
        """Presence, notifications, status (off by default in the device) and the answers to our requests."""
        return (self.online, self.events, self.status, self.answers)

    def parse(self, topic: str, payload: bytes) -> Seen:
        """Read one message of the device."""
        if topic == self.online:
            return presence(payload)
        tree = object_of(payload)
        if isinstance(tree, Problem):
            return Seen(problems=(tree,))
        if topic == self.status:
            return self.component_status(tree)
        if topic == self.events:
            return self.notification(tree)
        return self.answer(tree)

    def notification(self, tree: dict[str, Any]) -> Seen:
        """NotifyStatus names only what changed, NotifyFullStatus everything; both keyed by component."""
        if tree.get("method") not in ("NotifyStatus", "NotifyFullStatus"):
            return NOTHING
        params = tree.get("params")
        if not isinstance(params, dict):
            return Seen(problems=(Problem("not_an_object", "$.params", f"params is {shown(params)}"),))
        status = params.get(self.component)
        if status is None:
            return NOTHING
        if not isinstance(status, dict):
            return Seen(problems=(Problem("not_an_object", f"$.params.{self.component}", shown(status)),))
        return self.component_status(status)

    def answer(self, tree: dict[str, Any]) -> Seen:
        """The result or the error of a request of ours."""
        if tree.get("id") not in (SET, GET, CONFIG):
            return NOTHING
        error = tree.get("error")
        if isinstance(error, dict):
            # A question that an old firmware does not know is no refusal of an order.
            if tree.get("id") != SET:
                return NOTHING
            return Seen(refused=f"{error.get('code')}: {shown(error.get('message'))}")
        result = tree.get("result")
        if tree.get("id") == GET and isinstance(result, dict):
            return self.component_status(result)
        if tree.get("id") == CONFIG and isinstance(result, dict):
            initial = result.get("initial_state")
            return Seen(power_on=INITIAL.get(initial)) if isinstance(initial, str) else NOTHING
        # Switch.Set answers {"was_on": ...}: the position before, which is no news of the position now.
        return NOTHING

    def component_status(self, status: dict[str, Any]) -> Seen:
        """A switch component, whole or in part; refused when it calls itself another channel."""
        if status.get("id", self.channel) != self.channel:
            problem = Problem("other_channel", "$.id", f"id is {shown(status['id'])}, ours is {self.channel}")
            return Seen(problems=(problem,))
        reading = Reading()
        energy = status.get("aenergy")
        if energy is not None and not isinstance(energy, dict):
            reading.problems.append(Problem("not_an_object", "$.aenergy", f"aenergy is {shown(energy)}"))
            energy = None
        output = status.get("output")
        on = reading.switch(output, "$.output")
        return Seen(
            on=on,
            power_w=reading.number(status.get("apower"), "$.apower", POWER_W),
            energy_wh=reading.number((energy or {}).get("total"), "$.aenergy.total", ENERGY_WH),
            voltage_v=reading.number(status.get("voltage"), "$.voltage", VOLTAGE_V),
            current_a=reading.number(status.get("current"), "$.current", CURRENT_A),
            by_timer=on is not None and status.get("source") == "timer",
            timer_s=reading.number(status.get("timer_duration"), "$.timer_duration", SECONDS),
            refused=_errors(status.get("errors")),
            problems=tuple(reading.problems),
        )

    def switch(self, on: bool, lease_s: float | None = None) -> tuple[Send, ...]:
        """Switch.Set; `toggle_after` only ever with on, since with off it would switch the load on."""
        params: dict[str, object] = {"id": self.channel, "on": on}
        if on and self.timed and lease_s is not None:
            params["toggle_after"] = round(lease_s, 1)
        return (self.request(SET, "Switch.Set", params),)

    def ask(self) -> tuple[Send, ...]:
        """Switch.GetStatus: many models never send a complete status by themselves."""
        return (self.request(GET, "Switch.GetStatus", {"id": self.channel}),)

    def introduce(self) -> tuple[Send, ...]:
        """Switch.GetConfig tells the state after a power cut."""
        return (self.request(CONFIG, "Switch.GetConfig", {"id": self.channel}),)

    def request(self, number: int, method: str, params: dict[str, object]) -> Send:
        """An RPC request whose answer comes back on our own topic."""
        frame = {"id": number, "src": self.source, "method": method, "params": params}
        return Send(f"{self.prefix}/rpc", msgspec.json.encode(frame).decode())


def presence(payload: bytes) -> Seen:
    """`true` when the device has connected, `false` as its last will."""
    text = text_of(payload)
    if isinstance(text, Problem):
        return Seen(problems=(text,))
    there = switch_of(text, "online")
    return Seen(problems=(there,)) if isinstance(there, Problem) else Seen(reachable=there, connected=there)


def _errors(value: object) -> str | None:
    """overtemp, overpower, overvoltage: why the device opened its relay by itself."""
    if isinstance(value, list) and value:
        return ", ".join(str(word)[:40] for word in value[:4])
    return None
