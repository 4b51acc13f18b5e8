"""When a value goes out: Home Assistant writes each change into its database, so not each reading is one.

A value goes out when it moved by more than its resolution, at most once in 5 s; status, mode, limit and
reason at once; everything again at half the time after which it would expire.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from busbar_shared.discovery.entity import Device, Entity

LEAST_S = 5.0
FIGURES_S = 30.0
"""A sentence in which only figures moved is the same sentence."""

DIP = 0.9
"""Home Assistant takes a fall below this share of a total for a new meter, and anything above for an error."""


class Shown(Struct, frozen=True):
    """What Home Assistant was told, and when."""

    values: Mapping[str, Any] = {}
    moved_s: Mapping[str, float] = {}
    said_s: float = float("-inf")


def next_shown(
    device: Device, shown: Shown, fresh: Mapping[str, Any], now_s: float, *, again: bool = False
) -> Shown | None:
    """What is to be told now, or None when nothing is due; `again` tells everything whatever was told before."""
    told, moved = dict(shown.values), dict(shown.moved_s)
    due = again or now_s - shown.said_s >= device.expire_s / 2
    for entity in device.entities:
        if entity.key not in fresh:
            continue
        known = entity.key in told
        old, new = told.get(entity.key), _held(entity, told.get(entity.key), fresh[entity.key])
        if not known or (
            differs(entity, old, new)
            and now_s - moved.get(entity.key, float("-inf")) >= patience_s(entity, old, new)
        ):
            told[entity.key], moved[entity.key] = new, now_s
            due = True
    if not due:
        return None
    # Attributes travel along; they are no reason to speak.
    told |= {key: value for key, value in fresh.items() if key.endswith("_attributes")}
    return Shown(told, moved, now_s)


def differs(entity: Entity, old: Any, new: Any) -> bool:
    """Whether the new value is news."""
    if _is_number(old) and _is_number(new):
        return bool(abs(new - old) > entity.resolution)
    return bool(old != new)


def patience_s(entity: Entity, old: Any, new: Any) -> float:
    """How long after the last change this one may be shown."""
    if not entity.at_once:
        return LEAST_S
    both = isinstance(old, str) and isinstance(new, str)
    return FIGURES_S if both and _without_figures(old) == _without_figures(new) else 0.0


def _held(entity: Entity, old: Any, new: Any) -> Any:
    """A total does not step back a little: two sources that disagree by a digit are not a new meter."""
    total = entity.state_class == "total_increasing" and _is_number(old) and _is_number(new)
    return old if total and DIP * old <= new < old else new


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _without_figures(text: str) -> str:
    return re.sub(r"[0-9]+(\.[0-9]+)?", "", text)
