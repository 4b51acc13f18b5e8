"""What sun and battery are measured to give on each phase, so that their steps are taken for no load's."""

from busbar_allocator.background import SOURCE_LAG_S
from busbar_allocator.known import Amps, Known, Seen
from busbar_allocator.plan import Plan
from busbar_allocator.staleness import health
from busbar_contracts.allocation import MeterHealth
from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading

USUAL_PERIOD_S = 1.0
"""The lag of a source was reckoned for one that is read each second."""


def sources_of(plan: Plan, known: Known, at: float) -> Amps:
    """Generation positive, of every inverter and battery with a fresh reading; empty when there is none.

    A hybrid's output contains its battery. In series the grid passes through the inverter, so that only
    the battery's part is told apart.
    """
    if not (known.inverters or known.batteries):
        return ()
    given = [0.0] * len(plan.phases)
    heard = False
    parallel = plan.site.site.wiring == "parallel"
    seen_inverters = {
        name: seen.message
        for name, seen in known.inverters.items()
        if name in plan.site.inverters and _fresh(seen, at)
    }
    if parallel:
        for reading in seen_inverters.values():
            heard = _add_inverter(plan, given, reading) or heard
    for name, config in plan.site.batteries.items():
        reading = fresh_battery(known, name, at)
        inside = parallel and config.inverter in seen_inverters
        if reading is None or inside:
            continue
        heard = _add_battery(plan, given, reading, config.phases) or heard
    return tuple(given) if heard else ()


def source_lag_s(plan: Plan, known: Known) -> float:
    """How much later than the meter a source may tell of a step: it is read as seldom as it is."""
    inverters = [known.inverters[name] for name in plan.site.inverters if name in known.inverters]
    batteries = [known.batteries[name] for name in plan.site.batteries if name in known.batteries]
    periods: list[float] = [seen.message.period_s for seen in (*inverters, *batteries)]
    return SOURCE_LAG_S + max(
        [period - USUAL_PERIOD_S for period in periods if period > USUAL_PERIOD_S], default=0.0
    )


def fresh_battery(known: Known, name: str, at: float) -> BatteryReading | None:
    """A battery's last word, while it counts."""
    seen = known.batteries.get(name)
    if seen is None or not _fresh(seen, at):
        return None
    reading: BatteryReading = seen.message
    return reading


def _add_inverter(plan: Plan, given: list[float], reading: InverterReading) -> bool:
    samples = [getattr(reading, phase) for phase in plan.phases]
    if all(one is not None and one.current_a is not None for one in samples):
        for place, one in enumerate(samples):
            given[place] += one.current_a
        return True
    if reading.power_w is None:
        return False
    _spread(plan, given, reading.power_w, plan.phases)
    return True


def _add_battery(
    plan: Plan, given: list[float], reading: BatteryReading, phases: tuple[str, ...] | None
) -> bool:
    if reading.power_w is None:
        return False
    _spread(plan, given, -reading.power_w, phases or plan.phases)
    return True


def _spread(plan: Plan, given: list[float], watts: float, phases: tuple[str, ...]) -> None:
    for phase in phases:
        given[plan.phases.index(phase)] += watts / plan.volts / len(phases)


def _fresh(seen: Seen, at: float) -> bool:
    return health(at - seen.at, seen.message.period_s) is MeterHealth.FRESH
