"""Reading foreign payloads without ever believing more than they say.

Everything here takes bytes from a device nobody has vouched for and gives a number, a truth value or a
`Problem` that names the field and the value. Nothing raises.
"""

import math
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

LARGEST_PAYLOAD: Final = 65_536
"""Bytes. The longest honest message of the devices served here (a Shelly full status) is about 4 kB."""

# DS18B20 data sheet: measures -55 to +125 °C; -127 is what its libraries say when it is unplugged.
TEMPERATURE_C: Final = (-55.0, 125.0)
# No single-family load on a plug, relay or heater reaches these; what lies beyond is a fault of the device.
POWER_W: Final = (-100_000.0, 100_000.0)
ENERGY_WH: Final = (0.0, 1e10)
VOLTAGE_V: Final = (0.0, 500.0)
CURRENT_A: Final = (0.0, 500.0)
SECONDS: Final = (0.0, 1e7)

ON_WORDS: Final = frozenset({"on", "true", "1"})
OFF_WORDS: Final = frozenset({"off", "false", "0"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a message that cannot be believed: a code, the field, and a sentence with the value."""

    code: str
    path: str
    text: str


def shown(value: object) -> str:
    """The value as a person may read it in an event, never longer than a line."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def text_of(payload: bytes) -> str | Problem:
    """The payload as text, or why it is none."""
    if len(payload) > LARGEST_PAYLOAD:
        return Problem("payload_too_large", "$", f"{len(payload)} bytes, at most {LARGEST_PAYLOAD} are read")
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return Problem("not_utf8", "$", f"not UTF-8: {shown(payload[:40])}")


def tree_of(payload: bytes) -> Any | Problem:
    """The payload as JSON, or why it is none."""
    text = text_of(payload)
    if isinstance(text, Problem):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return Problem("not_json", "$", f"not JSON: {shown(text[:60])}")


def object_of(payload: bytes) -> dict[str, Any] | Problem:
    """The payload as a JSON object, or why it is none."""
    tree = tree_of(payload)
    if isinstance(tree, dict | Problem):
        return tree
    return Problem("not_an_object", "$", f"a JSON object is expected, not {shown(tree)}")


def number_of(value: object, path: str, bounds: tuple[float, float]) -> float | Problem:
    """The value as a plausible number, or why it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Problem("not_a_number", path, f"{path} is {shown(value)}, a number is expected")
    low, high = bounds
    if isinstance(value, float) and not math.isfinite(value):
        return Problem("not_finite", path, f"{path} is {value}, a finite number is expected")
    # An integer of JSON may have hundreds of digits: compared as it is, for no float could hold it.
    if not low <= value <= high:
        found = shown(value) if isinstance(value, int) else f"{value:g}"
        return Problem("out_of_range", path, f"{path} is {found}, believable is {low:g} to {high:g}")
    return float(value)


def number_in_text(text: str, path: str, bounds: tuple[float, float]) -> float | Problem:
    """A bare number sent as text, as plausible as `number_of` demands."""
    try:
        value = float(text.strip())
    except ValueError:
        return Problem("not_a_number", path, f"{path} is {shown(text[:60])}, a number is expected")
    return number_of(value, path, bounds)


def switch_of(value: object, path: str) -> bool | Problem:
    """A relay's position from true/false or ON/OFF in any case, or why it is none."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ON_WORDS:
            return True
        if word in OFF_WORDS:
            return False
    return Problem("not_a_switch", path, f"{path} is {shown(value)}, on or off is expected")


def word_of(value: object, path: str) -> str | Problem:
    """The value as a word, or why it is none."""
    if isinstance(value, str):
        return value
    return Problem("not_a_word", path, f"{path} is {shown(value)}, a word is expected")


class Reading:
    """Collects the believable fields of one message and the problems of the others."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def number(self, value: object, path: str, bounds: tuple[float, float]) -> float | None:
        """The number, or None with its problem noted; a field that is absent or null is simply unknown."""
        return None if value is None else self._kept(number_of(value, path, bounds))

    def switch(self, value: object, path: str) -> bool | None:
        """The relay's position, or None with its problem noted."""
        return None if value is None else self._kept(switch_of(value, path))

    def scaled(self, value: object, path: str, bounds: tuple[float, float], factor: float) -> float | None:
        """The number in our unit; the bounds are in our unit too."""
        low, high = bounds
        number = self.number(value, path, (low / factor, high / factor))
        return None if number is None else number * factor

    def _kept(self, value: T | Problem) -> T | None:
        if isinstance(value, Problem):
            self.problems.append(value)
            return None
        return value
