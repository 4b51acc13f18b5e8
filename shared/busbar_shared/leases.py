"""Leases: an order holds for a while and then falls to a safe value, whatever becomes of its sender.

The rules are those of `contracts/README.md`. The receiver counts on its own monotonic clock; the
calendar serves only to tell an order that waited somewhere from one that was given just now.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypedDict, TypeVar

from msgspec import Struct

from busbar_contracts.base import Order

O = TypeVar("O", bound=Order)  # noqa: E741

TOLERANCE_S = 5.0
"""How far the sender's calendar may run apart from our monotonic clock between two orders."""

MOST_ISSUERS = 16
"""A stranger with ever new names must not fill the memory."""


class Stamp(TypedDict):
    """The fields of an order that say who gave it and when."""

    issuer: str
    instance: str
    seq: int
    issued_at: datetime


class OrderStamp:
    """Stamps the orders of one sender: one random instance per start, and a count."""

    def __init__(self, issuer: str, instance: str | None = None) -> None:
        self.issuer = issuer
        self.instance = instance or secrets.token_hex(8)
        self._seq = 0

    def next(self, now: datetime) -> Stamp:
        """The stamp for an order given now."""
        self._seq += 1
        return Stamp(issuer=self.issuer, instance=self.instance, seq=self._seq, issued_at=now)


class Refusal(Struct, frozen=True):
    """Why an order was not taken."""

    code: str
    path: str
    text: str


class Held(Struct, Generic[O]):
    """An order that was taken, and until when it holds on our monotonic clock."""

    order: O
    until_s: float


class _Sender(Struct):
    """What we remember of one instance of one sender."""

    seq: int
    issued_at: datetime
    heard_at_s: float


class LeaseBook(Generic[O]):
    """The orders in force for one device, one per issuer.

    `lowers(order)` tells whether an order only makes things safer than what is in force; such an
    order is taken whatever its age.
    """

    def __init__(self, lowers: Callable[[O, O | None], bool]) -> None:
        self._lowers = lowers
        self._held: dict[str, Held[O]] = {}
        self._senders: dict[tuple[str, str], _Sender] = {}

    def offer(self, order: O, *, now: datetime, monotonic: float, retained: bool = False) -> Refusal | None:
        """Take the order, or say why not. A refused order changes nothing."""
        if retained:
            return Refusal("retained_order", "", "an order must not be retained; it is ignored")
        if order.issuer not in self._held and len(self.in_force(monotonic)) >= MOST_ISSUERS:
            return Refusal("too_many_issuers", "issuer", f"{MOST_ISSUERS} others give orders already")
        refusal = self._judge(order, now, monotonic)
        self._remember(order, monotonic, refusal)
        if refusal is not None:
            return refusal
        self._held[order.issuer] = Held(order=order, until_s=monotonic + order.lease_s)
        return None

    def in_force(self, monotonic: float) -> list[O]:
        """The orders whose lease has not ended."""
        for issuer in [name for name, held in self._held.items() if held.until_s <= monotonic]:
            del self._held[issuer]
        return [held.order for held in self._held.values()]

    def held(self, monotonic: float) -> list[Held[O]]:
        """The orders whose lease has not ended, with their ends."""
        self.in_force(monotonic)
        return list(self._held.values())

    def restore(self, order: O, until_s: float) -> None:
        """Put back an order that was in force before a restart, with what is left of its lease."""
        self._held[order.issuer] = Held(order=order, until_s=until_s)

    def next_end(self) -> float | None:
        """When the first lease ends, on the monotonic clock."""
        return min((held.until_s for held in self._held.values()), default=None)

    def _judge(self, order: O, now: datetime, monotonic: float) -> Refusal | None:
        sender = self._senders.get((order.issuer, order.instance))
        if sender is not None and order.seq <= sender.seq:
            return Refusal(
                "old_seq", "seq", f"seq {order.seq} is not above {sender.seq}, the last of this sender"
            )
        current = self._held.get(order.issuer)
        in_force = current.order if current is not None and current.until_s > monotonic else None
        if self._lowers(order, in_force):
            return None
        if sender is None:
            return self._judge_first(order, now)
        return self._judge_pace(order, sender, monotonic)

    def _judge_first(self, order: O, now: datetime) -> Refusal | None:
        age = (now - order.issued_at).total_seconds()
        if abs(age) <= order.lease_s:
            return None
        return Refusal(
            "first_order_too_old",
            "issued_at",
            f"issued_at {order.issued_at.isoformat()} is {age:.0f} s away from our clock, "
            f"more than its lease of {order.lease_s:g} s; the next one counts",
        )

    def _judge_pace(self, order: O, sender: _Sender, monotonic: float) -> Refusal | None:
        # After a freeze many orders arrive at once: their issued_at lie apart, their arrivals do not.
        # A clock that jumped looks the same for one order, and costs one renewal.
        ours = monotonic - sender.heard_at_s
        theirs = (order.issued_at - sender.issued_at).total_seconds()
        if abs(theirs - ours) <= TOLERANCE_S:
            return None
        return Refusal(
            "out_of_pace",
            "issued_at",
            f"issued_at advanced by {theirs:.1f} s while {ours:.1f} s passed here",
        )

    def _remember(self, order: O, monotonic: float, refusal: Refusal | None) -> None:
        if refusal is not None and refusal.code == "old_seq":
            return
        if len(self._senders) >= 64:  # a stranger with ever new instances must not fill the memory
            oldest = min(self._senders, key=lambda one: self._senders[one].heard_at_s)
            del self._senders[oldest]
        self._senders[order.issuer, order.instance] = _Sender(
            seq=order.seq, issued_at=order.issued_at, heard_at_s=monotonic
        )
