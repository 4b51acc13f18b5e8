"""What outlives the process beside what was learned: the leases in force, and what we owe the devices."""

from msgspec import Struct

from busbar_contracts.load import PlugSwitch
from busbar_shared.leases import Held


class KeptLease(Struct, kw_only=True):
    """An order and what was left of it, by the calendar: a monotonic clock ends with its machine."""

    order: PlugSwitch
    until: float
    saved_at: float

    def left_s(self, calendar_s: float) -> float:
        """Seconds it still holds: at most what was left when it was saved, whatever the calendar did."""
        left_then = self.until - self.saved_at
        passed = max(calendar_s - self.saved_at, 0.0)
        return min(max(left_then - passed, 0.0), self.order.lease_s)


class PlugMemory(Struct, kw_only=True):
    """One plug."""

    leases: list[KeptLease] = []
    switched_at: float | None = None
    moves: list[float] = []
    manual_on: bool | None = None
    manual_until: float | None = None
    owner_pulse: int | None = None
    """The PulseTime the owner had set, as long as ours stands in its place."""


def kept_lease(held: Held[PlugSwitch], calendar_s: float, now_s: float) -> KeptLease:
    """A lease as it is written down."""
    return KeptLease(order=held.order, until=calendar_s + held.until_s - now_s, saved_at=calendar_s)
