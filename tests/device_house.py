"""A service with devices in virtual time: the real loop, a bus made of lists, and what was said there."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from busbar_shared.clock import VirtualClock
from busbar_shared.config import Site
from busbar_shared.config.loads import HeaterConfig, PlugConfig
from busbar_shared.fakes import FakeBus
from busbar_shared.leases import OrderStamp
from busbar_shared.life import Service


def site_of(text: str) -> Site:
    """The plugs and heaters of a configuration that has nothing else."""
    tables = tomllib.loads(text)
    return Site(
        heaters=msgspec.convert(tables.get("heaters", {}), dict[str, HeaterConfig]),
        plugs=msgspec.convert(tables.get("plugs", {}), dict[str, PlugConfig]),
    )


class DeviceHouse:
    """The service at work, the allocator's stamp, and everything that was said."""

    def __init__(self, name: str, site: Site, bus: FakeBus, clock: VirtualClock, state_dir: Path) -> None:
        self.clock, self.bus = clock, bus
        self.service = Service(name=name, site=site, bus=bus, clock=clock, state_dir=state_dir)
        self.stamp = OrderStamp("allocator")
        self.task: asyncio.Task[None] | None = None

    def stamped(self, issuer: str | None) -> Any:
        """The next stamp of the allocator, or the first of somebody else."""
        stamp = self.stamp if issuer is None else OrderStamp(issuer)
        return stamp.next(self.clock.now())

    def last_said(self, topic: str) -> Any:
        """The last message on a topic of ours."""
        return [one for name, one in self.bus.said if name == topic][-1]

    async def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds)):
            await self.clock.advance(1.0)

    async def stop(self) -> None:
        """SIGTERM."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


H = TypeVar("H", bound=DeviceHouse)


@asynccontextmanager
async def at_work(house: H, run: Callable[[Service], Awaitable[None]]) -> AsyncIterator[H]:
    """The house with its service running, one second old; ended as SIGTERM would."""
    house.task = asyncio.ensure_future(run(house.service))
    await house.pass_time(1)
    try:
        yield house
    finally:
        await house.stop()
