"""What is on a wire beside loads and batteries, held against readings that are not of the same moment.

A battery's room is what this leaves. Meter, battery and car are sampled each in its own second, so while one of
them moves the difference of their figures is wrong by what it moved, for a reading or two and in either direction.
A battery that followed that would move itself, and be wrong again. So a change counts once it has stood as long as
such an error can last; only a wire that its meter shows above its limit is believed at once.
"""

from operator import sub

from msgspec import Struct

from busbar_allocator.background import SOURCE_LAG_S, Book
from busbar_allocator.known import Amps, Known, Meter
from busbar_allocator.plan import Plan
from busbar_allocator.sources import fresh_battery

MOST_READINGS = 64
"""Remembered of each wire; a meter that is read more often is held for a shorter time."""


class Beside(Struct, frozen=True):
    """One circuit: amperes per phase that belong to no load and no battery, import positive."""

    held: Amps
    """What counts."""
    since: float
    """The first reading of an unbroken row."""
    lately: tuple[tuple[float, Amps], ...]
    """What the last readings said, each with its time."""


def held(before: Beside | None, at: float, amps: Amps, stands_s: float, over: tuple[int, ...]) -> Beside:
    """After a reading at `at`: as far as all readings of the last `stands_s` agree that it moved.

    `over` tells of each phase whether its meter shows more than the limit, 1 of import and -1 of export: there the
    higher or the lower figure counts at once. Until there are readings of so long a time the highest counts.
    """
    if before is None or at - before.lately[-1][0] > stands_s:
        return Beside(amps, at, ((at, amps),))
    is_young = at - before.since < stands_s
    lately = (
        *[one for one in before.lately if at - stands_s <= one[0] < at][1 - MOST_READINGS :],
        (at, amps),
    )
    columns = list(zip(*[one for _, one in lately], strict=True))
    kept = [
        _counting(was, now, side, column, is_young)
        for was, now, side, column in zip(before.held, amps, over, columns, strict=True)
    ]
    return Beside(tuple(kept), before.since, lately)


def _counting(was: float, now: float, side: int, lately: tuple[float, ...], is_young: bool) -> float:
    """What counts on one phase."""
    if side < 0:
        return min(now, was)
    if side > 0 or is_young:
        return max(now, was)
    return min(max(was, min(lately)), max(lately))


def beside(
    plan: Plan, known: Known, books: dict[str, Book], before: dict[str, Beside], now: float
) -> dict[str, Beside]:
    """What is beside loads and batteries on every metered circuit; none where a battery's power is not known."""
    found = {}
    for name, circuit in plan.circuits.items():
        meter, book = known.meters.get(circuit.meter or ""), books.get(circuit.meter or "")
        if meter is None or book is None or not book.background:
            continue
        was, drawn = before.get(name), batteries_a(plan, known, name, meter.volts, now)
        if drawn is None:
            continue
        if was is not None and was.lately[-1][0] >= meter.at:
            found[name] = was
            continue
        amps = tuple(map(sub, book.background, drawn))
        if not meter.sure and was is not None:
            # What its own service doubts gives nobody more.
            amps = tuple(map(max, amps, was.held))
        over = tuple(
            (amps > most) - (amps < -most) for amps, most in zip(meter.amps, circuit.limits, strict=True)
        )
        found[name] = held(was, meter.at, amps, _stands_s(plan, known, meter), over)
    return found


def batteries_a(plan: Plan, known: Known, circuit: str, volts: Amps | None, now: float) -> Amps | None:
    """What the batteries behind a circuit take of each phase; None when one of them does not say it."""
    taken: dict[str, float] = {}
    for name, (path, _) in plan.batteries.items():
        if circuit in path:
            reading = fresh_battery(known, name, now)
            if reading is None or reading.power_w is None:
                return None
            taken[name] = reading.power_w
    return _on_phases(plan, taken, volts)


def most_of_batteries_a(plan: Plan, circuit: str) -> Amps:
    """What the batteries behind a circuit may take of each phase at most."""
    behind = [name for name, (path, _) in plan.batteries.items() if circuit in path]
    return _on_phases(plan, {name: plan.site.batteries[name].charge_limit_w for name in behind}, None)


def _on_phases(plan: Plan, watts: dict[str, float], volts: Amps | None) -> Amps:
    amps = [0.0] * len(plan.phases)
    for name, one in watts.items():
        phases = plan.batteries[name][1]
        for phase in phases:
            amps[phase] += one / len(phases) / (plan.volts if volts is None else volts[phase])
    return tuple(amps)


def _stands_s(plan: Plan, known: Known, meter: Meter) -> float:
    """As long as a step of one of them may be missing in the figures of the others."""
    periods: list[float] = [
        known.batteries[name].message.period_s for name in plan.batteries if name in known.batteries
    ]
    return SOURCE_LAG_S + max([meter.period_s, *periods])
