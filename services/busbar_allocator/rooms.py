"""What the wires leave the batteries, as it was said last: less of it is told at once."""

from collections.abc import Mapping
from typing import Final

from busbar_allocator.answer import BatteryGrant

Rooms = dict[str, tuple[float, float]]
"""By battery: the most it may charge and discharge, in W."""

LESS_W: Final = 50.0
"""A fifth of an ampere on one phase: the noise of a meter stays below it."""


def rooms_of(batteries: Mapping[str, BatteryGrant]) -> Rooms:
    """What each battery may do by this decision."""
    return {name: (one.charge_limit_w, one.discharge_limit_w) for name, one in batteries.items()}


def is_tighter(now: Rooms, said: Rooms) -> bool:
    """Whether a battery may do less than it was told last; until it knows, it would overload what feeds it."""
    return any(
        less < told - LESS_W
        for name, both in now.items()
        for less, told in zip(both, said.get(name, both), strict=True)
    )
