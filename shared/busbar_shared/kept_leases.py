"""Leases on disk, so that a restart neither forgets an order in force nor lengthens it."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from msgspec import Struct

from busbar_contracts.base import Order
from busbar_shared.leases import Held, LeaseBook
from busbar_shared.moment import Moment

O = TypeVar("O", bound=Order)  # noqa: E741


class KeptLease(Struct, Generic[O], kw_only=True):
    """An order and what was left of it, by the calendar: a monotonic clock ends with its machine."""

    order: O
    until: float
    saved_at: float

    def left_s(self, calendar_s: float) -> float:
        """Seconds it still holds: at most what was left when it was saved, whatever the calendar did."""
        left_then = self.until - self.saved_at
        passed = max(calendar_s - self.saved_at, 0.0)
        return min(max(left_then - passed, 0.0), self.order.lease_s)


def kept_lease(held: Held[O], now: Moment) -> KeptLease[O]:
    """A lease as it is written down."""
    return KeptLease(order=held.order, until=now.calendar_s + held.until_s - now.s, saved_at=now.calendar_s)


def take_up(book: LeaseBook[O], leases: Iterable[KeptLease[O]], now: Moment) -> None:
    """Put the written leases back into the book, each with what is left of it."""
    for lease in leases:
        book.restore(lease.order, now.s + lease.left_s(now.calendar_s))
