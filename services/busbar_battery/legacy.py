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

_BUFFER: Final = "the surplus is measured, and the SoC target says how far to charge"
IGNORED: Final = {
    "batteryChargeBuffer": _BUFFER,
    "batteryChargeBufferWatts": _BUFFER,
    "batteryChargeRatePercent": "give the charge limit in watts",
    "batteryDischargeRatePercent": "give the discharge limit in watts",
}

REFUSED: Final = {
    "batteryStorageMode": "it would bypass every limit; use the SoC settings, grid charging and the targets",
}


class Translated(Struct, frozen=True):
    """The same object in today's names, with a sentence for every old name that was met."""

    values: dict[str, Any]
    notes: tuple[str, ...]
    refusal: str | None = None


def translated(given: Mapping[str, Any], *, settings: bool = False) -> Translated:
    """Today's names for yesterday's; what has no successor is dropped or refused, and each is told."""
    values: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in given.items():
        if name in REFUSED:
            return Translated({}, tuple(notes), f"{name}: refused; {REFUSED[name]}")
        if name in IGNORED:
            notes.append(f"{name} is ignored; {IGNORED[name]}")
            continue
        modern = _successor(name, settings)
        if modern is None:
            values[name] = value
            continue
        if modern in given:
            return Translated(
                {}, tuple(notes), f"{name}: given together with {modern}, which is its new name"
            )
        notes.append(f"{name} is now called {modern}")
        values[modern] = value
    return Translated(values, tuple(notes))


def _successor(name: str, settings: bool) -> str | None:
    names = NAMES.get(name)
    return None if names is None else names[int(settings)]
