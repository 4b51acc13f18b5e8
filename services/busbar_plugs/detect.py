"""Plugs found on a broker by what they say, and the lines for the configuration.

Pure: topics and payloads in, findings out. What is recognised: a Shelly by its presence and status topics
(Shelly API documentation, "MQTT", both generations), a Tasmota by its retained discovery message
(`tasmota/discovery/<mac>/config`, arendst/Tasmota issue 9267) or its last will, a Zigbee plug by the
bridge's retained list of devices (`bridge/devices`, Zigbee2MQTT documentation, "MQTT topics and messages").
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

FILTERS: Final = (
    "+/online",
    "+/+/online",
    "+/events/rpc",
    "+/+/events/rpc",
    "+/status/#",
    "+/+/status/+",
    "shellies/#",
    "tasmota/discovery/+/config",
    "tele/+/LWT",
    "tele/+/SENSOR",
    "+/bridge/devices",
    "+/+/bridge/devices",
)
QUESTIONS: Final = (("shellies/command", "announce"),)
"""Harmless: an old Shelly answers with its name on `shellies/announce`."""

RELAY: Final = 1
"""Tasmota discovery, `rl`: 1 is a relay, 2 a light, 3 a shutter."""


class Found(Struct, frozen=True, order=True):
    """One relay somebody could manage."""

    driver: str
    topic: str
    channel: int = 0
    metered: bool = False
    name: str = ""
    full_topic: str | None = None
    base_topic: str | None = None
    endpoint: str | None = None

    @property
    def id(self) -> str:
        """A name for the configuration."""
        words = self.name or self.topic.rsplit("/", 1)[-1]
        channel = (
            f"-{self.channel}" if self.channel > 1 or (self.channel and self.driver != "tasmota") else ""
        )
        made = re.sub(
            r"[^a-z0-9_-]+", "-", f"{words}{channel}{'-' + self.endpoint if self.endpoint else ''}".lower()
        )
        return made.strip("-_")[:63] or "plug"


def found(messages: Iterable[tuple[str, bytes]]) -> list[Found]:
    """Every relay that gave itself away, once; metered when it was seen to measure."""
    best: dict[tuple[str, str, int, str | None], Found] = {}
    for topic, payload in messages:
        for one in _in_message(topic, payload):
            key = (one.driver, one.topic, one.channel, one.endpoint)
            known = best.get(key)
            best[key] = one if known is None else _both(known, one)
    return sorted(best.values())


def snippet(relays: Iterable[Found]) -> str:
    """Lines for busbar.toml."""
    blocks, taken = [], set()
    for one in relays:
        name, number = one.id, 2
        while name in taken:
            name, number = f"{one.id}-{number}", number + 1
        taken.add(name)
        lines = [f"[plugs.{name}]", f'driver = "{one.driver}"', f"topic = {_quoted(one.topic)}"]
        if one.channel:
            lines.append(f"channel = {one.channel}")
        for key in ("full_topic", "base_topic", "endpoint"):
            value = getattr(one, key)
            if value is not None:
                lines.append(f"{key} = {_quoted(value)}")
        lines.append('phase_unknown = true  # if you know it: phases = ["b"]')
        if not one.metered:
            lines.append("rating_w = 2000  # it does not seem to measure: write what the load draws")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _in_message(topic: str, payload: bytes) -> Iterator[Found]:
    parts = topic.split("/")
    if topic.startswith("shellies/"):
        yield from _old_shelly(parts, payload)
    elif topic.startswith("tasmota/discovery/"):
        yield from _tasmota(_tree(payload))
    elif topic.endswith("/bridge/devices"):
        yield from _zigbee(topic.removesuffix("/bridge/devices"), _tree(payload))
    elif parts[-1] == "online" and "shelly" in topic.lower() and payload in (b"true", b"false"):
        # Its relays are not known yet, but a Shelly with a relay has one that is called 0.
        yield Found("shelly", "/".join(parts[:-1]))
    elif parts[-2:] == ["events", "rpc"]:
        params = _tree(payload)
        yield from _shelly("/".join(parts[:-2]), params.get("params") if isinstance(params, dict) else None)
    elif len(parts) >= 3 and parts[-2] == "status":
        yield from _shelly("/".join(parts[:-2]), {parts[-1]: _tree(payload)})
    elif parts[0] == "tele" and len(parts) == 3:
        tree = _tree(payload)
        metered = isinstance(tree, dict) and "ENERGY" in tree
        if parts[2] == "LWT" or metered:
            yield Found("tasmota", parts[1], metered=metered)


def _old_shelly(parts: list[str], payload: bytes) -> Iterator[Found]:
    if parts[1:] == ["announce"]:
        tree = _tree(payload)
        if isinstance(tree, dict) and isinstance(tree.get("id"), str):
            yield Found("shelly_gen1", tree["id"])
    elif len(parts) >= 4 and parts[2] == "relay" and parts[3].isdecimal():
        yield Found("shelly_gen1", parts[1], int(parts[3]), metered=parts[4:] == ["power"])


def _shelly(prefix: str, components: Any) -> Iterator[Found]:
    if not isinstance(components, dict):
        return
    for name, status in components.items():
        kind, _, channel = name.partition(":")
        if kind == "switch" and channel.isdecimal() and isinstance(status, dict):
            yield Found("shelly", prefix, int(channel), metered="apower" in status)


def _tasmota(tree: Any) -> Iterator[Found]:
    if (
        not isinstance(tree, dict)
        or not isinstance(tree.get("t"), str)
        or not isinstance(tree.get("rl"), list)
    ):
        return
    relays = [number for number, kind in enumerate(tree["rl"], 1) if kind == RELAY]
    names: list[Any] = tree["fn"] if isinstance(tree.get("fn"), list) else []
    full = tree.get("ft") if tree.get("ft") != "%prefix%/%topic%/" else None
    for number in relays:
        name = names[number - 1] if number <= len(names) and isinstance(names[number - 1], str) else ""
        channel = 0 if len(relays) == 1 else number
        yield Found(
            "tasmota", tree["t"], channel, name=name, full_topic=full if isinstance(full, str) else None
        )


def _zigbee(base: str, tree: Any) -> Iterator[Found]:
    for device in tree if isinstance(tree, list) else []:
        definition = device.get("definition") if isinstance(device, dict) else None
        name = device.get("friendly_name") if isinstance(device, dict) else None
        if not isinstance(definition, dict) or not isinstance(name, str):
            continue
        exposes = [one for one in definition.get("exposes") or [] if isinstance(one, dict)]
        metered = any(
            str(one.get("property", "")).startswith("power") for one in exposes if one.get("unit") == "W"
        )
        for one in exposes:
            if one.get("type") == "switch":
                endpoint = one.get("endpoint")
                yield Found(
                    "zigbee2mqtt",
                    name,
                    metered=metered,
                    base_topic=None if base == "zigbee2mqtt" else base,
                    endpoint=endpoint if isinstance(endpoint, str) else None,
                )


def _both(one: Found, other: Found) -> Found:
    better = one if one.name or one.full_topic else other
    return msgspec.structs.replace(better, metered=one.metered or other.metered)


def _tree(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _quoted(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's too."""
    return msgspec.json.encode(text).decode()
