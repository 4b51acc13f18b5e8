"""The topics of devices as owners write them into the configuration, and what is said there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from busbar_shared.config.load import BadConfig
from busbar_shared.device_message import Source

WATTS_IN: Final = {"W": 1.0, "kW": 1000.0, "mW": 0.001}
WATT_HOURS_IN: Final = {"Wh": 1.0, "kWh": 1000.0, "Wmin": 1 / 60}
VOLTS_IN: Final = {"V": 1.0}
AMPS_IN: Final = {"A": 1.0, "mA": 0.001}
CELSIUS_IN: Final = {"°C": 1.0, "C": 1.0}
NO_UNIT: Final[Mapping[str, float]] = {}


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value is: a topic, the path in its JSON (empty: the bare payload), and its unit (none: ours)."""

    topic: str
    path: str = ""
    unit: str | None = None


class DeviceTopics(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The topics any device may have that can be switched, or set to a power. Described in docs/loads.md."""

    power: Place | None = None
    energy: Place | None = None
    availability: Place | None = None
    available: str = "online"
    unavailable: str = "offline"
    command: str | None = None
    command_on: str = "ON"
    command_off: str = "OFF"
    set_power: str | None = None
    set_power_payload: str = "{value}"
    set_power_unit: str = "W"


@dataclass(frozen=True, slots=True)
class Send:
    """One message to a device. Never retained: a retained command is obeyed again after every restart."""

    topic: str
    payload: str
    qos: int = 1


def one_device(key: str, topic: str) -> str:
    """A topic of one device: a wildcard in it would hear, or switch, somebody else's. Raises BadConfig."""
    if not topic or "+" in topic or "#" in topic or "\0" in topic or topic.startswith("$"):
        raise BadConfig(f"{key}: {topic!r} is no topic of one device")
    return topic


def factor(key: str, unit: str | None, units: Mapping[str, float]) -> float:
    """What one of the device's units is in ours. Raises BadConfig for a unit that is not listed."""
    if unit is None:
        return 1.0
    if unit not in units:
        raise BadConfig(f"{key}: {unit!r} is not one of {', '.join(units) or 'none'}")
    return units[unit]


def source(key: str, place: Place | None, units: Mapping[str, float]) -> Source | None:
    """A configured place as it is read; None when nothing is configured. Raises BadConfig."""
    if place is None:
        return None
    topic = one_device(f"{key}.topic", place.topic)
    return Source(topic, place.path, factor(f"{key}.unit", place.unit, units))


def with_value(key: str, template: str) -> str:
    """A payload that has room for a number. Raises BadConfig."""
    if "{value}" not in template:
        raise BadConfig(f"{key}: {template!r} lacks {{value}}")
    return template


def topics_of(sources: Iterable[Source | None]) -> tuple[str, ...]:
    """Every topic a value is read from, once."""
    return tuple(dict.fromkeys(one.topic for one in sources if one is not None))
