"""The description of an entity, and of a device made of entities: what is shown, whence, and how it may be set.

A description is data. `values` turns the messages heard into what Home Assistant reads, and is pure.
Unknown is None and becomes "unknown" there; a measurement that is too old is unknown.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

Platform = Literal["sensor", "binary_sensor", "number", "select", "switch", "button", "event"]

EXPIRE_S = 120
"""A measurement that is not heard again within this is unknown in Home Assistant."""

SAMPLE_MAX_AGE_S = 120.0

UNKNOWN = "unknown"
"""Home Assistant's own word; until 2024 it took None for the text "None" where a sensor has no class."""


class Source(Struct, frozen=True, kw_only=True):
    """A message a device's entities look at."""

    kind: type[Struct]
    ids: Mapping[str, str] = {}
    part: tuple[str, ...] = ()
    """Steps to the struct inside the message that is meant."""
    topic: str | None = None
    """Where it is when its owner chose another root than the contract's."""
    stale_s: float | None = None
    """Older than this the whole message counts as not heard; None: it is true when read late."""


class Seen(Struct, frozen=True):
    """The last message of a source."""

    message: Any
    age_s: float


Facts = Mapping[str, Seen]
"""What was heard last, by the name of the source."""


class Sight(Struct, frozen=True):
    """Everything a value may be made of: the parts of the sources that are current, and the time."""

    parts: Mapping[str, Any]
    now: datetime

    def get(self, source: str, path: str = "") -> Any:
        """The value at a dotted path of a source; None where anything on the way is unknown."""
        found = self.parts.get(source)
        for step in path.split(".") if path else ():
            if found is None:
                return None
            found = getattr(found, step, None)
        return found


class Range(Struct, frozen=True):
    """What a number may be set to."""

    least: float
    most: float
    step: float


class Setting(Struct, frozen=True, kw_only=True):
    """Where a change goes, and the field of the contract it becomes."""

    address: str
    """As in the contract, with its names filled in; `hems` in front stands for the root."""
    exact: bool = False
    """The address is the topic's whole name, also where it begins with `hems`."""
    field: str = ""
    whole: bool = False
    """The field takes whole numbers only."""
    words: Mapping[str, Any] = {}
    """Option to the contract's word."""
    factor: float = 1.0
    """From the unit shown to the unit of the field."""
    zero_is_none: bool = False
    """0 is sent as null: not limited."""
    payload: str = ""
    """For buttons: what is sent."""


class Entity(Struct, frozen=True, kw_only=True):
    """One entity."""

    key: str
    """Part of its unique_id, so it never changes."""
    platform: Platform
    name: str | None
    """Without the device's name; None for the main entity of its page."""
    source: str = "state"
    path: str = ""
    into: Callable[[Any], Any] | None = None
    """From the field's value to what is shown; never called with None."""
    work: Callable[[Sight], Any] | None = None
    """Instead of source and path: made of several messages."""
    attributes: Callable[[Sight], dict[str, Any]] | None = None
    device_class: str | None = None
    state_class: str | None = None
    unit: str | None = None
    category: Literal["config", "diagnostic"] | None = None
    icon: str | None = None
    options: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    precision: int | None = None
    resolution: float = 0.0
    """A smaller move is not shown."""
    at_once: bool = False
    """A change is shown in the same moment."""
    measured: bool = False
    """It expires when it is not heard again."""
    sampled: str = ""
    """Field of the source with the time of the measurement, by which alone its age is judged."""
    range: Range | None = None
    setting: Setting | None = None
    own_topic: str = ""
    """It reads this topic instead of its device's."""
    own_template: str = ""


class Page(Struct, frozen=True, kw_only=True):
    """A device's page in Home Assistant; several services may show entities on it."""

    id: str
    name: str
    model: str = ""
    via: str | None = None


Happening = Callable[[Sight | None, Sight], tuple[str, str] | None]
"""From before to now: an event's type and its sentence, or None."""


class Device(Struct, frozen=True, kw_only=True):
    """What one service shows on one page, in one discovery message and one state topic."""

    id: str
    page: Page
    sources: Mapping[str, Source]
    entities: tuple[Entity, ...]
    needs: tuple[str, ...] = ()
    """Sources without which, or when they are stale, it is not available."""
    link: tuple[str, str] | None = None
    """Source and path of the word that the device is reachable."""
    expire_s: int = EXPIRE_S
    always_there: bool = False
    """Its availability is not asked: what it shows is whether something lives."""
    happenings: Mapping[str, Happening] = {}
    """By the key of the event entity."""


def sight(device: Device, facts: Facts, now: datetime) -> Sight:
    """What is current of what was heard."""
    parts = {}
    for name, source in device.sources.items():
        seen = facts.get(name)
        if seen is None or (source.stale_s is not None and seen.age_s > source.stale_s):
            continue
        found = seen.message
        for step in source.part:
            found = found.get(step) if isinstance(found, Mapping) else getattr(found, step, None)
        if found is not None:
            parts[name] = found
    return Sight(parts, now)


def is_there(device: Device, seen: Sight) -> bool:
    """Whether the device is reachable and its data fresh."""
    if any(name not in seen.parts for name in device.needs):
        return False
    return device.link is None or seen.get(*device.link) is True


def values(device: Device, seen: Sight) -> dict[str, Any]:
    """What each entity shows now, by its key; attributes stand beside as `<key>_attributes`."""
    made: dict[str, Any] = {}
    for entity in device.entities:
        if entity.platform in ("button", "event") or entity.own_topic:
            continue
        made[entity.key] = _value(entity, seen)
        if entity.attributes is not None:
            made[entity.key + "_attributes"] = entity.attributes(seen)
    return made


def _value(entity: Entity, seen: Sight) -> Any:
    found = entity.work(seen) if entity.work is not None else seen.get(entity.source, entity.path)
    if found is None or (entity.sampled and _too_old(entity, seen)):
        return UNKNOWN if _is_text(entity) else None
    if entity.work is None and entity.into is not None:
        found = entity.into(found)
    if isinstance(found, bool):
        return "ON" if found else "OFF"
    if isinstance(found, datetime):
        return found.isoformat()
    if isinstance(found, float) and entity.precision is not None:
        found = round(found, entity.precision) + 0.0
    return _possible(entity, found)


def _is_text(entity: Entity) -> bool:
    return entity.platform == "sensor" and entity.device_class is None and entity.unit is None


def _too_old(entity: Entity, seen: Sight) -> bool:
    at = seen.get(entity.source, entity.sampled)
    return at is None or (seen.now - at).total_seconds() > SAMPLE_MAX_AGE_S


def _possible(entity: Entity, found: Any) -> Any:
    """The value where Home Assistant would take it: a number outside its range, or a new word, is unknown there."""
    if entity.range is not None and not entity.range.least <= found <= entity.range.most:
        return None
    if entity.options and found not in entity.options:
        return None
    return found
