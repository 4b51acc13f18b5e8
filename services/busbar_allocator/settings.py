"""What the owner wants: first values from the file, changed over the bus, kept over restarts.

A setting changed at run time wins until its value in the file changes; then the file wins and an event
says so. A change that cannot be is refused whole, with a sentence that names the field and the value.
"""

from datetime import datetime, timedelta
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import asdict, replace

from busbar_allocator.plan import LoadPlan, Plan
from busbar_contracts.allocation import SiteSettings, SiteSettingsSet
from busbar_contracts.battery import BatterySettings, BatterySettingsSet
from busbar_contracts.load import LoadSettings, LoadSettingsSet


class Settings(Struct, frozen=True, kw_only=True):
    """The owner's wishes in force, and the file's values they were first taken from."""

    site: SiteSettings
    loads: dict[str, LoadSettings]
    """By the owner's name of the load: a heater is one."""
    batteries: dict[str, BatterySettings] = {}
    """Only where no battery service is configured: each topic has one writer."""
    file_site: SiteSettings
    file_loads: dict[str, LoadSettings]
    file_batteries: dict[str, BatterySettings] = {}


class Refusal(Struct, frozen=True):
    """Why a change was not made."""

    path: str
    text: str


def from_file(plan: Plan) -> Settings:
    """The settings as the configuration gives them."""
    site = plan.site.site
    settings = SiteSettings(
        distribution=site.distribution,
        import_limit_w=site.import_limit_w,
        power_buffer_w=site.power_buffer_w,
        excess_threshold_w=site.excess_threshold_w,
        excess_uses=site.excess_uses,
        grid_charging=site.grid_charging,
    )
    loads = {load.owner: _first(load) for load in plan.loads.values() if load.kind != "foreign"}
    batteries = {} if plan.site.battery_flow is not None else _batteries(plan)
    return Settings(
        site=settings,
        loads=loads,
        batteries=batteries,
        file_site=settings,
        file_loads=loads,
        file_batteries=batteries,
    )


def _batteries(plan: Plan) -> dict[str, BatterySettings]:
    return {
        name: BatterySettings(
            soc_min_percent=one.soc_min_percent,
            soc_target_percent=one.soc_target_percent,
            soc_max_percent=one.soc_max_percent,
            soc_hysteresis_percent=one.soc_hysteresis_percent,
        )
        for name, one in plan.site.batteries.items()
    }


def _first(load: LoadPlan) -> LoadSettings:
    in_amps = load.kind == "charger"
    return LoadSettings(
        mode=load.mode, modes=load.modes, priority=load.priority, enabled=True,
        min_a=load.min_a if in_amps else None, max_a=load.max_a if in_amps else None,
        grid_price_max=load.grid_price_max,
    )  # fmt: skip


def restored(fresh: Settings, kept: Settings | None) -> tuple[Settings, list[str]]:
    """The settings after a start, and a sentence for each value where the changed file wins again."""
    if kept is None:
        return fresh, []
    told: list[str] = []
    site = _merged("site", fresh.site, kept.site, kept.file_site, told)
    loads = {
        name: _merged(name, first, kept.loads[name], kept.file_loads[name], told)
        if name in kept.loads and name in kept.file_loads
        else first
        for name, first in fresh.loads.items()
    }
    batteries = {
        name: _merged(name, first, kept.batteries[name], kept.file_batteries[name], told)
        if name in kept.batteries and name in kept.file_batteries
        else first
        for name, first in fresh.batteries.items()
    }
    new = Settings(
        site=site, loads=loads, batteries=batteries, file_site=fresh.site, file_loads=fresh.loads,
        file_batteries=fresh.batteries,
    )  # fmt: skip
    return new, told


def _merged(name: str, fresh: Any, kept: Any, file_then: Any, told: list[str]) -> Any:
    """Field by field: the kept value, unless the file changed since it was kept."""
    then, now, values = asdict(file_then), asdict(fresh), asdict(kept)
    for field, value in now.items():
        if field in ("refused", "at", "modes"):
            values[field] = value if field != "at" else values[field]
        elif then[field] != value and field not in ("boost", "boost_until"):
            if values[field] != value:
                told.append(
                    f"{name}: {field} is {value!r} by the changed file; the setting {values[field]!r} is dropped"
                )
            values[field] = value
    merged = type(fresh)(**values)
    if isinstance(merged, LoadSettings) and not _possible(merged):
        return fresh
    if isinstance(merged, BatterySettings) and _wrong(merged) is not None:
        return fresh
    return merged


def _possible(load: LoadSettings) -> bool:
    ordered = load.min_a is None or load.max_a is None or load.min_a <= load.max_a
    return ordered and load.mode in load.modes


def load_changed(
    settings: Settings, plan: Plan, name: str, wish: LoadSettingsSet, now: datetime
) -> tuple[Settings, Refusal | None]:
    """The settings after the owner changed one load, or as they were with the refusal written into them."""
    if name not in settings.loads:
        known = ", ".join(settings.loads) or "none"
        return settings, Refusal("load", f"there is no load {name!r}; there are: {known}")
    old = settings.loads[name]
    refusal = _refused(old, settings.file_loads[name], wish)
    if refusal is not None:
        return _with_load(settings, name, replace(old, refused=refusal.text)), refusal
    changes = {field: value for field, value in asdict(wish).items() if value is not UNSET}
    changes.pop("apply_detection", None)  # no setting: it changes what is known of the wiring
    boost_for_s = changes.pop("boost_for_s", None)
    if changes.get("boost") is not None or boost_for_s is not None:
        changes["boost"] = changes.get("boost", True)
        until = now + timedelta(seconds=min(boost_for_s, 7 * 86_400)) if boost_for_s else None
        changes["boost_until"] = until if changes["boost"] else None
    if all(getattr(old, field) == value for field, value in changes.items()):
        return _with_load(settings, name, replace(old, refused="")), None
    return _with_load(settings, name, replace(old, **changes, refused="", at=now)), None


def _refused(old: LoadSettings, file: LoadSettings, wish: LoadSettingsSet) -> Refusal | None:
    if wish.mode is not UNSET and wish.mode not in old.modes:
        return Refusal("mode", f"mode {wish.mode.value!r} is not one of {', '.join(old.modes)}")
    for field in ("min_a", "max_a"):
        value = getattr(wish, field)
        if value is UNSET:
            continue
        if file.min_a is None or file.max_a is None:
            return Refusal(
                field, f"{field} {value:g}: this load is switched by its power, it has no currents"
            )
        if not file.min_a <= value <= file.max_a:
            return Refusal(
                field, f"{field} {value:g} A is outside {file.min_a:g} to {file.max_a:g} A, its configuration"
            )
    least = old.min_a if wish.min_a is UNSET else wish.min_a
    most = old.max_a if wish.max_a is UNSET else wish.max_a
    if least is not None and most is not None and least > most:
        return Refusal(
            "min_a" if wish.min_a is not UNSET else "max_a", f"min_a {least:g} A is above max_a {most:g} A"
        )
    return None


def site_changed(
    settings: Settings, plan: Plan, wish: SiteSettingsSet, now: datetime
) -> tuple[Settings, Refusal | None]:
    """The settings after the owner changed the site; an import limit cannot exceed the main breaker."""
    old = settings.site
    changes = {field: value for field, value in asdict(wish).items() if value is not UNSET}
    most = sum(plan.circuits[plan.root].limits) * plan.volts
    for field in ("import_limit_w", "power_buffer_w"):
        value = changes.get(field)
        if value is not None and value > most:
            refusal = Refusal(field, f"{field} {value:g} W is more than the main breaker carries, {most:g} W")
            return replace(settings, site=replace(old, refused=refusal.text)), refusal
    if all(getattr(old, field) == value for field, value in changes.items()):
        return replace(settings, site=replace(old, refused="")), None
    return replace(settings, site=replace(old, **changes, refused="", at=now)), None


def battery_changed(
    settings: Settings, name: str, wish: BatterySettingsSet, now: datetime
) -> tuple[Settings, Refusal | None]:
    """The settings after the owner changed a battery that no battery service looks after."""
    if name not in settings.batteries:
        known = ", ".join(settings.batteries) or "none"
        return settings, Refusal("battery", f"there is no battery {name!r} to set here; there are: {known}")
    old = settings.batteries[name]
    changes = {field: value for field, value in asdict(wish).items() if value is not UNSET}
    new = replace(old, **changes, refused="", at=now)
    refusal = _wrong(new)
    if refusal is not None:
        new = replace(old, refused=refusal.text)
    elif replace(new, at=old.at) == replace(old, refused=""):
        new = replace(old, refused="")
    return replace(settings, batteries={**settings.batteries, name: new}), refusal


def _wrong(battery: BatterySettings) -> Refusal | None:
    least, target, most = battery.soc_min_percent, battery.soc_target_percent, battery.soc_max_percent
    if not least <= target <= most:
        text = f"{least:g} % minimum, {target:g} % target, {most:g} % maximum are not in this order"
        return Refusal("soc_min_percent", text)
    return None


def boosts_ended(settings: Settings, now: datetime, unplugged: frozenset[str]) -> Settings:
    """The settings without boosts whose time is over or whose car is gone."""
    for name, load in settings.loads.items():
        over = load.boost_until is not None and load.boost_until <= now
        if load.boost and (over or name in unplugged):
            settings = _with_load(settings, name, replace(load, boost=False, boost_until=None, at=now))
    return settings


def _with_load(settings: Settings, name: str, load: LoadSettings) -> Settings:
    return replace(settings, loads={**settings.loads, name: load})
