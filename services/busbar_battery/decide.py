"""The battery's power for one instant, as a function of that instant alone.

The base quantity is the surplus, `battery - grid`. By the balance at the meter it equals sun minus house, and
it does not move when the battery does: what it takes more is missing from the export at the same instant.
So the decision needs no loop gain and has nothing to hunt with. Whatever is wanted of the battery is said in
terms of the surplus, bounded by what the battery, the wires and the limits allow.

Order of authority: device > valid configuration > SoC limits > import limit > grid charging > export target >
priority > absorb rather than curtail > curtail. Export and generation limits hold at every step.
"""

from __future__ import annotations

from math import inf
from typing import Literal

from msgspec import Struct

from busbar_battery.inputs import Inputs, fault, percent, watts
from busbar_battery.reason import Choice, least, sentence

Mode = Literal["charge", "discharge", "idle"]

# Below a milliwatt a difference is the arithmetic's, not the house's.
NOTHING_W = 1e-3


class Decision(Struct, frozen=True, kw_only=True, rename={"import_": "import"}):
    """What the battery should do, and the flows to expect then. Watts; None is unknown or "no cap"."""

    battery: float
    export: float | None
    import_: float | None
    pv: float | None
    solar_limit: float | None
    ac_limit: float | None
    mode: Mode
    control: Literal["apply", "release"]
    flags: tuple[str, ...]
    reason: str


class Refusal(Struct, frozen=True):
    """The configuration cannot be used; keep the previous valid one and tell the owner."""

    error: str


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


def decide(given: Inputs) -> Decision | Refusal:
    """The battery's power for this instant with its consequences, or a sentence about what is unusable."""
    wrong = fault(given)
    if wrong is not None:
        return Refusal(wrong)
    grid, battery = watts(given.grid), watts(given.battery)
    if grid is None or battery is None:
        return _released(given, grid)
    surplus = battery - grid
    pv = watts(given.pv)
    pv = None if pv is None else max(0.0, pv)
    load = None if pv is None else pv - surplus
    flags = _notices(given, pv, load)
    allowed = permitted(given, pv)
    used_pv = pv
    if pv is not None and pv > allowed.generation:
        surplus -= pv - allowed.generation
        used_pv = allowed.generation
    choice = choose(given, allowed, surplus)
    if abs(choice.power) < max(given.deadband or 0.0, NOTHING_W):
        choice = choice.stilled()
    if choice.flag:
        flags.append(choice.flag)
    return _consequences(choice, allowed, surplus, load, used_pv, flags)


def mode_of(power: float) -> Mode:
    """Charge, discharge or idle, from the sign of a power."""
    return "charge" if power > 0 else "discharge" if power < 0 else "idle"


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


def choose(given: Inputs, allowed: Allowed, surplus: float) -> Choice:
    """The battery's power by the first rule that applies, before the dead band."""
    if given.grid_charging:
        known = percent(given.soc) is not None or given.unknown_soc == "permissive"
        if allowed.below_target and allowed.charge > 0 and known:
            return _charge_from_grid(given, allowed, surplus)
        return _hold(allowed, surplus)
    wanted_export = 0.0 if given.wire_stale else min(given.export_target or 0.0, allowed.export)
    if surplus < wanted_export:
        return _discharge(allowed, surplus, wanted_export)
    if given.priority != "export_first" and allowed.below_target:
        power, bound = least((surplus - wanted_export, "the surplus"), (allowed.charge, allowed.charge_by))
        return Choice(power, "battery first, below target", bound)
    why = "export first" if given.priority == "export_first" else "at or above target"
    return _absorb(allowed, surplus, why)


def _charge_from_grid(given: Inputs, allowed: Allowed, surplus: float) -> Choice:
    own = max(0.0, surplus)
    if given.wire_stale:
        if surplus < 0:
            return _hold(allowed, surplus, flag="wire_limit_stale")
        power, bound = least((own, "the surplus alone"), (allowed.charge, allowed.charge_by))
        return Choice(power, "grid charging", bound, "wire_limit_stale")
    power, bound = least(
        (allowed.charge, allowed.charge_by),
        (inf if given.grid_charging_max is None else own + given.grid_charging_max, "grid charging limit"),
        (inf if given.import_target is None else max(own, surplus + given.import_target), "import target"),
        (surplus + allowed.imported, "import limit"),
    )
    if power == inf:
        return Choice(own, "grid charging", "the surplus alone", "grid_charge_unbounded")
    if power < -allowed.discharge:
        power, bound = -allowed.discharge, allowed.discharge_by
    return Choice(power, "grid charging", bound)


def _hold(allowed: Allowed, surplus: float, flag: str | None = None) -> Choice:
    if surplus >= 0:
        return _absorb(allowed, surplus, "held while grid charging is on", flag)
    need = max(0.0, -surplus - allowed.imported)
    power, bound = least((need, "import limit"), (allowed.discharge, allowed.discharge_by))
    why = "held while grid charging is on"
    return Choice(-power, why, bound if need > 0 else None, flag)


def _discharge(allowed: Allowed, surplus: float, wanted_export: float) -> Choice:
    what = "the export target" if wanted_export > 0 else "the house"
    power, bound = least((wanted_export - surplus, what), (allowed.discharge, allowed.discharge_by))
    return Choice(-power, f"for {what}", bound)


def _absorb(allowed: Allowed, surplus: float, why: str, flag: str | None = None) -> Choice:
    spare = max(0.0, surplus - allowed.export)
    power, bound = least((spare, "export limit"), (allowed.charge, allowed.charge_by))
    if spare > 0:
        return Choice(power, f"{why}, more than may be exported", bound, flag)
    return Choice(0.0, why, None, flag)


def _consequences(
    choice: Choice,
    allowed: Allowed,
    surplus: float,
    load: float | None,
    pv: float | None,
    flags: list[str],
) -> Decision:
    rest = surplus - choice.power
    imported, spare = max(0.0, -rest), max(0.0, rest)
    export = min(spare, allowed.export)
    curtailed = spare - export
    if pv is not None and curtailed > pv + NOTHING_W:
        flags.append("export_limit_exceeded")
    if imported > allowed.imported + NOTHING_W:
        flags.append("import_limit_exceeded")
    pv_after = None if pv is None else max(0.0, pv - curtailed)
    return Decision(
        battery=choice.power + 0.0,
        export=export,
        import_=imported,
        pv=pv_after,
        solar_limit=_cap(allowed, load, max(0.0, choice.power)),
        ac_limit=_cap(allowed, load, 0.0),
        mode=mode_of(choice.power),
        control="apply",
        flags=tuple(flags),
        reason=sentence(choice, export, imported, curtailed if pv is not None else 0.0, flags),
    )


def _cap(allowed: Allowed, load: float | None, charging: float) -> float | None:
    """The most the sun may make. Discharge is never subtracted: sun may take its place."""
    if load is None:
        return None
    cap = min(allowed.generation, max(0.0, load + charging + allowed.export))
    return None if cap == inf else cap


def _notices(given: Inputs, pv: float | None, load: float | None) -> list[str]:
    flags = []
    if percent(given.soc) is None:
        flags.append("soc_unknown")
    if given.soc_max is not None and given.soc_min is not None and given.soc_max < given.soc_min:
        flags.append("soc_limits_inverted")
    if pv is None:
        flags.append("pv_unknown")
    if load is not None and load < -NOTHING_W:
        flags.append("load_negative")
    return flags


def _released(given: Inputs, grid: float | None) -> Decision:
    missing = "grid meter" if grid is None else "battery power"
    flags = ("measurement_invalid", *(["soc_unknown"] if percent(given.soc) is None else []))
    return Decision(
        battery=0.0,
        export=None,
        import_=None,
        pv=None,
        solar_limit=None,
        ac_limit=None,
        mode="idle",
        control="release",
        flags=flags,
        reason=f"The battery is left to its own control: no usable reading of the {missing}.",
    )


def _or_inf(value: float | None) -> float:
    return inf if value is None else value
