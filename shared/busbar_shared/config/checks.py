"""What cannot be: references to nothing, circuits in a ring, fallbacks that overload a breaker. One sentence each."""

import zoneinfo
from collections.abc import Iterator

from busbar_contracts.load import LoadMode
from busbar_shared.config.chargers import ChargerConfig, OcppSection
from busbar_shared.config.root import Site
from busbar_shared.config.site import on_phase
from busbar_shared.config.topics import wrong_topics
from busbar_shared.config.wiring import (
    EVSE_MODES,
    HEAT_MODES,
    LEAST_A,
    PLUG_MODES,
    connectors,
    path_to_root,
    spare_a,
    standings,
)

LEAST_VALIDITY_S = 20.0


def problems(site: Site) -> Iterator[str]:
    """Every reason why this configuration cannot be used, each with its key and value."""
    structure = list(impossible(site))
    yield from structure
    if not structure and site.circuits:
        yield from _fallbacks(site)


def impossible(site: Site) -> Iterator[str]:
    """The reasons for which it means nothing at all; a site whose fallbacks do not fit is merely not safe."""
    yield from (*_site(site), *_circuits(site), *_references(site), *_ids(site), *_ranges(site))
    yield from wrong_topics(site)


def _site(site: Site) -> Iterator[str]:
    try:
        zoneinfo.ZoneInfo(site.site.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        yield f"site.timezone: no such time zone (found {site.site.timezone!r})"
    if len(set(site.site.phases)) != len(site.site.phases):
        yield f"site.phases: a phase is named twice (found {list(site.site.phases)})"
    if site.site.lease_s < 3:
        yield f"site.lease_s: at least 3 seconds, or leases end between two renewals (found {site.site.lease_s:g})"
    if site.ocpp is not None and site.ocpp.profile_validity_s < LEAST_VALIDITY_S:
        yield (
            f"ocpp.profile_validity_s: at least {LEAST_VALIDITY_S:g} seconds, because schedules start 10 seconds "
            f"in the past (found {site.ocpp.profile_validity_s:g})"
        )
    if site.ocpp is not None:
        yield from _certificates(site.ocpp)
    asks = site.ocpp is not None and site.ocpp.ask_tags
    if asks and all(_accepts_all(site, charger) for charger in site.chargers.values()):
        yield "ocpp.ask_tags: nobody is ever asked where accept_all_tags is true (found true)"


def _certificates(section: OcppSection) -> Iterator[str]:
    if section.security >= 2 and section.cert_file is None:
        yield f"ocpp.cert_file: security {section.security} needs the server's certificate (found none)"
    if section.security == 3 and section.ca_file is None:
        yield "ocpp.ca_file: security 3 needs the authority of the chargers' certificates (found none)"


def _accepts_all(site: Site, charger: ChargerConfig) -> bool:
    assert site.ocpp is not None
    own = charger.accept_all_tags
    return site.ocpp.accept_all_tags if own is None else own


def _circuits(site: Site) -> Iterator[str]:
    roots = [name for name, circuit in site.circuits.items() if circuit.parent is None]
    if site.circuits and len(roots) != 1:
        yield f"circuits: exactly one circuit has no parent and is the root (found {roots or 'none'})"
        return
    for name, circuit in site.circuits.items():
        key = f"circuits.{name}"
        if circuit.parent is not None and circuit.parent not in site.circuits:
            yield f"{key}.parent: no such circuit (found {circuit.parent!r})"
        elif path_to_root(site, name)[-1] != roots[0]:
            yield f"{key}.parent: the circuits hang on each other in a ring (found {circuit.parent!r})"
        if circuit.meter is not None and circuit.meter not in site.meters:
            yield f"{key}.meter: no such meter (found {circuit.meter!r})"
        if name == roots[0] and circuit.meter is None:
            yield f"{key}.meter: the root circuit must name the grid meter"
        if name == roots[0] and circuit.assumed_background_a is None:
            yield (
                f"{key}.assumed_background_a: must be written for the root: the worst house load you expect, "
                f"for example 60 % of the breaker"
            )
        if circuit.meter is None and circuit.background_a is None and circuit.parent is not None:
            yield f"{key}.background_a: must be written for a circuit without a meter; 0 if only managed loads hang on it"
        for phase in site.site.phases:
            limit = on_phase(circuit.limit_a, phase)
            if limit is None:
                yield f"{key}.limit_a: phase {phase} of the site has no limit"
            elif limit <= 0:
                yield f"{key}.limit_a: must be above 0 on phase {phase} (found {limit:g})"


def _references(site: Site) -> Iterator[str]:
    placed = {
        **{f"chargers.{name}": one.circuit for name, one in site.chargers.items()},
        **{f"plugs.{name}": one.circuit for name, one in site.plugs.items()},
        **{f"heaters.{name}": one.circuit for name, one in site.heaters.items()},
        **{f"batteries.{name}": one.circuit for name, one in site.batteries.items()},
    }
    for key, circuit in placed.items():
        if circuit is not None and circuit not in site.circuits:
            yield f"{key}.circuit: no such circuit (found {circuit!r})"
        if circuit is None and not site.circuits:
            yield f"{key}.circuit: there are no circuits; write [circuits.main] first"
    metered = {
        **{f"chargers.{name}": one.meter for name, one in site.chargers.items()},
        **{f"plugs.{name}": one.meter for name, one in site.plugs.items()},
        **{f"heaters.{name}": one.meter for name, one in site.heaters.items()},
    }
    for key, meter in metered.items():
        if meter is not None and meter not in site.meters:
            yield f"{key}.meter: no such meter (found {meter!r})"
    for name, battery in site.batteries.items():
        if battery.inverter is not None and battery.inverter not in site.inverters:
            yield f"batteries.{name}.inverter: no such inverter (found {battery.inverter!r})"
    for name, heater in site.heaters.items():
        if heater.plug is not None and heater.plug not in site.plugs:
            yield f"heaters.{name}.plug: no such plug (found {heater.plug!r})"
    if site.chargers and site.ocpp is None:
        yield "ocpp: this section must be there for chargers to connect to"


def _ids(site: Site) -> Iterator[str]:
    seen: dict[str, str] = {}
    loads = [
        *((f"{name}-{number}", f"chargers.{name}") for name, one in site.chargers.items() for number in one.all_connectors()),
        *((name, f"plugs.{name}") for name in site.plugs),
        *((name, f"heaters.{name}") for name in site.heaters),
    ]  # fmt: skip
    for load, key in loads:
        if load in seen:
            yield f"{key}: two loads would have the id {load!r}, the other is {seen[load]}"
        seen[load] = key
    points: dict[str, str] = {}
    for name, charger in site.chargers.items():
        point = charger.charge_point or name
        if point in points:
            yield f"chargers.{name}.charge_point: {point!r} is already chargers.{points[point]}"
        points[point] = name
        for number in charger.connectors:
            if not number.isdigit() or int(number) < 1 or number != str(int(number)):
                yield f"chargers.{name}.connectors: a connector has the charge point's own number (found {number!r})"


def _ranges(site: Site) -> Iterator[str]:
    known: set[str] = set(site.site.phases)
    for name, charger in site.chargers.items():
        key = f"chargers.{name}"
        yield from _on_site(f"{key}.legs", charger.legs, known)
        yield from _mode(f"{key}.mode", charger.mode, EVSE_MODES)
        for number, own in charger.connectors.items():
            yield from _on_site(f"{key}.connectors.{number}.legs", own.legs or (), known)
            if own.mode is not None:
                yield from _mode(f"{key}.connectors.{number}.mode", own.mode, EVSE_MODES)
        if charger.min_a > charger.max_a:
            yield f"{key}.min_a: {charger.min_a:g} A is above max_a, {charger.max_a:g} A"
        if 0 < charger.min_a < LEAST_A:
            yield f"{key}.min_a: a car cannot be offered less than {LEAST_A:g} A (found {charger.min_a:g})"
        if charger.step_a <= 0:
            yield f"{key}.step_a: must be above 0 (found {charger.step_a:g})"
        if charger.fallback_a is not None and not (
            charger.fallback_a == 0 or charger.min_a <= charger.fallback_a <= charger.max_a
        ):
            yield (
                f"{key}.fallback_a: 0, or between min_a {charger.min_a:g} and max_a {charger.max_a:g} "
                f"(found {charger.fallback_a:g})"
            )
    for name, plug in site.plugs.items():
        if not plug.phase_unknown:
            yield from _on_site(f"plugs.{name}.phases", plug.phases or (), known)
        yield from _mode(f"plugs.{name}.mode", plug.mode, PLUG_MODES)
        if plug.min_w is not None and plug.min_w > (plug.max_w or plug.rating_w):
            yield f"plugs.{name}.min_w: {plug.min_w:g} W is above its maximum, {plug.max_w or plug.rating_w:g} W"
    for name, heater in site.heaters.items():
        yield from _on_site(f"heaters.{name}.phases", heater.phases or (), known)
        yield from _mode(f"heaters.{name}.mode", heater.mode, HEAT_MODES)
        if heater.kind == "tank" and not heater.comfort_c <= heater.storage_c <= heater.max_c:
            yield (
                f"heaters.{name}.storage_c: comfort_c {heater.comfort_c:g}, storage_c {heater.storage_c:g} "
                f"and max_c {heater.max_c:g} must rise in this order"
            )
    for name, battery in site.batteries.items():
        if not battery.soc_min_percent <= battery.soc_target_percent <= battery.soc_max_percent:
            yield (
                f"batteries.{name}.soc_target_percent: minimum {battery.soc_min_percent:g}, target "
                f"{battery.soc_target_percent:g} and maximum {battery.soc_max_percent:g} must rise in this order"
            )


def _on_site(key: str, phases: tuple[str, ...], known: set[str]) -> Iterator[str]:
    for phase in phases:
        if phase not in known:
            yield f"{key}: the site has no phase {phase!r}; it has {', '.join(sorted(known))}"


def _mode(key: str, mode: LoadMode, allowed: tuple[LoadMode, ...]) -> Iterator[str]:
    if mode not in allowed:
        yield f"{key}: this kind of load has {', '.join(allowed)} (found {mode.value!r})"


def _fallbacks(site: Site) -> Iterator[str]:
    """The fallbacks of all loads beside the assumed background must fit every phase of every circuit."""
    for (circuit, phase), left in spare_a(site).items():
        if left >= -1e-9:
            continue
        on_it = [
            one for one in standings(site)
            if one.amps.get(phase, 0) > 0 and circuit in path_to_root(site, one.circuit)
        ]  # fmt: skip
        limit = on_phase(site.circuits[circuit].limit_a, phase)
        names = ", ".join(f"{one.load} {one.amps[phase]:g} A" for one in on_it) or "no load"
        yield (
            f"circuits.{circuit}: on phase {phase} the fallbacks ({names}) and assumed_background_a together are "
            f"{-left:g} A above limit_a {limit:g}{_remedy(site, circuit, phase, left)}"
        )


def _remedy(site: Site, circuit: str, phase: str, left: float) -> str:
    adjustable = {
        one.load: one.amps[phase]
        for one in standings(site)
        if one.adjustable and one.amps.get(phase, 0) > 0 and circuit in path_to_root(site, one.circuit)
    }
    if not adjustable:
        return "; lower assumed_background_a or take a load off this circuit"
    room = sum(adjustable.values()) + left
    legs = {one.load: one.legs.count(phase) for one in connectors(site)}
    each = max(room, 0.0) / sum(legs[load] for load in adjustable)
    # A charger's fallback is 0 or at least 6 A; a share in between is no use to a car.
    largest = int(each * 10) / 10 if each >= LEAST_A else 0.0
    return f"; the largest fallback_a that fits for each of them is {largest:g}"
