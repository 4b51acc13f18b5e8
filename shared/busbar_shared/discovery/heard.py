"""What was heard last for each device that is shown, and which devices have news. No connection and no clock."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from busbar_shared.bus import Heard
from busbar_shared.discovery.entity import Device, Seen, Sight, sight


class HeardOf:
    """The last message of each source of each device; a site may have a thousand devices."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self._sources = [source for device in devices for source in device.sources.values()]
        self._heard: dict[tuple[str, str], Heard[Any]] = {}
        self._news: dict[str, Device] = {}
        self._listeners: dict[Hashable, list[tuple[Device, str]]] = {}
        for device in devices:
            for name, source in device.sources.items():
                key = source.topic if source.topic is not None else _key(source.kind, source.ids)
                self._listeners.setdefault(key, []).append((device, name))

    def wanted(self) -> list[tuple[type[Struct], dict[str, str]]]:
        """What is listened to on topics of the contract: each kind with its names once."""
        keys = {_key(source.kind, source.ids): source for source in self._sources if source.topic is None}
        return [(source.kind, dict(source.ids)) for source in keys.values()]

    def own_topics(self) -> dict[str, type[Struct]]:
        """What is listened to on topics with a root of their own, and the kind of message there."""
        return {source.topic: source.kind for source in self._sources if source.topic is not None}

    def take(self, heard: Heard[Any]) -> bool:
        """Give a message to those it is about; False when it is about none of them."""
        kind, about = type(heard.message), False
        for key in (heard.topic, _key(kind, heard.ids), _key(kind, {})):
            for device, name in self._listeners.get(key, ()):
                self._heard[device.id, name] = heard
                self._news[device.id] = device
                about = True
        return about

    def news(self) -> list[Device]:
        """The devices something was heard of since this was asked last."""
        news, self._news = list(self._news.values()), {}
        return news

    def sight(self, device: Device, now: datetime, now_s: float) -> Sight:
        """What is current of what was heard of a device."""
        facts = {}
        for name in device.sources:
            heard = self._heard.get((device.id, name))
            if heard is not None:
                age_s = now_s - heard.at_s
                at = getattr(heard.message, "at", None)
                if heard.retained and at is not None:
                    # What was kept for us is as old as it says, not as young as its arrival.
                    age_s += max((now - at).total_seconds(), 0.0)
                facts[name] = Seen(heard.message, age_s)
        return sight(device, facts, now)


def _key(kind: type[Struct], ids: Mapping[str, str]) -> Hashable:
    return kind, tuple(sorted(ids.items()))
