"""What a look finds about the current: its meter, the chargers, their leases, and the house beside them. Pure."""

import math
from collections.abc import Iterator

from busbar_cli.doctor_facts import Facts, Finding, bad, good, note
from busbar_contracts.allocation import MeterHealth
from busbar_contracts.charger import LeaseQuality
from busbar_contracts.meter import MeterReading
from busbar_shared.config.root import Site
from busbar_shared.config.site import on_phase

ALLOCATION_EACH_S = 10.0
OTHER_POWER_SHARE = 0.25


def meter(site: Site, facts: Facts) -> Iterator[Finding]:
    """Whether the grid meter speaks, as often as it should, and sense."""
    if not site.circuits:
        return
    name = site.grid_meter()
    if not facts.readings:
        yield bad(
            f"meter {name}", f"no reading came in {facts.listened_s:.0f} s",
            f"busbar meter read {name} says what the device answers",
        )  # fmt: skip
        return
    wanted = facts.listened_s / site.meters[name].every_s
    if len(facts.readings) < wanted / 2:
        yield note(
            f"meter {name}", f"{len(facts.readings)} readings came where {wanted:.0f} were expected",
            "look at the line to the meter; a slow one is safe but follows slowly",
        )  # fmt: skip
    last = facts.readings[-1]
    wrong = list(_implausible(site, last))
    for text in wrong:
        yield bad(
            f"meter {name}",
            text,
            "check meters." + name + " (phases, sign, unit) against the display of the meter",
        )
    if not wrong:
        power = "unknown power" if last.power_w is None else f"{last.power_w:.0f} W"
        yield good(f"meter {name}", f"{len(facts.readings)} readings, last {power}, plausible")


def _implausible(site: Site, last: MeterReading) -> Iterator[str]:
    root = site.circuits[site.root_circuit()]
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
    samples = [getattr(last, phase) for phase in site.site.phases]
    powers_w = [one.power_w for one in samples if one is not None and one.power_w is not None]
    if len(powers_w) == len(samples) and last.power_w is not None:
        sum_w = sum(powers_w)
        if abs(sum_w - last.power_w) > max(200.0, OTHER_POWER_SHARE * abs(last.power_w)):
            yield f"the phases add up to {sum_w:.0f} W, the total says {last.power_w:.0f} W"


def chargers(site: Site, facts: Facts) -> Iterator[Finding]:
    """Whether each connector of the site is there, obeys, and falls back by itself."""
    for name in site.chargers:
        for number in site.chargers[name].all_connectors():
            load = f"{name}-{number}"
            state = facts.chargers.get(load)
            if state is None or not state.link:
                where = site.ocpp
                url = f"ws{'s' if where and where.security >= 2 else ''}://<this machine>:{where.port if where else '?'}"
                prefix = where.path_prefix if where else "/"
                yield bad(
                    f"charger {load}", "is not connected" if state else "was never seen",
                    f"its backend address is {url}{prefix}{site.chargers[name].charge_point or name}",
                )  # fmt: skip
            elif state.disobedient:
                yield bad(f"charger {load}", "draws more than it may", "busbar ocpp show " + name)
            elif state.lease is LeaseQuality.NONE:
                yield note(
                    f"charger {load}", "does not fall back by itself, so little is granted",
                    f"busbar ocpp verify {name} tries it",
                )  # fmt: skip
            else:
                yield good(
                    f"charger {load}", f"is connected ({state.status.value}), lease {state.lease.value}"
                )


def leases(site: Site, facts: Facts) -> Iterator[Finding]:
    """Whether the allocator decides, and renews what it granted to chargers that are there."""
    if not site.circuits:
        return
    if not facts.allocations:
        if facts.listened_s >= ALLOCATION_EACH_S:
            yield bad("allocation", "no decision was heard", "look at the log of the allocator")
        return
    last = facts.allocations[-1]
    if last.meter is not MeterHealth.FRESH:
        yield bad("allocation", f"the allocator calls the meter {last.meter.value}", "mend the meter first")
    due = int(facts.listened_s / max(site.site.lease_s / 3, 1.0))
    silent = [load for load in last.loads if load in facts.chargers and facts.chargers[load].link
              and not facts.orders.get(load)]  # fmt: skip
    if due >= 1 and silent:
        yield bad("leases", f"{', '.join(silent)}: no renewal was heard", "look at the log of the allocator")
    elif due >= 1 and facts.orders:
        yield good(
            "leases", f"renewed: {', '.join(f'{load} {count}x' for load, count in facts.orders.items())}"
        )


def background(site: Site, facts: Facts) -> Iterator[Finding]:
    """Whether the house was ever seen to draw more than the fallbacks leave it."""
    for name, circuit in site.circuits.items():
        if circuit.assumed_background_a is None:
            continue
        for phase, seen_a in facts.highest_a.get(name, {}).items():
            assumed_a = on_phase(circuit.assumed_background_a, phase)
            if assumed_a is None:
                continue
            if seen_a > assumed_a:
                yield bad(
                    f"circuit {name}",
                    f"the house has drawn {seen_a:.1f} A on phase {phase}; assumed_background_a says {assumed_a:g} A",
                    f"write at least {math.ceil(seen_a)} there; the fallbacks must fit beside it",
                )
            else:
                yield good(
                    f"circuit {name}",
                    f"phase {phase}: highest seen {seen_a:.1f} A of {assumed_a:g} A assumed",
                )
