"""What outlives the process beside what was learned: the leases in force, and what we owe the devices."""

from msgspec import Struct

from busbar_contracts.load import PlugSwitch
from busbar_shared.kept_leases import KeptLease


class PlugMemory(Struct, kw_only=True):
    """One plug."""

    leases: list[KeptLease[PlugSwitch]] = []
    switched_at: float | None = None
    moves: list[float] = []
    manual_on: bool | None = None
    manual_until: float | None = None
    manual_asked: bool = False
    """The owner said it on the bus; false: a hand was at the device."""
    owner_pulse: int | None = None
    """The PulseTime the owner had set, as long as ours stands in its place."""
