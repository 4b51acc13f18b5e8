"""The loop that shows a service's devices to Home Assistant: hears the service's own topics, says discovery and values.

It lives beside the service's own loop and never ends it: what goes wrong here is logged and tried again.
"""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from msgspec import Struct

from busbar_contracts.service import HaEvent, HaState
from busbar_contracts.topics import topic_of
from busbar_shared.bus import Heard, RawHeard
from busbar_shared.discovery.entity import Device, Sight, is_there, values
from busbar_shared.discovery.health import health
from busbar_shared.discovery.heard import HeardOf
from busbar_shared.discovery.leftovers import Leftovers
from busbar_shared.discovery.manifest import Manifest, Parts, with_gone
from busbar_shared.discovery.pacing import Shown, next_shown
from busbar_shared.discovery.payload import Naming, birth_topics, configs
from busbar_shared.judge import Refused, decode
from busbar_shared.life import Service, program_version
from busbar_shared.statefile import StateFile

log = logging.getLogger(__name__)

SPREAD_S = 3.0
"""Services do not answer the birth of Home Assistant all at once."""

SETTLE_S = 1.0
"""Home Assistant must have made the entities before it can hear their values."""

AGAIN_S = (SETTLE_S, 10.0)
"""Values are said again after a discovery, because what comes before an entity listens is lost."""

LOOK_S = 1.0
"""How often everybody is looked at, because values grow old by themselves; those with news are looked at sooner."""

BURST_S = 0.2
MANY, ALL_S = 100, 5.0
"""With more devices than this everybody's turn comes later."""

BETWEEN_S = 0.02
RETRY_S = 30.0


async def show(service: Service, devices: Sequence[Device]) -> None:
    """Show these devices and the service's own life to Home Assistant until cancelled; never raises."""
    while True:
        try:
            await Showing(service, devices).run()
        except Exception:
            log.exception("Home Assistant is not shown anything for %g s", RETRY_S)
        await service.clock.sleep(RETRY_S)


def naming_of(service: Service) -> Naming:
    """Where this service's messages go."""
    broker, site = service.site.broker, service.site.site
    return Naming(
        service=service.name,
        prefix=broker.discovery_prefix.strip("/"),
        root=site.topic_root,
        version=program_version(),
        url=_home_page(),
    )


def _home_page() -> str:
    """Where the program says its home is; empty when it says nothing."""
    try:
        urls = metadata("busbar").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    return next((one.split(", ", 1)[1] for one in urls if ", " in one), "")


class Showing:
    """What was heard and what was told."""

    def __init__(self, service: Service, devices: Sequence[Device], *, spread_s: float = SPREAD_S) -> None:
        self._service, self._bus, self._clock = service, service.bus, service.clock
        self._form = service.site.broker.discovery
        self._spread_s = spread_s
        # The site's page comes first, because all others hang on it.
        self.devices = (health(service.site, service.name), *devices) if self._form != "off" else ()
        self.naming = naming_of(service)
        file = StateFile(service.state_dir / "discovery.json", Manifest)
        self._leftovers = Leftovers(service.bus, file, self.naming, lambda: service.passive)
        self._parts: Parts = {}
        self._heard = HeardOf(self.devices)
        self._shown: dict[str, Shown] = {}
        self._there: dict[str, bool] = {}
        self._before: dict[str, Sight] = {}
        self._say_again_s: list[float] = []
        self._broken: set[str] = set()
        self._looked_s = float("-inf")
        self._wake = asyncio.Event()

    @property
    def owned(self) -> dict[str, dict[str, Any]]:
        """The discovery messages of all devices, by topic."""
        return {
            topic: message
            for device in self.devices
            for topic, message in configs(device, self.naming, self._form).items()
        }

    def _retained(self) -> list[str]:
        """Every topic that is ours to keep on the broker."""
        places = [self.naming.availability_topic(one) for one in self.devices if not one.always_there]
        return [*self.owned, *places]

    async def run(self) -> None:
        """Until cancelled."""
        found, retained = self._bus.listen_raw(*self._leftovers.filters()), self._retained()
        self._parts = await self._leftovers.clear_listed(self.owned, retained)
        if self._form == "off":
            await self._leftovers.clear_found(found, retained)
        births = self._bus.listen_raw(*birth_topics(self.naming.prefix))
        typed, topics = self._heard.wanted(), self._heard.own_topics()
        said = self._bus.listen_where(*typed) if typed else None
        foreign = self._bus.listen_raw(*topics) if topics else None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_time())
            tasks.create_task(self._hear_births(births))
            tasks.create_task(self._leftovers.clear_found(found, retained))
            if said is not None:
                tasks.create_task(self._hear(said))
            if foreign is not None:
                tasks.create_task(self._hear_raw(foreign, topics))

    # -- hearing ------------------------------------------------------------------------------

    async def _hear(self, heard: AsyncIterator[Heard[Any]]) -> None:
        async for one in heard:
            self._take(one)

    async def _hear_raw(self, heard: AsyncIterator[RawHeard], kinds: Mapping[str, type[Struct]]) -> None:
        async for one in heard:
            if one.topic in kinds and one.payload:
                try:
                    message = decode(topic_of(kinds[one.topic]), one.payload)
                except Refused:
                    continue
                self._take(Heard(message, {}, one.topic, one.at_s, one.retained))

    def _take(self, heard: Heard[Any]) -> None:
        if self._heard.take(heard):
            self._wake.set()

    def _sight(self, device: Device) -> Sight:
        return self._heard.sight(device, self._clock.now(), self._clock.monotonic())

    # -- saying -------------------------------------------------------------------------------

    async def _keep_time(self) -> None:
        await self._introduce()
        while True:
            self._wake.clear()
            if not self._service.passive:
                await self._look()
            await self._pause()

    async def _pause(self) -> None:
        """Until something was heard, or for a second; a burst is answered once."""
        looking = asyncio.ensure_future(self._clock.sleep(LOOK_S))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((looking, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            looking.cancel()
            waking.cancel()
        await self._clock.sleep(BURST_S if len(self.devices) <= MANY else LOOK_S)

    async def _introduce(self) -> None:
        """Say what there is, then whether it is there; the values follow when they can be heard."""
        await self._clock.sleep(random.uniform(0.0, self._spread_s))
        if self._service.passive:
            return
        for device in self.devices:
            for topic, message in configs(device, self.naming, self._form).items():
                whole = with_gone(message, self._parts.get(topic, {}))
                await self._bus.say_raw(topic, json.dumps(whole, separators=(",", ":")), qos=1, retain=True)
            # A thousand devices at once would not fit into the outbox.
            await self._clock.sleep(BETWEEN_S)
        for device in self.devices:
            await self._say_availability(device, is_there(device, self._sight(device)))
        now_s = self._clock.monotonic()
        self._say_again_s = [now_s + pause for pause in AGAIN_S]

    async def _look(self) -> None:
        now_s = self._clock.monotonic()
        again = bool(self._say_again_s) and self._say_again_s[0] <= now_s
        if again:
            self._say_again_s.pop(0)
        everybody = again or now_s - self._looked_s >= (LOOK_S if len(self.devices) <= MANY else ALL_S)
        self._looked_s = now_s if everybody else self._looked_s
        news = self._heard.news()
        for device in self.devices if everybody else news:
            try:
                await self._tell(device, now_s, again=again)
            except Exception:
                if device.id not in self._broken:
                    log.exception("%s cannot be shown", device.id)
                self._broken.add(device.id)

    async def _tell(self, device: Device, now_s: float, *, again: bool) -> None:
        seen = self._sight(device)
        there = is_there(device, seen)
        if self._there.get(device.id) != there:
            await self._say_availability(device, there)
        for key, happening in device.happenings.items():
            found = happening(self._before.get(device.id), seen)
            if found is not None:
                event = HaEvent(entity=key, event_type=found[0], text=found[1], at=seen.now)
                await self._bus.say(event, device=device.id)
        self._before[device.id] = seen
        if not device.sources or not (there or again):
            return
        shown = next_shown(
            device, self._shown.get(device.id, Shown()), values(device, seen), now_s, again=again
        )
        if shown is not None:
            self._shown[device.id] = shown
            await self._bus.say(HaState(values=dict(shown.values)), device=device.id)
            if len(self.devices) > MANY:
                await self._clock.sleep(BETWEEN_S)

    async def _say_availability(self, device: Device, there: bool) -> None:
        self._there[device.id] = there
        if not device.always_there:
            word = "online" if there else "offline"
            await self._bus.say_raw(self.naming.availability_topic(device), word, qos=1, retain=True)

    # -- birth --------------------------------------------------------------------------------

    async def _hear_births(self, births: AsyncIterator[RawHeard]) -> None:
        async for heard in births:
            # A retained birth is from before our own introduction.
            if heard.payload == b"online" and not heard.retained:
                await self._introduce()
                self._wake.set()
