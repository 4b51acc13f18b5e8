"""When an order is worth a message: when it changes by enough, and in time to keep its lease."""

from __future__ import annotations

from math import inf

from msgspec import Struct

from busbar_battery.site import Window


class Sent(Struct, frozen=True):
    """The last order to one device and when it went out."""

    order: Window | float
    at_s: float


def due(last: Sent | None, order: Window | float, now: float, lease_s: float, step_w: float) -> bool:
    """Whether the order should go out now. A renewal comes at a third of the lease, a change at once.

    A change smaller than the step waits for the renewal, except to zero, to or from an exact set-point, and
    between holding and letting go: those are other orders, not other figures.
    """
    if last is None or now - last.at_s >= lease_s / 3:
        return True
    return _other_kind(last.order, order) or _distance(last.order, order) >= step_w


def _other_kind(before: Window | float, order: Window | float) -> bool:
    return _kind(before) != _kind(order)


def _kind(order: Window | float) -> tuple[object, ...]:
    if not isinstance(order, Window):
        return (order == 0,)
    exact = order.min_w == order.max_w
    return (order.min_w is None, order.min_w == 0, order.max_w == 0, exact, order.grid_charging)


def _distance(before: Window | float, order: Window | float) -> float:
    if isinstance(before, Window) and isinstance(order, Window):
        pairs = ((before.min_w, order.min_w), (before.max_w, order.max_w))
        return max(0.0 if a == b else inf if a is None or b is None else abs(a - b) for a, b in pairs)
    if isinstance(before, Window) or isinstance(order, Window):
        return inf
    return abs(before - order)
