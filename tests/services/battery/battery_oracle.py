"""The decision of one instant, read anew from its definition: a search among candidates, not a formula.

Nothing of the service is imported. A row is the dictionary that stands in one line of JSON; what is left out has
the defaults of the worked cases. The owner's words, in the order of authority:

1. the battery stays inside what it, the wires and the generation limit allow;
2. grid energy enters it only while that is permitted, and no more than was bounded;
3. of what is then possible it takes the power that comes nearest to what the situation asks for.
"""

from __future__ import annotations

from math import inf, isfinite
from typing import Any

DEFAULTS: dict[str, Any] = {
    "pv": 0, "grid": 0, "battery": 0, "soc": 50, "soc_target": None, "soc_min": 10, "soc_max": 100,
    "charge_max": 5000, "discharge_max": 5000, "deadband": 0, "unknown_soc": "conservative", "topology": "ac",
}  # fmt: skip
LIMITS = (
    "charge_max", "discharge_max", "wire_charge_max", "wire_discharge_max", "export_limit", "import_limit",
    "gen_limit", "grid_charging_max", "import_target", "export_target", "deadband",
)  # fmt: skip


def usable(value: Any) -> bool:
    """A measured number that can be worked with."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def answer(row: dict[str, Any]) -> dict[str, Any]:
    """What must be answered: error, or the figures, the mode, the control and the flags that matter."""
    has = DEFAULTS | row
    limit = {name: inf if has.get(name) is None else has[name] for name in LIMITS}
    if any(not value >= 0 or (value == inf and has.get(name) is not None) for name, value in limit.items()):
        return {"error": True}
    if has.get("priority") not in (None, "battery_first", "export_first"):
        return {"error": True}
    if not usable(has["grid"]) or not usable(has["battery"]):
        return {"control": "release", "battery": 0, "mode": "idle", "flags": {"measurement_invalid"}}

    flags = set()
    pv = has["pv"] if usable(has["pv"]) else None
    soc = has["soc"] if usable(has["soc"]) and 0 <= has["soc"] <= 100 else None
    top = 100 if has["soc_max"] is None else has["soc_max"]
    floor = 0 if has["soc_min"] is None else has["soc_min"]
    target = min(top, top if has["soc_target"] is None else has["soc_target"])
    trusting = has["unknown_soc"] == "permissive"
    if soc is None:
        flags.add("soc_unknown")
    if top < floor:
        flags.add("soc_limits_inverted")
    if pv is None:
        flags.add("pv_unknown")

    surplus = has["battery"] - has["grid"]
    load = None if pv is None else pv - surplus
    if load is not None and load < -1e-6:
        flags.add("load_negative")
    most_in = min(limit["charge_max"], limit["wire_charge_max"]) if soc is None or soc < top else 0
    most_out = min(limit["discharge_max"], limit["wire_discharge_max"])
    if soc is None and not trusting:
        most_out = 0
    if soc is not None and soc <= floor:
        most_out = 0
    sun = pv
    if pv is not None and pv > limit["gen_limit"]:
        sun = limit["gen_limit"]
        surplus -= pv - sun
    if sun is not None:
        most_out = min(most_out, limit["gen_limit"] - sun)

    power = wanted(
        has, limit, surplus, most_in, most_out, soc is None or soc < target, soc is not None or trusting
    )
    if power is None:
        flags.add("grid_charge_unbounded")
        power = max(0, surplus)
    if abs(power) < (has["deadband"] or 0):
        power = 0
    out = flows(power, surplus, sun, limit, flags)
    for name, charging in (("solar_limit", max(0, power)), ("ac_limit", 0)):
        out[name] = None
        if load is not None:
            cap = min(limit["gen_limit"], max(0, load + charging + limit["export_limit"]))
            out[name] = None if cap == inf else cap
    return out | {"flags": flags, "control": "apply"}


def wanted(
    has: dict[str, Any], limit: dict[str, float], surplus: float, most_in: float, most_out: float, below: bool,
    trusted: bool,
) -> float | None:  # fmt: skip
    """The power that is nearest to what is asked for among all that matter; None where nothing bounds it."""
    grid = bool(has.get("grid_charging"))
    from_grid = grid and below and trusted and most_in > 0
    spare = max(0, surplus)
    exported = 0 if grid or has.get("wire_stale") else min(
        0 if has.get("export_target") is None else limit["export_target"], limit["export_limit"]
    )  # fmt: skip
    if from_grid:
        # Nobody says what the wires bear: the sun alone.
        drawn = 0 if has.get("wire_stale") else limit["grid_charging_max"]
        ceilings = [
            most_in,
            spare + drawn,
            max(spare, surplus + limit["import_target"]),
            surplus + limit["import_limit"],
        ]
        best = min(ceilings)
        return None if best == inf else max(best, -most_out)
    # Every power at which something changes; the best of them is the best of all, as nothing curves in between.
    points = {0.0, surplus, most_in, -most_out, surplus - exported, surplus - limit["export_limit"],
              surplus + limit["import_limit"]}  # fmt: skip
    possible = [
        p for p in points if isfinite(p) and -most_out <= p <= most_in and (p <= 0 or p <= surplus + 1e-6)
    ]

    def regret(p: float) -> tuple[float, ...]:
        # To the milliwatt: a difference of the arithmetic is no difference.
        left = surplus - p
        lost, short = max(0, left - limit["export_limit"]), max(0, -left - limit["import_limit"])
        if grid:
            return round(short, 3), round(lost, 3), abs(p)
        missing = max(0, exported - left)
        if has.get("priority") != "export_first" and below:
            return round(missing, 3), -p
        return round(missing, 3), round(lost, 3), abs(p)

    return min(possible, key=regret)


def flows(
    power: float, surplus: float, sun: float | None, limit: dict[str, float], flags: set[str]
) -> dict[str, Any]:
    """Import, export and sun by the balance, once the battery does so."""
    left = surplus - power
    imported, export = max(0, -left), min(max(0, left), limit["export_limit"])
    lost = max(0, left) - export
    if sun is not None and lost > sun + 1e-6:
        flags.add("export_limit_exceeded")
    if imported > limit["import_limit"] + 1e-6:
        flags.add("import_limit_exceeded")
    return {
        "battery": power,
        "mode": "charge" if power > 0 else "discharge" if power < 0 else "idle",
        "import": imported,
        "export": export,
        "pv": None if sun is None else max(0, sun - lost),
    }
