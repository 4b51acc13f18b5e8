"""The values in one message of a device of which nothing is known but what its owner wrote down."""

from dataclasses import dataclass
from typing import Any

from busbar_shared.json_path import MISSING, at_path
from busbar_shared.payloads import (
    Problem,
    number_in_text,
    number_of,
    shown,
    switch_of,
    text_of,
    tree_of,
    word_of,
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value is: a topic, the path in its JSON (empty: the bare payload) and what one unit is."""

    topic: str
    path: str = ""
    factor: float = 1.0


class DeviceMessage:
    """One message, decoded once, asked for several values; what cannot be believed is listed as a problem."""

    def __init__(self, topic: str, payload: bytes) -> None:
        self.topic = topic
        self.payload = payload
        self.problems: list[Problem] = []
        self.tree: Any = MISSING

    def raw(self, source: Source | None) -> Any:
        """The value at its place, or `MISSING`; a payload that cannot be read is noted once."""
        if source is None or source.topic != self.topic:
            return MISSING
        if not source.path:
            text = self._believed(text_of(self.payload))
            return MISSING if text is None else text
        if self.tree is MISSING:
            self.tree = self._believed(tree_of(self.payload))
        # A message without the field is one about something else.
        return at_path(self.tree, source.path)

    def number(self, source: Source | None, name: str, bounds: tuple[float, float]) -> float | None:
        """A number in our unit, or None."""
        value = self.raw(source)
        if value is MISSING or value is None or source is None:
            return None
        low, high = sorted(bound / source.factor for bound in bounds)
        read = (
            number_in_text(value, name, (low, high))
            if isinstance(value, str)
            else number_of(value, name, (low, high))
        )
        believed: float | None = self._believed(read)
        return None if believed is None else believed * source.factor

    def switch(self, source: Source | None, name: str) -> bool | None:
        """On or off, or None."""
        value = self.raw(source)
        on: bool | None = (
            None if value is MISSING or value is None else self._believed(switch_of(value, name))
        )
        return on

    def word(self, source: Source | None, name: str) -> str | None:
        """A word, or None."""
        value = self.raw(source)
        word: str | None = None if value is MISSING or value is None else self._believed(word_of(value, name))
        return word

    def either(self, source: Source | None, name: str, yes: str, no: str) -> bool | None:
        """Whether the configured word for yes or for no was said; true/false and on/off go without saying."""
        value = self.raw(source)
        if value is MISSING or value is None:
            return None
        said = _as_word(value)
        if said is not None and said.strip().lower() in (yes.lower(), no.lower()):
            return said.strip().lower() == yes.lower()
        # A number in JSON is the same word as in a bare payload: 1 is on, 0 is off.
        read = switch_of(value if said is None else said, name)
        if isinstance(read, Problem):
            self.problems.append(
                Problem(read.code, name, f"{name} is {shown(value)}, {yes} or {no} is expected")
            )
            return None
        return read

    def _believed(self, read: Any) -> Any:
        if isinstance(read, Problem):
            if read not in self.problems:
                self.problems.append(read)
            return None
        return read


def _as_word(value: object) -> str | None:
    """What was said, as its owner would write it down; None for what is no word."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return (
        f"{value:g}" if isinstance(value, float) or (isinstance(value, int) and abs(value) < 1000) else None
    )
