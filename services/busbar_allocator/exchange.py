"""What goes into a step of the controller, and what comes out."""

from typing import Any

from msgspec import Struct

from busbar_allocator import snapshot
from busbar_allocator.plan import Plan
from busbar_allocator.settings import Settings
from busbar_allocator.site_model import SiteModel
from busbar_allocator.state import State
from busbar_contracts.allocation import MeterHealth


class Setup(Struct, frozen=True, kw_only=True):
    """What changes only with the configuration and the owner's settings."""

    plan: Plan
    settings: Settings
    model: SiteModel


class Said(Struct, frozen=True):
    """One message as it came from the bus."""

    message: Any
    ids: dict[str, str]
    at_s: float
    retained: bool = False


class LoadOrder(Struct, frozen=True):
    """What one load is to be told now."""

    load: str
    limit_a: float
    reason: str
    phases: int | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """What one step decided."""

    state: State
    orders: tuple[LoadOrder, ...]
    allocation: snapshot.Allocation
    """The engine's view."""
    ground: dict[str, MeterHealth]
    changed: bool
    """A limit is another than before."""


class Undecided(Exception):
    """The picture cannot be true: nothing is ordered, leases run out. What was heard is in `state`."""

    def __init__(self, text: str, state: State) -> None:
        super().__init__(text)
        self.state = state
