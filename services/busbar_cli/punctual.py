"""What should be on the bus and is not, or comes too late: judged by what a site's configuration promises.

Retained replays say that something was said once; only live messages say that somebody still speaks.
"""

from collections.abc import Iterator

from msgspec import Struct

from busbar_contracts.base import Order
from busbar_contracts.service import ServiceStatus
from busbar_contracts.topic import Topic
from busbar_contracts.topics import match, topic_of
from busbar_shared.bus import RawHeard
from busbar_shared.config.root import Site
from busbar_shared.config.wiring import connectors
from busbar_shared.judge import Refused, decode

STATUS_S = 15.0
"""A status older than this is not fresh (contracts/README.md, Life)."""
ALLOCATION_S = 12.0
"""The allocation is said on change and else each 10 s; two seconds for the way."""
READING_S, READING_PERIODS = 10.0, 3.0
"""A meter is stale after so long, or so many of its periods (docs/safety.md, rung 2)."""
RETAINED_S = 2.0
"""What is retained comes right after the subscription."""


class Beat(Struct, frozen=True, kw_only=True):
    """A topic that must be said again and again."""

    topic: str
    every_s: float
    what: str


class _Leased(Struct):
    """The last order of one sender to one device."""

    at_s: float
    lease_s: float
    issuer: str
    own: bool
    """Given by the service that the contract names as the writer: it must not let its leases run out."""


class Punctual:
    """What was heard of what must be heard, since the subscription."""

    def __init__(self, site: Site, began_s: float) -> None:
        self._root, self._began_s = site.site.topic_root, began_s
        self._beats = {beat.topic: beat for beat in beats(site)}
        self._retained = dict(retained(site))
        self._last_s: dict[str, float] = {}
        self._seen: set[str] = set()
        self._orders: dict[tuple[str, str, str], _Leased] = {}
        self._services = set(site.services())
        self._offline: set[str] = set()
        self._late: dict[str, float] = {}
        self._lapsed: dict[str, int] = {}

    def hear(self, message: RawHeard) -> None:
        """Take note of one message; what is not the contract is for others to judge."""
        name = message.topic.removeprefix(self._root + "/")
        found = match(f"hems/{name}") if message.payload else None
        if found is None or not message.topic.startswith(self._root + "/"):
            return
        self._seen.add(name)
        topic, ids = found
        if topic.message is ServiceStatus:
            self._status(name, ids["service"], message)
        if message.retained:
            return
        if name in self._beats:
            self._beat(name, message.at_s)
        if isinstance(topic.message, type) and issubclass(topic.message, Order):
            self._order(name, topic, message)

    def finish(self, now_s: float) -> list[str]:
        """Everything that is missing or was late, in sentences, after listening until now."""
        return sorted([*self._missing(now_s), *self._were_late(now_s), *self._ended(now_s)])

    def _status(self, name: str, service: str, message: RawHeard) -> None:
        try:
            state = decode(topic_of(ServiceStatus), message.payload).state
        except Refused:
            return
        if state == "offline":
            self._offline.add(name)
            self._beats.pop(name, None)
            return
        self._offline.discard(name)
        if name not in self._beats:
            # Somebody else's service, or one that came back: from now on it must be refreshed.
            self._beats[name] = Beat(topic=name, every_s=STATUS_S, what="status")
            self._last_s[name] = message.at_s

    def _beat(self, name: str, at_s: float) -> None:
        waited = at_s - self._last_s.get(name, self._began_s)
        if waited > self._beats[name].every_s:
            self._late[name] = max(waited, self._late.get(name, 0.0))
        self._last_s[name] = at_s

    def _order(self, name: str, topic: Topic, message: RawHeard) -> None:
        try:
            order: Order = decode(topic, message.payload)
        except Refused:
            return
        key = (name, order.issuer, order.instance)
        before = self._orders.get(key)
        if before is not None and message.at_s - before.at_s > before.lease_s:
            text = (
                f"{name}: an order of {order.issuer} was not renewed within its lease of {before.lease_s:g} s"
            )
            self._lapsed[text] = self._lapsed.get(text, 0) + 1
        self._orders[key] = _Leased(message.at_s, order.lease_s, order.issuer, order.issuer == topic.writer)

    def _missing(self, now_s: float) -> Iterator[str]:
        listened_s = now_s - self._began_s
        for name in sorted(self._offline):
            if name.split("/")[1] in self._services:
                yield f"{name}: missing; the service is configured and says that it is offline"
        for name, beat in self._beats.items():
            if name not in self._last_s and listened_s > beat.every_s:
                yield f"{name}: missing; no {beat.what} in {listened_s:.0f} s"
        if listened_s > RETAINED_S:
            for name, why in self._retained.items():
                if name not in self._seen:
                    yield f"{name}: missing; {why}"

    def _were_late(self, now_s: float) -> Iterator[str]:
        for name, beat in self._beats.items():
            silent_s = now_s - self._last_s.get(name, now_s)
            worst_s = max(silent_s, self._late.get(name, 0.0))
            if worst_s > beat.every_s:
                yield f"{name}: late; {worst_s:.0f} s without a {beat.what}, at most {beat.every_s:g} s"

    def _ended(self, now_s: float) -> Iterator[str]:
        for text, count in self._lapsed.items():
            yield text.replace(": an", ": late; an", 1) + (f" ({count} times)" if count > 1 else "")
        for (name, issuer, _), last in self._newest().items():
            silent_s = now_s - last.at_s
            if last.own and silent_s > last.lease_s:
                yield f"{name}: late; an order of {issuer} was not renewed within its lease of {last.lease_s:g} s"

    def _newest(self) -> dict[tuple[str, str, str], _Leased]:
        """Of several instances of one issuer the last that spoke: the one before was restarted."""
        newest: dict[tuple[str, str, str], _Leased] = {}
        for (name, issuer, _), last in sorted(self._orders.items(), key=lambda pair: pair[1].at_s):
            newest[name, issuer, ""] = last
        return newest


def beats(site: Site) -> Iterator[Beat]:
    """What must be said again and again at this site, by its topic below the root."""
    for section, kind in (("meters", "meter"), ("inverters", "inverter"), ("batteries", "battery")):
        for name, device in getattr(site, section).items():
            most_s = max(READING_S, READING_PERIODS * device.every_s)
            yield Beat(topic=f"{kind}/{name}/reading", every_s=most_s, what="reading")
    for service in site.services():
        yield Beat(topic=f"service/{service}/status", every_s=STATUS_S, what="status")
    if "allocator" in site.services():
        yield Beat(topic="allocator/allocation", every_s=ALLOCATION_S, what="decision")


def retained(site: Site) -> Iterator[tuple[str, str]]:
    """What must be there as soon as one subscribes, and why."""
    state, settings = "a configured device without a state", "settings are retained"
    for one in connectors(site) if site.circuits else ():
        yield f"charger/{one.charger}/{one.connector}/state", state
        yield f"load/{one.load}/settings", settings
    switched = {heater.plug for heater in site.heaters.values()}
    for plug in site.plugs:
        yield f"plug/{plug}/state", state
        if plug not in switched:
            yield f"load/{plug}/settings", settings
    for heater in site.heaters:
        yield f"heat/{heater}/state", state
        yield f"load/{heater}/settings", settings
    for battery in site.batteries:
        yield f"battery/{battery}/settings", settings
    if site.circuits:
        yield "site/settings", settings
    if site.prices is not None:
        for series in site.prices.series:
            yield f"prices/{series}", "no price of this series is known"
