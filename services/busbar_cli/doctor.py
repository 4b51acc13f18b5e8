"""What a look at a running site finds, and what to do about it. Pure: facts in, findings out."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from busbar_contracts.allocation import Allocation, MeterHealth
from busbar_contracts.charger import ChargerState, LeaseQuality
from busbar_contracts.meter import MeterReading
from busbar_contracts.service import ServiceStatus
from busbar_shared.config.root import Site
from busbar_shared.config.site import on_phase
from busbar_shared.life import FRESH_S

Level = Literal["good", "note", "bad"]

CLOCK_BAD_S = 5.0
ALLOCATION_EACH_S = 10.0
CERTIFICATE_SOON_DAYS = 60.0
OTHER_POWER_SHARE = 0.25
LASTING_S = 8.0
PHASES = ("a", "b", "c")


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    about: str
    level: Level
    text: str
    todo: str = ""


class Facts(Struct, frozen=True, kw_only=True):
    """What was seen and heard; ages are counted on our own clock."""

    now: datetime
    broker: str = ""
    """Why the broker could not be used; empty when it could."""
    logins: dict[str, str] = {}
    """By account whose password is known here: what is wrong; empty when its own word came back."""
    statuses: dict[str, ServiceStatus] = {}
    skews_s: dict[str, float] = {}
    """By service: its clock less ours, from a live heartbeat."""
    readings: tuple[MeterReading, ...] = ()
    chargers: dict[str, ChargerState] = {}
    allocations: tuple[Allocation, ...] = ()
    orders: dict[str, int] = {}
    """By load: orders heard while we listened."""
    listened_s: float = 0.0
    ports: dict[str, bool] = {}
    """Where somebody should listen on this machine, and whether somebody does."""
    certificates: dict[str, float | None] = {}
    """By file: days until it ends."""
    highest_a: dict[str, dict[str, float]] = {}
    """By circuit and phase: the highest background ever seen by doctor."""


def findings(site: Site, facts: Facts) -> list[Finding]:
    """Everything that was looked at, in the order in which it is best mended."""
    if facts.broker:
        todo = f"start it, or correct [broker] (now {site.broker.host}:{site.broker.port})"
        return [_bad("broker", facts.broker, todo), *_certificates(facts)]
    return [
        _good("broker", f"{site.broker.host}:{site.broker.port} answers"),
        *_certificates(facts),
        *_logins(facts),
        *_services(site, facts),
        *_clocks(facts),
        *_ports(facts),
        *_meter(site, facts),
        *_chargers(site, facts),
        *_leases(site, facts),
        *_background(site, facts),
    ]


def _logins(facts: Facts) -> Iterator[Finding]:
    for name, wrong in facts.logins.items():
        if wrong:
            yield _bad(
                f"account {name}", wrong, "run `busbar accounts` and have the broker read its files again"
            )
    good = [name for name, wrong in facts.logins.items() if not wrong]
    if good:
        yield _good("accounts", f"{', '.join(good)} log in, and what they say arrives")


def _services(site: Site, facts: Facts) -> Iterator[Finding]:
    for name in site.services():
        seen = facts.statuses.get(name)
        if seen is None:
            yield _bad(f"service {name}", "was never seen", f"start it: busbar run {name}")
            continue
        age_s = (facts.now - seen.at).total_seconds() + facts.skews_s.get(name, 0.0)
        if seen.state == "offline":
            yield _bad(
                f"service {name}",
                f"is offline since {_ago(age_s)}",
                f"start it, and look at the log of {name}",
            )
        elif age_s > FRESH_S:
            yield _bad(
                f"service {name}", f"has been silent for {age_s:.0f} s", f"restart it: busbar restart {name}"
            )
        elif seen.passive:
            yield _bad(f"service {name}", "gives way to an older instance of its role", "stop one of the two")
        elif not seen.ready:
            yield _bad(
                f"service {name}",
                "runs, but lacks what it needs",
                f"the other findings, or the log of {name}",
            )
        elif seen.dropped:
            yield _note(
                f"service {name}", f"{seen.dropped} messages were dropped since its start", "look at the load"
            )
        else:
            yield _good(f"service {name}", f"is online, version {seen.version}")


def _clocks(facts: Facts) -> Iterator[Finding]:
    for name, skew_s in facts.skews_s.items():
        if abs(skew_s) > CLOCK_BAD_S:
            yield _bad(
                "clock",
                f"the clock of {name} is {skew_s:+.0f} s against this machine's",
                "let both follow NTP",
            )
    if facts.skews_s and all(abs(one) <= CLOCK_BAD_S for one in facts.skews_s.values()):
        worst = max(abs(one) for one in facts.skews_s.values())
        yield _good("clock", f"all services agree with this machine within {worst:.1f} s")


def _ports(facts: Facts) -> Iterator[Finding]:
    ocpp = facts.statuses.get("ocpp")
    for what, is_open in facts.ports.items():
        if is_open and (ocpp is None or ocpp.state == "offline"):
            yield _bad(
                "port", f"{what} is held by another program: the OCPP service does not run",
                "end that program, or write another ocpp.port and tell the chargers",
            )  # fmt: skip
        elif is_open:
            yield _good("port", f"{what} is open")
        else:
            yield _bad("port", f"nothing listens on {what}", "start that service, or correct its port")


def _certificates(facts: Facts) -> Iterator[Finding]:
    for name, left in facts.certificates.items():
        if left is None:
            yield _note("certificate", f"{name} cannot be read here", "look at it on the machine that has it")
        elif left < CERTIFICATE_SOON_DAYS:
            word = "has ended" if left < 0 else f"ends in {left:.0f} days"
            yield (_bad if left < 0 else _note)("certificate", f"{name} {word}", "run `busbar setup --renew`")
        else:
            yield _good("certificate", f"{name} is good for {left:.0f} days")


def _meter(site: Site, facts: Facts) -> Iterator[Finding]:
    if not site.circuits:
        return
    name = site.grid_meter()
    if not facts.readings:
        yield _bad(
            f"meter {name}", f"no reading came in {facts.listened_s:.0f} s",
            f"busbar meter read {name} says what the device answers",
        )  # fmt: skip
        return
    wanted = facts.listened_s / site.meters[name].every_s
    if len(facts.readings) < wanted / 2:
        yield _note(
            f"meter {name}", f"{len(facts.readings)} readings came where {wanted:.0f} were expected",
            "look at the line to the meter; a slow one is safe but follows slowly",
        )  # fmt: skip
    last = facts.readings[-1]
    wrong = list(_implausible(site, last))
    for text in wrong:
        yield _bad(
            f"meter {name}",
            text,
            "check meters." + name + " (phases, sign, unit) against the display of the meter",
        )
    if not wrong:
        power = "unknown power" if last.power_w is None else f"{last.power_w:.0f} W"
        yield _good(f"meter {name}", f"{len(facts.readings)} readings, last {power}, plausible")


def _implausible(site: Site, last: MeterReading) -> Iterator[str]:
    root = site.circuits[site.root_circuit()]
    known_w = 0.0
    for phase in site.site.phases:
        sample = getattr(last, phase)
        current_a = None if sample is None else sample.current_a
        if current_a is None:
            if not last.phases_estimated:
                yield f"phase {phase} has no current, so it cannot be protected"
            continue
        limit_a = on_phase(root.limit_a, phase) or 0.0
        if abs(current_a) > 3 * limit_a:
            yield f"phase {phase} shows {current_a:.0f} A behind a breaker of {limit_a:g} A"
        if sample.voltage_v is not None and not 180 <= sample.voltage_v <= 265:
            yield f"phase {phase} shows {sample.voltage_v:.0f} V"
        known_w += sample.power_w or 0.0
    samples = [getattr(last, phase) for phase in site.site.phases]
    complete = all(one is not None and one.power_w is not None for one in samples)
    if complete and last.power_w is not None:
        off_w = abs(known_w - last.power_w)
        if off_w > max(200.0, OTHER_POWER_SHARE * abs(last.power_w)):
            yield f"the phases add up to {known_w:.0f} W, the total says {last.power_w:.0f} W"


def _chargers(site: Site, facts: Facts) -> Iterator[Finding]:
    for name in site.chargers:
        for number in site.chargers[name].all_connectors():
            load = f"{name}-{number}"
            state = facts.chargers.get(load)
            if state is None or not state.link:
                where = site.ocpp
                url = f"ws{'s' if where and where.security >= 2 else ''}://<this machine>:{where.port if where else '?'}"
                prefix = where.path_prefix if where else "/"
                yield _bad(
                    f"charger {load}", "is not connected" if state else "was never seen",
                    f"its backend address is {url}{prefix}{site.chargers[name].charge_point or name}",
                )  # fmt: skip
            elif state.disobedient:
                yield _bad(f"charger {load}", "draws more than it may", "busbar ocpp show " + name)
            elif state.lease is LeaseQuality.NONE:
                yield _note(
                    f"charger {load}", "does not fall back by itself, so little is granted",
                    f"busbar ocpp verify {name} tries it",
                )  # fmt: skip
            else:
                yield _good(
                    f"charger {load}", f"is connected ({state.status.value}), lease {state.lease.value}"
                )


def _leases(site: Site, facts: Facts) -> Iterator[Finding]:
    if not site.circuits:
        return
    if not facts.allocations:
        if facts.listened_s >= ALLOCATION_EACH_S:
            yield _bad("allocation", "no decision was heard", "look at the log of the allocator")
        return
    last = facts.allocations[-1]
    if last.meter is not MeterHealth.FRESH:
        yield _bad("allocation", f"the allocator calls the meter {last.meter.value}", "mend the meter first")
    due = int(facts.listened_s / max(site.site.lease_s / 3, 1.0))
    silent = [load for load in last.loads if load in facts.chargers and facts.chargers[load].link
              and not facts.orders.get(load)]  # fmt: skip
    if due >= 1 and silent:
        yield _bad("leases", f"{', '.join(silent)}: no renewal was heard", "look at the log of the allocator")
    elif due >= 1 and facts.orders:
        yield _good(
            "leases", f"renewed: {', '.join(f'{load} {count}x' for load, count in facts.orders.items())}"
        )


def _background(site: Site, facts: Facts) -> Iterator[Finding]:
    for name, circuit in site.circuits.items():
        if circuit.assumed_background_a is None:
            continue
        for phase, seen_a in facts.highest_a.get(name, {}).items():
            assumed_a = on_phase(circuit.assumed_background_a, phase)
            if assumed_a is None:
                continue
            if seen_a > assumed_a:
                yield _bad(
                    f"circuit {name}",
                    f"the house has drawn {seen_a:.1f} A on phase {phase}; assumed_background_a says {assumed_a:g} A",
                    f"write at least {seen_a:.0f} there; the fallbacks must fit beside it",
                )
            else:
                yield _good(
                    f"circuit {name}",
                    f"phase {phase}: highest seen {seen_a:.1f} A of {assumed_a:g} A assumed",
                )


def highest(
    known: Mapping[str, Mapping[str, float]], allocations: Sequence[Allocation]
) -> dict[str, dict[str, float]]:
    """The highest background by circuit and phase, with what these decisions saw for at least 8 s.

    A car that ramps up looks like background until its charger has measured it; such moments do not count.
    """
    found = {circuit: dict(phases) for circuit, phases in known.items()}
    for index, first in enumerate(allocations):
        later = [one for one in allocations[index:] if (one.at - first.at).total_seconds() >= LASTING_S]
        if not later:
            break
        for (circuit, phase), seen_a in _backgrounds(first).items():
            lasting_a = min(seen_a, _backgrounds(later[0]).get((circuit, phase), 0.0))
            kept = found.setdefault(circuit, {})
            kept[phase] = max(kept.get(phase, 0.0), lasting_a)
    return found


def _backgrounds(allocation: Allocation) -> dict[tuple[str, str], float]:
    """The measured background: never more than the current less what the loads are known to draw."""
    if allocation.meter is not MeterHealth.FRESH:
        return {}
    found: dict[tuple[str, str], float] = {}
    for name, circuit in allocation.circuits.items():
        for phase in PHASES:
            room = getattr(circuit, phase)
            if room is None or room.background_a is None or room.current_a is None:
                continue
            drawn_a = sum(one.draw_a or 0.0 for one in allocation.loads.values() if phase in one.legs)
            found[name, phase] = max(min(room.background_a, room.current_a - drawn_a), 0.0)
    return found


def _ago(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _good(about: str, text: str) -> Finding:
    return Finding(about=about, level="good", text=text)


def _note(about: str, text: str, todo: str) -> Finding:
    return Finding(about=about, level="note", text=text, todo=todo)


def _bad(about: str, text: str, todo: str) -> Finding:
    return Finding(about=about, level="bad", text=text, todo=todo)
