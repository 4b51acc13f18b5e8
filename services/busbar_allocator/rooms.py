"""What the batteries are told of their room: less of it at once, more with the next word, a flicker never.

The engine says what the wires bear beside the limits that are in force now. A load that was just cut still draws, so
what it may hold until its dead time is over is kept from the batteries too. And a house flickers by some tenths of an
ampere between two readings: a battery is told that much less, and the word stands as long as it is true.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from busbar_allocator.answer import Allocation, BatteryGrant
from busbar_allocator.plan import LoadPlan, Plan
from busbar_allocator.raising import committed, uses_of
from busbar_allocator.sources import fresh_battery
from busbar_allocator.state import Mind, State
from busbar_contracts.allocation import MeterHealth

FLICKER_A: Final = 0.2
"""What a house that does nothing moves on a phase between two readings."""

Grants = Mapping[str, BatteryGrant]


class Rooms(NamedTuple):
    """What the batteries are told."""

    told: Grants
    is_tighter: bool
    """Somebody must hear it now: what it was told is too much."""


def rooms(
    before: Grants, plan: Plan, state: State, allocation: Allocation, ground: Mapping[str, MeterHealth], now: float
) -> Rooms:  # fmt: skip
    """What to tell the batteries that were told `before`."""
    told: dict[str, BatteryGrant] = {}
    is_tighter = False
    if not allocation.batteries:
        return Rooms(told, is_tighter)
    free = _Free(plan, state, ground, now)
    for name, grant in allocation.batteries.items():
        config, (_, phases) = plan.site.batteries[name], plan.batteries[name]
        flicker_w = FLICKER_A * plan.volts * len(phases)
        most_w = grant.charge_limit_w - _held_by_cuts_w(plan, state, allocation, phases, now)
        was = before.get(name)
        most_w = min(most_w, free.most_w(name, was, now))
        if was is None:
            was = BatteryGrant(float("inf"), float("inf"))
        told[name] = one = replace(
            grant,
            charge_limit_w=_word(was.charge_limit_w, most_w, flicker_w, config.charge_limit_w),
            discharge_limit_w=_word(
                was.discharge_limit_w, grant.discharge_limit_w, flicker_w, config.discharge_limit_w
            ),
        )
        free.take(name, one.charge_limit_w - before[name].charge_limit_w if name in before else 0.0)
        if one.charge_limit_w < was.charge_limit_w or one.discharge_limit_w < was.discharge_limit_w:
            is_tighter = True
    return Rooms(told, is_tighter)


class _Free:
    """What the meters show free in this moment, and no load may take: a battery's word rises no further beyond its own.

    A car that obeys late, another battery that has not let go yet, figures that crossed: whatever was believed of
    them, what still flows is at the meter. Without fresh readings nothing is free.
    """

    def __init__(self, plan: Plan, state: State, ground: Mapping[str, MeterHealth], now: float) -> None:
        self._plan, self._state, self._ground = plan, state, ground
        self._amps = {
            name: [most - amps for most, amps in zip(circuit.limits, meter.amps, strict=True)]
            for name, circuit in plan.circuits.items()
            if (meter := state.known.meters.get(circuit.meter or "")) is not None
        }
        for name, load in plan.loads.items():
            mind = state.minds.get(name)
            if mind is not None and mind.known:
                self._leave(load, mind, now)

    def _leave(self, load: LoadPlan, mind: Mind, now: float) -> None:
        """Leave a load what it may take beyond what it is believed to draw."""
        uses, amps = uses_of(self._plan, load, mind), committed(mind, now)
        for circuit in load.circuits:
            if (free := self._amps.get(circuit)) is None:
                continue
            book = self._state.books.get(self._plan.circuits[circuit].meter or "")
            draw = book.draws.get(load.id) if book is not None else None
            for phase, count in enumerate(uses):
                drawn = draw.amps[phase] if draw is not None else 0.0
                free[phase] -= max(0.0, count * amps - drawn)

    def most_w(self, battery: str, was: BatteryGrant | None, now: float) -> float:
        """The most a battery may be told that was told `was` before, if anything."""
        said_w = was.charge_limit_w if was is not None else 0.0
        path, phases = self._plan.batteries[battery]
        amps = [self._amps[name][phase] for name in path if name in self._amps for phase in phases]
        trusted = all(self._ground.get(name) in (None, MeterHealth.FRESH) for name in path)
        if not (amps and trusted and self._state.is_awake(now)):
            return said_w
        reading = fresh_battery(self._state.known, battery, now)
        config = self._plan.site.batteries[battery]
        takes_w = -config.discharge_limit_w if reading is None or reading.power_w is None else reading.power_w
        if was is not None:
            takes_w = min(takes_w, said_w)
        return max(said_w, takes_w + min(amps) * self._plan.volts * len(phases))

    def take(self, battery: str, more_w: float) -> None:
        """What one is told more is not free for the next."""
        path, phases = self._plan.batteries[battery]
        for name in path:
            for phase in phases if more_w > 0 and name in self._amps else ():
                self._amps[name][phase] -= more_w / len(phases) / self._plan.volts


def _word(said_w: float, most_w: float, flicker_w: float, own_w: float) -> float:
    """The room to tell: what was said while it is true and not far below what there is."""
    if most_w - 2 * flicker_w <= said_w <= most_w:
        return said_w
    # What the battery itself may do at most is no wire's limit, and does not flicker.
    return own_w if most_w >= own_w else max(0.0, most_w - flicker_w)


def _held_by_cuts_w(
    plan: Plan, state: State, allocation: Allocation, phases: tuple[int, ...], now: float
) -> float:
    """What loads that were cut may still draw beyond what the engine counts them with, W over these phases."""
    amps = [0.0] * len(plan.phases)
    for name, load in plan.loads.items():
        mind, grant = state.minds.get(name), allocation.loads.get(name)
        if mind is None or grant is None or now >= mind.cut_until:
            continue
        beyond = committed(mind, now) - grant.limit_a
        if beyond > 0:
            for phase, count in enumerate(uses_of(plan, load, mind)):
                amps[phase] += count * beyond
    return max(amps[phase] for phase in phases) * plan.volts * len(phases)
