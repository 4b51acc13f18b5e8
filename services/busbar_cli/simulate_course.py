"""Courses of house load and sun by formula, second by second, the same every time."""

from collections.abc import Mapping
from math import sin, tau
from random import Random
from typing import Annotated, Literal

from msgspec import Meta, Struct

from busbar_simulator.plant.recorded import RecordedDay

DAY_S = 86_400


class Wave(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sine."""

    watts: float
    period_s: Annotated[float, Meta(gt=0)]
    phase: Annotated[float, Meta(description="In turns, 0 to 1.")] = 0.0


class Course(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Watts over the seconds since the start: points, waves, noise and a train of pulses, added; never below zero."""

    points: Annotated[tuple[tuple[float, float], ...], Meta(description="Pairs of second and watts.")] = (
        (0.0, 0.0),
    )
    between: Annotated[Literal["step", "line"], Meta(description="What holds between points.")] = "step"
    waves: tuple[Wave, ...] = ()
    noise_w: Annotated[float, Meta(ge=0, description="Evenly up to this, up or down, new each second.")] = 0.0
    seed: int = 1
    pulse_w: Annotated[float, Meta(ge=0, description="Of a train of pulses.")] = 0.0
    pulse_every_s: Annotated[float, Meta(gt=0)] = 60.0
    pulse_for_s: Annotated[float, Meta(gt=0)] = 30.0
    until_s: Annotated[float, Meta(description="Waves, noise and pulses end here.")] = float(DAY_S)


def watts_at(course: Course, second: float, dice: Random) -> float:
    """The course at a second after the start."""
    watts = _on_points(course, second)
    if second < course.until_s:
        watts += sum(one.watts * sin(tau * (second / one.period_s + one.phase)) for one in course.waves)
        watts += dice.uniform(-course.noise_w, course.noise_w) if course.noise_w else 0.0
        watts += course.pulse_w if second % course.pulse_every_s < course.pulse_for_s else 0.0
    return max(watts, 0.0)


def _on_points(course: Course, second: float) -> float:
    before, after = course.points[0], None
    for point in course.points:
        if point[0] <= second:
            before = point
        else:
            after = point
            break
    if course.between == "step" or after is None or second < before[0]:
        return before[1]
    part = (second - before[0]) / (after[0] - before[0])
    return before[1] + (after[1] - before[1]) * part


def course_rows(
    house: Mapping[str, Course], sun: Course | None, start_s: int, lasts_s: float = DAY_S
) -> RecordedDay:
    """A day whose first `lasts_s` seconds after `start_s` (seconds after midnight) follow the courses."""
    dice = {name: Random(f"{one.seed}/{name}") for name, one in house.items()}
    bright = Random(f"{sun.seed if sun else 0}/sun")
    rows: list[tuple[float, tuple[float, float, float], float]] = []
    for second in range(min(DAY_S, int(lasts_s) + 2)):
        loads = {name: watts_at(one, second, dice[name]) for name, one in house.items()}
        home = (loads.get("a", 0.0), loads.get("b", 0.0), loads.get("c", 0.0))
        light = watts_at(sun, second, bright) if sun is not None else 0.0
        rows.append((float((start_s + second) % DAY_S), home, light))
    rows.sort(key=lambda row: row[0])
    return RecordedDay(
        times_s=tuple(row[0] for row in rows),
        house_w=tuple(row[1] for row in rows),
        sun_w=tuple(row[2] for row in rows) if sun is not None else None,
    )
