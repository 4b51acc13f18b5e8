"""What the batteries are told of their room: less of it at once, more with the next word, a flicker never.

The engine says what the wires bear beside the limits that are in force now. A load that was just cut still draws, so
what it may hold until its dead time is over is kept from the batteries too. And a house flickers by some tenths of an
ampere between two readings: a battery is told that much less, and the word stands as long as it is true.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from busbar_allocator.answer import Allocation, BatteryGrant
from busbar_allocator.plan import Plan
from busbar_allocator.raising import committed, uses_of
from busbar_allocator.state import State

FLICKER_A: Final = 0.2
"""What a house that does nothing moves on a phase between two readings."""

Grants = Mapping[str, BatteryGrant]


class Rooms(NamedTuple):
    """What the batteries are told."""

    told: Grants
    is_tighter: bool
    """Somebody must hear it now: what it was told is too much."""


def rooms(before: Grants, plan: Plan, state: State, allocation: Allocation, now: float) -> Rooms:
    """What to tell the batteries that were told `before`."""
    told, is_tighter = {}, False
    for name, grant in allocation.batteries.items():
        config, (_, phases) = plan.site.batteries[name], plan.batteries[name]
        flicker_w = FLICKER_A * plan.volts * len(phases)
        most_w = grant.charge_limit_w - _held_by_cuts_w(plan, state, allocation, phases, now)
        was = before.get(name)
        if was is None:
            was = BatteryGrant(float("inf"), float("inf"))
        told[name] = one = replace(
            grant,
            charge_limit_w=_word(was.charge_limit_w, most_w, flicker_w, config.charge_limit_w),
            discharge_limit_w=_word(
                was.discharge_limit_w, grant.discharge_limit_w, flicker_w, config.discharge_limit_w
            ),
        )
        if one.charge_limit_w < was.charge_limit_w or one.discharge_limit_w < was.discharge_limit_w:
            is_tighter = True
    return Rooms(told, is_tighter)


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
