"""Charge Amps in virtual time: the scheduler's own planner, ladder and cloud clients against the simulated cloud.

What is left out of the live service is its waiting: here each look at the cloud happens when it is due, and the cloud
answers at once.
"""

from collections.abc import Coroutine, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from busbar_chargeamps.cloud import Answer
from busbar_chargeamps.cloud import Cloud as Account
from busbar_chargeamps.config import places, rules_of, section_of, zone_of
from busbar_chargeamps.eapi import ExternalCloud
from busbar_chargeamps.keeper import Keeper
from busbar_chargeamps.memory import Memory
from busbar_chargeamps.outlet import Outlet
from busbar_chargeamps.planner import Planner
from busbar_chargeamps.publisher import schedule
from busbar_chargeamps.schedule import Period
from busbar_chargeamps.status import Said as Spoken
from busbar_chargeamps.status import status
from busbar_chargeamps.web import WebCloud
from busbar_cli.simulate_devices import Beat, Moment
from busbar_cli.simulate_minds import Said
from busbar_contracts.prices import PriceSeries
from busbar_shared.config.root import Site
from busbar_shared.config.services import SimulatorSection
from busbar_shared.statefile import StateFile
from busbar_simulator.build import Built
from busbar_simulator.charge_amps import VendorCharger, vendor_cloud
from busbar_simulator.charge_amps_cloud.cloud import Cloud
from busbar_simulator.charge_amps_cloud.gate import answer
from busbar_simulator.charge_amps_cloud.server import made

TICK_S = 5.0
T = TypeVar("T")


class Remembered(StateFile[Memory]):
    """A file that is only held in mind."""

    def __init__(self) -> None:
        super().__init__(Path("simulate"), Memory)
        self._value: Memory | None = None

    def load(self) -> Memory | None:
        """What was saved last."""
        return self._value

    def save(self, value: Memory) -> bool:
        """Keep it."""
        self._value = value
        return True


class StoppedClock:
    """The clock of the simulation; nobody waits by it."""

    def __init__(self, now: Moment) -> None:
        self.moment = now

    def now(self) -> datetime:
        """The calendar."""
        return self.moment.at

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self.moment.s

    async def sleep(self, seconds: float) -> None:
        """Return at once: a cloud that answers at once leaves nothing to wait for."""


class ChargeAmps:
    """All connectors of the site in the cloud, and the scheduler that keeps them at the plan."""

    def __init__(self, site: Site, built: Built, now: Moment) -> None:
        """Every connector has a socket in the plant from now on."""
        self._clock = StoppedClock(now)
        cloud, self.chargers = _cloud(site, built, self._clock)
        self._outlets: list[Outlet] = []
        if cloud is None:
            return
        self._section, self._zone = section_of(site), zone_of(site)
        self._account = self._client(cloud)
        self._outlets = [
            Outlet(place, self._section, rules_of(site, place), Remembered(), now.at)
            for place in places(site)
        ]
        self._spoken = {outlet.place.label: Spoken() for outlet in self._outlets}
        planning = self._section.operation_mode == "standalone" or self._section.publisher == "allocator"
        self._planner = Planner(self._section, self._zone) if planning else None
        self._tick, self._next_look_s = Beat(TICK_S, 0.0), 0.0
        self._keeper = Keeper(
            self._account, self._outlets, self._clock, poll_idle_s=self._section.poll_idle_s,
            poll_charging_s=self._section.poll_charging_s, tell=_nobody, report=_nothing,
        )  # fmt: skip

    def hear(self, message: Any) -> None:
        """Prices of the series that the plan is made of."""
        if (
            isinstance(message, PriceSeries)
            and self._outlets
            and message.series == self._section.price_series
        ):
            payload = msgspec.json.encode(message)
            if self._planner is not None and self._planner.hear(payload, self._clock.now()):
                self._replan(self._planner)

    def drive(self, now: Moment) -> None:
        """What the chargers offer in this moment."""
        for one in self.chargers:
            one.step(now.at)

    def work(self, now: Moment) -> Iterator[Said]:
        """Let the scheduler do what is due; what it has to say of its connectors."""
        self._clock.moment = now
        if not self._outlets:
            return
        if self._tick.due(now.s):
            self._pass_time(now)
        if now.s >= self._next_look_s:
            self._next_look_s = now.s + _done(self._keeper.round())
        for outlet in self._outlets:
            fresh = status(
                outlet, self._planner, now.at, now.s, logged_in=self._account.logged_in,
                stale_s=2.5 * self._section.poll_idle_s,
            )  # fmt: skip
            spoken = self._spoken[outlet.place.label]
            if spoken.due(fresh, now.s):
                spoken.said(fresh, now.s)
                yield fresh, {"connector_id": str(outlet.place.connector)}

    def _pass_time(self, now: Moment) -> None:
        for outlet in self._outlets:
            if outlet.pass_time(now.at):
                self._next_look_s = now.s
            if outlet.sync == "synced":
                outlet.expect(now.at)
        if self._planner is not None and self._planner.at(now.at):
            self._replan(self._planner)

    def _replan(self, planner: Planner) -> None:
        """Give every connector the windows of the plan, as the service does, or as a HEMS would send them."""
        if planner.plan.state in ("waiting_for_prices", "disabled"):
            return
        now, windows = self._clock.now(), planner.plan.windows
        for outlet in self._outlets:
            if self._section.operation_mode == "standalone":
                amps = outlet.rules.site_max_current
                outlet.take_plan(tuple(Period(one.start, one.end, amps) for one in windows))
            elif left := tuple(one for one in windows if one.end > now):
                outlet.hear("set", schedule(left, self._zone).encode(), retained=False, now=now)
            outlet.expect(now)
        self._next_look_s = 0.0

    def _client(self, cloud: Cloud) -> Account:
        async def call(method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
            parts = urlsplit(url)
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            lower = {name.lower(): value for name, value in headers.items()}
            reply = answer(cloud, made(method, target, lower, body or b""))
            return Answer(reply.status, reply.headers, reply.body)

        known: dict[str, Any] = {"email": cloud.email, "password": cloud.password, "base_url": None}
        if self._section.api == "web":
            return WebCloud(call, self._clock, zone=self._zone, **known)
        return ExternalCloud(call, self._clock, api_key=cloud.api_key, **known)


def _cloud(site: Site, built: Built, clock: StoppedClock) -> tuple[Cloud | None, list[VendorCharger]]:
    """The simulated cloud, played whether or not the simulator's own service would."""
    section = site.simulator or SimulatorSection()
    played = msgspec.structs.replace(section, chargeamps=section.chargeamps or {"plugged": True})
    return vendor_cloud(msgspec.structs.replace(site, simulator=played), built, clock.now)


def _done(job: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that has nothing to wait for."""
    try:
        job.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    job.close()
    raise RuntimeError("the scheduler waits for something that is not simulated")


async def _nobody(outlet: Outlet) -> None:
    """States are said when time passes."""


async def _nothing(code: str, text: str) -> None:
    """Events are not counted."""
