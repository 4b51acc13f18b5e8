"""One device that speaks over MQTT: hear its topics, join its figures, say its reading."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from msgspec import Struct

from busbar_meter.config import SECTIONS, BadMeterConfig, RolePlan
from busbar_meter.joining import Joiner
from busbar_meter.map_station import heard
from busbar_meter.mqtt_picks import picks_for
from busbar_meter.roles import AnyRole, role_of
from busbar_shared.bus import Bus
from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

# How long the first figure of a reading waits for the others on their own topics.
JOIN_S = 0.4
# The contract allows five readings a second.
LEAST_S = 0.2
KEEP_LEAST_S = 10.0

Say = Callable[[AnyRole, Struct], Awaitable[None]]


class MqttDevice:
    """A meter, inverter or battery on MQTT."""

    def __init__(self, plan: RolePlan, clock: Clock, bus: Bus, say: Say) -> None:
        section = next(name for name, kind in SECTIONS.items() if kind == plan.kind)
        path = f"{section}.{plan.id}"
        if plan.config.mqtt is None:
            raise BadMeterConfig(f"{path}.mqtt: driver mqtt needs a place")
        self.role = role_of(plan)
        self._clock, self._bus, self._say = clock, bus, say
        picks = picks_for(plan.kind, plan.config.mqtt, path)
        keep_s, unchanged_s = max(KEEP_LEAST_S, 3 * plan.config.every_s), plan.config.mqtt.unchanged_s
        self.joiner = Joiner(picks, keep_s, unchanged_s)
        self._fresh, self._whole = asyncio.Event(), asyncio.Event()
        self._problems: dict[str, str] = {}

    async def run(self) -> None:
        """Hear and say for ever."""
        # Subscribed before anything is waited for.
        messages = self._bus.listen_raw(*self.joiner.topics)
        publishing = asyncio.ensure_future(self._publish())
        try:
            async for raw in messages:
                problem = self.joiner.hear(raw.topic, raw.payload, raw.at_s, retained=raw.retained)
                await self._tell(raw.topic, problem)
                if self.joiner.begun:
                    self._fresh.set()
                if self.joiner.complete:
                    self._whole.set()
        finally:
            publishing.cancel()

    async def _publish(self) -> None:
        while True:
            await self._fresh.wait()
            await self._joined()
            self._fresh.clear()
            self._whole.clear()
            try:
                await self._say_joined()
            except Exception:
                # One reading nobody thought of must not be the last one.
                log.exception("%s: unexpected", self.role.plan.id)
            await self._clock.sleep(LEAST_S)

    async def _say_joined(self) -> None:
        now = self._clock.monotonic()
        joined = self.joiner.join(now)
        if joined is None:
            return
        at = self._clock.now() - timedelta(seconds=max(now - joined.at_s, 0.0))
        outcome = heard(self.role, joined.values, at, now)
        if outcome.message is not None:
            await self._say(self.role, outcome.message)
        await self._tell("reading", outcome.problem)

    async def _joined(self) -> None:
        sleep = asyncio.ensure_future(self._clock.sleep(JOIN_S))
        whole = asyncio.ensure_future(self._whole.wait())
        try:
            await asyncio.wait((sleep, whole), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            whole.cancel()

    async def _tell(self, source: str, problem: str) -> None:
        """Report a problem when it begins, not with every message."""
        begins = problem and not self._problems.get(source)
        self._problems[source] = problem
        if begins:
            plan = self.role.plan
            await self._bus.event("reading_doubtful", f"{plan.kind} {plan.id}: {problem}")
