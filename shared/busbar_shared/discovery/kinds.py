"""Entities of the usual kinds, with the class, unit and rules that Home Assistant expects of each."""

from collections.abc import Callable, Mapping
from typing import Any

from busbar_shared.discovery.entity import Entity, Range, Setting, Sight
from busbar_shared.discovery.payload import TEXT_MOST
from busbar_shared.discovery.words import name_of


def power(key: str, path: str = "", **more: Any) -> Entity:
    """A measured power in watts."""
    facts = {"resolution": 10.0, "precision": 0, "measured": True, **more}
    return Entity(
        key=key, platform="sensor", path=path, device_class="power", state_class="measurement", unit="W",
        **_named(key, facts),
    )  # fmt: skip


def current(key: str, path: str = "", **more: Any) -> Entity:
    """A current in amperes."""
    facts = {"resolution": 0.1, "precision": 1, "measured": True, **more}
    return Entity(
        key=key, platform="sensor", path=path, device_class="current", state_class="measurement", unit="A",
        **_named(key, facts),
    )  # fmt: skip


def voltage(key: str, path: str, **more: Any) -> Entity:
    """A voltage."""
    facts = {"resolution": 1.0, "precision": 0, "measured": True, "category": "diagnostic", **more}
    return Entity(
        key=key, platform="sensor", path=path, device_class="voltage", state_class="measurement", unit="V",
        **_named(key, facts),
    )  # fmt: skip


def energy(key: str, path: str, **more: Any) -> Entity:
    """A total of energy for the energy dashboard; the field is in Wh."""
    facts = {"resolution": 0.005, "precision": 2, "into": kwh, **more}
    return Entity(
        key=key, platform="sensor", path=path, device_class="energy", state_class="total_increasing",
        unit="kWh", **_named(key, facts),
    )  # fmt: skip


def money(key: str, **more: Any) -> Entity:
    """An amount of money of one session; without a state class, because each session begins anew."""
    facts = {"resolution": 0.005, "precision": 2, **more}
    return Entity(key=key, platform="sensor", device_class="monetary", **_named(key, facts))


def percent(key: str, path: str, **more: Any) -> Entity:
    """A state of charge."""
    facts = {"resolution": 0.5, "precision": 0, "measured": True, **more}
    return Entity(
        key=key, platform="sensor", path=path, device_class="battery", state_class="measurement", unit="%",
        **_named(key, facts),
    )  # fmt: skip


def temperature(key: str, path: str, **more: Any) -> Entity:
    """A temperature."""
    facts = {"resolution": 0.1, "precision": 1, **more}
    return Entity(
        key=key, platform="sensor", path=path, device_class="temperature", state_class="measurement",
        unit="°C", **_named(key, facts),
    )  # fmt: skip


def choice(key: str, path: str, words: Any, **more: Any) -> Entity:
    """One of known words; `words` is their enum or their list."""
    facts = {"at_once": True, "icon": "mdi:information-outline", "into": told, **more}
    options = tuple(word for one in words if (word := told(one)) is not None)
    return Entity(
        key=key, platform="sensor", path=path, device_class="enum", options=options, **_named(key, facts)
    )


def told(word: object) -> str | None:
    """A word of the contract, or another where Home Assistant has the same word for something of its own."""
    return {"unknown": None, "Unknown": None, "unavailable": "not offered"}.get(str(word), str(word))


def remark(key: str, path: str, **more: Any) -> Entity:
    """What was said last of something; `none` when nothing was."""
    source = more.get("source", "state")

    def shown(seen: Sight) -> str | None:
        return None if seen.get(source) is None else short(seen.get(source, path) or "none")

    return text(key, work=shown, category="diagnostic", attributes=whole(source, path), **more)


def text(key: str, path: str = "", **more: Any) -> Entity:
    """A sentence; what is longer than a state may be stands in its attributes whole."""
    facts = {"at_once": True, "icon": "mdi:text", "into": short, **more}
    return Entity(key=key, platform="sensor", path=path, **_named(key, facts))


def moment(key: str, path: str, **more: Any) -> Entity:
    """A moment in time."""
    facts = {"at_once": True, **more}
    return Entity(key=key, platform="sensor", path=path, device_class="timestamp", **_named(key, facts))


def yes_no(key: str, path: str = "", **more: Any) -> Entity:
    """Yes or no."""
    return Entity(key=key, platform="binary_sensor", path=path, **_named(key, {"at_once": True, **more}))


def number(key: str, path: str, reach: Range, setting: Setting, **more: Any) -> Entity:
    """A number that may be set; it shows what was accepted."""
    facts = {"at_once": True, "category": "config", "range": reach, **more}
    return Entity(key=key, platform="number", path=path, setting=setting, **_named(key, facts))


def select(key: str, path: str, words: Mapping[str, str], address: str, field: str, **more: Any) -> Entity:
    """One of several words that may be set; `words` is from the contract's to the owner's."""
    setting = Setting(address=address, field=field, words={shown: word for word, shown in words.items()})
    facts = {"at_once": True, "category": "config", "icon": "mdi:form-select", **more}
    return Entity(
        key=key, platform="select", path=path, options=tuple(words.values()), setting=setting,
        into=lambda word: words.get(str(word)), **_named(key, facts),
    )  # fmt: skip


def switch(key: str, path: str, address: str, field: str, **more: Any) -> Entity:
    """Something that may be switched."""
    facts = {"at_once": True, **more}
    return Entity(
        key=key, platform="switch", path=path, setting=Setting(address=address, field=field),
        **_named(key, facts),
    )  # fmt: skip


def button(key: str, address: str, payload: str, *, exact: bool = False, **more: Any) -> Entity:
    """Something that may be asked for; `exact`: the address is the topic's whole name."""
    setting = Setting(address=address, payload=payload, exact=exact)
    return Entity(key=key, platform="button", setting=setting, **_named(key, more))


def event(key: str, types: tuple[str, ...], **more: Any) -> Entity:
    """Something that happens."""
    return Entity(key=key, platform="event", event_types=types, **_named(key, more))


def kwh(watt_hours: float) -> float | None:
    """Watt-hours as kWh. A total of 0 is nearly always a device that has not read its register yet: unknown."""
    return None if watt_hours <= 0 else watt_hours / 1000


def short(sentence: object) -> str | None:
    """What fits into a state."""
    words = str(sentence)
    return words if len(words) <= TEXT_MOST else words[: TEXT_MOST - 1] + "…"


def whole(source: str, path: str) -> Callable[[Sight], dict[str, Any]]:
    """The attribute with the whole sentence."""
    return lambda seen: {"text": seen.get(source, path) or ""}


def _named(key: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with the name, which is the key's unless another is given."""
    return facts if "name" in facts else {**facts, "name": name_of(key)}
