"""Topics in the configuration name one place each.

A broker takes no subscription with a wildcard in the wrong place and hangs up; a service that asks for one
is then never connected, whatever else it has to do.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from busbar_shared.config.root import Site


def wrong_topics(site: Site) -> Iterator[str]:
    """A sentence for each topic that is not the name of one place."""
    for key, topic in _topics(site):
        if topic is not None and any(one in topic for one in "+#\0"):
            yield f"{key}: a topic names one place, without + and # (found {topic!r})"
    if not site.broker.discovery_prefix.strip("/"):
        found = site.broker.discovery_prefix
        yield f"broker.discovery_prefix: discovery needs a prefix, `homeassistant` for most (found {found!r})"


def _topics(site: Site) -> Iterator[tuple[str, str | None]]:
    yield "broker.discovery_prefix", site.broker.discovery_prefix
    for section, devices in (
        ("meters", site.meters),
        ("inverters", site.inverters),
        ("batteries", site.batteries),
    ):
        for name, device in devices.items():
            if device.mqtt is not None:
                yield f"{section}.{name}.mqtt.topic", device.mqtt.topic
                yield from _values(f"{section}.{name}.mqtt.values", device.mqtt.values)
    for name, charger in site.chargers.items():
        yield f"chargers.{name}.soc_topic", charger.soc_topic
    if site.chargeamps is not None:
        yield "chargeamps.topic_root", site.chargeamps.topic_root
        yield "chargeamps.price_topic", site.chargeamps.price_topic
    for name, series in site.prices.series.items() if site.prices is not None else ():
        yield f"prices.series.{name}.topic", series.topic


def _values(key: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, place in values.items():
        topic = place.get("topic") if isinstance(place, Mapping) else getattr(place, "topic", None)
        if isinstance(topic, str):
            yield f"{key}.{name}.topic", topic
