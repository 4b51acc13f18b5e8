"""The least a simulated day could have cost, had everything been known before: a linear program.

The same service is asked of it: each car gets in total what it got live, while it was there, plugs and heaters run as
they did, and the battery ends at least as full. What is free is when. Minimum currents, dead times, ramps and smaller
circuits are left out, so nothing real can be better, and the gap is an upper bound of what control left lying about.
SciPy (its solver HiGHS) is needed for this alone.
"""

import importlib
from typing import Any

from msgspec import Struct

from busbar_cli.simulate_slots import Day, Slot


class NoSolver(Exception):
    """SciPy is not installed, or the program has no solution; the message says which."""


class Optimum(Struct, frozen=True, kw_only=True):
    """The cheapest day, and how far the live one was from it."""

    cost: float
    live_cost: float
    gap: float
    import_kwh: float
    export_kwh: float
    curtailed_kwh: float


SUN, IMPORT, EXPORT, CHARGE, DISCHARGE, STORED = range(6)
"""The columns of a slot before those of the cars, W; the last is Wh in the battery at its end."""


def optimum(day: Day) -> Optimum:
    """The cheapest way through the day. Raises NoSolver."""
    try:
        linprog = importlib.import_module("scipy.optimize").linprog
    except ImportError as error:
        raise NoSolver("--optimum needs SciPy: pip install 'busbar[optimum]'") from error
    program = Program(day)
    found = linprog(
        program.cost, A_eq=program.equal.matrix(program.width), b_eq=program.equal.values,
        A_ub=program.atmost.matrix(program.width), b_ub=program.atmost.values, bounds=program.bounds, method="highs",
    )  # fmt: skip
    if found.status != 0:
        raise NoSolver(f"the linear program has no solution: {found.message}")
    flows = [found.x[at : at + program.each] for at in range(0, program.width, program.each)]
    hours = [slot.s / 3600 for slot in day.slots]

    def kwh(column: int) -> float:
        return float(sum(one[column] * h for one, h in zip(flows, hours, strict=True))) / 1000

    live = sum(slot.cost for slot in day.slots)
    offered = sum(slot.sun_w * h for slot, h in zip(day.slots, hours, strict=True)) / 1000
    return Optimum(
        cost=round(float(found.fun), 3), live_cost=round(live, 3), gap=round(live - float(found.fun), 3),
        import_kwh=round(kwh(IMPORT), 3), export_kwh=round(kwh(EXPORT), 3), curtailed_kwh=round(offered - kwh(SUN), 3),
    )  # fmt: skip


class Rows:
    """Rows of a sparse matrix with their right-hand sides."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self._rows: list[int] = []
        self._columns: list[int] = []
        self._figures: list[float] = []

    def add(self, figures: dict[int, float], value: float) -> None:
        """One row."""
        for column, figure in figures.items():
            self._rows.append(len(self.values))
            self._columns.append(column)
            self._figures.append(figure)
        self.values.append(value)

    def matrix(self, width: int) -> Any:
        """All rows."""
        sparse = importlib.import_module("scipy.sparse")
        shape = (len(self.values), width)
        return sparse.coo_matrix((self._figures, (self._rows, self._columns)), shape=shape).tocsr()


class Program:
    """The linear program of one day."""

    def __init__(self, day: Day) -> None:
        self._day, self._cars = day, sorted(day.cars)
        self.each = STORED + 1 + len(self._cars)
        self.width = self.each * len(day.slots)
        self.equal, self.atmost = Rows(), Rows()
        self.cost = [0.0] * self.width
        self.bounds: list[tuple[float, float | None]] = []
        for number, slot in enumerate(day.slots):
            self._slot(number, slot)
        for place, name in enumerate(self._cars):
            columns = [n * self.each + STORED + 1 + place for n in range(len(day.slots))]
            hours = [slot.s / 3600 for slot in day.slots]
            self.atmost.add(
                {column: -h for column, h in zip(columns, hours, strict=True)}, -day.cars[name].delivered_wh * (1 - 1e-6)
            )  # fmt: skip

    def _slot(self, number: int, slot: Slot) -> None:
        day, at, hours = self._day, number * self.each, slot.s / 3600
        store = day.store
        last = number == len(day.slots) - 1
        self.bounds += [
            (0.0, slot.sun_w), (0.0, None), (0.0, None), (0.0, store.charge_w), (0.0, store.discharge_w),
            (store.end_wh if last else store.least_wh, store.capacity_wh),
            *((0.0, day.cars[name].most_w * slot.present.get(name, 0.0)) for name in self._cars),
        ]  # fmt: skip
        self.cost[at + IMPORT] = slot.buy * hours / 1000
        self.cost[at + EXPORT] = -slot.sell * hours / 1000
        cars = {at + STORED + 1 + place: 1.0 for place in range(len(self._cars))}
        flow = {at + IMPORT: 1.0, at + EXPORT: -1.0, at + SUN: 1.0, at + DISCHARGE: 1.0, at + CHARGE: -1.0}
        self.equal.add(flow | dict.fromkeys(cars, -1.0), slot.base_w)
        stored = {
            at + STORED: 1.0, at + CHARGE: -hours * store.efficiency, at + DISCHARGE: hours / store.efficiency,
        }  # fmt: skip
        if number:
            self.equal.add(stored | {at - self.each + STORED: -1.0}, 0.0)
        else:
            self.equal.add(stored, store.begin_wh)
        self._phases(at, slot)

    def _phases(self, at: int, slot: Slot) -> None:
        day, volts = self._day, self._day.voltage_v
        for phase, limit_a in day.limits_a.items():
            share = 1.0 / len(day.limits_a) / volts
            row = {at + SUN: -share, at + DISCHARGE: -share, at + CHARGE: share}
            for place, name in enumerate(self._cars):
                legs = day.cars[name].legs
                row[at + STORED + 1 + place] = legs.count(phase) / len(legs) / volts
            # A moment of the live day may have been above; the optimum need not do better than the house allows.
            self.atmost.add(row, max(limit_a, slot.base_a[phase]) - slot.base_a[phase])
