"""What the controller must know of a site and never changes while it runs: what hangs where, and how patient.

Phases are counted from 0 in the order of the site, loads keep the order of the configuration.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from busbar_allocator import dead_time
from busbar_allocator.permits import FOLLOWER, STEADY, Delays
from busbar_allocator.ramps import RAISE_EVERY_S
from busbar_contracts.load import LoadMode
from busbar_shared.config.root import Site
from busbar_shared.config.services import ChargeAmpsConnector
from busbar_shared.config.site import on_phase
from busbar_shared.config.wiring import (
    EVSE_MODES,
    HEAT_MODES,
    PLUG_MODES,
    connectors,
    load_phases,
    path_to_root,
    regulates_itself,
    spare_a,
)

START_MARGIN_A = 1.0


class LoadPlan(Struct, frozen=True, kw_only=True):
    """One load of the site as the controller sees it. Currents are per leg."""

    id: str
    kind: str
    """charger, plug, heater or foreign."""
    ids: dict[str, str]
    """The names in its topics."""
    circuits: tuple[str, ...]
    """The circuits it hangs on, its own first, the root last."""
    legs: tuple[int, ...]
    """Site phase of each leg."""
    modes: tuple[LoadMode, ...]
    mode: LoadMode
    priority: int
    min_a: float
    max_a: float
    step_a: float
    fallback_a: float
    on_off: bool = False
    controllable: bool = True
    meter: str | None = None
    pause_s: float = 0.0
    min_run_s: float = 0.0
    raise_every_s: float = 0.0
    first_dead_time_s: float = 5.0
    switches_phases: bool = False
    grid_price_max: float | None = None
    rating_w: float | None = None
    unit: str | None = None
    """The charger with several plugs, or with a limit of its own, that it belongs to."""
    unit_a: float = 0.0
    """What that charger may draw per phase."""
    holds_pause: bool = True
    standing_a: float = 0.0
    """What it may have for ever beside the assumed background, should it not fall back by itself."""
    steady: Delays = STEADY
    follower: Delays = FOLLOWER
    owner: str = ""
    """The name under which its owner and its service know it."""
    times: int = 1
    """How many times its power it counts in all: on a phase nobody knows, all of it on each."""
    all_uses: tuple[int, ...] = ()

    @property
    def is_even(self) -> bool:
        """Its legs always carry the same."""
        return self.kind != "charger"

    @property
    def to_find(self) -> int:
        """How many legs there are to be found."""
        return len(self.legs) // self.times

    def delays(self, follows: bool) -> Delays:
        """How patient it is, following the sun or not."""
        return self.follower if follows else self.steady

    def uses(self, phases: int, legs: int | None = None) -> tuple[int, ...]:
        """How many of its legs (the first `legs` of them) are on each phase of the site."""
        if self.all_uses and (legs is None or legs >= len(self.legs)):
            return self.all_uses
        mine = self.legs if legs is None else self.legs[:legs]
        return tuple(mine.count(phase) for phase in range(phases))


class CircuitPlan(Struct, frozen=True, kw_only=True):
    """One breaker: what it carries per phase, and who sees it."""

    id: str
    limits: tuple[float, ...]
    meter: str | None
    background: tuple[float, ...] | None
    """Written in the configuration for a circuit without a meter."""


class Plan(Struct, frozen=True, kw_only=True):
    """The whole site."""

    site: Site
    phases: tuple[str, ...]
    volts: float
    root: str
    grid_meter: str
    loads: dict[str, LoadPlan]
    circuits: dict[str, CircuitPlan]
    meters: dict[str, tuple[str, ...]]
    """The loads behind each meter of a circuit."""
    lease_s: float
    validity_s: float
    lost_after_s: float
    stale_s: float
    reserve_a: float
    followers_wh: float
    battery_answer_s: float
    batteries: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {}
    """The circuits each battery hangs on, its own first, the root last, and the phases it acts on."""
    turned: tuple[int, ...] = ()
    """Phases of the grid meter that are counted the other way round, as was learned."""
    any_switches: bool = False
    """Some charger may switch between one and three phases."""
    regulating: tuple[str, ...] = ()
    """Heaters that regulate themselves: with contacts or a set-point nobody switches them off."""

    def known_as(self, owner: str) -> LoadPlan:
        """The load with this name; of a heater, which is two loads on the same wires, the first."""
        return self.loads.get(owner) or self.loads[owner + COMFORT]

    def has(self, owner: str) -> bool:
        """There is a load of this name."""
        return owner in self.loads or owner + COMFORT in self.loads


def plan_of(site: Site) -> Plan:
    """The plan of a configuration that was checked."""
    phases = tuple(site.site.phases)
    spare = spare_a(site)
    made = (*_chargers(site), *_plugs(site), *_heaters(site), *_foreign(site))
    loads = {load.id: _patient(site, load, spare) for load in made}
    circuits = {name: _circuit(site, name) for name in site.circuits}
    meters = {
        circuit.meter: tuple(load.id for load in loads.values() if name in load.circuits)
        for name, circuit in circuits.items()
        if circuit.meter is not None
    }
    one = site.site
    return Plan(
        site=site, phases=phases, volts=one.voltage_v, root=site.root_circuit(), grid_meter=site.grid_meter(),
        loads=loads, circuits=circuits, meters=meters, lease_s=one.lease_s,
        validity_s=site.ocpp.profile_validity_s if site.ocpp is not None else one.lease_s,
        lost_after_s=one.meter_lost_after_s, stale_s=one.meter_stale_s, reserve_a=one.stale_reserve_a,
        followers_wh=one.import_allowance_wh, battery_answer_s=one.battery_answer_s,
        any_switches=any(load.switches_phases for load in made),
        regulating=tuple(name for name, heater in site.heaters.items() if regulates_itself(heater)),
        batteries={
            name: (
                path_to_root(site, battery.circuit or site.root_circuit()),
                tuple(phases.index(phase) for phase in battery.phases or phases),
            )
            for name, battery in site.batteries.items()
        },
    )  # fmt: skip


def _patient(site: Site, load: LoadPlan, spare: dict[tuple[str, str], float]) -> LoadPlan:
    """The load with its delays, and the room it has for ever."""
    phases = site.site.phases
    room = min(
        (
            spare[circuit, phases[phase]] / count
            for circuit in load.circuits
            for phase, count in enumerate(load.uses(len(phases)))
            if count
        ),
        default=0.0,
    )
    steady = replace(STEADY, pause_s=load.pause_s, min_run_s=load.min_run_s)
    follower = replace(
        FOLLOWER,
        pause_s=load.pause_s,
        min_run_s=load.min_run_s,
        import_allowance_wh=site.site.import_allowance_wh,
    )
    return replace(
        load, standing_a=max(0.0, load.fallback_a + room), steady=steady, follower=follower,
        owner=load.id.removesuffix(COMFORT).removesuffix(STORAGE), all_uses=load.uses(len(phases)),
    )  # fmt: skip


def _circuit(site: Site, name: str) -> CircuitPlan:
    config = site.circuits[name]
    phases = site.site.phases
    background = config.background_a
    return CircuitPlan(
        id=name,
        limits=tuple(on_phase(config.limit_a, phase) or 0.0 for phase in phases),
        meter=config.meter,
        background=None
        if background is None
        else tuple(on_phase(background, phase) or 0.0 for phase in phases),
    )


def _legs(site: Site, legs: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(site.site.phases.index(phase) for phase in legs if phase in site.site.phases)


def _chargers(site: Site) -> Iterator[LoadPlan]:
    for one in connectors(site):
        config = site.chargers[one.charger]
        shared = len(config.connectors) > 1 or config.max_current_a is not None
        yield LoadPlan(
            id=one.load, kind="charger", ids={"charger": one.charger, "connector": one.connector},
            circuits=path_to_root(site, one.circuit), legs=_legs(site, one.legs),
            modes=EVSE_MODES, mode=one.mode, priority=one.priority,
            min_a=one.min_a, max_a=one.max_a, step_a=one.step_a, fallback_a=one.fallback_a,
            controllable=one.controllable, meter=one.meter, pause_s=config.pause_after_stop_s, min_run_s=300.0,
            raise_every_s=RAISE_EVERY_S, first_dead_time_s=dead_time.first_guess("charger"),
            switches_phases=config.phase_switching, grid_price_max=config.grid_price_max,
            unit=one.charger if shared else None, unit_a=_unit_a(site, one.charger), holds_pause=config.holds_pause,
        )  # fmt: skip


def _unit_a(site: Site, charger: str) -> float:
    """The limit of a whole charger; without one, what its connectors may draw together."""
    limit = site.chargers[charger].max_current_a
    return (
        limit if limit is not None else sum(one.max_a for one in connectors(site) if one.charger == charger)
    )


def _plugs(site: Site) -> Iterator[LoadPlan]:
    # A plug that switches a heater is the heat service's hand: the heater is the load.
    hands = {
        plug
        for heater in site.heaters.values()
        for plug in (heater.plug, heater.topics.get("plug_a"), heater.topics.get("plug_b"))
    }
    for name, plug in site.plugs.items():
        if name in hands:
            continue
        phases, times = load_phases(site, plug)
        per_amp = site.site.voltage_v * len(phases) / times
        most = plug.max_w if plug.max_w is not None else plug.rating_w
        ranged = plug.step_w is not None
        least = (plug.min_w or 0.0) if ranged else most
        yield LoadPlan(
            id=name, kind="plug", ids={"plug": name},
            circuits=path_to_root(site, plug.circuit or site.root_circuit()), legs=_legs(site, phases),
            modes=PLUG_MODES, mode=plug.mode, priority=plug.priority,
            min_a=least / per_amp, max_a=most / per_amp,
            step_a=(plug.step_w or 0.0) / per_amp if ranged else 0.0,
            fallback_a=most / per_amp if plug.safe_state == "on" else 0.0, on_off=not ranged,
            meter=plug.meter, pause_s=plug.min_off_s, min_run_s=plug.min_on_s,
            first_dead_time_s=dead_time.first_guess("plug"), grid_price_max=plug.grid_price_max,
            rating_w=plug.rating_w * times, times=times,
        )  # fmt: skip


def _heaters(site: Site) -> Iterator[LoadPlan]:
    for name, heater in site.heaters.items():
        phases, times = load_phases(site, heater)
        per_amp = site.site.voltage_v * len(phases) / times
        ranged = heater.step_w is not None
        least = (heater.min_w or 0.0) if ranged else heater.rating_w
        # What regulates itself goes on when nobody orders; what is switched is off.
        alone_w = heater.rating_w if regulates_itself(heater) else 0.0
        for part in (COMFORT, STORAGE):
            yield LoadPlan(
                id=f"{name}{part}", kind="heater", ids={"heater": name},
                circuits=path_to_root(site, heater.circuit or site.root_circuit()),
                legs=_legs(site, phases), modes=HEAT_MODES, mode=heater.mode, priority=heater.priority,
                min_a=least / per_amp, max_a=heater.rating_w / per_amp,
                step_a=(heater.step_w or 0.0) / per_amp if ranged else 0.0,
                fallback_a=alone_w / per_amp if part == COMFORT else 0.0, on_off=not ranged,
                meter=heater.meter, pause_s=heater.min_off_s, min_run_s=heater.min_on_s,
                first_dead_time_s=dead_time.first_guess("heater"), grid_price_max=heater.grid_price_max,
                rating_w=heater.rating_w * times, times=times,
            )  # fmt: skip


COMFORT = "/comfort"
STORAGE = "/storage"
"""A heater is two loads in one: what keeps it warm, and what it may store (plugs and heat, section 2)."""


def _connector_id(label: str, connector: ChargeAmpsConnector) -> str:
    """The connector's number, behind its alias where it has one: two charge points may both have a 1."""
    number = label if connector.connector is None else str(connector.connector)
    return f"{connector.alias}/{number}" if connector.alias else number


def foreign_topics(site: Site) -> dict[str, str]:
    """The status topics the contract's usual address does not cover, and whose they are by connector id."""
    if site.chargeamps is None:
        return {}
    usual = f"{site.site.topic_root}/charge-amps"
    root = site.chargeamps.topic_root or usual
    ids = [_connector_id(label, one) for label, one in site.chargeamps.connectors.items()]
    return {f"{root}/{one}/status": one for one in ids if root != usual or "/" in one}


def _foreign(site: Site) -> Iterator[LoadPlan]:
    """Connectors that follow a schedule of their own: they are given nothing, only reserved."""
    if site.chargeamps is None:
        return
    for number, connector in site.chargeamps.connectors.items():
        yield LoadPlan(
            id=f"chargeamps-{number}", kind="foreign",
            ids={"connector_id": _connector_id(number, connector)},
            circuits=path_to_root(site, connector.circuit or site.root_circuit()),
            legs=_legs(site, connector.legs), modes=(LoadMode.STANDARD,), mode=LoadMode.STANDARD, priority=1,
            min_a=0.0, max_a=connector.max_current_a, step_a=0.0, fallback_a=0.0, controllable=False,
        )  # fmt: skip
