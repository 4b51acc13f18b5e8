"""A scenario: a site, how long it lives, what happens to it, and the figures it must reach. Written as TOML.

A site's own file is a scenario too: it just lacks the table [simulate].
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from busbar_cli.simulate_check import scenario_problems
from busbar_cli.simulate_course import Course, course_rows
from busbar_shared.config.load import BadConfig, read
from busbar_shared.config.root import Site
from busbar_shared.config.services import SimulatorSection
from busbar_simulator.plant.recorded import BadDay, RecordedDay, read_day


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happens, and is undone after `for_s`."""

    at_s: Annotated[float, Meta(ge=0, description="Seconds after the start.")]
    for_s: Annotated[float, Meta(gt=0, description="How long.")] = 1e9
    extra_w: Annotated[
        tuple[float, float, float] | None, Meta(description="House load added, per phase.")
    ] = None
    meter: Annotated[
        Literal["gone", "frozen"] | None, Meta(description="The grid meter is silent, or repeats itself.")
    ] = None
    trip: Annotated[bool, Meta(description="All inverters fall off the grid.")] = False
    silent: Annotated[
        tuple[str, ...], Meta(description="Chargers (load ids) that say and hear nothing.")
    ] = ()
    allocator_dead: Annotated[bool, Meta(description="Killed; afterwards a new one starts.")] = False
    broker_dead: Annotated[bool, Meta(description="No message arrives.")] = False


class Bound(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a figure must keep to."""

    least: float | None = None
    most: float | None = None


class Tariff(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices per kWh by the time of day: rows of (HH:MM, price), each holds until the next; one row is a constant."""

    buy: tuple[tuple[str, float], ...] = (("00:00", 0.30),)
    sell: tuple[tuple[str, float], ...] = (("00:00", 0.08),)


class Simulate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[simulate]: everything about the run that is not the site."""

    title: str = ""
    hours: Annotated[float, Meta(gt=0, le=9000)] = 24.0
    settle_s: Annotated[float, Meta(ge=0, description="Figures count from here.")] = 0.0
    meter_lag_s: Annotated[float, Meta(ge=0, le=30)] = 0.4
    meter_every_s: Annotated[float, Meta(gt=0, le=60)] = 1.0
    message_s: Annotated[float, Meta(ge=0, le=10, description="From the charger's sample to the bus.")] = 0.2
    dead_battery_s: Annotated[float, Meta(ge=0, le=60, description="From a set-point to the device.")] = 0.3
    events: tuple[Event, ...] = ()
    house: Annotated[dict[str, Course], Meta(description="By phase; instead of the family.")] = {}
    sun: Annotated[Course | None, Meta(description="Instead of the sky.")] = None
    tariff: Tariff = field(default_factory=Tariff)
    expect: dict[str, Bound] = {}


class Scenario(Struct, frozen=True, kw_only=True):
    """A site in its circumstances, ready to be run."""

    site: Site
    run: Simulate
    day: RecordedDay | None = None


def read_scenario(path: Path, changes: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario or site in this file, with some dotted keys changed. Raises BadConfig."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadConfig(f"{path.name}: {error}") from error
    return scenario_of(data, changes or {}, path.parent)


def scenario_of(data: dict[str, Any], changes: Mapping[str, Any], folder: Path = Path()) -> Scenario:
    """The scenario in this table. Raises BadConfig."""
    for key, value in changes.items():
        _put(data, key, value)
    raw = data.pop("simulate", {})
    try:
        run = msgspec.convert(raw, Simulate)
    except msgspec.ValidationError as error:
        raise BadConfig(f"simulate: {error}") from error
    site = read(_toml(data))
    section = site.simulator or SimulatorSection()
    day_csv = section.day_csv
    # In virtual time nothing need be hurried: the calendar runs as the wires do.
    calm = msgspec.structs.replace(section, speed=1.0, day_csv=None)
    site = msgspec.structs.replace(site, simulator=calm)
    if problems := list(scenario_problems(run, site)):
        raise BadConfig("\n".join(problems))
    return Scenario(site=site, run=run, day=_day(run, site, day_csv, folder))


def _day(run: Simulate, site: Site, day_csv: str | None, folder: Path) -> RecordedDay | None:
    if run.house or run.sun is not None:
        if day_csv is not None:
            raise BadConfig(
                f"simulator.day_csv: {day_csv}: the scenario tells its own house or sun "
                "([simulate.house], [simulate.sun]), so a recorded day has no place beside it"
            )
        hour, minute = (site.simulator or SimulatorSection()).start.split(":")
        return course_rows(run.house, run.sun, int(hour) * 3600 + int(minute) * 60, run.hours * 3600)
    if day_csv is None:
        return None
    try:
        return read_day((folder / day_csv).read_text(encoding="utf-8"), site.site.phases)
    except (OSError, UnicodeDecodeError, BadDay) as error:
        raise BadConfig(f"simulator.day_csv: {day_csv}: {error}") from error


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    place: Any = data
    for name in path:
        place = place.setdefault(name, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise BadConfig(f"{key}: cannot be set, what is above it is no table")
    place[last] = value


def _toml(data: dict[str, Any]) -> str:
    """The table as TOML again, so that a site is checked here exactly as everywhere."""
    return "\n".join(f"{_key(name)} = {_value(value)}" for name, value in data.items())


def _key(name: str) -> str:
    return msgspec.json.encode(name).decode()


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, bool | str | int):
        return msgspec.json.encode(value).decode()
    return str(value) if not isinstance(value, float) else repr(value)
