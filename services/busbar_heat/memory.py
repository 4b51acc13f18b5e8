"""What of a heater outlives the process."""

from msgspec import Struct, field

from busbar_contracts.load import HeatOrder
from busbar_heat.legionella import Programme
from busbar_heat.power import Drawn
from busbar_heat.thermal import Log
from busbar_shared.kept_leases import KeptLease


class HeatDuty(Struct, kw_only=True):
    """What must be taken up again at once after a restart."""

    leases: list[KeptLease[HeatOrder]] = []
    on: bool = False
    switched_at: float | None = None
    base_c: float | None = None
    """The owner's own target of a set-point device."""
    offset_k: float = 0.0
    said_c: float | None = None
    shown_c: float | None = None
    """What the device makes of what it was told: rounded to its step, or cut to its own bounds."""
    stored: bool = False
    """Mode Boost has reached the storage temperature: once is enough."""
    sg_state: int = 2
    sg_since: float | None = None
    sg_rest_until: float | None = None
    """Until when it is not blocked again after its longest block."""
    by_hand: int | None = None


class HeatLore(Struct, kw_only=True):
    """What was learned, and when the tank was last hot enough."""

    log: Log = field(default_factory=Log)
    drawn: Drawn = field(default_factory=Drawn)
    programme: Programme = field(default_factory=Programme)
