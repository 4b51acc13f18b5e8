"""What the controller remembers from one step to the next, and nothing else."""

from msgspec import Struct

from busbar_allocator.background import Book
from busbar_allocator.known import Known
from busbar_allocator.latches import BatteryLatch
from busbar_allocator.participation import Appetite
from busbar_allocator.permits import Permit
from busbar_allocator.promise import Promise
from busbar_allocator.ramps import Ramp
from busbar_allocator.steady import Beside
from busbar_allocator.watching import Watch
from busbar_contracts.load import LoadMode

NEVER = float("-inf")

STOOD_S = 5.0
"""Steps come each second; after a longer pause this process, or its machine, stood still."""

BACKLOG_S = 1.0
"""How long what waited meanwhile takes to come in."""


class Phasing(Struct, frozen=True):
    """What is remembered of one charger's switching."""

    wanted_since: float | None = None
    looked_at: float = float("-inf")


class Mind(Struct, frozen=True):
    """What is remembered of one load. Currents are per leg."""

    limit_a: float = 0.0
    """The order in force."""
    known: bool = False
    """Its state was heard since the start, so that `limit_a` is what it was really told."""
    sent_at: float = NEVER
    """When an order last left."""
    before_a: float = 0.0
    """What it may still draw while its last cut is under way."""
    cut_until: float = NEVER
    """Until when that cut may be under way."""
    dead_s: float = 5.0
    ramp: Ramp = Ramp()
    permit: Permit = Permit()
    appetite: Appetite = Appetite()
    mode: LoadMode | None = None
    """The mode it counted as at the last step."""
    eager: bool = False
    """The owner changed its mode: it starts without waiting."""
    holding: bool = False
    """A follower of the sun that runs: it may stay at its minimum for its stop delay."""
    silent_since: float | None = None
    legs: int | None = None
    """How many of its legs its car uses, as far as it has shown."""
    legs_before: int | None = None
    """How many the last car here showed that was offered all of them."""
    phases: int | None = None
    """How many phases were ordered, where the charger can switch."""
    switched_at: float = NEVER
    phasing: Phasing = Phasing()
    sampled_at: float = NEVER
    sample: tuple[float, float] | None = None
    """Its last own measurement: when, and on its busiest leg."""
    sample_before: tuple[float, float] | None = None
    probed_at: float = NEVER
    probe_a: float = 0.0
    """What it was lowered to when its wiring was probed last."""
    muted: bool = False
    """It is reserved for what it does by itself and gets no orders."""
    reason: str = ""


class State(Struct, frozen=True, kw_only=True):
    """The controller's memory."""

    started_at: float
    known: Known = Known()
    books: dict[str, Book] = {}
    minds: dict[str, Mind] = {}
    beside: dict[str, Beside] = {}
    """By circuit; empty without a battery."""
    latches: dict[str, BatteryLatch] = {}
    gate_open: bool = False
    promise: Promise = Promise()
    watch: Watch = Watch()
    frozen_at: float | None = None
    """Since when the grid meter stands still although a load moved."""
    stepped_at: float | None = None
    awake_since: float = NEVER
    """When steps went on after a pause: what waited meanwhile is still coming in."""

    def is_awake(self, now: float) -> bool:
        """What waited for us while we stood still has been heard: only then may anyone have more."""
        return now >= self.awake_since + BACKLOG_S
