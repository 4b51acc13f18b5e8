"""The OCPP service on a real port with a bus of lists, and what a test wants to do with it."""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
from ocpp_charge_point import ChargePoint
from ocpp_time import FastClock, until

from busbar_contracts.charger import ChargerCommand, ChargerLimit, ChargerState
from busbar_ocpp.main import run
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from busbar_shared.leases import OrderStamp
from busbar_shared.life import Service

SITE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15

[ocpp]
port = 0
security = 0
ping_s = 0.5
pong_s = 0.5

[chargers.left]
charge_point = "CP-1"
fallback_a = 6

[chargers.right]
charge_point = "CP-2"
fallback_a = 6
"""


class House:
    """Runs the service; use as an async context manager."""

    def __init__(
        self,
        folder: Path,
        *,
        factor: float = 10.0,
        site: str = SITE,
        clock: FastClock | None = None,
        passive: bool = False,
    ) -> None:
        self.clock = clock or FastClock(factor)
        self.bus = FakeBus(clock=self.clock)
        self.site = msgspec.toml.decode(site, type=Site)
        self.service = Service("ocpp", self.site, self.bus, self.clock, folder)
        self.stamp = OrderStamp("allocator")
        self.port = 0
        self._opened: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._guests: list[ChargePoint] = []

    async def __aenter__(self) -> "House":
        self._task = asyncio.create_task(run(self.service, opened_on=self._opened))
        await asyncio.wait({self._task, self._opened}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()
        self.port = self._opened.result()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for guest in self._guests:
            await guest.disconnect()
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if kind is None:
            for _, message in self.bus.said:  # constructors do not check; readers of the bus do
                msgspec.json.decode(msgspec.json.encode(message), type=type(message))
            for guest in self._guests:
                assert guest.errors == [], guest.errors

    async def stop(self, *, handing_over: bool = False) -> None:
        """End the service as SIGTERM does, or a planned restart, while its chargers are connected."""
        assert self._task is not None
        self.service.handing_over = handing_over
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def guest(self, id: str = "CP-1", **given: Any) -> ChargePoint:
        """A charge point that is checked at the end."""
        guest = ChargePoint(self.clock, self.port, id, **given)
        self._guests.append(guest)
        return guest

    async def arrived(self, id: str = "CP-1", **given: Any) -> ChargePoint:
        """A charge point that has connected and booted, with no car, and whose clock has been read."""
        guest = self.guest(id, **given)
        await guest.connect()
        await guest.boot()
        for connector in range(1, guest.connectors + 1):
            await guest.status("Available", connector)
        # Two messages with a time, some seconds apart, tell how far its clock is from ours.
        await self.clock.sleep(6)
        for connector in range(1, guest.connectors + 1):
            await guest.status("Available", connector)
        return guest

    def order(
        self,
        limit_a: float,
        charger: str = "left",
        connector: str = "1",
        *,
        lease_s: float = 30.0,
        phases: int | None = None,
        stamp: OrderStamp | None = None,
    ) -> None:
        """An order on the bus."""
        stamped = (stamp or self.stamp).next(self.clock.now())
        order = ChargerLimit(
            **stamped, lease_s=lease_s, reason="a test", limit_a=limit_a, number_of_phases=phases
        )
        self.bus.feed(order, charger=charger, connector=connector)

    def command(self, charger: str = "left", connector: str = "1", **given: Any) -> None:
        """A command of the owner."""
        self.bus.feed(msgspec.convert(given, ChargerCommand), charger=charger, connector=connector)

    def state(self, charger: str = "left", connector: str = "1") -> ChargerState | None:
        """The last state said of a connector."""
        topic = f"hems/charger/{charger}/{connector}/state"
        states = [message for name, message in self.bus.said if name == topic]
        return states[-1] if states else None  # type: ignore[return-value]

    async def says(
        self, true: Any, charger: str = "left", patience_s: float = 20.0, what: str = ""
    ) -> ChargerState:
        """Wait for a state of which something is true."""
        await until(
            lambda: (state := self.state(charger)) is not None and true(state),
            patience_s,
            what or "the state",
        )
        state = self.state(charger)
        assert state is not None
        return state
