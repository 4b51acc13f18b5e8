"""Which loads take part now, and up to which current: from what a connector says and what its car takes."""

from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from busbar_contracts.charger import ConnectorStatus

IDLE_A = 1.0
"""A car that takes less than this is not charging."""

ROOM_A = 1.0
"""What a car that takes less than it was granted may take more before anyone is asked."""

PREPARING_S = 60.0
IDLE_S = 60.0
STEADY_S = 30.0
STEADY_A = 0.6
"""Samples this close together are a steady draw."""

WANTING = frozenset(
    {
        ConnectorStatus.PREPARING,
        ConnectorStatus.CHARGING,
        ConnectorStatus.SUSPENDED_EV,
        ConnectorStatus.SUSPENDED_EVSE,
    }
)
"""A car is plugged in and may want power; in every other known state there is no grant."""


class Appetite(Struct, frozen=True):
    """What is remembered of how a car takes what it is granted."""

    status: ConnectorStatus | None = None
    since: float = 0.0
    """When it came into that status."""
    idle_since: float | None = None
    """Since when it draws next to nothing although it was granted something."""
    steady_since: float | None = None
    """Since when it draws steadily less than granted."""
    steady_a: float = 0.0
    held_to_a: float | None = None
    """What it is held to because it took no more; None while it is not."""


class Part(NamedTuple):
    """Whether a load wants power, and the most it has a use for; None is as much as it may."""

    wants: bool
    most_a: float | None
    why: str


AS_IT_LIKES = Part(True, None, "")


def took(
    appetite: Appetite, status: ConnectorStatus, draw_a: float | None, granted_a: float, dead_time_s: float,
    minimum_a: float, now: float, *, settled: bool = True,
) -> Appetite:  # fmt: skip
    """What is remembered after one more look at the car; `draw_a` is a fresh sample or None.

    A draw counts as less than granted when it stays a room below the grant, and only once the grant is
    `settled`: older than the load's dead time. That a car draws at all is proven before.
    """
    if status is not appetite.status:
        moved = appetite.status not in WANTING or status not in WANTING
        kept = Appetite() if moved else appetite
        appetite = replace(kept, status=status, since=now)
    if draw_a is None:
        return appetite
    if not settled:
        drawing = draw_a >= IDLE_A and appetite.idle_since is not None
        return replace(appetite, idle_since=None) if drawing else appetite
    idle_since = appetite.idle_since
    if draw_a >= IDLE_A:
        idle_since = None
    elif idle_since is None and granted_a > 0:
        idle_since = now
    return _steady(replace(appetite, idle_since=idle_since), draw_a, granted_a, dead_time_s, minimum_a, now)


def _steady(
    appetite: Appetite, draw_a: float, granted_a: float, dead_time_s: float, minimum_a: float, now: float
) -> Appetite:
    held = appetite.held_to_a
    if held is not None and draw_a > held - ROOM_A + 0.3 and draw_a >= granted_a - ROOM_A + 0.3:
        # It uses its room: it may have more again, and the watch begins anew.
        return replace(appetite, held_to_a=None, steady_since=None)
    if draw_a < IDLE_A or draw_a > granted_a - ROOM_A - 0.2:
        return replace(appetite, steady_since=None) if appetite.steady_since is not None else appetite
    since = appetite.steady_since
    if since is None or abs(draw_a - appetite.steady_a) > STEADY_A:
        return replace(appetite, steady_since=now, steady_a=draw_a)
    if now - since >= dead_time_s + STEADY_S:
        return replace(appetite, held_to_a=max(minimum_a, draw_a + ROOM_A))
    return appetite


def part_of_charger(
    appetite: Appetite, minimum_a: float, now: float, *, preparing_s: float = PREPARING_S
) -> Part:
    """Whether a connector takes part, and up to what."""
    status = appetite.status
    if status not in WANTING:
        return Part(False, 0.0, f"no car is waiting ({status.value if status else 'unknown'})")
    if status is ConnectorStatus.SUSPENDED_EV:
        return Part(True, minimum_a, "the car paused; its minimum stays reserved")
    if status is ConnectorStatus.PREPARING and now - appetite.since >= preparing_s:
        return Part(True, minimum_a, "nothing drawn since it was plugged in; its minimum stays reserved")
    if appetite.idle_since is not None and now - appetite.idle_since >= IDLE_S:
        return Part(True, minimum_a, "it draws nothing; its minimum stays reserved")
    if appetite.held_to_a is not None:
        return Part(True, appetite.held_to_a, "it takes no more; the rest goes on to others")
    return AS_IT_LIKES
