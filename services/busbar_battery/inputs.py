"""What one decision is made of: measurements, limits and wishes of a single instant.

Signs: grid + is import, battery + is charge; pv, limits and targets are never negative. Watts and percent.
`None` is "not known" for a measurement and "not set" for a limit; 0 is a real zero.
"""

from __future__ import annotations

import math
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from busbar_shared.judge import split, value_at

# Beyond this a figure is a broken device or a typing error, not a house.
ABSURD_W: Final = 1e9

PRIORITIES: Final = ("battery_first", "export_first")
UNKNOWN_SOC: Final = ("conservative", "permissive")
TOPOLOGIES: Final = ("ac", "hybrid")

LIMITS: Final = (
    "charge_max",
    "discharge_max",
    "wire_charge_max",
    "wire_discharge_max",
    "export_limit",
    "import_limit",
    "gen_limit",
    "grid_charging_max",
    "import_target",
    "export_target",
    "deadband",
)
PERCENTS: Final = ("soc_min", "soc_max", "soc_target")

Watts = Annotated[float | None, Meta(extra_json_schema={"x-unit": "W"})]
Percent = Annotated[float | None, Meta(extra_json_schema={"x-unit": "%"})]


class Inputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One consistent snapshot. Build it from checked values, or let `decide` refuse it with a sentence."""

    pv: Watts = 0.0
    grid: Watts = 0.0
    battery: Watts = 0.0
    soc: Percent = 50.0
    soc_target: Percent = None
    soc_min: Percent = 10.0
    soc_max: Percent = 100.0
    charge_max: Watts = 5000.0
    discharge_max: Watts = 5000.0
    wire_charge_max: Watts = None
    wire_discharge_max: Watts = None
    # The allocator is configured and silent: no grid energy into the battery, no forced export.
    wire_stale: bool | None = None
    export_limit: Watts = None
    import_limit: Watts = None
    gen_limit: Watts = None
    priority: str | None = None
    grid_charging: bool | None = None
    grid_charging_max: Watts = None
    import_target: Watts = None
    export_target: Watts = None
    deadband: Watts = 0.0
    unknown_soc: str | None = "conservative"
    topology: str | None = "ac"


def fault(given: Inputs) -> str | None:
    """What makes this configuration unusable: a sentence with the field and its value, or None.

    Measurements are never a fault here: a bad one is unknown, and `decide` answers for that.
    """
    for name in LIMITS:
        value = getattr(given, name)
        if value is not None and not 0 <= value <= ABSURD_W:
            return f"{name}: {value:g} is not a limit; it must be 0 or more watts, or null for none"
    for name in PERCENTS:
        value = getattr(given, name)
        if value is not None and not 0 <= value <= 100:
            return f"{name}: {value:g} is not a percentage between 0 and 100"
    return (
        _unknown_word("priority", given.priority, PRIORITIES)
        or _unknown_word("unknown_soc", given.unknown_soc, UNKNOWN_SOC)
        or _unknown_word("topology", given.topology, TOPOLOGIES)
    )


def _unknown_word(name: str, value: str | None, known: tuple[str, ...]) -> str | None:
    if value is None or value in known:
        return None
    return f"{name}: {value[:40]!r} is not known; it is {' or '.join(known)}"


def watts(value: float | None) -> float | None:
    """A measured power, or None when it is missing, not finite or absurd."""
    if value is None or not math.isfinite(value) or abs(value) > ABSURD_W:
        return None
    return value


def percent(value: float | None) -> float | None:
    """A state of charge, or None when it is missing, not a number or outside 0 to 100."""
    return value if value is not None and 0 <= value <= 100 else None


def from_object(given: object) -> Inputs:
    """The inputs in a decoded JSON object. Raises ValueError with a sentence that names field and value."""
    try:
        return msgspec.convert(given, Inputs)
    except (msgspec.ValidationError, OverflowError) as error:
        text, path = split(str(error))
        found = "" if path == "$" else f" (found {str(value_at(given, path))[:60]!r})"
        raise ValueError(f"{path}: {text}{found}") from error
