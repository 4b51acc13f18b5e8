"""Numbers and words from foreign topics: believed when they are plausible, named when they are not."""

import math
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import Struct

LARGEST_PAYLOAD: Final = 65_536
MISSING: Final = object()

# DS18B20 data sheet: measures -55 to +125 °C; -127 is what its libraries say when it is unplugged.
TEMPERATURE_C: Final = (-55.0, 125.0)
POWER_W: Final = (-100_000.0, 100_000.0)
ENERGY_WH: Final = (0.0, 1e10)

ON_WORDS: Final = frozenset({"on", "true", "1"})
OFF_WORDS: Final = frozenset({"off", "false", "0"})


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value is: a topic, and the path in its JSON (empty: the bare payload)."""

    topic: str
    path: str = ""
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A value that is not believed: a code, and a sentence with the value."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A number and when it was measured (monotonic seconds)."""

    value: float
    at_s: float


def raw_at(payload: bytes, path: str) -> Any:
    """What stands at the path; `MISSING` when the message is about something else, `Doubt` when it is unreadable."""
    if len(payload) > LARGEST_PAYLOAD:
        return Doubt("payload_too_large", f"{len(payload)} bytes, at most {LARGEST_PAYLOAD} are read")
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return Doubt("not_utf8", "not UTF-8")
    if not path:
        return text
    try:
        tree = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return Doubt("not_json", f"not JSON: {_shown(text)}")
    for step in _steps(path):
        if isinstance(step, int):
            if not isinstance(tree, list) or step >= len(tree):
                return MISSING
            tree = tree[step]
        elif isinstance(tree, dict) and step in tree:
            tree = tree[step]
        else:
            return MISSING
    return MISSING if tree is None else tree


def number(
    payload: bytes, place: Place, bounds: tuple[float, float], factor: float = 1.0
) -> float | Doubt | None:
    """The number at its place in our unit; None when the message does not hold it."""
    value = raw_at(payload, place.path)
    if value is MISSING:
        return None
    if isinstance(value, Doubt):
        return value
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return Doubt("not_a_number", f"{_shown(value)} is no number")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Doubt("not_a_number", f"{_shown(value)} is no number")
    if not math.isfinite(value):
        return Doubt("not_finite", f"{value} is no finite number")
    ours = value * factor
    low, high = bounds
    if not low <= ours <= high:
        return Doubt("out_of_range", f"{ours:g} is not believable; {low:g} to {high:g} is")
    return float(ours)


def switch(payload: bytes, place: Place) -> bool | Doubt | None:
    """On or off at its place; None when the message does not hold it."""
    value = raw_at(payload, place.path)
    if value is MISSING:
        return None
    if isinstance(value, bool | Doubt):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in ON_WORDS | OFF_WORDS:
        return word in ON_WORDS
    return Doubt("not_a_switch", f"{_shown(value)} is neither on nor off")


def word(payload: bytes, place: Place) -> str | Doubt | None:
    """A word at its place; None when the message does not hold it."""
    value = raw_at(payload, place.path)
    if value is MISSING:
        return None
    return value if isinstance(value, str | Doubt) else Doubt("not_a_word", f"{_shown(value)} is no word")


def fresh(sample: Sample | None, now_s: float, max_age_s: float) -> float | None:
    """The number while it is young enough, else None."""
    return None if sample is None or now_s - sample.at_s > max_age_s else sample.value


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for part in path.removeprefix("$").strip(".").split("."):
        name, *positions = part.replace("]", "").split("[")
        if name:
            steps.append(name)
        steps.extend(int(position) for position in positions if position.isdecimal())
    return steps


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
