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
from busbar_battery.scene import NOTHING_W, Allowed, Scene, look

Mode = Literal["charge", "discharge", "idle"]


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


def decide(given: Inputs) -> Decision | Refusal:
    """The battery's power for this instant with its consequences, or a sentence about what is unusable."""
    wrong = fault(given)
    if wrong is not None:
        return Refusal(wrong)
    scene = look(given)
    return released(given) if scene is None else consequences(scene, choose(scene))


def mode_of(power: float) -> Mode:
    """Charge, discharge or idle, from the sign of a power."""
    return "charge" if power > 0 else "discharge" if power < 0 else "idle"


def choose(scene: Scene) -> Choice:
    """The battery's power by the first rule that applies; less than the dead band is rest."""
    choice = _first_rule(scene)
    if abs(choice.power) < max(scene.given.deadband or 0.0, NOTHING_W):
        return choice.stilled()
    return choice


def _first_rule(scene: Scene) -> Choice:
    given, allowed, surplus = scene.given, scene.allowed, scene.surplus
    if given.grid_charging:
        known = percent(given.soc) is not None or given.unknown_soc == "permissive"
        if allowed.below_target and allowed.charge > 0 and known:
            return _charge_from_grid(given, allowed, surplus)
        return _hold(allowed, surplus)
    wanted_export = scene.wanted_export
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
            return _hold(allowed, surplus)
        power, bound = least((own, "the surplus alone"), (allowed.charge, allowed.charge_by))
        return Choice(power, "grid charging", bound)
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


def _hold(allowed: Allowed, surplus: float) -> Choice:
    if surplus >= 0:
        return _absorb(allowed, surplus, "held while grid charging is on")
    need = max(0.0, -surplus - allowed.imported)
    power, bound = least((need, "import limit"), (allowed.discharge, allowed.discharge_by))
    why = "held while grid charging is on"
    return Choice(-power, why, bound if need > 0 else None)


def _discharge(allowed: Allowed, surplus: float, wanted_export: float) -> Choice:
    what = "the export target" if wanted_export > 0 else "the house"
    need = wanted_export - surplus
    power, bound = least((need, "the need"), (allowed.discharge, allowed.discharge_by))
    return Choice(-power, f"for {what}", bound if power < need else None)


def _absorb(allowed: Allowed, surplus: float, why: str) -> Choice:
    spare = max(0.0, surplus - allowed.export)
    power, bound = least((spare, "export limit"), (allowed.charge, allowed.charge_by))
    if spare > 0:
        return Choice(power, f"{why}, more than may be exported", bound)
    return Choice(0.0, why, None)


def consequences(scene: Scene, choice: Choice) -> Decision:
    """The flows to expect once the battery does as chosen, and the caps that keep the limits."""
    allowed, surplus, pv, load = scene.allowed, scene.surplus, scene.pv, scene.load
    flags = [*scene.flags, *([choice.flag] if choice.flag else [])]
    rest = surplus - choice.power
    imported, spare = max(0.0, -rest), max(0.0, rest)
    export = min(spare, allowed.export)
    curtailed = spare - export
    if pv is None and curtailed > NOTHING_W:
        flags.append("export_limit_unproven")
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


def released(given: Inputs) -> Decision:
    """The answer to a missing measurement: the battery is left to itself."""
    missing = "grid meter" if watts(given.grid) is None else "battery power"
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
