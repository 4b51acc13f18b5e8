"""Values that arrive on separate topics, joined into one reading by time. Pure.

A joined reading is as old as its oldest figure. What has not been heard for longer than `keep_s` is
unknown; energies only count up and may be older.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from busbar_meter.mqtt_picks import Pick

MOST_BYTES = 64 * 1024
ENERGY_KEEP_S = 3600.0
SLOW = ("import_wh", "export_wh", "energy_wh", "capacity_wh", "soc_percent")


class Joined(Struct, frozen=True):
    """Values that belong to one reading, and when the oldest of the moving ones arrived."""

    values: dict[str, float]
    at_s: float


class Joiner:
    """The last figure of each pick, and whether a whole new set has come."""

    def __init__(self, picks: Sequence[Pick], keep_s: float, unchanged_s: float | None = None) -> None:
        self.picks = tuple(picks)
        self.topics = tuple(dict.fromkeys(pick.topic for pick in picks))
        self._moving = {pick.topic for pick in picks if pick.point not in SLOW}
        self._keep_s, self._unchanged_s = keep_s, unchanged_s
        self._last: dict[int, tuple[float, float]] = {}
        self._since: set[str] = set()
        self._lived_s = float("-inf")

    def hear(self, topic: str, payload: bytes, at_s: float, *, retained: bool = False) -> str:
        """Take a message; the problem with it in words, empty when there is none.

        A retained figure is of unknown age. It counts only for a source that publishes changes, whose
        retained figure is its present one, and it is no sign that the source lives.
        """
        if retained and self._unchanged_s is None:
            return ""
        document, problem = understood(payload)
        if problem:
            return f"{topic}: {problem}"
        found = 0
        for number, pick in enumerate(self.picks):
            if pick.topic != topic:
                continue
            value = picked(document, pick)
            if value is None:
                self._last.pop(number, None)
            else:
                # A figure that is allowed to be absent does not show that the message was understood.
                found += pick.absent is None
                self._last[number] = (value, at_s)
        if found and topic in self._moving and not retained:
            self._since.add(topic)
            self._lived_s = at_s
        return "" if found else f"{topic}: none of the expected values in {payload[:80]!r}"

    @property
    def begun(self) -> bool:
        """A moving figure has come since the last reading."""
        return bool(self._since)

    @property
    def complete(self) -> bool:
        """Every topic with moving figures has been heard since the last reading."""
        return self._since >= self._moving

    def join(self, now_s: float) -> Joined | None:
        """The reading as of now; None when nothing moving is known. Starts the next one."""
        self._since.clear()
        values: dict[str, float] = {}
        oldest: float | None = None
        for point, numbers in self._numbers().items():
            parts = [self._fresh(point, number, now_s) for number in numbers]
            fresh = [part for part in parts if part is not None]
            if len(fresh) != len(numbers):
                continue
            values[point] = sum(value for value, _ in fresh)
            if point not in SLOW:
                first = min(at_s for _, at_s in fresh)
                oldest = first if oldest is None else min(oldest, first)
        if not values:
            return None
        return Joined(values, now_s if oldest is None else oldest)

    def _fresh(self, point: str, number: int, now_s: float) -> tuple[float, float] | None:
        """A figure that still counts, and since when it was seen to be so."""
        part = self._last.get(number)
        if part is None:
            return None
        value, at_s = part
        if now_s - at_s <= (ENERGY_KEEP_S if point in SLOW else self._keep_s):
            return part
        lives = now_s - self._lived_s <= self._keep_s
        if lives and self._unchanged_s is not None and now_s - at_s <= self._unchanged_s:
            # It would have been published if it had changed.
            return value, self._lived_s
        return None

    def _numbers(self) -> Mapping[str, list[int]]:
        points: dict[str, list[int]] = {}
        for number, pick in enumerate(self.picks):
            points.setdefault(pick.point, []).append(number)
        return points


def understood(payload: bytes) -> tuple[Any, str]:
    """A payload as JSON, or as bare text where it is none (Home Assistant's statestream)."""
    if len(payload) > MOST_BYTES:
        return None, f"{len(payload)} bytes are too many"
    try:
        return msgspec.json.decode(payload), ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return payload.decode("utf-8").strip(), ""
    except UnicodeDecodeError:
        return None, "neither JSON nor text"


def picked(document: Any, pick: Pick) -> float | None:
    """The number at a pick's place in the unit of its point, or None."""
    place = document
    for step in pick.path:
        if isinstance(place, dict):
            place = place.get(step)
        elif isinstance(place, list) and step.isdigit() and int(step) < len(place):
            place = place[int(step)]
        else:
            return None
    if place is None and isinstance(document, dict):
        return pick.absent
    value = number(place)
    return None if value is None else value * pick.scale


def number(value: Any) -> float | None:
    """A finite number, also when it is written as text; True and "unavailable" are none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    if isinstance(value, str) and "_" in value:
        # Python reads 1_000 as a number; no meter writes so.
        return None
    return found if math.isfinite(found) and abs(found) < 1e15 else None
