"""What hangs on which wire: the loads of a site in one flat list, and the fallbacks that must fit."""

from collections.abc import Iterator

from msgspec import Struct

from busbar_contracts.load import LoadMode
from busbar_shared.config.loads import HeaterConfig, PlugConfig
from busbar_shared.config.root import Site
from busbar_shared.config.site import on_phase

LEAST_A = 6.0
"""IEC 61851 knows no current between 0 and 6 A."""

EVSE_MODES = (LoadMode.STANDARD, LoadMode.SOLAR_PRIORITY, LoadMode.SOLAR_ONLY, LoadMode.EXCESS)
PLUG_MODES = (LoadMode.CONTINUOUS, LoadMode.SOLAR_ONLY, LoadMode.EXCESS)
HEAT_MODES = (LoadMode.NORMAL, LoadMode.BOOST, LoadMode.SOLAR_ONLY, LoadMode.EXCESS, LoadMode.OFF)


class Connector(Struct, frozen=True, kw_only=True):
    """One connector of a charger, with the charger's values filled in."""

    load: str
    """Its id as a load: charger-connector."""
    charger: str
    connector: str
    charge_point: str
    circuit: str
    legs: tuple[str, ...]
    min_a: float
    max_a: float
    step_a: float
    fallback_a: float
    mode: LoadMode
    priority: int
    controllable: bool
    meter: str | None


class Standing(Struct, frozen=True, kw_only=True):
    """What a load draws at worst when nobody speaks: its safe value, per phase."""

    load: str
    circuit: str
    amps: dict[str, float]
    adjustable: bool
    """Its fallback could be chosen smaller."""


def connectors(site: Site) -> tuple[Connector, ...]:
    """Every connector, in the order of the configuration. A fallback that was left open is 6 A where it fits."""
    made: list[Connector] = []
    spare = _spare_beside_background(site)
    for standing in _fixed_standings(site):
        _take(site, spare, standing)
    for charger, config in site.chargers.items():
        for number, own in config.all_connectors().items():
            circuit = config.circuit or site.root_circuit()
            legs = own.legs or config.legs
            wanted = own.fallback_a if own.fallback_a is not None else config.fallback_a
            load = f"{charger}-{number}"
            if wanted is None:
                standing = Standing(load=load, circuit=circuit, amps=_on_legs(legs, LEAST_A), adjustable=True)
                wanted = LEAST_A if config.controllable and _fits(site, spare, standing) else 0.0
                _take(
                    site,
                    spare,
                    Standing(load=load, circuit=circuit, amps=_on_legs(legs, wanted), adjustable=True),
                )
            made.append(
                Connector(
                    load=load,
                    charger=charger,
                    connector=number,
                    charge_point=config.charge_point or charger,
                    circuit=circuit,
                    legs=legs,
                    min_a=own.min_a if own.min_a is not None else config.min_a,
                    max_a=own.max_a if own.max_a is not None else config.max_a,
                    step_a=config.step_a,
                    fallback_a=wanted,
                    mode=own.mode or config.mode,
                    priority=own.priority or config.priority,
                    controllable=config.controllable,
                    meter=own.meter or config.meter,
                )
            )
    return tuple(made)


def standings(site: Site) -> tuple[Standing, ...]:
    """What every load draws at worst when nobody speaks."""
    chargers = tuple(
        Standing(
            load=one.load,
            circuit=one.circuit,
            amps=_on_legs(one.legs, one.fallback_a if one.controllable else one.max_a),
            adjustable=one.controllable,
        )
        for one in connectors(site)
    )
    return (*chargers, *_switched_standings(site))


def regulates_itself(heater: HeaterConfig) -> bool:
    """Nobody switches it off: with contacts or a set-point it runs by its own control when nobody orders."""
    return heater.kind != "tank"


def load_phases(site: Site, load: PlugConfig | HeaterConfig) -> tuple[tuple[str, ...], int]:
    """The phases a plug or heater counts on, and how many times its power in all.

    While nobody knows its phase, all of its power counts on each: on whichever it hangs, that one bears it.
    """
    if load.phases is None or (isinstance(load, PlugConfig) and load.phase_unknown):
        return site.site.phases, len(site.site.phases)
    return load.phases, 1


def phase_is_unknown(site: Site, load: PlugConfig | HeaterConfig) -> bool:
    """Nobody wrote down on which of several phases it hangs."""
    return load_phases(site, load)[1] > 1


def _switched_standings(site: Site) -> Iterator[Standing]:
    """Plugs that stay on, and heat pumps that regulate themselves."""
    watts = [
        (name, plug.circuit, phases, (plug.max_w or plug.rating_w) * times)
        for name, plug in site.plugs.items()
        if plug.safe_state == "on"
        for phases, times in [load_phases(site, plug)]
    ]
    watts += [
        (name, heater.circuit, phases, heater.rating_w * times)
        for name, heater in site.heaters.items()
        if regulates_itself(heater)
        for phases, times in [load_phases(site, heater)]
    ]
    for name, circuit, phases, most_w in watts:
        amps = _on_legs(phases, most_w / len(phases) / site.site.voltage_v)
        yield Standing(load=name, circuit=circuit or site.root_circuit(), amps=amps, adjustable=False)


def path_to_root(site: Site, circuit: str) -> tuple[str, ...]:
    """The circuit and all it hangs on, the root last. Ends at a circuit that does not exist or was seen."""
    path: list[str] = []
    current: str | None = circuit
    while current is not None and current in site.circuits and current not in path:
        path.append(current)
        current = site.circuits[current].parent
    return tuple(path)


def spare_a(site: Site) -> dict[tuple[str, str], float]:
    """What is left on each phase of each circuit beside the assumed background and all standings."""
    spare = _spare_beside_background(site)
    for standing in standings(site):
        _take(site, spare, standing)
    return spare


def _spare_beside_background(site: Site) -> dict[tuple[str, str], float]:
    spare: dict[tuple[str, str], float] = {}
    for name, circuit in site.circuits.items():
        for phase in site.site.phases:
            limit = on_phase(circuit.limit_a, phase) or 0.0
            assumed = circuit.assumed_background_a
            if assumed is None:
                assumed = circuit.background_a if circuit.background_a is not None else 0.0
            spare[name, phase] = limit - (on_phase(assumed, phase) or 0.0)
    return spare


def _fixed_standings(site: Site) -> list[Standing]:
    """Those that a fallback left open must fit beside: written fallbacks, uncontrolled loads, what stays on."""
    fixed: list[Standing] = list(_switched_standings(site))
    for charger, config in site.chargers.items():
        for number, own in config.all_connectors().items():
            wanted = own.fallback_a if own.fallback_a is not None else config.fallback_a
            if not config.controllable:
                wanted = own.max_a if own.max_a is not None else config.max_a
            if wanted is not None:
                legs = own.legs or config.legs
                fixed.append(
                    Standing(
                        load=f"{charger}-{number}",
                        circuit=config.circuit or site.root_circuit(),
                        amps=_on_legs(legs, wanted),
                        adjustable=False,
                    )
                )
    return fixed


def _on_legs(legs: tuple[str, ...], amps: float) -> dict[str, float]:
    return {phase: amps * legs.count(phase) for phase in legs}


def _fits(site: Site, spare: dict[tuple[str, str], float], standing: Standing) -> bool:
    return all(
        spare.get((circuit, phase), 0.0) >= amps - 1e-9
        for circuit in path_to_root(site, standing.circuit)
        for phase, amps in standing.amps.items()
    )


def _take(site: Site, spare: dict[tuple[str, str], float], standing: Standing) -> None:
    for circuit in path_to_root(site, standing.circuit):
        for phase, amps in standing.amps.items():
            if (circuit, phase) in spare:
                spare[circuit, phase] -= amps
