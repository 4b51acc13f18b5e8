"""What Home Assistant takes in a discovery message, as data.

Sources: home-assistant/core 2024.3.3 and 2025.3.4, `homeassistant/components/mqtt/{discovery,mixins,entity,schemas,
sensor,binary_sensor,number,select,switch,button,event}.py` (the keys each platform's schema knows, the pattern of
a discovery topic, the device and origin schemas), `components/sensor/const.py` (units and state classes of each
device class), `components/number/const.py`, `binary_sensor/__init__.py`, `button/__init__.py`; and
https://www.home-assistant.io/integrations/mqtt/ for `default_entity_id`, which replaced `object_id` in 2025.10.
"""

import re
from typing import Any

TOPIC = re.compile(
    r"(?P<component>\w+)/(?:(?P<node_id>[a-zA-Z0-9_-]+)/)?(?P<object_id>[a-zA-Z0-9_-]+)/config"
)

COMMON = {
    "p", "platform", "name", "unique_id", "default_entity_id", "device", "origin", "availability",
    "availability_mode", "entity_category", "icon", "qos", "enabled_by_default", "encoding",
    "json_attributes_topic", "json_attributes_template",
}  # fmt: skip
KEYS = {
    "sensor": {
        "state_topic", "value_template", "device_class", "state_class", "unit_of_measurement", "expire_after",
        "force_update", "suggested_display_precision", "last_reset_value_template", "options",
    },
    "binary_sensor": {
        "state_topic", "value_template", "device_class", "expire_after", "force_update", "off_delay",
        "payload_on", "payload_off",
    },
    "number": {
        "state_topic", "value_template", "command_topic", "command_template", "device_class",
        "unit_of_measurement", "min", "max", "step", "mode", "optimistic", "payload_reset", "retain",
    },
    "select": {
        "state_topic", "value_template", "command_topic", "command_template", "options", "optimistic", "retain",
    },
    "switch": {
        "state_topic", "value_template", "command_topic", "command_template", "device_class", "payload_on",
        "payload_off", "state_on", "state_off", "optimistic", "retain",
    },
    "button": {"command_topic", "command_template", "device_class", "payload_press", "retain"},
    "event": {"state_topic", "value_template", "device_class", "event_types"},
}  # fmt: skip
REQUIRED = {
    "sensor": {"state_topic"},
    "binary_sensor": {"state_topic"},
    "number": {"command_topic"},
    "select": {"command_topic", "options"},
    "switch": {"command_topic"},
    "button": {"command_topic"},
    "event": {"state_topic", "event_types"},
}
DEVICE = {
    "identifiers", "connections", "manufacturer", "model", "name", "hw_version", "serial_number", "sw_version",
    "via_device", "suggested_area", "configuration_url",
}  # fmt: skip
ORIGIN = {"name", "sw", "url"}
"""Abbreviations of name, sw_version and support_url."""

SENSOR_UNITS: dict[str, set[str | None]] = {
    "power": {"W", "kW"},
    "current": {"A", "mA"},
    "voltage": {"V", "mV"},
    "energy": {"Wh", "kWh", "MWh"},
    "battery": {"%"},
    "temperature": {"°C", "°F", "K"},
    "timestamp": {None},
    "enum": {None},
    "monetary": {"EUR", "SEK", "USD"},
}
SENSOR_STATE_CLASSES: dict[str, set[str]] = {
    "power": {"measurement"},
    "current": {"measurement"},
    "voltage": {"measurement"},
    "energy": {"total", "total_increasing"},
    "battery": {"measurement"},
    "temperature": {"measurement"},
    "timestamp": set(),
    "enum": set(),
    "monetary": {"total"},
}
NUMBER_UNITS: dict[str, set[str | None]] = {
    "power": {"W", "kW"},
    "current": {"A", "mA"},
    "energy": {"Wh", "kWh", "MWh"},
}
BINARY_CLASSES = {"plug", "problem", "running", "connectivity", "power"}
BUTTON_CLASSES = {"identify", "restart", "update"}
CATEGORIES = {
    "sensor": {"diagnostic"},
    "binary_sensor": {"diagnostic"},
    "event": {"diagnostic"},
    "number": {"config", "diagnostic"},
    "select": {"config", "diagnostic"},
    "switch": {"config", "diagnostic"},
    "button": {"config", "diagnostic"},
}
"""Of a sensor `config` is refused (`components/sensor/__init__.py`, add_to_platform_start)."""


def faults(prefix: str, topic: str, payload: dict[str, Any]) -> list[str]:
    """What Home Assistant would refuse or warn of in one retained message."""
    found = TOPIC.fullmatch(topic.removeprefix(prefix + "/"))
    if found is None:
        return [f"{topic}: no discovery topic"]
    component = found["component"]
    if component != "device":
        wrong = [*_device(payload["device"]), *_origin(payload["origin"])]
        return [f"{topic}: {one}" for one in (*wrong, *_component(component, payload))]
    wrong = [*_device(payload["dev"]), *_origin(payload["o"])]
    wrong += [
        f"unknown {key}" for key in payload.keys() - {"dev", "o", "cmps", "availability", "availability_mode"}
    ]
    for key, one in payload["cmps"].items():
        if one.keys() == {"p"}:
            continue  # takes the entity away
        wrong += [f"{key}: {fault}" for fault in _component(one["p"], one)]
    return [f"{topic}: {one}" for one in (*wrong, *_availability(payload))]


def _device(device: dict[str, Any]) -> list[str]:
    wrong = [f"device: unknown {key}" for key in device.keys() - DEVICE]
    return wrong if device.get("identifiers") else [*wrong, "device: no identifiers"]


def _origin(origin: dict[str, Any]) -> list[str]:
    wrong = [f"origin: unknown {key}" for key in origin.keys() - ORIGIN]
    return wrong if origin.get("name") else [*wrong, "origin: no name"]


def _availability(payload: dict[str, Any]) -> list[str]:
    wrong = []
    for entry in payload.get("availability", []):
        wrong += [f"availability: unknown {key}" for key in entry.keys() - {"topic", "value_template"}]
    if payload.get("availability_mode", "all") not in ("all", "any", "latest"):
        wrong.append("availability_mode")
    return wrong


def _component(platform: str, one: dict[str, Any]) -> list[str]:
    wrong = [f"unknown {key}" for key in one.keys() - COMMON - KEYS[platform]]
    wrong += [
        f"lacks {key}" for key in (REQUIRED[platform] | {"unique_id", "default_entity_id"}) - one.keys()
    ]
    if not one["default_entity_id"].startswith(platform + "."):
        wrong.append("default_entity_id without its domain")
    if one.get("entity_category") not in (None, *CATEGORIES[platform]):
        wrong.append(f"entity_category {one['entity_category']}")
    if not (one.get("icon") is None or re.fullmatch(r"mdi:[a-z0-9-]+", one["icon"])):
        wrong.append(f"icon {one['icon']}")
    checks = {
        "sensor": _sensor,
        "number": _number,
        "select": _select,
        "binary_sensor": _binary,
        "button": _button,
    }
    return wrong + (checks[platform](one) if platform in checks else []) + _availability(one)


def _sensor(one: dict[str, Any]) -> list[str]:
    kind, unit, state_class = (one.get(key) for key in ("device_class", "unit_of_measurement", "state_class"))
    wrong = []
    if kind is not None and unit not in SENSOR_UNITS[kind]:
        wrong.append(f"unit {unit} does not fit {kind}")
    if kind is not None and state_class is not None and state_class not in SENSOR_STATE_CLASSES[kind]:
        wrong.append(f"state class {state_class} does not fit {kind}")
    if ("options" in one) != (kind == "enum"):
        wrong.append("options belong to enum alone")
    if not (one.get("expire_after") is None or isinstance(one["expire_after"], int)):
        wrong.append("expire_after is no whole number")
    return wrong


def _number(one: dict[str, Any]) -> list[str]:
    kind = one.get("device_class")
    wrong = [] if kind is None or one.get("unit_of_measurement") in NUMBER_UNITS[kind] else ["unit"]
    if one["min"] >= one["max"]:
        wrong.append("max must be above min")
    return wrong if one["step"] >= 0.001 else [*wrong, "step"]


def _select(one: dict[str, Any]) -> list[str]:
    options = one["options"]
    return [] if options and len(set(options)) == len(options) else ["options"]


def _binary(one: dict[str, Any]) -> list[str]:
    return [] if one.get("device_class") in (None, *BINARY_CLASSES) else ["device_class"]


def _button(one: dict[str, Any]) -> list[str]:
    return [] if one.get("device_class") in (None, *BUTTON_CLASSES) else ["device_class"]
