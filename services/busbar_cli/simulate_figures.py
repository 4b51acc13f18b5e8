"""What a simulated day came to: the key figures of a run, counted from the plant's truth once a second.

Conventions, where one is needed: the battery serves the house before the cars; a car withheld from counts only
in a mode without a source (Standard, Continuous); unmet is what a car lacked of the smaller of its wish and of
what its charger could have given in the time it was there.
"""

from collections.abc import Mapping

from msgspec import Struct

from busbar_contracts.load import LoadMode
from busbar_simulator.build import Arrival, Built
from busbar_simulator.plant.house import House
from busbar_simulator.plant.ledger import Ledger
from busbar_simulator.plant.phases import PHASES, index
from busbar_simulator.plant.socket import Socket

FOLLOWING = frozenset({LoadMode.SOLAR_ONLY, LoadMode.EXCESS})
SOURCELESS = frozenset({LoadMode.STANDARD, LoadMode.CONTINUOUS})
LEAST_A = 6.0


class Breaker(Struct, frozen=True, kw_only=True):
    """One phase of one circuit."""

    limit_a: float
    over_s: float
    over_a2s: float
    longest_s: float
    highest_a: float


class Figures(Struct, frozen=True, kw_only=True):
    """The key figures of one run. Energies in kWh, shares from 0 to 1, None where there was nothing to share."""

    hours: float
    over_s: float
    over_a2s: float
    longest_over_s: float
    promises_broken: int
    import_kwh: float
    export_kwh: float
    sun_kwh: float
    used_kwh: float
    self_consumption: float | None
    self_sufficiency: float | None
    cost: float
    cars_kwh: float
    things_kwh: float
    unmet_kwh: float
    withheld_kwh: float
    follower_import_kwh: float
    unused_surplus_kwh: float
    switches: int
    charger_changes_per_h: float
    battery_changes_per_h: float
    battery_cycles: float
    battery_into_cars_kwh: float
    battery_share_of_cars: float | None
    breakers: dict[str, Breaker]
    loads_kwh: dict[str, float]
    orders: int
    """Orders that left the allocator, renewals included."""


class Visit(Struct):
    """A car at a charger: what it came for."""

    arrival: Arrival
    came_s: float
    soc: float
    wanted_wh: float
    possible_w: float
    unmet_wh: float = 0.0
    over: bool = False


class Tally:
    """Counts while the house lives."""

    def __init__(self, built: Built, *, per_phase: bool) -> None:
        self._built, self._per_phase = built, per_phase
        self._visits: dict[int, Visit] = {}
        self._positions: dict[str, bool] = {}
        self.begin()

    def begin(self) -> None:
        """Count from here; what was before is forgotten."""
        house = self._built.house
        limits = {circuit.id: circuit.limits_a for circuit in house.circuits.values()}
        house.ledger = Ledger(limits, house.ledger.rule)
        self._from_s = house.elapsed_s
        self._import_wh, self._export_wh = house.imported_wh, house.exported_wh
        self._loads_wh = self._energies()
        self._sun_wh = self._used_wh = self._cars_wh = self._things_wh = 0.0
        self._given_wh = self._into_cars_wh = self._withheld_wh = self._eager_wh = self._unused_wh = 0.0
        self._cost, self._switches = 0.0, 0

    def step(self) -> None:
        """Look at the switches; often, because they are quick."""
        house = self._built.house
        for number, arrival in enumerate(self._built.arrivals):
            self._visit(number, arrival)
        positions = {name: thing.on for name, thing in house.things.items()}
        positions |= {
            name: socket.pilot_a >= LEAST_A for name, socket in house.sockets.items() if socket.occupied
        }
        self._switches += sum(1 for n, on in positions.items() if self._positions.get(n, on) != on)
        self._positions = positions

    def second(self, dt_s: float, modes: Mapping[str, LoadMode], prices: tuple[float, float]) -> None:
        """Count `dt_s` seconds like this moment."""
        house, hours = self._built.house, dt_s / 3600
        grid_w = sum(house.grid_w)
        cars_w = sum(socket.power_w(house.volts) for socket in house.sockets.values())
        things_w = sum(self._thing_w(name) for name in house.things)
        sun_w = sum(inverter.pv_w for inverter in house.inverters.values())
        given_w = sum(max(-inverter.battery_w, 0.0) for inverter in house.inverters.values())
        home_w = sum(house.house_w) + house.outside_w + things_w
        self._sun_wh += sun_w * hours
        self._used_wh += (home_w + cars_w) * hours
        self._cars_wh += cars_w * hours
        self._things_wh += things_w * hours
        self._given_wh += given_w * hours
        self._into_cars_wh += min(cars_w, max(given_w - max(home_w - sun_w, 0.0), 0.0)) * hours
        bought, sold = prices
        self._cost += (max(grid_w, 0.0) * bought - max(-grid_w, 0.0) * sold) * hours / 1000
        followers = {name: one for name, one in house.sockets.items() if modes.get(name) in FOLLOWING}
        drawn_w = sum(one.power_w(house.volts) for one in followers.values())
        self._eager_wh += min(max(grid_w, 0.0), drawn_w) * hours
        self._unused_wh += self._unused_w(list(followers.values()), -grid_w) * hours
        plain = [one for name, one in house.sockets.items() if modes.get(name) in SOURCELESS]
        self._withheld_wh += _withheld_w(house, plain) * hours

    def figures(self, charger_changes: int, battery_changes: int, orders: int) -> Figures:
        """Everything counted."""
        house = self._built.house
        hours = max(house.elapsed_s - self._from_s, 1e-9) / 3600
        imported, exported = house.imported_wh - self._import_wh, house.exported_wh - self._export_wh
        for visit in self._visits.values():
            self._close(visit)
        lines = house.ledger.lines.values()
        capacity = sum(i.storage.spec.capacity_wh for i in house.inverters.values() if i.storage is not None)
        return Figures(
            hours=round(hours, 3), over_s=round(sum(one.over_s for one in lines), 2),
            over_a2s=round(sum(one.over_a2s for one in lines), 1),
            longest_over_s=round(max((one.longest.lasted_s for one in lines if one.longest), default=0.0), 2),
            promises_broken=len(house.ledger.broken),
            import_kwh=_kwh(imported), export_kwh=_kwh(exported), sun_kwh=_kwh(self._sun_wh),
            used_kwh=_kwh(self._used_wh),
            self_consumption=_share(self._sun_wh - exported, self._sun_wh),
            self_sufficiency=_share(self._used_wh - imported, self._used_wh),
            cost=round(self._cost, 3), cars_kwh=_kwh(self._cars_wh), things_kwh=_kwh(self._things_wh),
            unmet_kwh=_kwh(sum(visit.unmet_wh for visit in self._visits.values())),
            withheld_kwh=_kwh(self._withheld_wh), follower_import_kwh=_kwh(self._eager_wh),
            unused_surplus_kwh=_kwh(self._unused_wh), switches=self._switches,
            charger_changes_per_h=round(charger_changes / hours, 2),
            battery_changes_per_h=round(battery_changes / hours, 2),
            battery_cycles=round(self._given_wh / capacity, 3) if capacity else 0.0,
            battery_into_cars_kwh=_kwh(self._into_cars_wh),
            battery_share_of_cars=_share(self._into_cars_wh, self._cars_wh),
            breakers={
                f"{one.circuit}.{one.phase}": Breaker(
                    limit_a=one.limit_a, over_s=round(one.over_s, 2), over_a2s=round(one.over_a2s, 1),
                    longest_s=round(one.longest.lasted_s, 2) if one.longest else 0.0,
                    highest_a=round(one.highest_a, 2),
                )
                for one in lines
            },
            loads_kwh={n: _kwh(wh - self._loads_wh.get(n, 0.0)) for n, wh in self._energies().items()},
            orders=orders,
        )  # fmt: skip

    def _unused_w(self, followers: list[Socket], surplus_w: float) -> float:
        """What leaves the house although a car that follows the sun could have taken it, W."""
        if surplus_w <= 0:
            return 0.0
        amps = self._built.house.grid_a
        watts = 0.0
        for socket in followers:
            room_a, legs = _room(socket)
            phases = socket.spec.legs[:legs]
            # Netted over each phase, an export on another phase is not the car's to use.
            free_w = min((-amps[index(p)] * 230.0 * legs / phases.count(p) for p in phases), default=0.0)
            mine_w = max(0.0, free_w) if self._per_phase else surplus_w
            runs = max(socket.legs_a) > 0.5
            if runs or mine_w >= LEAST_A * legs * 230.0:
                watts += min(mine_w, room_a * legs * 230.0)
        return min(watts, surplus_w)

    def _energies(self) -> dict[str, float]:
        house = self._built.house
        return {name: one.energy_wh for name, one in house.sockets.items()} | {
            name: float(getattr(one, "energy_wh", 0.0)) for name, one in house.things.items()
        }

    def _thing_w(self, name: str) -> float:
        house = self._built.house
        amps = house.things[name].currents()
        return sum(one * volts for one, volts in zip(amps, house.volts, strict=True))

    def _visit(self, number: int, arrival: Arrival) -> None:
        visit = self._visits.get(number)
        if visit is None and arrival.came:
            car, spec = arrival.car, arrival.socket.spec
            legs = min(car.spec.legs, len(spec.legs))
            self._visits[number] = Visit(
                arrival=arrival, came_s=self._built.house.elapsed_s, soc=car.soc_percent,
                wanted_wh=max(car.spec.full_percent - car.soc_percent, 0.0) / 100 * car.spec.battery_wh,
                possible_w=min(car.spec.max_a, spec.max_a) * legs * 230.0,
            )  # fmt: skip
        elif visit is not None and arrival.went and not visit.over:
            self._close(visit)
            visit.over = True

    def _close(self, visit: Visit) -> None:
        if visit.over:
            return
        car = visit.arrival.car
        got = (car.soc_percent - visit.soc) / 100 * car.spec.battery_wh
        possible = visit.possible_w * (self._built.house.elapsed_s - visit.came_s) / 3600
        visit.unmet_wh = max(0.0, min(visit.wanted_wh, possible) - got)


def _room(socket: Socket) -> tuple[float, int]:
    """How many A per leg a car could take beyond what it takes, and on how many legs."""
    car = socket.car
    if car is None or car.full or car.asleep:
        return 0.0, 0
    legs = min(car.spec.legs, socket.phases, len(socket.spec.legs))
    draws_a = max(socket.legs_a)
    return max(0.0, min(car.spec.max_a, socket.spec.max_a) - draws_a), legs


def _withheld_w(house: House, sockets: list[Socket]) -> float:
    """What cars without a source lacked although every wire had room for it, W."""
    left = {
        (circuit.id, phase): circuit.limits_a[phase] - house.currents_a[circuit.id][index(phase)]
        for circuit in house.circuits.values()
        for phase in PHASES
        if phase in circuit.limits_a
    }
    watts = 0.0
    for socket in sockets:
        room_a, legs = _room(socket)
        used = socket.spec.legs[:legs]
        wires = [(circuit, phase) for circuit in _path(house, socket) for phase in used]
        # Who does not take what it has lacks nothing: its battery asks for less, or it is on its way up.
        content = 0.5 < max(socket.legs_a) < socket.pilot_a - 0.5
        if not wires or room_a <= 0 or content:
            continue
        counts = {wire: wires.count(wire) for wire in wires}
        more = max(0.0, min(room_a, *(left[wire] / count for wire, count in counts.items())))
        if max(socket.legs_a) < 0.5 and more < LEAST_A:
            continue
        for wire, count in counts.items():
            left[wire] -= more * count
        watts += more * legs * 230.0
    return watts


def _path(house: House, socket: Socket) -> list[str]:
    circuit: str | None = socket.spec.circuit or house.root
    path = []
    while circuit is not None:
        path.append(circuit)
        circuit = house.circuits[circuit].parent
    return path


def _kwh(watt_hours: float) -> float:
    return round(watt_hours / 1000, 4)


def _share(part: float, whole: float) -> float | None:
    return round(min(max(part / whole, 0.0), 1.0), 4) if whole > 1e-6 else None
