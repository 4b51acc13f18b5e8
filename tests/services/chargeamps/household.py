"""A household with a Charge Amps charger in virtual time: the service, its bus, and the honest fake cloud."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from busbar_chargeamps.cloud import Answer, CloudSilent
from busbar_chargeamps.eapi import ExternalCloud
from busbar_chargeamps.scheduler import Scheduler
from busbar_chargeamps.web import WebCloud
from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_shared.clock import VirtualClock, settle
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service
from busbar_simulator.charge_amps_cloud.charger import Connector
from busbar_simulator.charge_amps_cloud.cloud import Cloud
from busbar_simulator.charge_amps_cloud.gate import answer
from busbar_simulator.charge_amps_cloud.server import made

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EIGHT_PM = datetime(2025, 12, 4, 19, 0, tzinfo=UTC)
CHARGER = "2106037142M"
TOPIC = "hems/charge-amps/1"


class Killed(Exception):
    """The process ends in the middle of a request."""


class Household:
    """One house with one charger; everything that can happen to it is a method."""

    def __init__(self, state_dir: Path, now: datetime = EIGHT_PM, **section: Any) -> None:
        self.clock = VirtualClock(now)
        self.cloud = Cloud(now=self.clock.now)
        self.charger: Connector = self.cloud.add(CHARGER)
        self.state_dir = state_dir
        self.section: dict[str, Any] = {"operation_mode": "hems"} | section
        self.make_bus: type[FakeBus] = FakeBus
        self.bus = self.make_bus(clock=self.clock)
        self.calls = 0
        self.site_zone = "Europe/Amsterdam"
        self.latency_s = 0.2
        self.tick_s = 20.0
        self.answer_gap_s = 0.0
        """Without it several messages of one instant have an answer each."""
        self.stopping = False
        """Virtual time stands still while the service stops, so nothing may wait for it."""
        self.kill_at: int | None = None
        self.kill_after_commit = False
        self._task: asyncio.Task[None] | None = None

    # -- the service --------------------------------------------------------------------------

    def site(self) -> Site:
        """The configuration of the house."""
        connectors = self.section.pop("connectors", None) or {"1": {"charge_point": CHARGER}}
        self.section["connectors"] = connectors
        return msgspec.convert({"site": {"timezone": self.site_zone}, "chargeamps": self.section}, Site)

    def scheduler(self) -> Scheduler:
        """The service's working parts on this house's cloud."""
        self.bus = self.make_bus(clock=self.clock)
        login = {"email": "owner@example.org", "password": "secret"}
        account: Any
        if self.section.get("api") == "eapi":
            account = ExternalCloud(self.call, self.clock, api_key="key", base_url="http://cloud", **login)
        else:
            account = WebCloud(self.call, self.clock, zone=AMSTERDAM, base_url="http://cloud/api", **login)
        service = Service("chargeamps", self.site(), self.bus, self.clock, self.state_dir)
        return Scheduler(service, account, tick_s=self.tick_s, answer_gap_s=self.answer_gap_s)

    async def call(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """HTTP without sockets; a lost answer takes half a minute, and a process may die in it."""
        self.calls += 1
        if not self.stopping:
            await self.clock.sleep(self.latency_s)
        dies = self.kill_at is not None and self.calls >= self.kill_at
        if dies and not self.kill_after_commit:
            raise Killed
        lower = {name.lower(): value for name, value in headers.items()}
        reply = answer(self.cloud, made(method, url.removeprefix("http://cloud"), lower, body or b""))
        if dies:
            raise Killed
        if reply.lost:
            if not self.stopping:
                await self.clock.sleep(30)
            raise CloudSilent("timeout")
        return Answer(reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.body)

    async def start(self) -> None:
        """Start the service and let it settle."""
        self._task = asyncio.create_task(self.scheduler().run())
        await settle(60)

    async def stop(self) -> None:
        """End the service as SIGTERM does."""
        if self._task is not None:
            self.stopping = True
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Killed, BaseExceptionGroup):
                await self._task
            self._task = None
            self.stopping = False

    @property
    def died(self) -> bool:
        """The process has ended by itself."""
        return self._task is not None and self._task.done()

    async def restart(self, **section: Any) -> None:
        """Stop, change the configuration, start."""
        await self.stop()
        self.section |= section
        await self.start()

    async def wait(self, **time: float) -> None:
        """Let time pass."""
        await self.clock.advance(timedelta(**time).total_seconds())
        await settle(60)

    # -- the others ---------------------------------------------------------------------------

    async def send(self, payload: Any = b"", verb: str = "set", *, retained: bool = False) -> None:
        """A HEMS says something."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.bus.feed_raw(f"{TOPIC}/schedule/{verb}", raw, retained=retained)
        await settle(60)

    def hear(self, topic: str, payload: Any = None, *, retained: bool = False) -> None:
        """Anybody says something on any topic."""
        raw = b"" if payload is None else json.dumps(payload).encode()
        self.bus.feed_raw(topic, raw, retained=retained)

    async def publish_prices(self, *prices: float, start: datetime | None = None, minutes: int = 60) -> None:
        """The price service says what each slot of the day costs."""
        begin, step = start or datetime(2025, 12, 3, 23, tzinfo=UTC), timedelta(minutes=minutes)
        slots = [
            {"start": (begin + i * step).isoformat(), "end": (begin + (i + 1) * step).isoformat(), "price": p}
            for i, p in enumerate(prices)
        ]
        self.bus.feed_raw(
            "hems/prices/import", json.dumps({"currency": "EUR", "unit": "EUR/kWh", "slots": slots})
        )
        await settle(60)

    # -- what one sees ------------------------------------------------------------------------

    @property
    def status(self) -> ChargeAmpsStatus:
        """The status said last; it must always be the contract's."""
        said = [raw for topic, raw in self.bus.said_raw if topic == f"{TOPIC}/status"]
        return msgspec.json.decode(said[-1], type=ChargeAmpsStatus)

    @property
    def puts(self) -> list[str]:
        """The schedules written to the cloud."""
        return [what for what in self.charger.writes if what.startswith("put")]

    @property
    def draws(self) -> float:
        """What the car draws now, in amperes."""
        return self.charger.draws_a(self.clock.now())


def local(text: str) -> datetime:
    """An instant as the owner writes it, for example 2025-12-04T22:00."""
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


def schedule(*pairs: tuple[str, str], **fields: Any) -> dict[str, Any]:
    """The payload of a set with these local times."""
    return {
        "periods": [{"start": local(a).isoformat(), "end": local(b).isoformat()} for a, b in pairs],
        **fields,
    }


@asynccontextmanager
async def living(house: Household) -> AsyncIterator[Household]:
    """The house with its service running."""
    await house.start()
    try:
        yield house
    finally:
        await house.stop()


TONIGHT = schedule(("2025-12-04T22:00", "2025-12-04T23:00"), ("2025-12-05T02:00", "2025-12-05T06:00"))
NOW = schedule(("2025-12-04T19:30", "2025-12-04T23:00"))
PUT_TONIGHT = "put 338400-342000@16 352800-367200@16"
PUT_NOW = "put 329400-342000@16"

MakeHouse = Callable[..., Household]
