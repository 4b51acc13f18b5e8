"""The parameter names of the plan this service grew from, and what became of each.

Sites that were set up with them keep working; every use is reported, so that nobody wonders later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

# Old name: our name among the inputs of a decision, and our name among a battery's settings.
NAMES: Final[dict[str, tuple[str, str]]] = {
    "batteryChargeMaxWatts": ("charge_max", "charge_max_w"),
    "batteryDischargeMaxWatts": ("discharge_max", "discharge_max_w"),
    "batterySocMinPercent": ("soc_min", "soc_min_percent"),
    "batterySocMaxPercent": ("soc_max", "soc_max_percent"),
    "batterySocTargetPercent": ("soc_target", "soc_target_percent"),
    "batteryPriorityMode": ("priority", "mode"),
    "batteryGridChargingEnabled": ("grid_charging", "grid_charging"),
    "batteryGridChargingMaxWatts": ("grid_charging_max", "grid_charging_max_w"),
    "batteryImportTargetWatts": ("import_target", "import_target_w"),
    "batteryExportTargetWatts": ("export_target", "export_target_w"),
}

# Percent of the most the battery may do: an additional cap.
RATES: Final[dict[str, tuple[str, str]]] = {
    "batteryChargeRatePercent": ("charge_max", "charge_max_w"),
    "batteryDischargeRatePercent": ("discharge_max", "discharge_max_w"),
}

_BUFFER: Final = "the surplus is measured, and the SoC target says how far to charge"
IGNORED: Final = {"batteryChargeBuffer": _BUFFER, "batteryChargeBufferWatts": _BUFFER}

REFUSED: Final = {
    "batteryStorageMode": "it would bypass every limit; use the SoC settings, grid charging and the targets",
    # SunSpec 124 MinRsvPct stands in the device for good, and below it some inverters charge from the grid.
    "reserve_percent": "no message writes the device's own reserve; `busbar battery reserve PERCENT` does, once",
}


class Translated(Struct, frozen=True):
    """The same object in today's names, with a sentence for every old name that was met."""

    values: dict[str, Any]
    notes: tuple[str, ...]
    refusal: str | None = None


def translated(
    given: Mapping[str, Any], *, settings: bool = False, most: Mapping[str, float | None] | None = None
) -> Translated:
    """Today's names for yesterday's; what has no successor is dropped or refused, and each is told.

    `most` is what the battery may do in W by today's names; percentages are taken of it.
    """
    values: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in given.items():
        if name in REFUSED:
            return Translated({}, tuple(notes), f"{name}: refused; {REFUSED[name]}")
        if name in IGNORED:
            notes.append(f"{name} is ignored; {IGNORED[name]}")
        elif name in NAMES:
            modern = NAMES[name][int(settings)]
            if modern in given:
                return Translated({}, tuple(notes), f"{name}: given together with {modern}, its new name")
            notes.append(f"{name} is now called {modern}")
            values[modern] = value
        elif name not in RATES:
            values[name] = value
    for name in RATES:
        if given.get(name) is None:
            continue
        modern = RATES[name][int(settings)]
        watts = _part(given[name], (most or {}).get(modern))
        if watts is None:
            return Translated({}, tuple(notes), f"{name}: {given[name]!r} is no percentage of a known limit")
        asked = values.get(modern)
        values[modern] = min(watts, asked) if isinstance(asked, (int, float)) else watts
        notes.append(f"{name} is now {modern}, here {watts:g} W")
    return Translated(values, tuple(notes))


def _part(percent: object, most: float | None) -> float | None:
    """So many percent of the most, W; None where one of the two is no number."""
    if most is None or isinstance(percent, bool) or not isinstance(percent, (int, float)):
        return None
    return percent / 100 * most if 0 <= percent <= 100 else None
