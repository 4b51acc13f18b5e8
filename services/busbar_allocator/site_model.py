"""The site, compiled once: ids become positions, circuits become counters, defaults become numbers.

A *counter* is something that grants use up: the amperes on one phase of one circuit, the watts of the whole
site, the difference between two phases. Several limits may watch one counter (the breaker, the solar pool
of that phase); the smallest rules. Counters are numbered: `circuit * phases + phase` for the wires, the
main breaker being circuit 0, then `watts`, then the pairs of phases for unbalance, then the sets of phases
that an asymmetric inverter can feed together.
"""

from collections.abc import Callable
from itertools import combinations, permutations
from math import ceil, floor
from operator import attrgetter
from typing import NamedTuple

from busbar_allocator.snapshot import Circuit, Load, PerPhase, Site
from busbar_contracts.load import LoadMode

DEFAULT_STEP_A = 0.1
DEFAULT_PLUG_W = 2000.0
TINY = 1e-7
"""A part of a step that is only the computer's rounding."""

EVSE_LEAST_A = 6.0
EVSE_MOST_A = 16.0
"""IEC 61851 has no current between 0 and 6 A; 16 A is what a household socket circuit carries."""

DEFAULT_MODE = {
    "evse": LoadMode.STANDARD,
    "plug": LoadMode.CONTINUOUS,
    "generic": LoadMode.CONTINUOUS,
    "heat_comfort": LoadMode.NORMAL,
    "heat_storage": LoadMode.NORMAL,
}

STANDARD, SOLAR_PRIORITY, SOLAR_ONLY, EXCESS = 1, 2, 3, 4
"""Urgencies. The first two are granted in the first round, the others in a round of their own."""

_HEAT = (LoadMode.NORMAL, LoadMode.BOOST, LoadMode.SOLAR_ONLY, LoadMode.EXCESS)

URGENCY: dict[tuple[str, LoadMode], int | None] = {
    ("evse", LoadMode.STANDARD): STANDARD,
    ("evse", LoadMode.SOLAR_PRIORITY): SOLAR_PRIORITY,
    ("evse", LoadMode.SOLAR_ONLY): SOLAR_ONLY,
    ("evse", LoadMode.EXCESS): EXCESS,
    ("plug", LoadMode.CONTINUOUS): STANDARD,
    ("plug", LoadMode.SOLAR_ONLY): SOLAR_ONLY,
    ("plug", LoadMode.EXCESS): EXCESS,
    ("generic", LoadMode.STANDARD): STANDARD,
    ("generic", LoadMode.CONTINUOUS): STANDARD,
    ("generic", LoadMode.SOLAR_ONLY): SOLAR_ONLY,
    ("generic", LoadMode.EXCESS): EXCESS,
    # Comfort runs from any source in every mode but Off; storage follows the mode.
    **{("heat_comfort", mode): STANDARD for mode in _HEAT},
    ("heat_storage", LoadMode.NORMAL): None,
    ("heat_storage", LoadMode.BOOST): STANDARD,
    ("heat_storage", LoadMode.SOLAR_ONLY): SOLAR_ONLY,
    ("heat_storage", LoadMode.EXCESS): EXCESS,
    **{(kind, LoadMode.OFF): None for kind in DEFAULT_MODE},
}
"""What each kind may be set to, and the urgency that gives; None takes no part."""


class Shape(NamedTuple):
    """The legs of a load that count: on which phases, and what one ampere per leg uses of each counter."""

    legs: str
    on_phase: tuple[int, ...]
    wires: tuple[tuple[int, float], ...]
    watts: float
    """Watts per ampere at the nominal voltage, and with it all uses."""
    uses: tuple[tuple[int, float], ...]


class LoadModel:
    """One load with its defaults filled in and its place among the counters."""

    __slots__ = (
        "can_pause",
        "controlled",
        "enabled",
        "fallback",
        "grid_price_max",
        "id",
        "index",
        "kind",
        "least",
        "legs",
        "mode",
        "most",
        "plugs",
        "power_w",
        "priority",
        "session_limit_wh",
        "shapes",
        "soc_limit",
        "step",
        "stepped",
        "unit",
        "urgency",
        "wires",
    )

    def __init__(self, index: int, load_id: str, load: Load, legs: tuple[int, ...]) -> None:
        """Fill in what the owner left out."""
        self.index = index
        self.id = load_id
        self.kind = load.kind
        self.mode = load.mode or DEFAULT_MODE[load.kind]
        self.urgency = URGENCY[load.kind, self.mode] if load.enabled else None
        self.enabled = load.enabled
        self.priority = load.priority
        self.legs = legs
        self.controlled = load.controlled
        self.can_pause = load.can_pause
        self.fallback = load.fallback_a
        self.grid_price_max = load.grid_price_max
        self.session_limit_wh = load.session_limit_wh
        self.soc_limit = load.soc_limit_percent
        self.power_w = on_off_power(load)
        self.stepped = load.step_a is not None
        self.step = step = load.step_a if load.step_a is not None else DEFAULT_STEP_A
        least, most = bounds(load)
        self.least = round(ceil(least / step - TINY) * step, 9)
        self.most = round(floor(most / step + TINY) * step, 9)
        self.unit: int | None = None
        self.plugs = ""
        self.wires: tuple[tuple[int, ...], ...] = ()
        self.shapes: dict[tuple[str, ...] | None, Shape] = {}

    def shape(self, legs_in_use: tuple[str, ...] | None, site: "SiteModel") -> Shape:
        """The shape with only these legs in use; worked out when first met."""
        found = self.shapes.get(legs_in_use)
        if found is None:
            found = self.shapes[legs_in_use] = _shape(self, legs_in_use, site)
        return found


def on_off_power(load: Load) -> float | None:
    """The power of an on/off load; None for one that takes any current between its bounds."""
    if load.power_w is None and load.kind == "plug" and load.max_a is None:
        return DEFAULT_PLUG_W
    return load.power_w


def bounds(load: Load) -> tuple[float, float]:
    """Least and most current per leg; only cars have a least one by nature."""
    least = load.min_a if load.min_a is not None else EVSE_LEAST_A if load.kind == "evse" else 0.0
    return least, load.max_a if load.max_a is not None else EVSE_MOST_A


class CircuitModel:
    """One circuit or unit: its limit per phase and the circuits above it, itself first, main breaker last."""

    __slots__ = ("background", "chain", "exists", "id", "index", "is_unit", "limit")

    def __init__(
        self, index: int, circuit_id: str, limit: list[float], background: list[float] | None, is_unit: bool
    ) -> None:
        """Fill in; the chain is known when all circuits are."""
        self.index = index
        self.id = circuit_id
        self.limit = limit
        self.background = background
        self.is_unit = is_unit
        self.chain: tuple[int, ...] = ()
        self.exists = (True,) * len(limit)
        """Which phases of the site it has."""


class SiteModel:
    """The site as the engine sees it; changes only with configuration and settings."""

    __slots__ = (
        "batteries_on",
        "circuits",
        "counters",
        "inverters_on",
        "loads",
        "nominal",
        "pairs",
        "per_phase",
        "phases",
        "read",
        "sets",
        "settings",
        "site",
        "watts",
    )

    def __init__(self, site: Site) -> None:
        """Compile a site that `check` found sound."""
        self.site = site
        self.settings = site.settings
        self.phases = tuple(sorted(site.phases))
        self.read = _reader(self.phases)
        self.nominal = [site.settings.voltage_v] * len(self.phases)
        asymmetric = any(inverter.asymmetric for inverter in site.inverters.values())
        netting = site.settings.netting or ("sum" if asymmetric else "per_phase")
        # On one phase both are the same, and the sum is one row.
        self.per_phase = netting == "per_phase"
        self.circuits = _circuits(site, self.phases)
        count = len(self.phases)
        self.watts = len(self.circuits) * count
        pairs = list(permutations(range(count), 2)) if site.settings.max_unbalance_a is not None else []
        self.pairs = [(self.watts + 1 + n, *pair) for n, pair in enumerate(pairs)]
        first = self.watts + 1 + len(pairs)
        sets = [s for size in range(2, count + 1) for s in combinations(range(count), size)]
        self.sets = [(first + n, s) for n, s in enumerate(sets)] if asymmetric and site.batteries else []
        self.counters = first + len(self.sets)
        ids = {circuit.id: circuit for circuit in self.circuits if not circuit.is_unit}
        units = {circuit.id: circuit for circuit in self.circuits if circuit.is_unit}
        root = self.circuits[0]
        self.loads = []
        for index, (load_id, load) in enumerate(site.loads.items()):
            model = LoadModel(index, load_id, load, leg_phases(load, self.phases))
            home = units[load.unit] if load.unit else ids[load.circuit] if load.circuit else root
            if load.unit:
                model.unit, model.plugs = home.index, site.units[load.unit].plugs
            model.wires = tuple(
                tuple(circuit * count + phase for circuit in home.chain) for phase in range(count)
            )
            model.shape(None, self)
            self.loads.append(model)
        self.batteries_on = [
            (ids[b.circuit] if b.circuit else root, positions(b.phases or self.phases, self.phases))
            for b in site.batteries.values()
        ]
        self.inverters_on = [
            ids[inverter.circuit] if inverter.circuit else root for inverter in site.inverters.values()
        ]


def positions(names: tuple[str, ...], phases: tuple[str, ...]) -> tuple[int, ...]:
    """Phase names as positions among the phases of the site."""
    return tuple(phases.index(name) for name in names)


def leg_phases(load: Load, phases: tuple[str, ...]) -> tuple[int, ...]:
    """The phase each leg is on, in the order of the legs."""
    return positions(load.phases, phases) if load.phases else tuple(range(len(phases)))


def _reader(phases: tuple[str, ...]) -> Callable[[PerPhase], tuple[float, ...]]:
    """How to read a figure of every phase of the site."""
    if len(phases) > 1:
        return attrgetter(*phases)
    one = attrgetter(phases[0])
    return lambda value: (one(value),)


def per_phase(value: float | PerPhase | None, phases: tuple[str, ...], missing: float) -> list[float] | None:
    """A figure as a list over the phases of the site; None stays unknown."""
    if value is None:
        return None
    if not isinstance(value, PerPhase):
        return [float(value)] * len(phases)
    found = [getattr(value, phase) for phase in phases]
    return [missing if one is None else one for one in found]


def _circuits(site: Site, phases: tuple[str, ...]) -> list[CircuitModel]:
    """All circuits, the main breaker first, then the other circuits, then the units."""
    configured = site.circuits or {"main": Circuit()}
    root = next(name for name, circuit in configured.items() if circuit.parent is None)
    parents: dict[str, str | None] = {name: circuit.parent for name, circuit in configured.items()}
    found: list[CircuitModel] = []
    for name in [root, *(name for name in configured if name != root)]:
        limit = per_phase(configured[name].limit_a, phases, 0.0) or []
        background = per_phase(configured[name].background_a, phases, 0.0)
        circuit = CircuitModel(len(found), name, limit, background, False)
        described = configured[name].limit_a
        if isinstance(described, PerPhase):
            circuit.exists = tuple(getattr(described, phase) is not None for phase in phases)
        found.append(circuit)
    index = {circuit.id: circuit.index for circuit in found}
    for circuit in found:
        chain, at = [], circuit.id
        while at is not None:
            chain.append(index[at])
            at = parents[at]  # type: ignore[assignment]
        circuit.chain = tuple(chain)
    for name, unit in site.units.items():
        on_it = [0.0] * len(phases)
        made = CircuitModel(len(found), name, [unit.max_current_a] * len(phases), on_it, True)
        made.chain = (made.index, *found[index[unit.circuit or root]].chain)
        found.append(made)
    return found


def _shape(load: LoadModel, legs_in_use: tuple[str, ...] | None, site: SiteModel) -> Shape:
    used = range(len(load.legs)) if legs_in_use is None else [int(leg[1]) - 1 for leg in legs_in_use]
    on_phase = [0] * len(site.phases)
    for leg in used:
        on_phase[load.legs[leg]] += 1
    uses = [
        (counter, float(count))
        for phase, count in enumerate(on_phase)
        if count
        for counter in load.wires[phase]
    ]
    for counter, more, less in site.pairs:
        # Relief by another load does not count: it may not draw.
        if on_phase[more] > on_phase[less]:
            uses.append((counter, float(on_phase[more] - on_phase[less])))
    legs = "".join(site.phases[load.legs[leg]] for leg in used)
    watts, at_watts = in_watts(tuple(on_phase), site, site.nominal)
    return Shape(legs, tuple(on_phase), tuple(uses), watts, (*uses, *at_watts))


def in_watts(
    on_phase: tuple[int, ...], site: SiteModel, volts: list[float]
) -> tuple[float, list[tuple[int, float]]]:
    """Watts per ampere of these legs, and what it uses of the counters in watts."""
    watts = sum(count * volt for count, volt in zip(on_phase, volts, strict=True))
    uses = [(site.watts, watts)]
    for counter, phases in site.sets:
        on_set = sum(on_phase[phase] * volts[phase] for phase in phases)
        if on_set:
            uses.append((counter, on_set))
    return watts, uses
