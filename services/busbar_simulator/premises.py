"""The house of a site's configuration: calendar, household, sky, circuits and breakers."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site
from busbar_shared.config.services import SimulatorSection
from busbar_shared.config.site import on_phase
from busbar_simulator.config import HousePlan, SunPlan
from busbar_simulator.plant.almanac import Almanac
from busbar_simulator.plant.house import Circuit, Grid, House
from busbar_simulator.plant.household import Habit, Household
from busbar_simulator.plant.ledger import Rule
from busbar_simulator.plant.recorded import BadDay, RecordedDay, read_day
from busbar_simulator.plant.sky import Sky


def house_of(site: Site, section: SimulatorSection, house: HousePlan, sun: SunPlan, dead_s: float) -> House:
    """An empty house of this site, or BadConfig; `dead_s` is how slow its loads may be."""
    phases = site.site.phases
    circuits = _circuits(site)
    habits = {circuit.id: _habits(house, circuit, site.circuits) for circuit in circuits}
    root = next(circuit.id for circuit in circuits if circuit.parent is None)
    return House(
        almanac=Almanac(start=_start(section, sun), speed=section.speed),
        household=Household(
            seed=section.seed, base_w=house.base_w, kettles=house.kettles, ovens=house.ovens,
            machines=house.machines, phases=phases, habits=habits[root],
            shortest_s=house.shortest_s * section.speed,
        ),
        sky=Sky(seed=section.seed, peak_w=sun.peak_w, cloudiness=sun.cloudiness, latitude_deg=sun.latitude,
                shortest_s=sun.shortest_cloud_s * section.speed),
        circuits=circuits,
        grid=Grid(volts=house.volts, ohms=house.ohms),
        day=_day(section, phases),
        rule=Rule(mend_s=house.mend_s, dead_s=dead_s),
        outbuildings={
            circuit: Household(seed=section.seed, base_w=0, kettles=0, ovens=0, machines=0, phases=phases, habits=own)
            for circuit, own in habits.items() if own and circuit != root
        },
    )  # fmt: skip


def _circuits(site: Site) -> tuple[Circuit, ...]:
    """The site's circuits, and a breaker of its own for each charger that names its most."""
    phases = site.site.phases
    made = [
        Circuit(id=name, parent=own.parent, limits_a={p: on_phase(own.limit_a, p) or 0.0 for p in phases})
        for name, own in site.circuits.items()
    ] or [Circuit()]
    root = next(circuit.id for circuit in made if circuit.parent is None)
    for name, charger in site.chargers.items():
        if charger.max_current_a is not None:
            limits: dict[str, float] = {
                p: charger.max_current_a * max(charger.legs.count(p), 1) for p in phases
            }
            made.append(Circuit(id=unit_of(name), parent=charger.circuit or root, limits_a=limits))
    return tuple(made)


def unit_of(charger: str) -> str:
    """The circuit inside a charger."""
    return f"charger-{charger}"


def _habits(house: HousePlan, circuit: Circuit, known: Mapping[str, object]) -> tuple[Habit, ...]:
    for habit in house.habits:
        if habit.circuit is not None and habit.circuit not in known:
            raise BadConfig(f"simulator.house.habits: there is no circuit {habit.circuit!r}")
    return tuple(
        Habit(at_s=_seconds(h.at), lasts_s=h.minutes * 60, power_w=h.power_w, phases=h.phases)
        for h in house.habits
        if h.circuit == circuit.id or (h.circuit is None and circuit.parent is None)
    )


def _start(section: SimulatorSection, sun: SunPlan) -> datetime:
    try:
        return datetime.fromisoformat(f"{sun.date}T{section.start}").replace(tzinfo=None)
    except ValueError:
        raise BadConfig(f"simulator.start: {sun.date} {section.start} is no time") from None


def _seconds(at: str) -> float:
    hours, minutes = at.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


def _day(section: SimulatorSection, phases: tuple[str, ...]) -> RecordedDay | None:
    if section.day_csv is None:
        return None
    try:
        return read_day(Path(section.day_csv).read_text(encoding="utf-8"), phases)
    except (OSError, UnicodeDecodeError, BadDay) as error:
        raise BadConfig(f"simulator.day_csv: {section.day_csv}: {error}") from error
