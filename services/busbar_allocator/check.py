"""Can this snapshot be true? Every objection is a sentence that names the field and the value."""

from collections.abc import Iterator
from math import isfinite

from busbar_allocator.rows import LEAST_V, MOST_V
from busbar_allocator.site_model import DEFAULT_MODE, TINY, URGENCY, SiteModel, bounds, on_off_power
from busbar_allocator.snapshot import (
    BadSnapshot,
    Battery,
    Circuit,
    Leg,
    Load,
    LoadNow,
    Now,
    PerLeg,
    PerPhase,
    Site,
    Snapshot,
)

MOST_A = 10_000.0
MOST_W = 10_000_000.0
"""Beyond what a building's connection carries; a figure above it is an error of unit or transport."""
MOST_STEPS = 1_000_000.0

Sentences = Iterator[str]


def check(snapshot: Snapshot) -> list[str]:
    """Everything that is wrong with a snapshot; empty when it may be decided upon."""
    found = check_site(snapshot.site)
    return found or check_now(SiteModel(snapshot.site), snapshot.now)


def compiled(snapshot: Snapshot) -> SiteModel:
    """The site of a sound snapshot, compiled; else `BadSnapshot` with the first objection."""
    model = _site(snapshot.site)
    for wrong in check_now(model, snapshot.now):
        raise BadSnapshot(wrong)
    return model


_LAST: list[SiteModel] = []


def _site(site: Site) -> SiteModel:
    """A sound site compiled. The last one is kept: in a stream of snapshots it seldom changes."""
    if _LAST and (_LAST[0].site is site or _LAST[0].site == site):
        return _LAST[0]
    for wrong in check_site(site):
        raise BadSnapshot(wrong)
    _LAST[:] = [SiteModel(site)]
    return _LAST[0]


def check_site(site: Site) -> list[str]:
    """What is wrong with the static half."""
    return [*_phases(site), *_circuits(site), *_units(site), *_loads(site), *_sources(site), *_settings(site)]


def check_now(model: SiteModel, now: Now) -> list[str]:
    """What is wrong with the half that was measured, for a site that is sound."""
    found = [*_meters(model, now), *_unknown(model, now), *_loads_now(model, now), *_sources_now(model, now)]
    return [*found, *_trip(model, now)]


def number(path: str, value: float | None, least: float, most: float) -> Sentences:
    """A figure that may be unknown, between two bounds."""
    if value is None:
        return
    if not isfinite(value):
        yield f"{path}: {value} is not a number one can count with"
    elif value < least:
        yield f"{path}: {value:g} is negative" if least == 0 else f"{path}: {value:g} is below {least:g}"
    elif value > most:
        yield f"{path}: {value:g} is above {most:g}"


def per_phase(path: str, value: float | PerPhase | None, site: Site, least: float, most: float) -> Sentences:
    """A figure for each phase: none missing, none for a phase the site does not have."""
    if not isinstance(value, PerPhase):
        yield from number(path, value, least, most)
        return
    for phase in ("a", "b", "c"):
        one = getattr(value, phase)
        if one is not None and phase not in site.phases:
            yield f"{path}.{phase}: {one:g}, but the site has no phase {phase}"
        yield from number(f"{path}.{phase}", one, least, most)


def every_phase(path: str, value: PerPhase | None, model: SiteModel, circuit: str) -> Sentences:
    """As `per_phase` for a measured current, and complete for the phases the circuit has."""
    yield from per_phase(path, value, model.site, -MOST_A, MOST_A)
    found = next((one for one in model.circuits if one.id == circuit), None)
    if value is None or found is None:
        return
    for phase, exists in zip(model.phases, found.exists, strict=True):
        if exists and getattr(value, phase) is None:
            yield f"{path}.{phase}: missing; it is unknown, not 0"


def _phases(site: Site) -> Sentences:
    if not site.phases:
        yield "site.phases: empty; a site has at least one phase"
    if len(set(site.phases)) != len(site.phases):
        yield f"site.phases: {', '.join(site.phases)} names a phase twice"


def _circuits(site: Site) -> Sentences:
    circuits = site.circuits
    roots = [name for name, circuit in circuits.items() if circuit.parent is None]
    if circuits and len(roots) != 1:
        yield f"site.circuits: exactly one has no parent, not {', '.join(roots) or 'none (they form a loop)'}"
    for name, circuit in circuits.items():
        path = f"site.circuits.{name}"
        if circuit.parent is not None and circuit.parent not in circuits:
            yield f"{path}.parent: there is no circuit {circuit.parent}"
        elif _loops(name, circuits):
            yield f"{path}.parent: {circuit.parent} leads back to {name}, a loop"
        yield from per_phase(f"{path}.limit_a", circuit.limit_a, site, 0.0, MOST_A)
        yield from per_phase(f"{path}.background_a", circuit.background_a, site, -MOST_A, MOST_A)
        if isinstance(circuit.background_a, PerPhase) and isinstance(circuit.limit_a, PerPhase | float):
            yield from _complete(f"{path}.background_a", circuit.background_a, circuit.limit_a, site)
        if circuit.parent is None and isinstance(circuit.limit_a, PerPhase):
            for phase in site.phases:
                if getattr(circuit.limit_a, phase) is None:
                    yield f"{path}.limit_a.{phase}: missing; the main breaker has every phase of the site"


def _complete(path: str, value: PerPhase, limit: float | PerPhase, site: Site) -> Sentences:
    for phase in site.phases:
        has = not isinstance(limit, PerPhase) or getattr(limit, phase) is not None
        if has and getattr(value, phase) is None:
            yield f"{path}.{phase}: missing; it is unknown, not 0"


def _loops(name: str, circuits: dict[str, Circuit]) -> bool:
    seen = {name}
    at = circuits[name].parent
    while at is not None and at in circuits:
        if at in seen:
            return True
        seen.add(at)
        at = circuits[at].parent
    return False


def _units(site: Site) -> Sentences:
    for name, unit in site.units.items():
        path = f"site.units.{name}"
        if name in site.circuits:
            yield f"{path}: a circuit is called {name} too"
        if unit.circuit is not None and unit.circuit not in _circuit_ids(site):
            yield f"{path}.circuit: there is no circuit {unit.circuit}"
        yield from number(f"{path}.max_current_a", unit.max_current_a, 0.0, MOST_A)


def _circuit_ids(site: Site) -> dict[str, Circuit]:
    return site.circuits or {"main": Circuit()}


def _loads(site: Site) -> Sentences:
    for name, load in site.loads.items():
        path = f"site.loads.{name}"
        yield from _place(path, load, site)
        yield from _bounds(path, load)
        if not 1 <= load.priority <= 10:
            yield f"{path}.priority: {load.priority} is not between 1 and 10"
        mode = load.mode or DEFAULT_MODE[load.kind]
        if (load.kind, mode) not in URGENCY:
            has = sorted(mode.value for kind, mode in URGENCY if kind == load.kind)
            yield f"{path}.mode: {mode.value} is no mode of {load.kind}, which has {', '.join(has)}"


def _place(path: str, load: Load, site: Site) -> Sentences:
    """Where a load hangs, and on which phases."""
    circuits = _circuit_ids(site)
    home = load.circuit
    if load.unit is not None:
        if load.unit not in site.units:
            yield f"{path}.unit: there is no unit {load.unit}"
            return
        if load.circuit is not None:
            yield f"{path}.circuit: {load.circuit}, but its unit {load.unit} says where it hangs"
        home = site.units[load.unit].circuit
    if home is not None and home not in circuits:
        yield f"{path}.circuit: there is no circuit {home}"
        return
    if load.phases is None:
        phases: tuple[str, ...] = site.phases
    elif not 1 <= len(load.phases) <= 3:
        yield f"{path}.phases: {len(load.phases)} legs; a load has one to three"
        return
    else:
        phases = load.phases
    at: str | None = home or next((n for n, c in circuits.items() if c.parent is None), None)
    for phase in sorted(set(phases)):
        if phase not in site.phases:
            yield f"{path}.phases: a leg is on {phase}, but the site has no phase {phase}"
            return
    seen: set[str] = set()
    while at is not None and at in circuits and at not in seen:
        seen.add(at)
        limit = circuits[at].limit_a
        for phase in sorted(set(phases)):
            if isinstance(limit, PerPhase) and getattr(limit, phase) is None:
                yield f"{path}.phases: a leg is on {phase}, but circuit {at} has no phase {phase}"
        at = circuits[at].parent


def _bounds(path: str, load: Load) -> Sentences:
    for field in ("min_a", "max_a", "fallback_a"):
        yield from number(f"{path}.{field}", getattr(load, field), 0.0, MOST_A)
    yield from number(f"{path}.power_w", load.power_w, 0.0, MOST_W)
    yield from number(f"{path}.session_limit_wh", load.session_limit_wh, 0.0, 1e12)
    yield from number(f"{path}.soc_limit_percent", load.soc_limit_percent, 0.0, 100.0)
    yield from number(f"{path}.grid_price_max", load.grid_price_max, -1e6, 1e6)
    yield from number(f"{path}.step_a", load.step_a, 0.0, MOST_A)
    if load.step_a is not None and isfinite(load.step_a) and load.step_a < MOST_A / MOST_STEPS:
        yield f"{path}.step_a: {load.step_a:g} is no step"
    if load.power_w == 0:
        yield f"{path}.power_w: 0 is no power"
    if on_off_power(load) is None:
        least, most = bounds(load)
        if isfinite(least) and isfinite(most) and least > most:
            yield f"{path}.min_a: {least:g} is above max_a, {most:g}"


def _sources(site: Site) -> Sentences:
    for name, battery in site.batteries.items():
        yield from _battery(f"site.batteries.{name}", battery, site)
    for name, inverter in site.inverters.items():
        path = f"site.inverters.{name}"
        yield from number(f"{path}.rating_w", inverter.rating_w, 0.0, MOST_W)
        yield from number(f"{path}.phase_rating_w", inverter.phase_rating_w, 0.0, MOST_W)
        if inverter.circuit is not None and inverter.circuit not in _circuit_ids(site):
            yield f"{path}.circuit: there is no circuit {inverter.circuit}"


def _battery(path: str, battery: Battery, site: Site) -> Sentences:
    for field in ("charge_limit_w", "discharge_limit_w"):
        yield from number(f"{path}.{field}", getattr(battery, field), 0.0, MOST_W)
    for field in ("soc_min_percent", "soc_target_percent", "soc_full_percent"):
        yield from number(f"{path}.{field}", getattr(battery, field), 0.0, 100.0)
    if battery.soc_min_percent > battery.soc_target_percent:
        least, target = battery.soc_min_percent, battery.soc_target_percent
        yield f"{path}.soc_min_percent: {least:g} is above soc_target_percent, {target:g}"
    if battery.circuit is not None and battery.circuit not in _circuit_ids(site):
        yield f"{path}.circuit: there is no circuit {battery.circuit}"
    if battery.inverter and battery.inverter not in site.inverters:
        yield f"{path}.inverter: there is no inverter {battery.inverter}"
    if battery.phases is not None and not battery.phases:
        yield f"{path}.phases: empty; a battery is on at least one phase"
    for phase in battery.phases or ():
        if phase not in site.phases:
            yield f"{path}.phases: the site has no phase {phase}"
    if battery.phases is not None and len(set(battery.phases)) != len(battery.phases):
        yield f"{path}.phases: {', '.join(battery.phases)} names a phase twice"


def _settings(site: Site) -> Sentences:
    settings = site.settings
    for field in ("max_import_w", "power_buffer_w", "excess_threshold_w"):
        yield from number(f"site.settings.{field}", getattr(settings, field), 0.0, MOST_W)
    yield from number("site.settings.max_unbalance_a", settings.max_unbalance_a, 0.0, MOST_A)
    yield from number("site.settings.voltage_v", settings.voltage_v, LEAST_V, MOST_V)


def _meters(model: SiteModel, now: Now) -> Sentences:
    site = model.site
    root = model.circuits[0].id
    at_root = now.circuits.get(root)
    given = at_root is not None and (at_root.current_a is not None or at_root.background_a is not None)
    if now.grid_a is None and not given and model.circuits[0].background is None:
        yield "now.grid_a: missing; without the grid meter nothing is granted"
    yield from every_phase("now.grid_a", now.grid_a, model, root)
    if now.voltage_v is not None:
        yield from per_phase("now.voltage_v", now.voltage_v, site, LEAST_V, MOST_V)
        for phase in site.phases:
            if getattr(now.voltage_v, phase) is None:
                yield f"now.voltage_v.{phase}: missing; leave voltage_v out where it is not measured"
    for circuit in model.circuits[1:]:
        state = now.circuits.get(circuit.id)
        measured = state is not None and (state.current_a is not None or state.background_a is not None)
        if not measured and circuit.background is None:
            yield (
                f"site.circuits.{circuit.id}.background_a: missing; without a meter it must be written, 0 included"
            )
    for name, state in now.circuits.items():
        yield from every_phase(f"now.circuits.{name}.current_a", state.current_a, model, name)
        yield from every_phase(f"now.circuits.{name}.background_a", state.background_a, model, name)
        yield from every_phase(
            f"now.circuits.{name}.beside_batteries_a", state.beside_batteries_a, model, name
        )


def _trip(model: SiteModel, now: Now) -> Sentences:
    """Trip safety leaves generation out of the wires, so something must say how much there can be."""
    if not model.settings.trip_safe or now.solar_w is not None:
        return
    for name, inverter in model.site.inverters.items():
        state = now.inverters.get(name)
        told = state is not None and (state.output_a is not None or state.output_w is not None)
        if not told and inverter.rating_w is None:
            yield f"site.settings.trip_safe: true, but neither output nor rating_w of inverter {name} is known"


def _unknown(model: SiteModel, now: Now) -> Sentences:
    circuits = {circuit.id for circuit in model.circuits if not circuit.is_unit}
    known = (
        ("circuit", now.circuits, circuits),
        ("load", now.loads, model.site.loads),
        ("battery", now.batteries, model.site.batteries),
        ("inverter", now.inverters, model.site.inverters),
    )
    plural = {"battery": "batteries"}
    for what, found, ids in known:
        for name in found:
            if name not in ids:
                yield f"now.{plural.get(what, what + 's')}.{name}: the site has no {what} {name}"


def _loads_now(model: SiteModel, now: Now) -> Sentences:
    for load in model.loads:
        state = now.loads.get(load.id)
        if state is not None:
            yield from _load_now(f"now.loads.{load.id}", state, len(load.legs))


def _load_now(path: str, state: LoadNow, legs: int) -> Sentences:
    if isinstance(state.draw_a, PerLeg):
        for leg in ("l1", "l2", "l3"):
            yield from number(f"{path}.draw_a.{leg}", getattr(state.draw_a, leg), 0.0, MOST_A)
    else:
        yield from number(f"{path}.draw_a", state.draw_a, 0.0, MOST_A)
    yield from number(f"{path}.draw_w", state.draw_w, 0.0, MOST_W)
    for field in ("limit_given_a", "reserved_a", "ceiling_a"):
        yield from number(f"{path}.{field}", getattr(state, field), 0.0, MOST_A)
    yield from number(f"{path}.power_w", state.power_w, TINY, MOST_W)
    yield from number(f"{path}.session_wh", state.session_wh, 0.0, 1e12)
    yield from number(f"{path}.soc_percent", state.soc_percent, 0.0, 100.0)
    yield from _legs(f"{path}.legs_in_use", state.legs_in_use, legs)
    yield from _legs(f"{path}.legs_expected", state.legs_expected, legs)


def _legs(path: str, used: tuple[Leg, ...] | None, legs: int) -> Sentences:
    if used is None:
        return
    if not used or len(set(used)) != len(used):
        yield f"{path}: {', '.join(used) or 'empty'}; name each leg in use once"
    for leg in used:
        if int(leg[1]) > legs:
            yield f"{path}: {leg}, but the load has {legs} leg{'s' if legs > 1 else ''}"


def _sources_now(model: SiteModel, now: Now) -> Sentences:
    for name, battery in now.batteries.items():
        path = f"now.batteries.{name}"
        yield from number(f"{path}.power_w", battery.power_w, -MOST_W, MOST_W)
        yield from number(f"{path}.soc_percent", battery.soc_percent, 0.0, 100.0)
        yield from number(f"{path}.charge_max_w", battery.charge_max_w, 0.0, MOST_W)
        yield from number(f"{path}.discharge_max_w", battery.discharge_max_w, 0.0, MOST_W)
    for name, inverter in now.inverters.items():
        path = f"now.inverters.{name}"
        yield from number(f"{path}.output_w", inverter.output_w, -MOST_W, MOST_W)
        if inverter.output_a is not None:
            yield from per_phase(f"{path}.output_a", inverter.output_a, model.site, -MOST_A, MOST_A)
            for phase in model.phases:
                if getattr(inverter.output_a, phase) is None:
                    yield f"{path}.output_a.{phase}: missing; it is unknown, not 0"
    yield from number("now.solar_w", now.solar_w, -MOST_W, MOST_W)
    yield from number("now.price", now.price, -1e6, 1e6)
    yield from number("now.import_limit_w", now.import_limit_w, 0.0, MOST_W)
