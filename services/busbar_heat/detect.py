"""Thermometers found on a broker by what they say, and the lines for a heater in the configuration.

Pure: topics and payloads in, findings out. What is recognised:

* Tasmota, `tele/<topic>/SENSOR` with a sensor that has a `Temperature` and `"TempUnit":"C"` (documentation, "JSON
  Status Responses"; captures in arendst/Tasmota issues 6853 and home-assistant/core 98699);
* a Shelly of the first generation with its temperature add-on, `shellies/<id>/ext_temperature/<n>` (Gen1 API
  documentation, "Shelly1/1PM: MQTT"; bieniu/ha-shellies-discovery issue 47);
* a Shelly of generation 2 and later, `<prefix>/status/temperature:<n>` (Gen2 API documentation, "Temperature");
* Zigbee2MQTT, `bridge/devices` with a numeric `temperature` in °C (documentation, "MQTT topics and messages").

Which device heats the water nobody can hear: where a plug of the configuration sits in the same device as the
thermometer it is proposed, else its place is left to the owner.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from busbar_shared.config.loads import PlugConfig

FILTERS: Final = (
    "tele/+/SENSOR",
    "shellies/+/ext_temperature/+",
    "+/status/#",
    "+/bridge/devices",
)


class Found(Struct, frozen=True, order=True):
    """One thermometer."""

    kind: str
    device: str
    """The device as its driver knows it: what a plug of the same device has as `topic`."""
    topic: str
    path: str = ""
    celsius: float | None = None
    """What it said while we listened; None where it only said that it measures."""

    @property
    def id(self) -> str:
        """A name for the configuration."""
        sensor = self.path.removesuffix(".Temperature") if self.path.endswith(".Temperature") else ""
        number = self.topic.rsplit("/", 1)[-1].rpartition(":")[2] if self.kind.startswith("shelly") else ""
        words = "-".join(part for part in (self.device.rsplit("/", 1)[-1], sensor, number) if part)
        return re.sub(r"[^a-z0-9_-]+", "-", words.lower()).strip("-_")[:63] or "tank"


def found(messages: Iterable[tuple[str, bytes]]) -> list[Found]:
    """Every thermometer that gave itself away, once, with the last it said."""
    best: dict[tuple[str, str], Found] = {}
    for topic, payload in messages:
        for one in _in_message(topic, payload):
            known = best.get((one.topic, one.path))
            if known is None or one.celsius is not None:
                best[one.topic, one.path] = one
    return sorted(best.values())


def snippet(thermometers: Iterable[Found], plugs: Mapping[str, PlugConfig]) -> str:
    """Lines for busbar.toml; they load as they are, and heat nothing before the owner has written what heats."""
    blocks, taken = [], set(plugs)
    for one in thermometers:
        name, number = one.id, 2
        while name in taken:
            name, number = f"{one.id}-{number}", number + 1
        taken.add(name)
        plug = next((id_ for id_, plug in plugs.items() if (plug.topic or id_) == one.device), None)
        path = f", path = {_quoted(one.path)}" if one.path else ""
        said = "" if one.celsius is None else f"  # it says {one.celsius:g} °C now"
        lines = [
            f"[heaters.{name}]",
            'kind = "tank"',
            "rating_w = 2000  # what it draws when it heats",
            _phases(None if plug is None else plugs[plug].phases),
        ]
        if plug is not None:
            lines.append(f"plug = {_quoted(plug)}  # it sits in the same device; is it what heats?")
        lines += [f"[heaters.{name}.topics]", f"temperature = {{ topic = {_quoted(one.topic)}{path} }}{said}"]
        if plug is None:
            lines.append(f'command = "busbar/{name}/set"  # the topic of its switch; or plug = "..." above')
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _phases(of_plug: tuple[str, ...] | None) -> str:
    """Those of the plug that heats; no thermometer knows any, and a guess would protect the wrong wire."""
    if of_plug is None:
        return '# phases = ["b"]  # the phase it hangs on; while nobody knows, it counts on every phase'
    return f"phases = [{', '.join(map(_quoted, of_plug))}]"


def _in_message(topic: str, payload: bytes) -> Iterator[Found]:
    parts = topic.split("/")
    if len(parts) == 3 and parts[0] == "tele" and parts[2] == "SENSOR":
        yield from _tasmota(parts[1], topic, _tree(payload))
    elif len(parts) == 4 and parts[0] == "shellies" and parts[2] == "ext_temperature":
        celsius = _number(_tree(payload))
        if celsius is not None:
            yield Found("shelly_gen1", parts[1], topic, celsius=celsius)
    elif len(parts) >= 3 and parts[-2] == "status" and parts[-1].startswith("temperature:"):
        tree = _tree(payload)
        celsius = _number(tree.get("tC")) if isinstance(tree, dict) else None
        if celsius is not None:
            yield Found("shelly", "/".join(parts[:-2]), topic, "tC", celsius)
    elif topic.endswith("/bridge/devices"):
        yield from _zigbee(topic.removesuffix("/bridge/devices"), _tree(payload))


def _tasmota(device: str, topic: str, tree: Any) -> Iterator[Found]:
    # In Fahrenheit the same figures would be a tank that is far too hot.
    if not isinstance(tree, dict) or tree.get("TempUnit", "C") != "C":
        return
    for name, sensor in tree.items():
        celsius = _number(sensor.get("Temperature")) if isinstance(sensor, dict) else None
        # ESP32 is the temperature of the chip; a name with a dot or a bracket cannot be written as a path.
        if celsius is not None and name not in ("ESP32", "ANALOG") and not re.search(r"[.\[\]]", name):
            yield Found("tasmota", device, topic, f"{name}.Temperature", celsius)


def _zigbee(base: str, tree: Any) -> Iterator[Found]:
    for device in tree if isinstance(tree, list) else []:
        definition = device.get("definition") if isinstance(device, dict) else None
        name = device.get("friendly_name") if isinstance(device, dict) else None
        exposes = definition.get("exposes") if isinstance(definition, dict) else None
        if not isinstance(name, str) or not isinstance(exposes, list) or re.search(r"[+#\x00]", name):
            continue
        for one in exposes:
            if isinstance(one, dict) and one.get("property") == "temperature" and one.get("unit") == "°C":
                yield Found("zigbee2mqtt", name, f"{base}/{name}", "temperature")


def _number(value: object) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and -55 <= value <= 125
    return float(value) if good else None  # type: ignore[arg-type]


def _tree(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _quoted(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's too."""
    return msgspec.json.encode(text).decode()
