"""What is wrong with the devices of a site, all at once and before anything is connected."""

from busbar_meter.config import SECTIONS, BadMeterConfig, RolePlan, address_of, roles_of
from busbar_meter.limit_by_map import limit_map
from busbar_meter.map_file import BadMap, load
from busbar_meter.mqtt_picks import picks_for
from busbar_shared.config.devices import BatteryConfig, InverterConfig, MeterConfig
from busbar_shared.config.root import Site

# Of a line, in seconds: nothing answers in less, and nobody waits longer for a meter.
PATIENCE = (("timeout_s", 0.05, 60.0), ("pause_s", 0.0, 5.0))


def problems_of(site: Site) -> list[str]:
    """Each problem as a sentence that begins with the path of the field."""
    found = [problem for role in roles_of(site) for problem in (*_wiring(role, site), *_role_problems(role))]
    return [*found, *_consumption(site)]


def _wiring(role: RolePlan, site: Site) -> list[str]:
    """The phases it hangs on, and the patience its line is given."""
    section = next(name for name, kind in SECTIONS.items() if kind == role.kind)
    path, listed, known = f"{section}.{role.id}", role.config.phases or (), site.site.phases
    problems = []
    if len(set(listed)) != len(listed):
        problems.append(f"{path}.phases: a phase is named twice (found {list(listed)})")
    problems += [
        f"{path}.phases: the site has no phase {phase!r}; it has {', '.join(known)}"
        for phase in listed
        if phase not in known
    ]
    if isinstance(role.config, MeterConfig):
        problems += [
            f"{path}.invert: it does not see phase {phase!r}; it sees {', '.join(role.phases)}"
            for phase in role.config.invert
            if phase not in role.phases
        ]
    place = role.config.modbus
    if place is not None:
        for name, least, most in PATIENCE:
            value = getattr(place, name)
            if not least <= value <= most:
                problems.append(f"{path}.modbus.{name}: {least:g} to {most:g} s (found {value:g})")
    return problems


def _consumption(site: Site) -> list[str]:
    """A meter in the path to the loads stands for the connection, and is of use beside an inverter only."""
    roots = {circuit.meter for circuit in site.circuits.values() if circuit.parent is None}
    problems = []
    for name, meter in site.meters.items():
        path = f"meters.{name}.location"
        if meter.location == "consumption" and name not in roots:
            problems.append(f"{path}: only the meter of the connection to the grid can be worked out")
        elif meter.location == "consumption" and not site.inverters:
            problems.append(f"{path}: there is no [inverters.*] to subtract; without one leave this out")
    return problems


def _role_problems(role: RolePlan) -> list[str]:
    section = next(name for name, kind in SECTIONS.items() if kind == role.kind)
    path, driver = f"{section}.{role.id}", role.config.driver
    try:
        if driver == "mqtt":
            if role.config.mqtt is None:
                return [f"{path}.mqtt: driver mqtt needs to know where the values are"]
            points = {pick.point for pick in picks_for(role.kind, role.config.mqtt, path)}
            return [
                *_unwritable(role, path, "a device on MQTT"),
                *_total_only(role, path, points),
                *_missing_legs(role, path, points),
            ]
        address_of(role.config, path)
        if driver.startswith("map:"):
            definition = load(driver.removeprefix("map:"))
            points = {register.point for register in definition.registers(role.kind)}
            if not points:
                return [f"{path}.driver: the map of {definition.title} says nothing about a {role.kind}"]
            steered = role.kind == "battery" and definition.battery_control is not None
            refused = [] if steered else _unwritable(role, path, f"by its map {definition.title}")
            if role.config.every_s < definition.every_least_s:
                least = f"{definition.every_least_s:g}"
                refused.append(
                    f"{path}.every_s: its map allows one reading in {least} s; write every_s = {least}"
                )
            if isinstance(role.config, InverterConfig) and role.config.limit_map is not None:
                refused.append(f"{path}.limit_map: works beside driver sunspec only")
            if role.kind == "inverter" and not any(point.endswith("power_w") for point in points):
                refused.append(
                    f"{path}.driver: the map of {definition.title} does not know the inverter's power; "
                    f'is it meant as limit_map = "{driver.removeprefix("map:")}"?'
                )
            return [*refused, *_total_only(role, path, points), *_missing_legs(role, path, points)]
    except BadMeterConfig as error:
        return str(error).splitlines()
    except BadMap as error:
        return [f"{path}.driver: {line}" for line in str(error).splitlines()]
    if driver != "sunspec":
        return [f"{path}.driver: {driver!r} is neither sunspec nor map:<name> nor mqtt"]
    return _limit_map(role, path)


def _limit_map(role: RolePlan, path: str) -> list[str]:
    name = role.config.limit_map if isinstance(role.config, InverterConfig) else None
    try:
        if name is not None:
            limit_map(name)
    except BadMap as error:
        return [f"{path}.limit_map: {line}" for line in str(error).splitlines()]
    return []


def _unwritable(role: RolePlan, path: str, what: str) -> list[str]:
    writable = isinstance(role.config, InverterConfig | BatteryConfig) and role.config.writable
    return [f"{path}.writable: {what} is only read"] if writable else []


def _missing_legs(role: RolePlan, path: str, points: set[str]) -> list[str]:
    """A meter that guards a breaker must say something of every phase it is meant to see."""
    said = [leg for leg in "abc" if points & {f"{leg}.current_a", f"{leg}.power_w"}]
    if not isinstance(role.config, MeterConfig) or role.breaker_a is None or not said:
        return []
    if all(leg in said for leg in "abc"[: len(role.phases)]):
        return []
    seen = [phase for leg, phase in zip("abc", role.phases, strict=False) if leg in said]
    listed = ", ".join(f'"{phase}"' for phase in seen)
    return [
        f"{path}.phases: this meter says nothing of {' and '.join(p for p in role.phases if p not in seen)}; "
        f"write phases = [{listed}], or give their values"
    ]


def _total_only(role: RolePlan, path: str, points: set[str]) -> list[str]:
    """A meter of several phases that knows only the total must be told how uneven they may be."""
    if not isinstance(role.config, MeterConfig) or len(role.phases) == 1 or role.breaker_a is None:
        return []
    if any(point.endswith((".current_a", ".power_w")) for point in points):
        return []
    if role.config.assumed_unbalance_a is not None:
        return []
    return [
        f"{path}.assumed_unbalance_a: this meter says only its total; write by how many amperes one phase "
        "may carry more than the even share"
    ]
