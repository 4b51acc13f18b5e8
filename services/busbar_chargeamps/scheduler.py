"""Everything of the scheduler that runs together: the listeners, the clock's ticks, the keeper of the cloud."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from busbar_chargeamps import config, refreshing
from busbar_chargeamps.cloud import Cloud
from busbar_chargeamps.keeper import Keeper
from busbar_chargeamps.memory import Memory
from busbar_chargeamps.outlet import Outlet
from busbar_chargeamps.planner import Planner
from busbar_chargeamps.price_topic import NoPrices
from busbar_chargeamps.publisher import Publisher
from busbar_chargeamps.schedule import Period
from busbar_chargeamps.status import Said, status
from busbar_shared.bus import RawHeard
from busbar_shared.judge import Refused
from busbar_shared.life import Service
from busbar_shared.statefile import StateFile

ANSWER_GAP_S = 0.2
"""Between two answers: a flood of commands is put on disk and told five times a second, and the last one counts."""
TICK_S = 5.0
"""The longest a schedule may outlive its end; its exact end is waited for besides."""


class Scheduler:
    """One account with its connectors, from the moment it is made subscribed to their topics."""

    def __init__(
        self, service: Service, cloud: Cloud, *, tick_s: float = TICK_S, answer_gap_s: float = ANSWER_GAP_S
    ) -> None:
        self._tick_s, self._answer_gap_s = tick_s, answer_gap_s
        self._bus, self._clock, self._cloud = service.bus, service.clock, cloud
        site, section = service.site, config.section_of(service.site)
        self._section = section
        now = service.clock.now()
        self._outlets = {
            place.label: Outlet(
                place, section, config.rules_of(site, place), _file(service, place.label), now
            )
            for place in config.places(site)
        }
        self._said = {label: Said() for label in self._outlets}
        self._planner: Planner | None = None
        if section.operation_mode == "standalone" or section.hems_timeout_action == "standalone":
            self._planner = Planner(section, config.zone_of(site))
        self._publisher: Publisher | None = None
        if section.operation_mode == "hems" and section.publisher == "allocator":
            self._publisher = Publisher(service.bus, section, config.zone_of(site), config.places(site))
        self._price_topics = [f"{site.site.topic_root}/prices/{section.price_series}"]
        if section.price_topic:
            self._price_topics.append(section.price_topic)
        self._topics = {
            outlet.place.topic(f"schedule/{verb}"): (outlet, verb)
            for outlet in self._outlets.values()
            for verb in ("set", "clear")
        }
        # Subscribed here, before we say that we are there; the topics are dead in standalone mode.  Each
        # connector has a queue of its own, so that a flood for one cannot push out the clear of another.
        self._commands = [
            service.bus.listen_raw(*(one.place.topic(f"schedule/{verb}") for verb in ("set", "clear")))
            for one in self._outlets.values()
            if section.operation_mode == "hems"
        ]
        self._prices = (
            service.bus.listen_raw(*self._price_topics) if self._planner or self._publisher else None
        )
        # Whoever plans, the owner may ask to plan and to compare anew.
        self._refreshable = {one.place.topic("refresh/set"): one for one in self._outlets.values()}
        self._refreshes = service.bus.listen_raw(*self._refreshable)
        self._heard = asyncio.Event()
        self._keeper = Keeper(
            cloud,
            list(self._outlets.values()),
            service.clock,
            poll_idle_s=section.poll_idle_s,
            poll_charging_s=section.poll_charging_s,
            tell=self._tell,
            report=self._report,
            passive=lambda: service.passive,
        )

    async def run(self) -> None:
        """Until cancelled."""
        jobs = [self._tick(), self._answer(), self._keeper.run(), self._hear_refreshes(self._refreshes)]
        jobs += [self._hear_commands(commands) for commands in self._commands]
        if self._prices is not None:
            jobs.append(self._hear_prices(self._prices))
        for outlet in self._outlets.values():
            outlet.pass_time(self._clock.now())
            outlet.keep()
            outlet.expect(self._clock.now())
            await self._tell(outlet)
        try:
            async with asyncio.TaskGroup() as group:
                for job in jobs:
                    group.create_task(job)
        finally:
            await self._keeper.leave()

    async def _hear_commands(self, commands: AsyncIterator[RawHeard]) -> None:
        """Only take and judge; what follows from it is done by others, so a burst costs one answer."""
        async for heard in commands:
            # Some brokers deliver what was never subscribed.
            if heard.topic in self._topics:
                outlet, verb = self._topics[heard.topic]
                outlet.hear(verb, heard.payload, retained=heard.retained, now=self._clock.now())
                self._heard.set()
                await self._report_refusal(outlet, heard.topic)

    async def _report_refusal(self, outlet: Outlet, topic: str) -> None:
        found = outlet.memory
        if found.last_problem is not None and found.last_result in ("rejected", "ignored"):
            problem = found.last_problem
            severity = "warning" if found.last_result == "rejected" else "info"
            await self._bus.event(
                problem.code, problem.message, path=problem.path or "", topic=topic, severity=severity
            )

    async def _answer(self) -> None:
        """Say what became of the commands, before the cloud is asked."""
        while True:
            await self._heard.wait()
            self._heard.clear()
            for outlet in self._outlets.values():
                outlet.keep()
                outlet.expect(self._clock.now())
                await self._tell(outlet)
            self._keeper.wake()
            if self._answer_gap_s:
                await self._clock.sleep(self._answer_gap_s)

    async def _hear_refreshes(self, refreshes: AsyncIterator[RawHeard]) -> None:
        async for heard in refreshes:
            outlet = self._refreshable.get(heard.topic)
            # An empty message is how a broker's client deletes a retained one.
            if outlet is None or not heard.payload:
                continue
            try:
                asked = refreshing.read(heard, self._clock.now())
            except Refused as refused:
                text = f"{heard.topic}: {refused.text}"
                await self._bus.event(refused.code, text, path=refused.path, topic=heard.topic)
                continue
            await self._refresh(outlet, asked.id)

    async def _refresh(self, outlet: Outlet, request: str | None) -> None:
        """Plan anew on the prices there are, and let the cloud be compared with it without delay."""
        now = self._clock.now()
        if outlet.refresh(request, now, self._clock.monotonic()):
            if self._planner is not None:
                self._planner.again(now)
                await self._replan(self._planner)
            if self._publisher is not None:
                await self._publisher.again(outlet.place, now)
        self._heard.set()

    async def _hear_prices(self, prices: AsyncIterator[RawHeard]) -> None:
        async for heard in prices:
            # An empty message is how a broker's client deletes a retained one.
            if heard.topic in self._price_topics and heard.payload:
                await self._take_prices(heard)

    async def _take_prices(self, heard: RawHeard) -> None:
        now = self._clock.now()
        try:
            if self._planner is not None and self._planner.hear(heard.payload, now):
                await self._replan(self._planner)
            if self._publisher is not None:
                await self._publisher.hear(heard.payload, now)
        except NoPrices as error:
            await self._bus.event(error.code, error.message, path=error.path, topic=heard.topic)

    async def _replan(self, planner: Planner) -> None:
        """Give every connector the windows of the plan; without prices it keeps the last ones."""
        if planner.plan.state in ("waiting_for_prices", "disabled"):
            return
        for outlet in self._outlets.values():
            amps = outlet.rules.site_max_current
            periods = tuple(Period(window.start, window.end, amps) for window in planner.plan.windows)
            outlet.take_plan(periods)
            await self._tell(outlet)
        self._keeper.wake()

    async def _tick(self) -> None:
        """What the clock alone changes: a plan that ends, a period that begins, a new day."""
        while True:
            now = self._clock.now()
            for outlet in self._outlets.values():
                if outlet.pass_time(now):
                    self._keeper.wake()
                if outlet.sync == "synced":
                    # At the edge of a window that we switch ourselves, the cloud has yet to be told.
                    outlet.expect(now)
                await self._tell(outlet)
            if self._planner is not None and self._planner.at(now):
                await self._replan(self._planner)
            if self._publisher is not None:
                await self._publisher.at(now)
            await self._clock.sleep(self._until_edge())

    def _until_edge(self) -> float:
        now = self._clock.now()
        edges = [(outlet.next_edge(now) - now).total_seconds() for outlet in self._outlets.values()]
        return max(min([self._tick_s, *edges]), 0.01)

    async def _tell(self, outlet: Outlet) -> None:
        now, now_s = self._clock.now(), self._clock.monotonic()
        # A reading is current until two and a half polls have passed without another.
        fresh = status(
            outlet,
            self._planner,
            now,
            now_s,
            logged_in=self._cloud.logged_in,
            stale_s=2.5 * self._section.poll_idle_s,
        )
        said = self._said[outlet.place.label]
        if said.due(fresh, now_s):
            said.said(fresh, now_s)
            payload = msgspec.json.encode(fresh)
            await self._bus.say_raw(outlet.place.topic("status"), payload, qos=1, retain=True)

    async def _report(self, code: str, text: str) -> None:
        await self._bus.event(code, text)


def _file(service: Service, label: str) -> StateFile[Memory]:
    return StateFile(service.state_dir / f"connector-{label}.json", Memory)
