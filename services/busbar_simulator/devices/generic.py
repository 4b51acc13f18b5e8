"""A device whose topics its owner wrote down: values shown on some, orders taken on others."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .message import Message, json_text

EVERY_S = 30.0
SOONEST_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A value on a topic: bare when the path is empty, else at `a.b` in a JSON object."""

    topic: str
    path: str
    read: Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An order on a topic; what it does not understand it ignores."""

    topic: str
    take: Callable[[str], None]


class Generic:
    """Says its values on change, but not in a hurry, and every `every_s` anyway."""

    def __init__(self, shown: Sequence[Shown], taken: Sequence[Taken], every_s: float = EVERY_S) -> None:
        self.shown, self.taken, self.every_s = shown, taken, every_s
        self._last: dict[str, str] = {}
        self._said_s: dict[str, float] = {}

    @property
    def hears(self) -> tuple[str, ...]:
        """The topics orders come on."""
        return tuple(order.topic for order in self.taken)

    def greet(self, at: datetime) -> list[Message]:
        """Nothing but its values, which come by themselves."""
        return []

    def leave(self) -> list[Message]:
        """What its last will would say."""
        return []

    def hear(self, topic: str, payload: bytes, now_s: float, at: datetime) -> list[Message]:
        """Obey."""
        for order in self.taken:
            if order.topic == topic:
                order.take(payload.decode("utf-8", "replace").strip())
        return []

    def step(self, now_s: float, at: datetime) -> list[Message]:
        """What changed, and everything now and then."""
        said = []
        for topic in dict.fromkeys(value.topic for value in self.shown):
            payload, age_s = self._payload(topic), now_s - self._said_s.get(topic, -self.every_s)
            if age_s >= self.every_s or (age_s >= SOONEST_S and payload != self._last.get(topic)):
                self._last[topic], self._said_s[topic] = payload, now_s
                said.append(Message(topic=topic, payload=payload))
        return said

    def _payload(self, topic: str) -> str:
        tree: dict[str, Any] = {}
        for value in (value for value in self.shown if value.topic == topic):
            read = value.read()
            if not value.path:
                return read if isinstance(read, str) else json_text(read)
            branch = tree
            *path, leaf = value.path.removeprefix("$").strip(".").split(".")
            for name in path:
                branch = branch.setdefault(name, {})
            branch[leaf] = read
        return json_text(tree)


def number_in(template: str, text: str) -> float | None:
    """The number where the template says `{value}`, or None."""
    before, _, after = template.partition("{value}")
    found = re.fullmatch(
        re.escape(before) + r"\s*(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*" + re.escape(after), text
    )
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None
