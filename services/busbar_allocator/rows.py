"""Every limit that belongs to a wire or the connection: one capacity per counter, less what is not managed.

There are two sets of capacities. The *limit* rows hold at the background measured now and count on no
answer the battery has not given; the *target* rows widen the main breaker by what the battery will still
give. The import limit counts on that answer in both, or a battery that holds the grid at zero would never
be asked.
"""

from math import isfinite
from operator import sub

from busbar_allocator.claims import Caps, Claim
from busbar_allocator.household import Generation, generation
from busbar_allocator.site_model import CircuitModel, SiteModel
from busbar_allocator.snapshot import BadSnapshot, Now, PerLeg, PerPhase
from busbar_allocator.storage import Part, Storage, shares_inverter, storage

NO_LIMIT = float("inf")
LEAST_V, MOST_V = 50.0, 1000.0


class Ground:
    """The house in this instant: what every counter may carry."""

    __slots__ = (
        "_besides",
        "background",
        "export_a",
        "export_w",
        "generation",
        "limit_rows",
        "reserved",
        "storage",
        "target_rows",
        "unmanaged",
        "volts",
    )

    def __init__(self, model: SiteModel, now: Now, claims: list[Claim], volts: list[float]) -> None:
        """Work out background, generation, batteries and capacities, in this order."""
        self.volts = volts
        self.background = _background(model, now, claims)
        count = len(volts)
        self.export_a = [-amps for amps in self.background[:count]]
        self.export_w = sum(amps * volt for amps, volt in zip(self.export_a, volts, strict=True))
        self.generation: list[Generation] = []
        if model.site.inverters:
            self._generate(model, now, _drawn(model, claims))
        self.storage = Storage([], [], count)
        if model.site.batteries:
            self.storage = storage(model, now, self._headroom(model), count)
        self.limit_rows = _wires(model, self)
        self._connection(model, now)
        self.target_rows = self._widened(model)
        self.reserved, self._besides = _reserves(model, claims)
        self.unmanaged = self._besides
        self._only_numbers(model, claims)

    def count_idle(self, claims: list[Claim]) -> None:
        """Leave to the sources what idle loads that are on do not draw."""
        idle = [claim for claim in claims if claim.light and claim.runs]
        self.unmanaged = list(self._besides) if idle else self._besides
        for claim in idle:
            for counter, per_amp in claim.uses:
                self.unmanaged[counter] += per_amp * max(0.0, claim.grant - claim.drawn)

    def _only_numbers(self, model: SiteModel, claims: list[Claim]) -> None:
        """Whatever is not a number spoils every sum it is in: nothing may be granted on it."""
        total = sum(self.background) + sum(self.limit_rows[: model.watts]) + sum(self.reserved)
        for one in self.storage.each:
            total += one.present + one.answer + one.solar + one.no_grid + one.export
        total += sum([claim.least + claim.most for claim in claims])
        imports = self.limit_rows[model.watts]
        if not isfinite(total) or imports != imports:
            raise BadSnapshot("a figure of the snapshot is not a number one can count with")

    def _generate(self, model: SiteModel, now: Now, drawn: list[float]) -> None:
        count = len(self.volts)
        net = list(self.background[:count])
        taken = 0.0
        for (name, battery), (_, on) in zip(model.site.batteries.items(), model.batteries_on, strict=True):
            state = now.batteries.get(name)
            watts = (state.power_w if state else None) or 0.0
            if shares_inverter(battery, model):
                taken += watts
                continue
            for phase in on:
                net[phase] -= watts / len(on) / self.volts[phase]
        grid = [self.background[p] + drawn[p] for p in range(count)]
        self.generation = generation(model, now, net, grid, self.volts, taken)

    def _headroom(self, model: SiteModel) -> dict[str, float]:
        """What each inverter with a rating could put out beyond what it generates now (W)."""
        inverters = zip(model.site.inverters.items(), self.generation, strict=True)
        return {
            name: inverter.rating_w - made.watts
            for (name, inverter), made in inverters
            if inverter.rating_w is not None
        }

    def _connection(self, model: SiteModel, now: Now) -> None:
        """The import limit, the largest difference between phases, and no row for sets of phases yet."""
        settings, rows = model.settings, self.limit_rows
        given = [most for most in (settings.max_import_w, now.import_limit_w) if most is not None]
        room = NO_LIMIT
        if given:
            room = min(given) - settings.power_buffer_w + self.export_w + self.storage.watts("answer")
        rows.append(room)
        for _, more, less in model.pairs:
            difference = self.background[more] - self.background[less]
            rows.append((settings.max_unbalance_a or 0.0) - difference)
        rows.extend([NO_LIMIT] * len(model.sets))

    def _widened(self, model: SiteModel) -> Caps:
        """The target rows: the main breaker with what the battery will still give, signed."""
        if not self.storage.each:
            return self.limit_rows
        answer = self.storage.part("answer")
        if model.settings.trip_safe:
            # What an inverter gives may be gone at any moment; what a battery takes from the grid may not.
            present = self.storage.part("present")
            answer = Part(
                max(0.0, min(answer.watts, present.watts)),
                [max(0.0, min(a, p)) for a, p in zip(answer.per_phase, present.per_phase, strict=True)],
            )
        if not answer.watts and not any(answer.per_phase):
            return self.limit_rows
        rows = list(self.limit_rows)
        for phase, volt in enumerate(self.volts):
            # An asymmetric inverter can put all of it on any phase.
            rows[phase] += (answer.watts if model.sets else answer.per_phase[phase]) / volt
        for counter, phases in model.sets:
            rows[counter] = answer.watts + sum(self.limit_rows[p] * self.volts[p] for p in phases)
        return rows


def _drawn(model: SiteModel, claims: list[Claim]) -> list[float]:
    """The trusted draws on every wire."""
    drawn = [0.0] * model.counters
    for claim in claims:
        if not claim.drawn:
            continue
        legs = claim.state.draw_a if claim.state is not None else None
        if isinstance(legs, PerLeg):
            wires = claim.load.wires
            for phase, amps in zip(claim.load.legs, (legs.l1, legs.l2, legs.l3), strict=False):
                for counter in wires[phase]:
                    drawn[counter] += amps
        else:
            for counter, per_amp in claim.uses:
                drawn[counter] += per_amp * claim.drawn
    return drawn


def _background(model: SiteModel, now: Now, claims: list[Claim]) -> list[float]:
    """What is not managed on every wire: given, or the circuit's own meter less the draws behind it."""
    found: list[float] = []
    drawn: list[float] = []
    at = 0
    count = len(model.phases)
    for circuit in model.circuits:
        state = now.circuits.get(circuit.id)
        own_meter = state.current_a if state is not None else None
        if own_meter is None and circuit.index == 0:
            own_meter = now.grid_a
        if state is not None and state.background_a is not None:
            found += measured(model, circuit, state.background_a)
        elif own_meter is not None:
            drawn = drawn or _drawn(model, claims)
            found += map(sub, measured(model, circuit, own_meter), drawn[at : at + count])
        elif circuit.background is not None:
            found += circuit.background
        else:
            raise BadSnapshot(f"now.circuits.{circuit.id}: neither current_a nor background_a is given")
        at += count
    return found


def measured(model: SiteModel, circuit: CircuitModel, value: PerPhase) -> list[float]:
    """A figure for every phase; a phase that the circuit does not have carries nothing."""
    read = model.read(value)
    if None not in read:
        return list(read)
    found = []
    for phase, (amps, exists) in enumerate(zip(read, circuit.exists, strict=True)):
        if amps is None and exists:
            raise BadSnapshot(
                f"circuit {circuit.id}: phase {model.phases[phase]} is unknown, and that is not 0"
            )
        found.append(0.0 if amps is None else amps)
    return found


def measured_volts(model: SiteModel, value: PerPhase) -> list[float]:
    """Voltages one can divide by."""
    volts = list(model.read(value))
    for phase, volt in zip(model.phases, volts, strict=True):
        if volt is None or not LEAST_V <= volt <= MOST_V:
            raise BadSnapshot(f"voltage of phase {phase}: {volt} V is no voltage of a grid")
    return volts


def _wires(model: SiteModel, ground: Ground) -> Caps:
    """What every phase of every circuit has left of its limit beside the background."""
    rows: Caps = []
    at = 0
    for circuit in model.circuits:
        for limit in circuit.limit:
            rows.append(limit - ground.background[at])
            at += 1
    buffer = model.settings.power_buffer_w
    if buffer:
        for phase, volt in enumerate(ground.volts):
            rows[phase] -= buffer / (len(ground.volts) * volt)
    if model.settings.trip_safe:
        _without_generation(model, ground, rows)
    return rows


def _without_generation(model: SiteModel, ground: Ground, rows: Caps) -> None:
    """Judge the wires as if every inverter had just tripped."""
    count = len(ground.volts)
    made = zip(model.inverters_on, model.site.inverters.values(), ground.generation, strict=True)
    for circuit, inverter, one in made:
        amps = one.amps
        if not one.known:
            # Only the meter speaks: it may generate all it can.
            amps = [(inverter.rating_w or 0.0) / count / volt for volt in ground.volts]
        for index in circuit.chain:
            for phase in range(count):
                rows[index * count + phase] -= max(0.0, amps[phase])
    # A battery with an inverter of its own may trip as well.
    batteries = zip(model.site.batteries.values(), model.batteries_on, ground.storage.each, strict=True)
    for battery, (at, on), taking in batteries:
        if shares_inverter(battery, model) or taking.present >= 0:
            continue
        for index in at.chain:
            for phase in on:
                rows[index * count + phase] += taking.present / len(on) / ground.volts[phase]


def _reserves(model: SiteModel, claims: list[Claim]) -> tuple[list[float], list[float]]:
    """What is kept free on every counter, and the part of it that is not drawn now.

    The second is no use of the pools: what such a load really takes is already in the background.
    """
    reserved = [0.0] * model.counters
    unmanaged = [0.0] * model.counters
    for claim in claims:
        if claim.reserved:
            for counter, per_amp in claim.uses:
                reserved[counter] += per_amp * claim.reserved
                unmanaged[counter] += per_amp * (claim.reserved - claim.drawn)
    return reserved, unmanaged
