"""A Shelly of generation 1 with one metered relay (Shelly Gen1 API documentation, "MQTT")."""

from datetime import datetime

from .message import Message, Switched, json_text

EVERY_S = 30.0


class Shelly1:
    """Bare values, about every thirty seconds, never retained; its off-timer exists only over HTTP."""

    def __init__(self, prefix: str, thing: Switched, *, channel: int = 0) -> None:
        self.prefix, self.thing = prefix, thing
        self.relay = f"{prefix}/relay/{channel}"
        self._next_s = 0.0
        self._told_on = thing.on

    @property
    def hears(self) -> tuple[str, ...]:
        """The relay's command and the device's."""
        return (f"{self.relay}/command", f"{self.prefix}/command", "shellies/command")

    def greet(self, at: datetime) -> list[Message]:
        """Online (the will is retained), then its announcement and all values."""
        announced = {
            "id": self.prefix.rsplit("/", 1)[-1],
            "model": "SHPLG-S",
            "fw_ver": "20230913-113421/v1.14.0",
        }
        return [
            Message(topic=f"{self.prefix}/online", payload="true", retain=True),
            Message(topic="shellies/announce", payload=json_text(announced)),
            *self._values(),
        ]

    def leave(self) -> list[Message]:
        """What its last will would say."""
        return [Message(topic=f"{self.prefix}/online", payload="false", retain=True)]

    def hear(self, topic: str, payload: bytes, now_s: float, at: datetime) -> list[Message]:
        """on, off, toggle; announce and update."""
        word = payload.decode("utf-8", "replace")
        if topic == f"{self.relay}/command":
            if word not in ("on", "off", "toggle"):
                return []
            self.thing.on = not self.thing.on if word == "toggle" else word == "on"
            return [self._position()]
        return {"update": self._values(), "announce": self.greet(at)[1:2]}.get(word, [])

    def step(self, now_s: float, at: datetime) -> list[Message]:
        """All values now and then, the relay at once when its button was pressed."""
        if now_s < self._next_s:
            return [self._position()] if self.thing.on != self._told_on else []
        self._next_s = now_s + EVERY_S
        return self._values()

    def _position(self) -> Message:
        self._told_on = self.thing.on
        return Message(topic=self.relay, payload="on" if self.thing.on else "off")

    def _values(self) -> list[Message]:
        # Energy is in watt-minutes.
        return [
            self._position(),
            Message(topic=f"{self.relay}/power", payload=f"{self.thing.power_w:.2f}"),
            Message(topic=f"{self.relay}/energy", payload=f"{self.thing.energy_wh * 60:.0f}"),
        ]
