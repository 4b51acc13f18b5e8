"""Which entities of a Home Assistant statestream look like grid phases, inverters, batteries and plugs.

Pure: topics and payloads in, findings out. The names by brand are data, in entity_brands.toml.
A statestream says `<base>/<domain>/<object_id>/state`, and attributes beside it
(https://www.home-assistant.io/integrations/mqtt_statestream/).
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

PHASES = {"1": "a", "2": "b", "3": "c", "r": "a", "s": "b", "t": "c", "a": "a", "b": "b", "c": "c"}
UNITS = {"current_a": ("A", "mA"), "power_w": ("W", "kW"), "solar_w": ("W", "kW"), "soc_percent": ("%",)}


class Brand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the entities of a brand are called."""

    name: str
    source: str
    sensor: dict[str, str]
    """Kind and point, such as meter.current_a, to the pattern of a whole object id or topic."""
    export_positive: bool | None = None
    topics: bool = False


class Seen(Struct, frozen=True):
    """One entity or topic that says a value."""

    domain: str
    object_id: str
    unit: str | None
    topic: str

    @property
    def entity_id(self) -> str:
        """As Home Assistant calls it."""
        return f"{self.domain}.{self.object_id}"


class Finding(Struct, frozen=True):
    """One entity and what it seems to be."""

    brand: str
    kind: str
    """meter, inverter, battery or plug."""
    device: str
    point: str
    """As the meter service calls it, such as a.current_a."""
    seen: Seen
    unit: str
    export_positive: bool | None = None
    switch: str | None = None
    """Of a plug: the entity that switches it."""


@cache
def brands() -> tuple[Brand, ...]:
    """The brands that are known, the generic one last."""
    text = files("busbar_cli").joinpath("entity_brands.toml").read_text(encoding="utf-8")
    return tuple(msgspec.convert(tomllib.loads(text)["brand"], tuple[Brand, ...]))


def entities(messages: Mapping[str, bytes]) -> tuple[Seen, ...]:
    """The entities in these retained messages, and other topics that end with state."""
    units = {
        topic.rsplit("/", 1)[0]: unit
        for topic, payload in messages.items()
        if topic.endswith("/unit_of_measurement") and (unit := _text(payload)) is not None
    }
    found = []
    for topic in sorted(messages):
        steps = topic.split("/")
        if steps[-1] == "state" and len(steps) >= 3:
            found.append(Seen(steps[-3], steps[-2], units.get(topic.rsplit("/", 1)[0]), topic))
    return tuple(found)


def findings(seen: Iterable[Seen]) -> tuple[Finding, ...]:
    """What these entities seem to be; of one kind only the best brand, of plugs all."""
    known = tuple(seen)
    switches = {one.object_id for one in known if one.domain == "switch"}
    every = [found for one in known if (found := _finding(one, switches)) is not None]
    order = [brand.name for brand in brands()]
    chosen: dict[str, tuple[str, str]] = {}
    for one in sorted(every, key=lambda found: (-_worth(found, every), order.index(found.brand))):
        chosen.setdefault(one.kind, (one.brand, one.device))
    return tuple(one for one in every if one.kind == "plug" or chosen[one.kind] == (one.brand, one.device))


def wiring(found: Iterable[Finding]) -> str:
    """How the house most likely hangs: behind the inverter where there is a battery."""
    return "series" if any(one.kind == "battery" for one in found) else "parallel"


def _worth(one: Finding, every: list[Finding]) -> int:
    """How many figures the device of a finding has: a meter with three phases outranks a total."""
    return sum(other.kind == one.kind and other.device == one.device for other in every)


def _finding(one: Seen, switches: set[str]) -> Finding | None:
    for brand in brands():
        if not brand.topics and one.domain != "sensor":
            continue
        for key, pattern in brand.sensor.items():
            match = re.fullmatch(pattern, one.topic if brand.topics else one.object_id)
            if match is not None and (made := _made(one, brand, key, match, switches)) is not None:
                return made
    return None


def _made(one: Seen, brand: Brand, key: str, match: "re.Match[str]", switches: set[str]) -> Finding | None:
    kind, what = key.split(".")
    unit = one.unit or UNITS[what][0]
    if unit not in UNITS[what]:
        return None
    groups: dict[str, Any] = match.groupdict()
    device = groups["name"] or groups.get("name2") or ""
    phase = groups.get("phase") or groups.get("phase2")
    point = f"{PHASES[phase]}.{what}" if phase else what
    if kind == "plug" and device not in switches:
        return None
    if kind == "meter" and what == "current_a" and not phase:
        return None
    switch = f"switch.{device}" if kind == "plug" else None
    turned = brand.export_positive if kind == "meter" else None
    return Finding(brand.name, kind, device, point, one, unit, turned, switch)


def _text(payload: bytes) -> str | None:
    """A word as statestream writes attributes: JSON, so in quotes."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, str) else None
