"""Any load with topics of its own: on/off, or a power to be set between a minimum and a maximum.

Nothing is known of the device but what the owner wrote down: topics, where in the JSON the value is,
what on and off are called, and how a power is said. Pumps, air conditioners, immersion heaters with a
controller, and plugs behind a Home Assistant bridge need no more.
"""

from dataclasses import dataclass
from typing import Any, Final

from busbar_plugs.drivers.driver import Relay
from busbar_plugs.seen import Problem, Seen, Send
from busbar_plugs.wire import (
    CURRENT_A,
    ENERGY_WH,
    POWER_W,
    VOLTAGE_V,
    number_in_text,
    number_of,
    shown,
    switch_of,
    text_of,
    tree_of,
)

MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value is: a topic, the path in its JSON (empty: the bare payload) and what one unit is."""

    topic: str
    path: str = ""
    factor: float = 1.0


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
        places = (
            words.state,
            words.power,
            words.energy,
            words.voltage,
            words.current,
            words.level,
            words.presence,
        )
        return tuple(dict.fromkeys(place.topic for place in places if place is not None))

    def parse(self, topic: str, payload: bytes) -> Seen:
        """Read every value that lives on this topic; several may share one JSON message."""
        words, hearing = self.words, _Hearing(topic, payload)
        level_w = hearing.number(words.level, "level", POWER_W)
        on = hearing.word(words.state, "state", words.on, words.off)
        if words.state is None and level_w is not None:
            on = level_w > 0
        return Seen(
            on=on,
            power_w=hearing.number(words.power, "power", POWER_W),
            energy_wh=hearing.number(words.energy, "energy", ENERGY_WH),
            voltage_v=hearing.number(words.voltage, "voltage", VOLTAGE_V),
            current_a=hearing.number(words.current, "current", CURRENT_A),
            level_w=level_w,
            reachable=hearing.word(words.presence, "presence", words.present, words.absent),
            problems=tuple(hearing.problems),
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


def at_path(tree: Any, path: str) -> Any:
    """The value at `a.b[0]` or `$.a.b[0]`; `MISSING` when it is not there."""
    for step in steps_of(path):
        if isinstance(step, int):
            if not isinstance(tree, list) or step >= len(tree):
                return MISSING
            tree = tree[step]
        elif isinstance(tree, dict) and step in tree:
            tree = tree[step]
        else:
            return MISSING
    return tree


def steps_of(path: str) -> list[str | int]:
    """The path as names and positions; a name with a colon (`switch:0`) is a plain name."""
    steps: list[str | int] = []
    for part in path.removeprefix("$").strip(".").split("."):
        name, *positions = part.replace("]", "").split("[")
        if name:
            steps.append(name)
        steps.extend(int(position) for position in positions if position.isdecimal())
    return steps


class _Hearing:
    """One message, decoded once, asked for several values."""

    def __init__(self, topic: str, payload: bytes) -> None:
        self.topic = topic
        self.payload = payload
        self.problems: list[Problem] = []
        self.tree: Any = MISSING

    def raw(self, source: Source | None, name: str) -> Any:
        """The value at its place, or `MISSING`; a payload that cannot be read is noted once."""
        if source is None or source.topic != self.topic:
            return MISSING
        if not source.path:
            return self._kept(text_of(self.payload))
        if self.tree is MISSING:
            self.tree = self._kept(tree_of(self.payload))
        # A message without the field is one about something else, unless it is no object at all.
        return MISSING if self.tree is MISSING else at_path(self.tree, source.path)

    def number(self, source: Source | None, name: str, bounds: tuple[float, float]) -> float | None:
        """A number in our unit, or None."""
        value = self.raw(source, name)
        if value is MISSING or value is None or source is None:
            return None
        low, high = sorted(bound / source.factor for bound in bounds)
        read = (
            number_in_text(value, name, (low, high))
            if isinstance(value, str)
            else number_of(value, name, (low, high))
        )
        if isinstance(read, Problem):
            self.problems.append(read)
            return None
        return read * source.factor

    def word(self, source: Source | None, name: str, yes: str, no: str) -> bool | None:
        """Whether the configured word for yes or for no was said; true/false and on/off go without saying."""
        value = self.raw(source, name)
        if value is MISSING or value is None:
            return None
        said = (
            value
            if isinstance(value, str)
            else {True: "true", False: "false"}.get(value)
            if isinstance(value, bool)
            else None
        )
        if said is not None and said.strip().lower() in (yes.lower(), no.lower()):
            return said.strip().lower() == yes.lower()
        read = switch_of(value, name)
        if isinstance(read, Problem):
            self.problems.append(
                Problem(read.code, name, f"{name} is {shown(value)}, {yes} or {no} is expected")
            )
            return None
        return read

    def _kept(self, value: Any) -> Any:
        if isinstance(value, Problem):
            if value not in self.problems:
                self.problems.append(value)
            return MISSING
        return value
