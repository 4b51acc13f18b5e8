"""A recorded day from a CSV file instead of the generator.

Columns, in any order, the first line names them:

* `time`: `HH:MM`, `HH:MM:SS` or seconds since midnight, rising; required.
* `house_a_w`, `house_b_w`, `house_c_w`: house load per phase in W without cars, plugs, tanks and battery;
  or `house_w`: the sum, shared evenly by the site's phases. One of the two forms is required.
* `sun_w`: what the roof offers in W; optional (without it the generator's sun shines).

A row holds until the next; before the first row the last of the day holds. The day repeats.
"""

import csv
import io
import math
from bisect import bisect_right
from dataclasses import dataclass

from .almanac import DAY_S
from .phases import Phases, spread


class BadDay(Exception):
    """The file is no day; the message names the line, the column and the value. Correct the file."""


@dataclass(frozen=True, kw_only=True)
class RecordedDay:
    """A day of rows; each figure holds from its row to the next."""

    times_s: tuple[float, ...]
    house_w: tuple[Phases, ...]
    sun_w: tuple[float, ...] | None

    def house_at(self, second_of_year: float) -> Phases:
        """House load per phase."""
        return self.house_w[self._row(second_of_year)]

    def sun_at(self, second_of_year: float) -> float | None:
        """What the roof offers, or None when the file does not say."""
        return None if self.sun_w is None else self.sun_w[self._row(second_of_year)]

    def _row(self, second_of_year: float) -> int:
        return bisect_right(self.times_s, second_of_year % DAY_S) - 1


def read_day(text: str, phases: tuple[str, ...] = ("a", "b", "c")) -> RecordedDay:
    """Read the CSV text of a day, or say what is wrong with it (BadDay)."""
    rows = csv.DictReader(io.StringIO(text))
    columns = set(rows.fieldnames or ())
    per_phase = [f"house_{p}_w" for p in phases]
    if "time" not in columns or not ("house_w" in columns or columns.issuperset(per_phase)):
        raise BadDay(f"line 1: needs `time` and `house_w` or {', '.join(per_phase)}; found {sorted(columns)}")
    times: list[float] = []
    house: list[Phases] = []
    sun: list[float] = []
    for line, row in enumerate(rows, start=2):
        time_s = _time(line, row["time"])
        if times and time_s <= times[-1]:
            raise BadDay(f"line {line}: time {row['time']!r} does not rise")
        times.append(time_s)
        house.append(_house(line, row, phases, per_phase))
        if "sun_w" in columns:
            sun.append(_number(line, "sun_w", row["sun_w"]))
    if not times:
        raise BadDay("no rows")
    return RecordedDay(times_s=tuple(times), house_w=tuple(house), sun_w=tuple(sun) if sun else None)


def _house(line: int, row: dict[str, str], phases: tuple[str, ...], columns: list[str]) -> Phases:
    if "house_w" in row and columns[0] not in row:
        return spread(_number(line, "house_w", row["house_w"]), phases)
    figures = {phase: _number(line, name, row[name]) for phase, name in zip(phases, columns, strict=True)}
    return (figures.get("a", 0.0), figures.get("b", 0.0), figures.get("c", 0.0))


def _number(line: int, column: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise BadDay(f"line {line}, {column}: {text!r} is no number") from None
    if not math.isfinite(value) or abs(value) > 1e6:
        raise BadDay(f"line {line}, {column}: {text!r} is out of range")
    return value


def _time(line: int, text: str | None) -> float:
    parts = (text or "").strip().split(":")
    try:
        figures = [float(part) for part in parts]
    except ValueError:
        raise BadDay(f"line {line}, time: {text!r} is no time of day") from None
    second = (
        figures[0] if len(figures) == 1 else sum(f * u for f, u in zip(figures, (3600, 60, 1), strict=False))
    )
    if len(figures) > 3 or not 0 <= second < DAY_S:
        raise BadDay(f"line {line}, time: {text!r} is no time of day")
    return second
