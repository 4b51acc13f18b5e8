"""Which limit holds at a connector now: the smallest order in force, and what follows when orders end.

When the last lease ends the smaller of its limit and the fallback holds at once; a paused connector stays
paused, for `hold_pause_s`, so that a dead house does not leave the car empty. Nothing here raises or starts.
"""

from collections.abc import Sequence

from msgspec import Struct

from busbar_contracts.charger import ChargerLimit
from busbar_shared.leases import Held


class Past(Struct, frozen=True, kw_only=True):
    """The limit last in force, for the time after its lease."""

    limit_a: float
    issuer: str
    until_s: float
    phases: int | None = None


class Bearing(Struct, frozen=True, kw_only=True):
    """The limit that holds, whose it is and why. `ordered` is False once the leases have ended."""

    limit_a: float
    issuer: str
    reason: str
    ordered: bool
    phases: int | None = None


class Bounds(Struct, frozen=True, kw_only=True):
    """What a connector falls back to and how long things hold."""

    fallback_a: float
    least_a: float
    hold_pause_s: float
    lease_s: float


def bearing(
    held: Sequence[Held[ChargerLimit]], past: Past | None, born_s: float, bounds: Bounds, now_s: float
) -> Bearing | None:
    """What holds now; None while a service that has just started knows nothing and must not order anything new."""
    if held:
        least = min(held, key=lambda one: one.order.limit_a)
        order = least.order
        return Bearing(
            limit_a=order.limit_a,
            issuer=order.issuer,
            reason=order.reason,
            ordered=True,
            phases=order.number_of_phases,
        )
    if past is None:
        if now_s - born_s < bounds.lease_s:
            return None
        return _fallback(bounds.fallback_a, "nobody has ordered anything since the start", None)
    if past.limit_a < bounds.least_a and now_s - past.until_s < bounds.hold_pause_s:
        return _fallback(0.0, f"the lease of {past.issuer} has ended; a pause stays a pause", past.phases)
    if past.limit_a < bounds.least_a:
        return _fallback(bounds.fallback_a, "the pause was held long enough", past.phases)
    smaller = min(past.limit_a, bounds.fallback_a)
    return _fallback(smaller, f"the lease of {past.issuer} has ended; {past.limit_a:g} A before", past.phases)


def remembered(past: Past | None, held: Sequence[Held[ChargerLimit]]) -> Past | None:
    """What to know after the leases now in force."""
    if not held:
        return past
    least = min(held, key=lambda one: one.order.limit_a)
    until_s = max(one.until_s for one in held)
    return Past(
        limit_a=least.order.limit_a,
        issuer=least.order.issuer,
        until_s=until_s,
        phases=least.order.number_of_phases,
    )


def lowers(order: ChargerLimit, current: ChargerLimit | None) -> bool:
    """Whether an order only makes things safer than the same issuer's order in force."""
    if current is None:
        return order.limit_a == 0
    return order.limit_a < current.limit_a and order.number_of_phases == current.number_of_phases


def refused_value(order: ChargerLimit, most_a: float) -> str | None:
    """Why the value of an order is absurd, or None. Above the maximum is not absurd, it is capped."""
    if not 0 <= order.limit_a <= 1000:
        return f"limit_a {order.limit_a:g} is not a current a charger can have (0 to 1000 A, here at most {most_a:g})"
    return None


def _fallback(limit_a: float, reason: str, phases: int | None) -> Bearing:
    return Bearing(limit_a=limit_a, issuer="fallback", reason=reason, ordered=False, phases=phases)
