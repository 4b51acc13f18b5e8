"""A metering plug behind Zigbee2MQTT (its documentation, "MQTT topics and messages")."""

from datetime import datetime
from typing import Any

from .message import Message, Switched, amps, json_text, read_json

EVERY_S = 60.0
NOTICED_W = 5.0


class Zigbee2Mqtt:
    """One plug. Availability is off by default; the on-timer is the plug's, if it has one."""

    def __init__(
        self, base: str, name: str, thing: Switched, *, availability: bool = False, on_time: bool = True
    ) -> None:
        self.base, self.topic, self.thing = base, f"{base}/{name}", thing
        self.availability, self.on_time = availability, on_time
        self._off_at_s: float | None = None
        self._next_s = EVERY_S
        self._told_w = 0.0
        self._told_on = thing.on

    @property
    def hears(self) -> tuple[str, ...]:
        """Orders and questions."""
        return (f"{self.topic}/set", f"{self.topic}/get")

    def greet(self, at: datetime) -> list[Message]:
        """The bridge, retained; availability where it is switched on; the state it remembers.

        The last is `cache_state_send_on_startup`, on by default.
        """
        online = json_text({"state": "online"})
        said = [Message(topic=f"{self.base}/bridge/state", payload=online, retain=True)]
        if self.availability:
            said.append(Message(topic=f"{self.topic}/availability", payload=online, retain=True))
        return [*said, self._state()]

    def leave(self) -> list[Message]:
        """What its last will would say."""
        offline = json_text({"state": "offline"})
        said = [Message(topic=f"{self.base}/bridge/state", payload=offline, retain=True)]
        if self.availability:
            said.append(Message(topic=f"{self.topic}/availability", payload=offline, retain=True))
        return said

    def hear(self, topic: str, payload: bytes, now_s: float, at: datetime) -> list[Message]:
        """`{"state": "ON", "on_time": 60}`, or `{"state": ""}` to be read; a bare ON is understood too."""
        if topic.endswith("/get"):
            return [self._state()]
        tree = read_json(payload)
        order = tree if isinstance(tree, dict) else {"state": payload.decode("utf-8", "replace")}
        word = str(order.get("state", "")).upper()
        if word not in ("ON", "OFF", "TOGGLE"):
            return []
        self.thing.on = not self.thing.on if word == "TOGGLE" else word == "ON"
        after = order.get("on_time")
        timed = (
            self.on_time and self.thing.on and isinstance(after, int | float) and not isinstance(after, bool)
        )
        self._off_at_s = now_s + float(after) if timed and after else None
        return [self._state()]

    def step(self, now_s: float, at: datetime) -> list[Message]:
        """Its timer, its button, a changed power, and a report now and then."""
        said: list[Message] = []
        if self._off_at_s is not None and now_s >= self._off_at_s:
            self._off_at_s, self.thing.on = None, False
            said.append(self._state())
        changed = abs(self.thing.power_w - self._told_w) >= NOTICED_W or self.thing.on != self._told_on
        if changed or now_s >= self._next_s:
            self._next_s = now_s + EVERY_S
            said.append(self._state())
        return said

    def _state(self) -> Message:
        self._told_w, self._told_on = self.thing.power_w, self.thing.on
        tree: dict[str, Any] = {
            "state": "ON" if self.thing.on else "OFF",
            "power": round(self.thing.power_w, 1),
            "voltage": 230,
            "current": amps(self.thing.power_w),
            "energy": round(self.thing.energy_wh / 1000, 2),
            "linkquality": 120,
        }
        return Message(topic=self.topic, payload=json_text(tree))
