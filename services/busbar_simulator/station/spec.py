"""What is fixed about a charge point: its plate, its habits and its faults."""

from dataclasses import dataclass, field

from .faults import Fault
from .profiles import Shelf


@dataclass(frozen=True, kw_only=True)
class StationSpec:
    """The plate and the habits of a charge point."""

    id: str
    vendor: str = "Busbar"
    model: str = "Simulated"
    serial: str = "SIM-1"
    firmware: str = "1.0.0"
    # A card is shown this long after plugging in; None: somebody must start it from afar.
    tag: str | None = "OWNER"
    tag_after_s: float = 2.0
    starts_offline: bool = True
    # 2.0.1 TxStartPoint EVConnected: the transaction begins with the cable, the card comes later.
    starts_with_cable: bool = False
    # Between an accepted profile and the pilot.
    answer_s: float = 0.5
    reboot_s: float = 8.0
    phase_switching: bool = False
    seed: int = 1
    faults: frozenset[Fault] = frozenset()
    shelf: Shelf = field(default_factory=Shelf)
    clock_offset_s: float = 0.0
    drift_s_per_h: float = 0.0
    obeys_clock: bool = False
