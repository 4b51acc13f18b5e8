"""What a device hears and says, and the switch it moves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec


@dataclass(frozen=True, kw_only=True)
class Message:
    """One MQTT message."""

    topic: str
    payload: str
    retain: bool = False
    qos: int = 0


class Switched(Protocol):
    """The thing behind a switch, as its metering sees it."""

    on: bool
    power_w: float
    energy_wh: float


class Gadget(Protocol):
    """A device on the broker."""

    @property
    def hears(self) -> tuple[str, ...]:
        """The topics it subscribes to."""

    def greet(self, at: datetime) -> list[Message]:
        """What it says when it has connected."""

    def leave(self) -> list[Message]:
        """What its last will would say."""

    def hear(self, topic: str, payload: bytes, now_s: float, at: datetime) -> list[Message]:
        """What a message makes it do and say; what it does not understand it ignores or refuses."""

    def step(self, now_s: float, at: datetime) -> list[Message]:
        """What it says by itself; its own timers run here."""


def json_text(value: Any) -> str:
    """JSON as small devices write it."""
    return msgspec.json.encode(value).decode()


def read_json(payload: bytes) -> Any:
    """The JSON in a payload, or None: these devices answer nonsense with silence."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return None


def amps(watts: float, volts: float = 230.0) -> float:
    """Current at unity power factor."""
    return round(watts / volts, 3)
