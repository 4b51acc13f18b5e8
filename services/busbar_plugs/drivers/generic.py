"""Any load with topics of its own: on/off, or a power to be set between a minimum and a maximum.

Nothing is known of the device but what the owner wrote down: topics, where in the JSON the value is,
what on and off are called, and how a power is said. Pumps, air conditioners, immersion heaters with a
controller, and plugs behind a Home Assistant bridge need no more.
"""

from dataclasses import dataclass

from busbar_plugs.drivers.driver import Relay
from busbar_plugs.seen import Seen
from busbar_shared.device_message import DeviceMessage, Source
from busbar_shared.device_topics import Send, topics_of
from busbar_shared.payloads import CURRENT_A, ENERGY_WH, POWER_W, VOLTAGE_V


@dataclass(frozen=True, slots=True)
class GenericWords:
    """What the owner said about a load's topics."""

    state: Source | None = None
    power: Source | None = None
    energy: Source | None = None
    voltage: Source | None = None
    current: Source | None = None
    level: Source | None = None
    presence: Source | None = None
    on: str = "ON"
    off: str = "OFF"
    present: str = "online"
    absent: str = "offline"
    command_topic: str | None = None
    command_on: str = "ON"
    command_off: str = "OFF"
    level_topic: str | None = None
    level_template: str = "{value}"
    level_factor: float = 1.0
    ask_topic: str | None = None
    ask_payload: str = ""


class Generic(Relay):
    """A load described by its owner."""

    def __init__(self, words: GenericWords) -> None:
        """All topics as configured; templates name `{value}`."""
        self.words = words

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic a value is read from, once."""
        words = self.words
        return topics_of(
            (
                words.state,
                words.power,
                words.energy,
                words.voltage,
                words.current,
                words.level,
                words.presence,
            )
        )

    def parse(self, topic: str, payload: bytes) -> Seen:
        """Read every value that lives on this topic; several may share one JSON message."""
        words, message = self.words, DeviceMessage(topic, payload)
        level_w = message.number(words.level, "level", POWER_W)
        on = message.either(words.state, "state", words.on, words.off)
        if words.state is None and level_w is not None:
            on = level_w > 0
        return Seen(
            on=on,
            power_w=message.number(words.power, "power", POWER_W),
            energy_wh=message.number(words.energy, "energy", ENERGY_WH),
            voltage_v=message.number(words.voltage, "voltage", VOLTAGE_V),
            current_a=message.number(words.current, "current", CURRENT_A),
            level_w=level_w,
            reachable=message.either(words.presence, "presence", words.present, words.absent),
            problems=tuple(message.problems),
        )

    def switch(self, on: bool, lease_s: float | None = None) -> tuple[Send, ...]:
        """The configured payload for on or off; a load without a switch topic is off at power 0."""
        words = self.words
        if words.command_topic is not None:
            return (Send(words.command_topic, words.command_on if on else words.command_off),)
        return () if on else self.level(0.0)

    def level(self, watts: float) -> tuple[Send, ...]:
        """The power in the device's own unit, put into the configured payload."""
        words = self.words
        if words.level_topic is None:
            return ()
        value = f"{watts / words.level_factor:.10g}"
        return (Send(words.level_topic, words.level_template.replace("{value}", value)),)

    def ask(self) -> tuple[Send, ...]:
        """The configured question, if there is one."""
        words = self.words
        return () if words.ask_topic is None else (Send(words.ask_topic, words.ask_payload),)
