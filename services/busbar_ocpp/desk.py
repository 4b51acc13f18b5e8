"""What all charge points of the service share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from busbar_ocpp.config import OcppPlan
from busbar_ocpp.connector import Connector
from busbar_ocpp.ledger import Ledger
from busbar_ocpp.memory import Memory
from busbar_ocpp.outbox import Outbox
from busbar_ocpp.quirks import Quirk
from busbar_shared.bus import Bus
from busbar_shared.clock import Clock

# A charger that does not answer holds its place for some seconds; nobody's limit may wait long for it.
LOOKS_AT_ONCE = 64
QUESTIONS_AT_ONCE = 12


@dataclass
class Desk:
    """What all charge points of the service share."""

    plan: OcppPlan
    clock: Clock
    bus: Bus
    ledger: Ledger
    memory: Memory
    quirks: tuple[Quirk, ...] = ()
    outbox: Outbox | None = None
    first_looks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOOKS_AT_ONCE))
    """Chargers that are asked what they limit to before they are told anything."""
    questions: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(QUESTIONS_AT_ONCE))
    """Questions of greetings to all chargers together: when a fleet comes back at once, its own calls come first."""
    dirty: set[tuple[str, int]] = field(default_factory=set)
    """Connectors whose state is to be said."""
    passive: Callable[[], bool] = lambda: False
    """Whether an older instance of this service lives: then no charger is told anything."""
    remember: Callable[[Connector], None] = lambda connector: None
    """Write down what holds at a connector."""
