"""What was published, so that it can be taken away again: by the list we kept, and by the origin in the message."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from busbar_shared.discovery.payload import ORIGIN

Parts = Mapping[str, Mapping[str, str]]
"""By the topic of a device's message: the key of each entity, and its platform."""


class Manifest(Struct, frozen=True):
    """The retained topics of one service."""

    topics: tuple[str, ...] = ()
    parts: Parts = {}
    """Of devices that are still shown: every entity they ever had."""


def parts_of(owned: Mapping[str, dict[str, Any]], before: Manifest | None) -> Parts:
    """Every entity that the messages of these devices have, or had according to the list we kept."""
    kept = before.parts if before is not None else {}
    return {
        topic: {**kept.get(topic, {}), **{key: one["p"] for key, one in message["cmps"].items()}}
        for topic, message in owned.items()
        if "cmps" in message
    }


def with_gone(message: dict[str, Any], parts: Mapping[str, str]) -> dict[str, Any]:
    """A device's message with a word for each entity it had once, so that Home Assistant takes it away.

    One that is only left out stays there (home-assistant/core 2025.3.4, `components/mqtt/discovery.py`; and
    https://www.home-assistant.io/integrations/mqtt/, "Device discovery payload": a platform alone removes it).
    """
    if "cmps" not in message:
        return message
    gone_parts = {key: {"p": platform} for key, platform in parts.items() if key not in message["cmps"]}
    return {**message, "cmps": {**message["cmps"], **gone_parts}} if gone_parts else message


def gone(before: Manifest | None, now: Iterable[str]) -> tuple[str, ...]:
    """Topics that were published once and are no longer owned: to be cleared."""
    owned = set(now)
    return tuple(topic for topic in before.topics if topic not in owned) if before is not None else ()


def ours(retained: Mapping[str, bytes], root: str) -> dict[str, str | None]:
    """The topics among these that services under this root wrote for Home Assistant, and which service it was.

    The availability of a device does not say whose it is: None.
    """
    found: dict[str, str | None] = {}
    for topic, payload in sorted(retained.items()):
        writer = writer_of(payload) if payload else None
        if writer is not None and writer.startswith(f"{root}/service/"):
            found[topic] = writer.removeprefix(f"{root}/service/").removesuffix("/status")
        elif payload and topic.startswith(f"{root}/ha/") and topic.endswith("/availability"):
            found[topic] = None
    return found


def writer_of(payload: bytes) -> str | None:
    """The status topic of the service of ours that wrote this discovery message; None when it is not ours.

    Another Busbar on the same broker has another root, hence another status topic.
    """
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    origin = message.get("o", message.get("origin"))
    if not isinstance(origin, dict) or origin.get("name") != ORIGIN:
        return None
    return next(_status_topics(message), None)


def left_by(topic: str, payload: bytes, status_topic: str, root: str) -> tuple[str, ...]:
    """The retained topics that went with this discovery message, if the service with this status topic wrote it.

    They are the message itself and the availability of its device.
    """
    if writer_of(payload) != status_topic:
        return ()
    entries = json.loads(payload).get("availability")
    entries = entries if isinstance(entries, list) else []
    named = _strings(entry.get("topic") for entry in entries if isinstance(entry, dict))
    return (topic, *(one for one in named if one.startswith(f"{root}/ha/") and one.endswith("/availability")))


def _status_topics(message: dict[str, Any]) -> Iterator[str]:
    entries = message.get("availability")
    if isinstance(entries, list):
        yield from _topics(entry.get("topic") for entry in entries if isinstance(entry, dict))
    yield from _topics([message.get("state_topic")])
    components = message.get("cmps")
    if isinstance(components, dict):
        yield from _topics(one.get("state_topic") for one in components.values() if isinstance(one, dict))


def _topics(found: Iterable[Any]) -> Iterator[str]:
    return (topic for topic in _strings(found) if topic.endswith("/status") and "/service/" in topic)


def _strings(found: Iterable[Any]) -> Iterator[str]:
    return (one for one in found if isinstance(one, str))
