"""What the phases bear of each battery beside the grants, in both directions.

A battery that may charge from the grid ranks after Standard and the minimums of Solar Priority: its room is
kept free on the wires before anybody else rises. Any other battery charges on what the sun leaves, and gets
what the wires bear beside all grants.
"""

from operator import mul, sub

from busbar_allocator.claims import Caps, Claim
from busbar_allocator.distribution import EPS, INFINITE, Used
from busbar_allocator.rows import NO_LIMIT, Ground, measured
from busbar_allocator.site_model import SiteModel
from busbar_allocator.snapshot import BatteryGrant, BatteryNow, CircuitNow, Now
from busbar_allocator.storage import UNKNOWN, charge_most, discharge_most


class BatteryRoom:
    """The batteries' share of the wires, worked out while the targets are."""

    __slots__ = ("batteries", "charge_w", "ground", "model", "now", "others", "wants", "within")

    def __init__(self, model: SiteModel, now: Now, ground: Ground) -> None:
        """Find the batteries that may charge from the grid now."""
        self.model, self.now, self.ground = model, now, ground
        self.batteries = list(model.site.batteries.values())
        self.charge_w: list[float | None] = [None] * len(model.batteries_on)
        self.wants = [
            battery.grid_charging and not _full(battery.soc_target_percent, now.batteries.get(name))
            for name, battery in model.site.batteries.items()
        ]
        self.within: list[float] = []
        """What batteries are of the background of each wire (A)."""
        self.others: list[dict[int, float]] = []
        """By battery, what the others take now of its wires (A); empty with a single one.

        What another gives is no room: it stops when this one is told to charge.
        """
        if self.batteries:
            self._look_within()

    def _look_within(self) -> None:
        model, count = self.model, len(self.ground.volts)
        self.within = [0.0] * len(self.ground.background)
        steady, unseen = [], set()
        for circuit in model.circuits:
            state = self.now.circuits.get(circuit.id)
            if state is not None and state.beside_batteries_a is not None:
                steady.append((circuit, state.beside_batteries_a))
            elif circuit.index and (state is None or not _is_measured(state)):
                unseen.add(circuit.index)
        taken = [self._taken(index) for index in range(len(self.batteries))]
        for each in taken:
            for counter, amps in each.items():
                if counter // count not in unseen:
                    self.within[counter] += amps
        for circuit, amps_beside in steady:
            at = circuit.index * count
            background = self.ground.background[at : at + count]
            self.within[at : at + count] = map(sub, background, measured(model, circuit, amps_beside))
        if len(taken) > 1:
            charging = [self._on_wires(index, self._charging(index)) for index in range(len(taken))]
            self.others = [
                _sum([one for other, one in enumerate(charging) if other != index])
                for index in range(len(taken))
            ]

    def _taken(self, index: int) -> dict[int, float]:
        """What a battery takes now of each of its wires (A)."""
        return self._on_wires(index, self._present(index))

    def _on_wires(self, index: int, watts: float) -> dict[int, float]:
        circuit, on = self.model.batteries_on[index]
        volts = self.ground.volts
        count, share = len(volts), watts / len(on)
        return {at * count + phase: share / volts[phase] for at in circuit.chain for phase in on}

    def kept_free(self, rows: Caps, used: Used, solar_priority: list[Claim]) -> Caps | None:
        """These rows less the room of the batteries that may charge from the grid; None: there are none."""
        if not any(self.wants):
            return None
        target = rows is self.ground.target_rows
        if None in [w for w, wants in zip(self.charge_w, self.wants, strict=True) if wants]:
            beside = _with_minimums(rows, used, solar_priority)
            self._measure(beside, only_wanting=True)
        kept = list(rows)
        for index, wants in enumerate(self.wants):
            if wants:
                self._keep(kept, index, widened=target)
        return kept

    def finish(self, used: Used) -> None:
        """The charging room of all others, beside the targets."""
        if self.wants:
            self._measure(used, only_wanting=False)

    def fits_now(self, used: Used) -> bool:
        """The targets fit every wire of today, so that a second look is not needed."""
        rows = self.ground.limit_rows
        if rows is self.ground.target_rows:
            return True
        if any(self.wants):
            return False
        return all(used[k] <= rows[k] + EPS for k in range(len(self.ground.volts)))

    def grants(self, used: Used) -> dict[str, BatteryGrant]:
        """What each battery may do; never more than is left beside what the loads were given in the end."""
        made, used = {}, list(used)
        given: dict[int, float] = {}
        for index, name in enumerate(self.model.site.batteries):
            charge = min(self.charge_w[index] or 0.0, max(0.0, self._room(index, used)))
            if len(self.charge_w) > 1:
                self._take(index, used, charge - self._charging(index))
            most = self.batteries[index].charge_limit_w
            why = "its own limit" if charge >= most else f"the wires bear {charge:.0f} W beside the grants"
            discharge = self._discharge(index, given)
            if len(self.charge_w) > 1:
                given = _sum([given, self._on_wires(index, min(discharge, self._can_give(index)))])
            made[name] = BatteryGrant(round(charge, 1), round(discharge, 1), why)
        return made

    def _measure(self, used: Used, *, only_wanting: bool) -> None:
        """What each battery may charge beside `used`, as if it did nothing now."""
        used = list(used)
        for index, (name, battery) in enumerate(self.model.site.batteries.items()):
            if self.charge_w[index] is not None or (only_wanting and not self.wants[index]):
                continue
            most = charge_most(battery, self.now.batteries.get(name) or UNKNOWN)
            charge = max(0.0, min(most, self._room(index, used)))
            self.charge_w[index] = charge
            if len(self.charge_w) > 1:
                self._take(index, used, charge - self._charging(index))

    def _room(self, index: int, used: Used) -> float:
        """Watts free on the wires of a battery, its present power left out, and inside the import limit."""
        model, volts, rows, within = self.model, self.ground.volts, self.ground.limit_rows, self.within
        others = self.others[index] if self.others else None
        circuit, on = model.batteries_on[index]
        count, share = len(volts), len(on)
        room = rows[model.watts]
        if room != NO_LIMIT:
            room -= self.ground.storage.total.answer + used[model.watts]
            besides = (
                within[:count] if others is None else [within[p] - others.get(p, 0.0) for p in range(count)]
            )
            room += sum(map(mul, besides, volts))
        for at in circuit.chain:
            for phase in on:
                counter = at * count + phase
                amps = rows[counter] + within[counter] - used[counter]
                if others is not None:
                    amps -= others.get(counter, 0.0)
                free = amps * volts[phase] * share
                if free < room:
                    room = free
        return room

    def _take(self, index: int, used: Used, watts: float) -> None:
        """Count a battery's charging beyond what it takes now as used."""
        circuit, on = self.model.batteries_on[index]
        count = len(self.ground.volts)
        for at in circuit.chain:
            for phase in on:
                used[at * count + phase] += watts / len(on) / self.ground.volts[phase]
        used[self.model.watts] += watts

    def _keep(self, rows: Caps, index: int, *, widened: bool) -> None:
        """Narrow rows by what a battery will take beyond now; target rows also by what it will not give."""
        model, ground = self.model, self.ground
        circuit, on = model.batteries_on[index]
        count = len(ground.volts)
        more = (self.charge_w[index] or 0.0) - self._present(index)
        gives = ground.storage.each[index].answer
        for at in circuit.chain:
            extra = more + gives if widened and at == 0 else max(0.0, more)
            for phase in on:
                rows[at * count + phase] -= extra / len(on) / ground.volts[phase]
        rows[model.watts] -= more + gives

    def _can_give(self, index: int) -> float:
        """What it could give now: nothing at its minimum."""
        name, battery = list(self.model.site.batteries.items())[index]
        state = self.now.batteries.get(name) or UNKNOWN
        if state.soc_percent is not None and state.soc_percent <= battery.soc_min_percent:
            return 0.0
        return discharge_most(battery, state)

    def _charging(self, index: int) -> float:
        return max(0.0, self._present(index))

    def _present(self, index: int) -> float:
        return self.ground.storage.each[index].present

    def _discharge(self, index: int, given: dict[int, float]) -> float:
        """How much it may give until a phase would export more than its limit, the loads drawing nothing.

        `given` is what those before it may give on each wire (A): the first has the first room.
        """
        model, volts, background = self.model, self.ground.volts, self.ground.background
        circuit, on = model.batteries_on[index]
        count, share = len(volts), len(on)
        room = self.batteries[index].discharge_limit_w
        for at in circuit.chain:
            limits = model.circuits[at].limit
            for phase in on:
                counter = at * count + phase
                amps = limits[phase] + background[counter] - self.within[counter] - given.get(counter, 0.0)
                free = amps * volts[phase] * share
                if free < room:
                    room = free
        return max(0.0, room)


def _sum(parts: list[dict[int, float]]) -> dict[int, float]:
    total: dict[int, float] = {}
    for part in parts:
        for counter, amps in part.items():
            total[counter] = total.get(counter, 0.0) + amps
    return total


def _is_measured(state: CircuitNow) -> bool:
    """What is said to be on this circuit was measured, so that its batteries are in it."""
    return state.current_a is not None or state.background_a is not None


def _full(target: float, state: BatteryNow | None) -> bool:
    """It has what it wants from the grid."""
    return state is not None and state.soc_percent is not None and state.soc_percent >= target


def _with_minimums(rows: Caps, used: Used, solar_priority: list[Claim]) -> Used:
    """What is used once every Solar Priority load has its minimum, where the mode did not reserve it."""
    beside = list(used)
    for claim in solar_priority:
        if claim.runs:
            continue
        fits = all(rows[c] - beside[c] >= per_amp * claim.least - EPS for c, per_amp in claim.uses)
        if fits and min((rows[c] for c, _ in claim.uses), default=INFINITE) > 0:
            for counter, per_amp in claim.uses:
                beside[counter] += per_amp * claim.least
    return beside
