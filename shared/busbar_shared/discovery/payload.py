"""Discovery payloads as Home Assistant wants them: one message per device, or one per entity for old versions.

Device-based discovery needs Home Assistant 2024.11 (https://www.home-assistant.io/integrations/mqtt/,
"Device discovery payload"); before that each entity has a topic of its own ("Single component").
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from busbar_shared.discovery.entity import Device, Entity, Page, Setting

ORIGIN = "Busbar"
TEXT_MOST = 250
"""A state has at most 255 characters in Home Assistant."""
BIRTH = "homeassistant/status"
"""Where Home Assistant is born unless its owner chose another topic, whatever its discovery prefix
(https://www.home-assistant.io/docs/mqtt/birth_will/)."""


def birth_topics(prefix: str) -> tuple[str, ...]:
    """Where Home Assistant says `online`: its own default, and below the prefix for who moved both."""
    return tuple(dict.fromkeys((f"{prefix}/status", BIRTH)))


class Naming(Struct, frozen=True, kw_only=True):
    """Where messages go: the prefix of discovery, the root of ours, and who says them."""

    service: str
    prefix: str = "homeassistant"
    root: str = "hems"
    version: str = "unknown"
    url: str = ""

    def state_topic(self, device: Device) -> str:
        """Where the device's values are."""
        return f"{self.root}/ha/{device.id}/state"

    def event_topic(self, device: Device) -> str:
        """Where the device's events are."""
        return f"{self.root}/ha/{device.id}/event"

    def availability_topic(self, device: Device) -> str:
        """Where it says whether the device is reachable and its data fresh."""
        return f"{self.root}/ha/{device.id}/availability"

    def status_topic(self) -> str:
        """Where the service's own life is."""
        return f"{self.root}/service/{self.service}/status"

    def rooted(self, address: str) -> str:
        """An address of the contract under our root."""
        return self.root + address[4:] if address.startswith("hems/") else address


def configs(device: Device, naming: Naming, form: str) -> dict[str, dict[str, Any]]:
    """The retained messages that describe a device, by topic."""
    if form == "single":
        return {
            f"{naming.prefix}/{entity.platform}/{device.id}/{entity.key}/config": {
                **component(device, entity, naming),
                **availability(device, naming),
                "device": _page(device.page, naming),
                "origin": _origin(naming),
            }
            for entity in device.entities
        }
    made = {
        "dev": _page(device.page, naming),
        "o": _origin(naming),
        "cmps": {
            entity.key: {"p": entity.platform, **component(device, entity, naming)}
            for entity in device.entities
        },
        **availability(device, naming),
    }
    return {f"{naming.prefix}/device/{device.id}/config": made}


def availability(device: Device, naming: Naming) -> dict[str, Any]:
    """When it is available: its service lives, its link stands, and its data is fresh."""
    if device.always_there:
        return {}
    return {
        "availability": [
            {"topic": naming.status_topic(), "value_template": "{{ value_json.state }}"},
            {"topic": naming.availability_topic(device)},
        ],
        "availability_mode": "all",
    }


def component(device: Device, entity: Entity, naming: Naming) -> dict[str, Any]:
    """One entity, without what it shares with its device."""
    made: dict[str, Any] = {
        "unique_id": f"{device.id}_{entity.key}",
        "default_entity_id": f"{entity.platform}.{slug(device.page.name, entity.name)}",
        "name": entity.name,
        "device_class": entity.device_class,
        "state_class": entity.state_class,
        "unit_of_measurement": entity.unit,
        "entity_category": entity.category,
        "icon": entity.icon,
        "suggested_display_precision": entity.precision if entity.platform == "sensor" else None,
        "expire_after": device.expire_s if entity.measured else None,
        **_reading(device, entity, naming),
        **_setting(entity, naming),
    }
    return {key: value for key, value in made.items() if value is not None or key == "name"}


def _reading(device: Device, entity: Entity, naming: Naming) -> dict[str, Any]:
    if entity.platform == "button":
        return {}
    if entity.platform == "event":
        return {
            "state_topic": naming.event_topic(device),
            "event_types": list(entity.event_types),
            "value_template": "{{ {'event_type': value_json.event_type, 'text': value_json.text} | tojson"
            f" if value_json.entity == '{entity.key}' else '' }}}}",
        }
    if entity.own_topic:
        return {"state_topic": naming.rooted(entity.own_topic), "value_template": entity.own_template}
    topic = naming.state_topic(device)
    # In brackets, because `.values` of a dictionary is its method to Jinja.
    made: dict[str, Any] = {
        "state_topic": topic,
        "value_template": f"{{{{ value_json['values']['{entity.key}'] }}}}",
    }
    if entity.platform in ("sensor", "select") and entity.options:
        made["options"] = list(entity.options)
    if entity.attributes is not None:
        made["json_attributes_topic"] = topic
        made["json_attributes_template"] = (
            f"{{{{ value_json['values']['{entity.key}_attributes'] | tojson }}}}"
        )
    return made


def _setting(entity: Entity, naming: Naming) -> dict[str, Any]:
    setting = entity.setting
    if setting is None:
        return {}
    topic = setting.address if setting.exact else naming.rooted(setting.address)
    made: dict[str, Any] = {"command_topic": topic, "qos": 1}
    if entity.platform == "button":
        made["payload_press"] = setting.payload
    elif entity.platform == "switch":
        made |= {
            "payload_on": json.dumps({setting.field: True}),
            "payload_off": json.dumps({setting.field: False}),
            "state_on": "ON",
            "state_off": "OFF",
        }
    elif entity.platform == "select":
        made["command_template"] = f"{{{{ {{'{setting.field}': {_jinja(setting.words)}[value]}} | tojson }}}}"
    else:
        made["command_template"] = _number(setting)
    if entity.range is not None:
        made |= {
            "min": entity.range.least,
            "max": entity.range.most,
            "step": entity.range.step,
            "mode": "box",
        }
    return made


def _number(setting: Setting) -> str:
    value = "value | int" if setting.whole else "value | float"
    if setting.factor != 1.0:
        value = f"(value | float) * {setting.factor:g}"
    if setting.zero_is_none:
        value = f"({value}) if value | float > 0 else none"
    return f"{{{{ {{'{setting.field}': {value}}} | tojson }}}}"


def _jinja(words: Mapping[str, Any]) -> str:
    inside = ", ".join(
        f"'{option}': {'none' if word is None else repr(word)}" for option, word in words.items()
    )
    return f"{{{inside}}}"


def _page(page: Page, naming: Naming) -> dict[str, Any]:
    made: dict[str, Any] = {
        "identifiers": [page.id],
        "name": page.name,
        "manufacturer": ORIGIN,
        "sw_version": naming.version,
    }
    if page.model:
        made["model"] = page.model
    if page.via is not None:
        made["via_device"] = page.via
    return made


def _origin(naming: Naming) -> dict[str, str]:
    origin = {"name": ORIGIN, "sw": naming.version}
    return {**origin, "url": naming.url} if naming.url else origin


LATIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"}
)
"""Letters of European names that are no letter with a mark; Home Assistant writes them so too."""


def slug(*parts: str | None) -> str:
    """An object id as Home Assistant would make it of these words; letters that are not Latin are left out."""
    words = " ".join(part for part in parts if part).lower().translate(LATIN)
    plain = "".join(one for one in unicodedata.normalize("NFKD", words) if not unicodedata.combining(one))
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
