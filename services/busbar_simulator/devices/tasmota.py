"""A plug with Tasmota.

Shapes: Tasmota documentation ("MQTT", "Commands", "JSON Status Responses"); PulseTime as in its source
(each POWER ON starts it anew; up to 111 in tenths of a second, from 112 on in seconds plus 100).
"""

from datetime import datetime
from typing import Any

from .message import Message, Switched, amps, json_text


class Tasmota:
    """One relay with energy metering."""

    def __init__(
        self,
        topic: str,
        thing: Switched,
        *,
        every_s: float = 300.0,
        pulse_time: int = 0,
        full_topic: str = "%prefix%/%topic%/",
    ) -> None:
        self.topic, self.thing, self.every_s, self.pulse_time = topic, thing, every_s, pulse_time
        self.full_topic = full_topic if full_topic.endswith("/") else f"{full_topic}/"
        self._off_at_s: float | None = None
        self._next_s: float | None = None
        self._told_on = thing.on

    @property
    def hears(self) -> tuple[str, ...]:
        """Every command."""
        return (f"{self._place('cmnd')}#",)

    def greet(self, at: datetime) -> list[Message]:
        """Online, retained; then its first state."""
        return [
            Message(topic=f"{self._place('tele')}LWT", payload="Online", retain=True),
            self._say("stat", "RESULT", {"POWER": self._word()}),
            Message(topic=f"{self._place('stat')}POWER", payload=self._word()),
        ]

    def leave(self) -> list[Message]:
        """What its last will would say."""
        return [Message(topic=f"{self._place('tele')}LWT", payload="Offline", retain=True)]

    def hear(self, topic: str, payload: bytes, now_s: float, at: datetime) -> list[Message]:
        """A command; its name may be in any case, the first relay's number may be left out."""
        command = topic.rsplit("/", 1)[-1].upper()
        word = payload.decode("utf-8", "replace").strip()
        if command in ("POWER", "POWER1"):
            return self._power(word.upper(), now_s)
        if command in ("PULSETIME", "PULSETIME1"):
            return self._pulse(word, now_s)
        if command == "TELEPERIOD" and word.isdigit():
            self.every_s = float(max(int(word), 10))
            return [self._say("stat", "RESULT", {"TelePeriod": int(self.every_s)})]
        if command == "STATUS" and word in ("8", "10"):
            return [self._say("stat", f"STATUS{word}", {"StatusSNS": self._sensor(at)})]
        if command == "STATUS" and word == "11":
            return [self._say("stat", "STATUS11", {"StatusSTS": self._state(at)})]
        return [self._say("stat", "RESULT", {"Command": "Unknown"})]

    def step(self, now_s: float, at: datetime) -> list[Message]:
        """Its button, its pulse timer, and telemetry each TelePeriod."""
        said: list[Message] = []
        if self.thing.on != self._told_on:
            # The button acts as the command does, its pulse timer included.
            said += self._power("ON" if self.thing.on else "OFF", now_s)
        if self._off_at_s is not None and now_s >= self._off_at_s:
            said += self._power("OFF", now_s)
        if self._next_s is None:
            self._next_s = now_s + self.every_s
        if now_s >= self._next_s:
            self._next_s = now_s + self.every_s
            said += [
                self._say("tele", "STATE", self._state(at)),
                self._say("tele", "SENSOR", self._sensor(at)),
            ]
        return said

    def _power(self, word: str, now_s: float) -> list[Message]:
        wanted = {
            "ON": True,
            "1": True,
            "OFF": False,
            "0": False,
            "TOGGLE": not self.thing.on,
            "2": not self.thing.on,
        }
        if word in wanted:
            self.thing.on = wanted[word]
            self._off_at_s = now_s + self._pulse_s() if self.thing.on and self.pulse_time else None
        self._told_on = self.thing.on
        # An empty payload only asks.
        return [
            self._say("stat", "RESULT", {"POWER": self._word()}),
            Message(topic=f"{self._place('stat')}POWER", payload=self._word()),
        ]

    def _pulse(self, word: str, now_s: float) -> list[Message]:
        if word.isdigit() and int(word) <= 64_900:
            self.pulse_time = int(word)
        left = max(round(self._off_at_s - now_s), 0) if self._off_at_s is not None else 0
        return [self._say("stat", "RESULT", {"PulseTime1": {"Set": self.pulse_time, "Remaining": left}})]

    def _pulse_s(self) -> float:
        return self.pulse_time / 10 if self.pulse_time <= 111 else self.pulse_time - 100.0

    def _word(self) -> str:
        return "ON" if self.thing.on else "OFF"

    def _say(self, prefix: str, what: str, tree: dict[str, Any]) -> Message:
        return Message(topic=f"{self._place(prefix)}{what}", payload=json_text(tree))

    def _place(self, prefix: str) -> str:
        """FullTopic (documentation, "Commands") with its two words filled in."""
        return self.full_topic.replace("%prefix%", prefix).replace("%topic%", self.topic)

    def _state(self, at: datetime) -> dict[str, Any]:
        return {"Time": _time(at), "Uptime": "0T00:10:00", "POWER": self._word(), "Wifi": {"RSSI": 100}}

    def _sensor(self, at: datetime) -> dict[str, Any]:
        watts = self.thing.power_w
        energy = {"Total": round(self.thing.energy_wh / 1000, 3), "Power": round(watts), "Voltage": 229}
        return {"Time": _time(at), "ENERGY": energy | {"Current": amps(watts, 229.0)}}


def _time(at: datetime) -> str:
    """Local time without a zone, as the device shows it."""
    return at.replace(tzinfo=None, microsecond=0).isoformat()
