"""What of a heater outlives the process."""

from msgspec import Struct, field

from busbar_contracts.load import HeatOrder
from busbar_heat.legionella import Programme
from busbar_heat.power import Drawn
from busbar_heat.thermal import Log
from busbar_shared.leases import Held


class KeptLease(Struct, kw_only=True):
    """An order and what was left of it, by the calendar: a monotonic clock ends with its machine."""

    order: HeatOrder
    until: float
    saved_at: float

    def left_s(self, calendar_s: float) -> float:
        """Seconds it still holds: at most what was left when it was saved, whatever the calendar did."""
        passed = max(calendar_s - self.saved_at, 0.0)
        return min(max(self.until - self.saved_at - passed, 0.0), self.order.lease_s)


class HeatDuty(Struct, kw_only=True):
    """What must be taken up again at once after a restart."""

    leases: list[KeptLease] = []
    on: bool = False
    switched_at: float | None = None
    base_c: float | None = None
    """The owner's own target of a set-point device."""
    offset_k: float = 0.0
    said_c: float | None = None
    sg_state: int = 2
    sg_since: float | None = None
    by_hand: int | None = None


class HeatLore(Struct, kw_only=True):
    """What was learned, and when the tank was last hot enough."""

    log: Log = field(default_factory=Log)
    drawn: Drawn = field(default_factory=Drawn)
    programme: Programme = field(default_factory=Programme)


def kept_lease(held: Held[HeatOrder], calendar_s: float, now_s: float) -> KeptLease:
    """A lease as it is written down."""
    return KeptLease(
        order=held.order, until=round(calendar_s + held.until_s - now_s, 1), saved_at=round(calendar_s, 1)
    )
