"""The orders for one plug: who may give which, and of several in force the one that asks for least."""

from busbar_contracts.load import PlugSwitch
from busbar_shared.leases import Held, LeaseBook, Refusal
from busbar_shared.moment import Moment


def lowers(order: PlugSwitch, current: PlugSwitch | None) -> bool:
    """Off is always the lower of the two; for a load with a range also less power."""
    if not order.on:
        return True
    if current is None or not current.on or order.power_w is None or current.power_w is None:
        return False
    return order.power_w <= current.power_w


class Orders:
    """The leases of one plug. One issuer may switch it on; whoever hangs wires may switch it off."""

    def __init__(self, plug: str, issuer: str) -> None:
        """`issuer` is the one that may switch it on: the allocator, or the heat service for a heater's plug."""
        self._plug, self._issuer = plug, issuer
        self.book: LeaseBook[PlugSwitch] = LeaseBook(lowers)

    def take(self, order: PlugSwitch, now: Moment, *, retained: bool = False) -> Refusal | None:
        """Take the order, or say why not. A refused order changes nothing."""
        if order.issuer == "allocator" and self._issuer != "allocator":
            # The allocator speaks to the heater; the heater alone speaks to its plug.
            return None
        if order.on and order.issuer != self._issuer:
            text = f"issuer {order.issuer} may not switch {self._plug} on; only {self._issuer} may"
            return Refusal("wrong_issuer", "issuer", text)
        return self.book.offer(order, now=now.at, monotonic=now.s, retained=retained)

    def lease(self, now: Moment) -> Held[PlugSwitch] | None:
        """Of several issuers the one that asks for least counts, until its lease ends."""
        return min(self.book.held(now.s), key=_asks_for, default=None)

    def in_force(self, now: Moment) -> PlugSwitch | None:
        """The order that counts now."""
        held = self.lease(now)
        return None if held is None else held.order

    def ends_hand(self, now: Moment) -> bool:
        """Whoever may switch it on says that what hangs on it has reached its own limit."""
        return any(
            one.ends_hand and not one.on and one.issuer == self._issuer for one in self.book.in_force(now.s)
        )


def _asks_for(held: Held[PlugSwitch]) -> tuple[bool, float]:
    return held.order.on, held.order.power_w if held.order.power_w is not None else 0.0
