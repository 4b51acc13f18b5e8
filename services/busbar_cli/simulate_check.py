"""What a scenario says that cannot be: found before a day is lived, each as a sentence with its key and value."""

import re
from collections.abc import Iterator
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING

from busbar_cli.simulate_course import Course
from busbar_shared.config.root import Site
from busbar_shared.config.wiring import connectors

if TYPE_CHECKING:
    from busbar_cli.simulate_scenario import Event, Simulate

TIME = re.compile("^([01][0-9]|2[0-3]):[0-5][0-9]$")
MOST_PRICE = 1000.0
FIRST_YEAR, LAST_YEAR = 1970, 2200


def scenario_problems(run: "Simulate", site: Site) -> Iterator[str]:
    """Every objection to what happens in a run; nothing where it can be lived."""
    yield from _rows("simulate.tariff.buy", run.tariff.buy)
    yield from _rows("simulate.tariff.sell", run.tariff.sell)
    for phase, course in run.house.items():
        if phase not in site.site.phases:
            yield f"simulate.house.{phase}: the site has no phase {phase}"
        yield from _course(f"simulate.house.{phase}", course)
    if run.sun is not None:
        yield from _course("simulate.sun", run.sun)
    chargers = [one.load for one in connectors(site)]
    for number, event in enumerate(run.events):
        yield from _event(f"simulate.events[{number}]", event, chargers)
    date = str(site.simulator.sun.get("date", "")) if site.simulator is not None else ""
    # How a date is written is the simulator's to judge.
    if date[:4].isdigit() and not FIRST_YEAR <= int(date[:4]) <= LAST_YEAR:
        yield f"simulator.sun.date: {date} is not from {FIRST_YEAR} to {LAST_YEAR}"


def _rows(key: str, rows: tuple[tuple[str, float], ...]) -> Iterator[str]:
    if not rows:
        yield f'{key}: no rows; one row, as [["00:00", 0.3]], is a constant'
    for at, price in rows:
        if not TIME.match(at):
            yield f"{key}: {at!r} is no HH:MM"
        if not isfinite(price) or abs(price) > MOST_PRICE:
            yield f"{key}: {price:g} is no price per kWh"
    for (before, _), (after, _) in pairwise(rows):
        if after <= before:
            yield f"{key}: {after} does not come after {before}"


def _course(key: str, course: Course) -> Iterator[str]:
    if not course.points:
        yield f"{key}.points: none; one point, as [[0, 500]], is a constant"
    if not all(isfinite(second) and isfinite(watts) for second, watts in course.points):
        yield f"{key}.points: a figure is not a number one can count with"
    for (before, _), (after, _) in pairwise(course.points):
        if after <= before:
            yield f"{key}.points: second {after:g} does not come after {before:g}"


def _event(key: str, event: "Event", chargers: list[str]) -> Iterator[str]:
    for load in event.silent:
        if load not in chargers:
            yield f"{key}.silent: there is no {load!r}; there are {', '.join(chargers) or 'no chargers'}"
    if event.extra_w is not None and not all(isfinite(watts) for watts in event.extra_w):
        yield f"{key}.extra_w: a figure is not a number one can count with"
