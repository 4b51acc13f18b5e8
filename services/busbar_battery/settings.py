"""What the owner wants of each battery: first from the file, then over the bus, kept over restarts.

A setting changed at run time wins until its value in the file changes; then the file wins, and it is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import asdict, replace

from busbar_battery.config import Plan
from busbar_battery.legacy import translated
from busbar_contracts.battery import BatterySettings, BatterySettingsSet
from busbar_contracts.topics import topic_of
from busbar_shared.judge import Refused, decode

NOT_THE_OWNERS = ("refused", "at")


class Kept(Struct, frozen=True, kw_only=True):
    """What must outlive a restart."""

    settings: dict[str, BatterySettings]
    file: dict[str, BatterySettings]
    # Inverters that hold a mandatory limit of ours: it stands in the device until it is taken back.
    standing: tuple[str, ...] = ()


class Changed(Struct, frozen=True):
    """The settings after a request, with what is to be told of it."""

    settings: BatterySettings
    notes: tuple[str, ...] = ()
    refusal: Refused | None = None


def from_file(plan: Plan) -> dict[str, BatterySettings]:
    """The settings as the configuration gives them."""
    flow = plan.flow
    return {
        name: BatterySettings(
            soc_min_percent=one.soc_min_percent,
            soc_target_percent=one.soc_target_percent,
            soc_max_percent=one.soc_max_percent,
            soc_hysteresis_percent=one.soc_hysteresis_percent,
            mode=flow.mode,
            grid_charging=flow.grid_charging,
            grid_charging_max_w=flow.grid_charging_max_w,
            import_target_w=flow.import_target_w,
            export_target_w=flow.export_target_w,
        )
        for name, one in plan.batteries.items()
    }


def restored(
    fresh: dict[str, BatterySettings], kept: Kept | None
) -> tuple[dict[str, BatterySettings], list[str]]:
    """The settings after a start, and a sentence for each value where the changed file wins again."""
    told: list[str] = []
    if kept is None:
        return dict(fresh), told
    return {name: _merged(name, first, kept, told) for name, first in fresh.items()}, told


def _merged(name: str, fresh: BatterySettings, kept: Kept, told: list[str]) -> BatterySettings:
    if name not in kept.settings or name not in kept.file:
        return fresh
    then, now, values = asdict(kept.file[name]), asdict(fresh), asdict(kept.settings[name])
    for field, value in now.items():
        if field in NOT_THE_OWNERS or then[field] == value:
            continue
        if values[field] != value:
            told.append(
                f"battery {name}: {field} is {value!r} by the changed file, no longer {values[field]!r}"
            )
        values[field] = value
    merged = BatterySettings(**values)
    return fresh if _impossible(merged) else merged


def changed(
    old: BatterySettings, payload: bytes, now: datetime, most: Mapping[str, float | None] | None = None
) -> Changed:
    """The settings after an owner's request. One that cannot be understood or cannot be changes nothing.

    `most` is what the battery may charge and discharge, W, of which the old plan's percentages are taken.
    """
    try:
        payload, notes = _modern(payload, most)
        wish: BatterySettingsSet = decode(topic_of(BatterySettingsSet), payload)
    except Refused as refusal:
        return Changed(replace(old, refused=refusal.text[:300]), (), refusal)
    changes = {field: value for field, value in asdict(wish).items() if value is not UNSET}
    new = replace(old, **changes, refused="")
    if wrong := _impossible(new):
        field = next((name for name in changes if name.startswith("soc_")), "$")
        return Changed(replace(old, refused=wrong), notes, Refused("settings_impossible", wrong, field))
    if replace(new, at=old.at, refused=old.refused) != old:
        new = replace(new, at=now)
    return Changed(new, notes)


def _modern(payload: bytes, most: Mapping[str, float | None] | None) -> tuple[bytes, tuple[str, ...]]:
    """The payload with the names of the old plan replaced. Raises Refused for one that is refused."""
    if len(payload) > topic_of(BatterySettingsSet).max_bytes:
        return payload, ()
    try:
        given: Any = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload, ()
    if not isinstance(given, dict):
        return payload, ()
    modern = translated(given, settings=True, most=most)
    if modern.refusal is not None:
        raise Refused("legacy_refused", modern.refusal, "$")
    return (msgspec.json.encode(modern.values) if modern.notes else payload), modern.notes


def _impossible(one: BatterySettings) -> str:
    percents = (one.soc_min_percent, one.soc_target_percent, one.soc_max_percent)
    if not all(math.isfinite(value) for value in percents):
        return f"a percentage is not a number: {percents}"
    if percents[0] > percents[2]:
        return f"soc_min_percent {percents[0]:g} is above soc_max_percent {percents[2]:g}"
    if percents[0] > percents[1]:
        return f"soc_min_percent {percents[0]:g} is above soc_target_percent {percents[1]:g}"
    return ""
