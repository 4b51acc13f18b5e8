"""The engine: one instant of a house in, who gets what and why out. No memory, no clock, no I/O.

How it works, in five steps:

1. *Claims.* Each load says whether it takes part, between which bounds, and on which counters: amperes on
   the phases of its circuits up to the main breaker, and watts of the site.
2. *Rows.* Every limit is a capacity of one counter, less the background, which is what the meter shows
   without the managed loads. Sun and discharge are inside it and are never added.
3. *Rounds.* Standard, Continuous and Solar Priority first, then Solar Only, then Excess. A round's loads
   see the rows, and those that live on a source see its pool as further capacities of the same counters,
   so whatever was granted before is gone from every pool.
4. *Distribution.* Inside a round the mode (Shared, Priority, Optimized, Strict) starts loads at their
   minimum and raises them by whole steps, never beyond any capacity.
5. *Target and limit.* All this is done once with the main breaker as wide as the battery's answer will
   make it, and, where that fits no wire of today, once more below those targets.

Between Standard and those that follow the sun, room is kept on the wires for a battery that may charge from
the grid; every battery learns what the phases bear beside the grants.
"""

from typing import NamedTuple

from busbar_allocator.battery_room import BatteryRoom
from busbar_allocator.check import compiled
from busbar_allocator.claims import Caps, Ceiling, Claim, claims, in_rank_order
from busbar_allocator.distribution import EMPTY, EPS, Mode, Priority, Strict, Used
from busbar_allocator.optimized import Optimized
from busbar_allocator.pools import excess, export, no_grid, solar
from busbar_allocator.reasons import Reasons
from busbar_allocator.result import allocation
from busbar_allocator.rows import Ground, measured_volts
from busbar_allocator.shared import Shared
from busbar_allocator.site_model import EXCESS, SOLAR_ONLY, SOLAR_PRIORITY, STANDARD, SiteModel
from busbar_allocator.snapshot import Allocation, Now, Snapshot
from busbar_contracts.allocation import Distribution

MODES: dict[Distribution, type[Shared | Priority | Optimized | Strict]] = {
    Distribution.SHARED: Shared,
    Distribution.PRIORITY: Priority,
    Distribution.OPTIMIZED: Optimized,
    Distribution.STRICT: Strict,
}


Gate = tuple[int, float] | None
"""A counter, and the use of it at which nobody may start any more."""

Ceilings = dict[int, tuple[Ceiling, Ceiling, Gate]]
"""By urgency: what starts must fit, what rises must fit, and the gate."""


class House(NamedTuple):
    """What does not change while the engine works."""

    model: SiteModel
    now: Now
    ground: Ground
    room: BatteryRoom
    urgencies: set[int | None]
    """Those that some load has, idle ones included."""


class Settled(NamedTuple):
    """The outcome of all rounds: what is used, and the ceilings each urgency had."""

    used: Used
    ceilings: Ceilings
    blocked: tuple[int, int, int] | None
    before_excess_w: float


def allocate(snapshot: Snapshot) -> Allocation:
    """Who gets what in this instant, and why. A snapshot that cannot be true raises `BadSnapshot`."""
    return decide(compiled(snapshot), snapshot.now)


def decide(model: SiteModel, now: Now) -> Allocation:
    """The same for a site that was compiled before and a `now` that was checked."""
    volts = model.nominal if now.voltage_v is None else measured_volts(model, now.voltage_v)
    asked = claims(model, now, volts)
    ranked = in_rank_order(asked)
    ground = Ground(model, now, asked, volts)
    house = House(model, now, ground, BatteryRoom(model, now, ground), {claim.urgency for claim in asked})
    targets = settle(house, ranked, ground.target_rows)
    for claim in ranked:
        claim.target = claim.limit = claim.grant
    limits = targets if house.room.fits_now(targets.used) else _below_targets(house, ranked)
    house.room.finish(targets.used)
    reasons = Reasons(model, ground, asked, targets.used, limits.used)
    return allocation(model, now, ground, asked, targets, limits, house.room, reasons)


def settle(house: House, ranked: list[Claim], rows: Caps) -> Settled:
    """Run the three rounds on these rows."""
    used = list(house.ground.reserved)
    mode = MODES[house.model.settings.distribution](used)
    by_urgency: dict[int, list[Claim]] = {STANDARD: [], SOLAR_PRIORITY: [], SOLAR_ONLY: [], EXCESS: []}
    for claim in ranked:
        by_urgency[claim.rank[0]].append(claim)
    rounds = _Rounds(house, mode, used, Ceiling(rows))
    rounds.first(by_urgency[STANDARD], by_urgency[SOLAR_PRIORITY])
    rounds.followers(by_urgency[SOLAR_ONLY])
    before_w = used[house.model.watts] - house.ground.unmanaged[house.model.watts]
    rounds.excess(by_urgency[EXCESS])
    return Settled(used, rounds.ceilings, mode.blocked if isinstance(mode, Strict) else None, before_w)


def _below_targets(house: House, ranked: list[Claim]) -> Settled:
    """Settle once more on the rows of today, nobody asking for more than its target."""
    bound = [(claim.tight, claim.start, claim.rise) for claim in ranked]
    limits = settle(house, _up_to_target(ranked), house.ground.limit_rows)
    for claim, (tight, start, rise) in zip(ranked, bound, strict=True):
        claim.limit = claim.grant
        if claim.limit > claim.target - EPS:
            # It has its target already: what binds it is what binds that.
            claim.tight, claim.start, claim.rise = tight, start, rise
    return limits


class _Rounds:
    """The three rounds on one set of rows."""

    def __init__(self, house: House, mode: Mode, used: Used, bare: Ceiling) -> None:
        self.house, self.mode, self.used, self.bare = house, mode, used, bare
        self.ceilings: Ceilings = {}

    def first(self, standard: list[Claim], solar_priority: list[Claim]) -> None:
        """Standard and Continuous from any source; Solar Priority its minimum, above it the sun."""
        model, ground = self.house.model, self.house.ground
        battery_only = bool(model.site.batteries) and not model.settings.grid_charging
        any_source = self.bare.within(no_grid(model, ground)) if battery_only else self.bare
        self._ceil(STANDARD, standard, any_source, any_source)
        if battery_only and ground.storage.empty:
            for claim in solar_priority:
                claim.tight = EMPTY
            solar_priority = []
        for claim in solar_priority:
            claim.start = any_source
        ground.count_idle([])
        self.mode.begin(standard + solar_priority)
        self.mode.go(standard)
        ground.count_idle(standard)
        if self._keep_room_for_batteries(solar_priority):
            any_source = self.bare.within(no_grid(model, ground)) if battery_only else self.bare
        if SOLAR_PRIORITY in self.house.urgencies:
            sun = any_source.within(solar(model, ground))
            self._ceil(SOLAR_PRIORITY, solar_priority, any_source, sun)
        if solar_priority:
            self.mode.go(solar_priority)

    def followers(self, solar_only: list[Claim]) -> None:
        """Solar Only: the solar pool, nothing else."""
        if SOLAR_ONLY not in self.house.urgencies:
            return
        sun = self.bare.within(solar(self.house.model, self.house.ground))
        self._ceil(SOLAR_ONLY, solar_only, sun, sun)
        self._run(solar_only)

    def excess(self, claims: list[Claim]) -> None:
        """Excess: above the threshold; its minimum must fit the export while the pool is above zero."""
        if EXCESS not in self.house.urgencies:
            return
        model, ground = self.house.model, self.house.ground
        used_w = self.used[model.watts] - ground.unmanaged[model.watts]
        pool, gate = excess(model, ground, self.house.now, used_w)
        floor = self.bare.within(export(model, ground))
        self._ceil(EXCESS, claims, floor, self.bare.within(pool), (model.watts, gate))
        self._run(claims)

    def _run(self, claims: list[Claim]) -> None:
        if claims:
            self.mode.begin(claims)
            self.mode.go(claims)

    def _ceil(
        self,
        urgency: int,
        claims: list[Claim],
        start: Ceiling,
        rise: Ceiling,
        gate: Gate = None,
    ) -> None:
        self.ceilings[urgency] = (start, rise, gate)
        for claim in claims:
            # One that runs on for its stop delay asks nothing of its source for its minimum.
            claim.start, claim.gate = (self.bare, None) if claim.firm else (start, gate)
            claim.rise = rise
            if claim.beside:
                claim.wires = self.bare

    def _keep_room_for_batteries(self, solar_priority: list[Claim]) -> bool:
        kept = self.house.room.kept_free(self.bare.rows, self.used, solar_priority)
        if kept is not None:
            self.bare = Ceiling(kept)
        return kept is not None


def _up_to_target(ranked: list[Claim]) -> list[Claim]:
    """The same claims, asking for no more than their targets."""
    again = []
    for claim in ranked:
        claim.grant, claim.runs = 0.0, False
        if claim.target >= claim.least - EPS and (claim.target > 0 or claim.least == 0):
            claim.most = claim.target
            again.append(claim)
    return again
