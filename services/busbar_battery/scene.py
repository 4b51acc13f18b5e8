"""One instant, made ready for a decision: what is known, what is allowed, what is left over."""

from __future__ import annotations

from math import inf

from msgspec import Struct

from busbar_battery.inputs import Inputs, percent, watts
from busbar_battery.reason import least

# Below a milliwatt a difference is the arithmetic's, not the house's.
NOTHING_W = 1e-3


class Allowed(Struct, frozen=True):
    """What may happen at this instant, `inf` where nothing limits."""

    charge: float
    charge_by: str
    discharge: float
    discharge_by: str
    export: float
    imported: float
    generation: float
    below_target: bool


class Scene(Struct, frozen=True):
    """An instant with usable measurements: W, + charge. `surplus` and `pv` are after the generation limit."""

    given: Inputs
    allowed: Allowed
    surplus: float
    load: float | None
    pv: float | None
    flags: tuple[str, ...]

    @property
    def wanted_export(self) -> float:
        """Site export that is wanted now; none while the battery may be charged from the grid."""
        if self.given.grid_charging or self.given.wire_stale:
            return 0.0
        return min(self.given.export_target or 0.0, self.allowed.export)


def look(given: Inputs) -> Scene | None:
    """The scene of a valid configuration, or None when grid or battery are not measured."""
    grid, battery = watts(given.grid), watts(given.battery)
    if grid is None or battery is None:
        return None
    surplus = battery - grid
    pv = watts(given.pv)
    pv = None if pv is None else max(0.0, pv)
    load = None if pv is None else pv - surplus
    allowed = permitted(given, pv)
    flags = _notices(given, pv, load)
    if pv is not None and pv > allowed.generation:
        surplus -= pv - allowed.generation
        pv = allowed.generation
    return Scene(given, allowed, surplus, load, pv, flags)


def permitted(given: Inputs, pv: float | None) -> Allowed:
    """The bounds of this instant: device, wires, state of charge and site limits together."""
    soc = percent(given.soc)
    highest = 100.0 if given.soc_max is None else given.soc_max
    lowest = 0.0 if given.soc_min is None else given.soc_min
    target = highest if given.soc_target is None else min(given.soc_target, highest)
    generation = _or_inf(given.gen_limit)
    charge = least(
        (_or_inf(given.charge_max), "the battery's charge limit"),
        (_or_inf(given.wire_charge_max), "what the phases bear"),
        (0.0 if soc is not None and soc >= highest else inf, f"full at {highest:g} %"),
    )
    if soc is None:
        reserve, reserve_by = (inf if given.unknown_soc == "permissive" else 0.0), "state of charge unknown"
    else:
        reserve, reserve_by = (inf if soc > lowest else 0.0), f"reserve of {lowest:g} %"
    discharge = least(
        (_or_inf(given.discharge_max), "the battery's discharge limit"),
        (_or_inf(given.wire_discharge_max), "what the phases bear"),
        (reserve, reserve_by),
        (inf if pv is None else max(0.0, generation - pv), "generation limit"),
    )
    return Allowed(
        charge=charge[0],
        charge_by=charge[1],
        discharge=discharge[0],
        discharge_by=discharge[1],
        export=_or_inf(given.export_limit),
        imported=_or_inf(given.import_limit),
        generation=generation,
        below_target=soc is None or soc < target,
    )


def _notices(given: Inputs, pv: float | None, load: float | None) -> tuple[str, ...]:
    flags = []
    if percent(given.soc) is None:
        flags.append("soc_unknown")
    if given.soc_max is not None and given.soc_min is not None and given.soc_max < given.soc_min:
        flags.append("soc_limits_inverted")
    if pv is None:
        flags.append("pv_unknown")
    if load is not None and load < -NOTHING_W:
        flags.append("load_negative")
    if given.wire_stale:
        flags.append("wire_limit_stale")
    return tuple(flags)


def _or_inf(value: float | None) -> float:
    return inf if value is None else value
