"""What the allocator shows of the house as a whole, and of each circuit."""

from collections.abc import Callable, Iterator
from typing import Any

from busbar_contracts.allocation import Allocation, MeterHealth, SiteSettings
from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading, MeterReading
from busbar_shared.config.root import Site
from busbar_shared.config.site import on_phase
from busbar_shared.discovery.entity import Device, Entity, Range, Setting, Sight, Source
from busbar_shared.discovery.kinds import (
    button,
    choice,
    current,
    event,
    number,
    power,
    remark,
    select,
    switch,
    text,
)
from busbar_shared.discovery.loads import ALLOCATION_STALE_S
from busbar_shared.discovery.meters import reading_stale_s
from busbar_shared.discovery.pages import id_of, page, site_page
from busbar_shared.discovery.words import DISTRIBUTIONS

SET = "hems/site/settings/set"
EXCESS_MOST_W = 20_000.0


def house(site: Site) -> tuple[Device, ...]:
    """The site and its circuits."""
    return (_site(site), *_circuits(site))


def _site(site: Site) -> Device:
    return Device(
        id=id_of(site, "site"),
        page=site_page(site),
        sources=_sources(site),
        entities=(*_powers(site), *_decided(site), *_wishes(site)),
        needs=("settings",),
        happenings={"outside_limit": outside_limit},
    )


def _sources(site: Site) -> dict[str, Source]:
    grid = site.grid_meter()
    sources = {
        "grid": Source(kind=MeterReading, ids={"meter": grid}, stale_s=reading_stale_s(site.meters[grid])),
        "allocation": Source(kind=Allocation, stale_s=ALLOCATION_STALE_S),
        "settings": Source(kind=SiteSettings),
    }
    for name, inverter in site.inverters.items():
        ids = {"inverter": name}
        sources[f"inverter {name}"] = Source(kind=InverterReading, ids=ids, stale_s=reading_stale_s(inverter))
    for name, battery in site.batteries.items():
        ids = {"battery": name}
        sources[f"battery {name}"] = Source(kind=BatteryReading, ids=ids, stale_s=reading_stale_s(battery))
    return sources


def _powers(site: Site) -> Iterator[Entity]:
    yield power("grid_power", "power_w", source="grid")
    if site.inverters:
        yield power("solar_power", work=solar_power(site), icon="mdi:solar-power")
    if site.batteries:
        yield power("battery_power", work=battery_power(site), icon="mdi:home-battery")
    yield power("house_power", work=house_power(site), icon="mdi:home-lightning-bolt")


def solar_power(site: Site) -> Callable[[Sight], float | None]:
    """What the sun gives: the modules where they are known, else the AC side and what its battery takes of it."""

    def of(name: str, seen: Sight) -> float | None:
        modules: float | None = seen.get(f"inverter {name}", "pv_power_w")
        if modules is not None or not site.inverters[name].hybrid:
            return modules if modules is not None else _sum([seen.get(f"inverter {name}", "power_w")])
        behind = [one for one, battery in site.batteries.items() if battery.inverter == name]
        return _sum(
            [
                seen.get(f"inverter {name}", "power_w"),
                *(seen.get(f"battery {one}", "power_w") for one in behind),
            ]
        )

    return lambda seen: _sum([of(name, seen) for name in site.inverters])


def battery_power(site: Site) -> Callable[[Sight], float | None]:
    """All batteries together; charging is positive."""
    return lambda seen: _sum([seen.get(f"battery {name}", "power_w") for name in site.batteries])


def house_power(site: Site) -> Callable[[Sight], float | None]:
    """What everything in the house takes: the grid, what inverters give, less what batteries beside them take."""

    def of(seen: Sight) -> float | None:
        beside = [name for name, battery in site.batteries.items() if battery.inverter is None]
        taken = _sum([seen.get(f"battery {name}", "power_w") for name in beside])
        given = _sum([seen.get(f"inverter {name}", "power_w") for name in site.inverters])
        grid = seen.get("grid", "power_w")
        return None if grid is None or given is None or taken is None else grid + given - taken

    return of


def _sum(parts: list[Any]) -> float | None:
    return None if any(part is None for part in parts) else float(sum(parts))


def _decided(site: Site) -> Iterator[Entity]:
    root = site.root_circuit()
    for phase in site.site.phases:
        yield current(f"headroom_{phase}", work=_of_circuit(root, phase, "headroom_a"))
    yield choice("status", "meter", MeterHealth, source="allocation", icon="mdi:heart-pulse")
    if site.inverters:
        yield power("surplus", "pools.surplus_w", source="allocation", icon="mdi:weather-sunny")
        yield power("excess", "pools.excess_w", source="allocation", icon="mdi:weather-sunny-alert")
    yield power(
        "import_limit_in_force", "import_limit_w", source="allocation", measured=False, at_once=True,
        icon="mdi:transmission-tower-import",
    )  # fmt: skip
    yield remark("import_limit_source", "import_limit_source", source="allocation")
    yield text(
        "polarity_advice", "polarity_advice", source="allocation", category="diagnostic",
        into=lambda phases: ", ".join(phases).upper() or "none", icon="mdi:swap-vertical",
    )  # fmt: skip
    yield event("outside_limit", ("set", "lifted"), icon="mdi:transmission-tower-off")


def _of_circuit(circuit: str, phase: str, field: str) -> Callable[[Sight], float | None]:
    def of(seen: Sight) -> float | None:
        allocation: Allocation | None = seen.get("allocation")
        found = allocation.circuits.get(circuit) if allocation is not None else None
        one = getattr(found, phase) if found is not None else None
        value: float | None = getattr(one, field) if one is not None else None
        return value

    return of


def _wishes(site: Site) -> Iterator[Entity]:
    most = breaker_w(site)
    yield select("distribution", "distribution", DISTRIBUTIONS, SET, "distribution", source="settings",
                 icon="mdi:sitemap")  # fmt: skip
    yield number(
        "import_limit", "import_limit_w", Range(0, most, 10), Setting(address=SET, field="import_limit_w"),
        source="settings", device_class="power", unit="W",
    )  # fmt: skip
    yield button(
        "import_limit_off", SET, '{"import_limit_w": null}', category="config", icon="mdi:close-circle"
    )
    yield number(
        "power_buffer", "power_buffer_w", Range(0, most, 10), Setting(address=SET, field="power_buffer_w"),
        source="settings", device_class="power", unit="W",
    )  # fmt: skip
    yield number(
        "excess_threshold", "excess_threshold_w",
        Range(0, max(most, EXCESS_MOST_W, site.site.excess_threshold_w), 10),
        Setting(address=SET, field="excess_threshold_w"), source="settings", device_class="power", unit="W",
    )  # fmt: skip
    yield switch("grid_charging", "grid_charging", SET, "grid_charging", source="settings", category="config",
                 icon="mdi:transmission-tower-export")  # fmt: skip
    yield remark("last_refusal", "refused", source="settings")


def breaker_w(site: Site) -> float:
    """What the main breaker carries on all phases, the most an import limit can be."""
    limit = site.circuits[site.root_circuit()].limit_a
    amps = sum(on_phase(limit, phase) or 0.0 for phase in site.site.phases)
    return float(round(amps * site.site.voltage_v))


def outside_limit(before: Sight | None, now: Sight) -> tuple[str, str] | None:
    """A limit from outside begins or ends; the owner's own setting is none."""
    if before is None or before.get("allocation") is None or now.get("allocation") is None:
        return None
    was, is_now = (
        one.get("allocation", "import_limit_source") not in (None, "settings") for one in (before, now)
    )
    if was == is_now:
        return None
    watts, source = (now.get("allocation", one) for one in ("import_limit_w", "import_limit_source"))
    return (
        ("set", f"import limited to {watts:g} W by {source}")
        if is_now
        else ("lifted", "no limit from outside")
    )


def _circuits(site: Site) -> Iterator[Device]:
    for name in site.circuits:
        yield Device(
            id=id_of(site, "circuit", name),
            page=page(site, "circuit", name, "Circuit"),
            sources={"allocation": Source(kind=Allocation, stale_s=ALLOCATION_STALE_S)},
            entities=tuple(
                current(f"{key}_{phase}", work=_of_circuit(name, phase, f"{key}_a"))
                for key in ("headroom", "current", "granted")
                for phase in site.site.phases
                if key != "current" or site.circuits[name].meter is not None
            ),
            needs=("allocation",),
        )
