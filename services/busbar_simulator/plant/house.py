"""The whole house: everything that draws or feeds, summed on the wires each step."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .almanac import Almanac
from .household import Household
from .inverter import Inverter
from .ledger import Ledger, Rule
from .phases import NONE, PHASES, Phases, added, index, less, over, times
from .recorded import RecordedDay
from .sky import Sky
from .socket import Socket
from .thing import Thing

ROOT = "main"


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """A breaker for each phase. The one without a parent is the connection to the grid."""

    id: str = ROOT
    parent: str | None = None
    limits_a: dict[str, float] = field(default_factory=lambda: {"a": 25.0, "b": 25.0, "c": 25.0})


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The supply: its voltage without load, and how much it gives under load (ohm per phase)."""

    volts: Phases = (231.0, 230.0, 232.0)
    ohms: float = 0.05


class House:
    """State of everything; `step(dt_s)` lives on by real seconds."""

    def __init__(
        self,
        *,
        almanac: Almanac,
        household: Household,
        sky: Sky,
        circuits: tuple[Circuit, ...] = (Circuit(),),
        grid: Grid | None = None,
        day: RecordedDay | None = None,
        rule: Rule | None = None,
        outbuildings: Mapping[str, Household] | None = None,
    ) -> None:
        self.almanac, self.household, self.sky, self.day = almanac, household, sky, day
        self.grid = grid or Grid()
        # What is drawn on smaller circuits beside the loads.
        self.outbuildings = dict(outbuildings or {})
        self.circuits = {circuit.id: circuit for circuit in circuits}
        self.root = next(circuit.id for circuit in circuits if circuit.parent is None)
        self.ledger = Ledger({c.id: c.limits_a for c in circuits}, rule or Rule())
        self.inverters: dict[str, Inverter] = {}
        self.sockets: dict[str, Socket] = {}
        self.things: dict[str, Thing] = {}
        # Somebody switches on something nobody planned: watts per phase, for tests and the demo.
        self.extra_w: Phases = NONE
        self.elapsed_s = 0.0
        self.volts: Phases = self.grid.volts
        self.house_w: Phases = NONE
        self.currents_a: dict[str, Phases] = {circuit.id: NONE for circuit in circuits}
        self.loads_a: dict[str, Phases] = {circuit.id: NONE for circuit in circuits}
        self.outside_w = 0.0
        self.imported_wh = 0.0
        self.exported_wh = 0.0

    @property
    def grid_a(self) -> Phases:
        """True current at the connection, + is import."""
        return self.currents_a[self.root]

    @property
    def grid_w(self) -> Phases:
        """True power at the connection, + is import."""
        return times(self.grid_a, self.volts)

    @property
    def sun_w(self) -> float:
        """What the roof offers now."""
        second = self.almanac.second_of_year(self.elapsed_s)
        recorded = self.day.sun_at(second) if self.day else None
        return self.sky.power_w(second) if recorded is None else recorded

    def step(self, dt_s: float) -> None:
        """Live `dt_s` real seconds, of at most a second for honest ramps."""
        calendar_s = dt_s * self.almanac.speed
        self.elapsed_s += dt_s
        second = self.almanac.second_of_year(self.elapsed_s)
        home = self.day.house_at(second) if self.day else self.household.power_w(second)
        self.house_w = added(home, self.extra_w)
        grid_w = sum(self.grid_w)
        for socket in self.sockets.values():
            socket.step(dt_s, calendar_s, self.volts)
        for thing in self.things.values():
            thing.step(dt_s, calendar_s, self.elapsed_s, self.volts)
        for inverter in self.inverters.values():
            inverter.step(dt_s, calendar_s, self._roof_w(inverter), grid_w)
        self._sum_wires(second)
        self._book(dt_s)

    def _roof_w(self, inverter: Inverter) -> float:
        """Roofs share the sky by their inverters' ratings."""
        suns = [i.spec.rating_w for i in self.inverters.values() if i.spec.has_sun]
        return self.sun_w * inverter.spec.rating_w / sum(suns) if inverter.spec.has_sun else 0.0

    def _sum_wires(self, second: float) -> None:
        draws: dict[str, Phases] = {}
        drawn = [(socket.spec.circuit, socket.currents()) for socket in self.sockets.values()]
        drawn += [(thing.spec.circuit, thing.currents()) for thing in self.things.values()]
        for circuit, current in drawn:
            draws[circuit or self.root] = added(draws.get(circuit or self.root, NONE), current)
        self.loads_a = {circuit: self._under(circuit, draws) for circuit in self.circuits}
        fed = added(NONE, *(inverter.ac_phases_w for inverter in self.inverters.values()))
        outside = {name: home.power_w(second) for name, home in self.outbuildings.items()}
        self.outside_w = sum(sum(watts) for watts in outside.values())
        around = {name: over(watts, self.volts) for name, watts in outside.items()}
        around[self.root] = over(less(self.house_w, fed), self.volts)
        self.currents_a = {
            circuit: added(loads, self._under(circuit, around)) for circuit, loads in self.loads_a.items()
        }
        drop = self.grid.ohms
        a, b, c = (v - i * drop for v, i in zip(self.grid.volts, self.grid_a, strict=True))
        self.volts = (a, b, c)

    def _under(self, circuit: str, draws: dict[str, Phases]) -> Phases:
        """Everything drawn on a circuit and on those it feeds."""
        below = [c.id for c in self.circuits.values() if c.parent == circuit]
        return added(draws.get(circuit, NONE), *(self._under(child, draws) for child in below))

    def _book(self, dt_s: float) -> None:
        for circuit in self.circuits.values():
            for phase in circuit.limits_a:
                at = index(phase)
                current, loads = self.currents_a[circuit.id][at], self.loads_a[circuit.id][at]
                self.ledger.note(circuit.id, phase, current, loads, dt_s)
        self.ledger.tick(dt_s)
        # A meter that nets over the phases, as most do.
        moved_wh = sum(self.grid_w) * dt_s / 3600
        self.imported_wh += max(moved_wh, 0.0)
        self.exported_wh += max(-moved_wh, 0.0)


def phases_of(circuit: Circuit) -> tuple[str, ...]:
    """The phases a circuit has, in order."""
    return tuple(phase for phase in PHASES if phase in circuit.limits_a)
