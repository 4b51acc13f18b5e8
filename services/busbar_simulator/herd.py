"""Many charge points in one process, each with a car of its own, for a central system to bear."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from datetime import UTC, datetime

from busbar_simulator.dialect.ocpp16 import Ocpp16
from busbar_simulator.dialect.ocpp201 import Ocpp201
from busbar_simulator.link import Link
from busbar_simulator.plant.car import Car, CarSpec
from busbar_simulator.plant.socket import Socket, SocketSpec
from busbar_simulator.station.faults import Fault
from busbar_simulator.station.spec import StationSpec
from busbar_simulator.station.station import Station

STEP_S = 0.5
VOLTS = (230.0, 230.0, 230.0)


class Herd:
    """`count` charge points that connect, start a session each, sample and obey."""

    def __init__(
        self, url: str, *, count: int, version: str = "1.6", prefix: str = "CP-", password: str | None = None,
        faults: frozenset[Fault] = frozenset(), seed: int = 1,
    ) -> None:  # fmt: skip
        self.links: list[Link] = []
        self.sockets: list[Socket] = []
        dice = random.Random(seed)
        for number in range(1, count + 1):
            socket = Socket(SocketSpec())
            socket.car = Car(CarSpec(legs=dice.choice((1, 2, 3, 3))), dice.uniform(20, 80))
            spec = StationSpec(
                id=f"{prefix}{number}", faults=faults, seed=seed, tag_after_s=dice.uniform(1, 10)
            )
            station = Station(spec, {1: socket})
            dialect = Ocpp16(station, password) if version == "1.6" else Ocpp201(station)
            self.links.append(Link(station, dialect, url, password=password, seed=seed + number))
            self.sockets.append(socket)

    @property
    def online(self) -> int:
        """How many have booted."""
        return sum(link.station.online for link in self.links)

    @property
    def charging(self) -> int:
        """How many draw current."""
        return sum(socket.legs_a[0] > 0 for socket in self.sockets)

    async def run(self, seconds: float | None, say: Callable[[str], None]) -> None:
        """Live in real time, saying how they fare each second."""
        self.step(0.0)
        tasks = [asyncio.create_task(link.run()) for link in self.links]
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._live(say)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _live(self, say: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        last_s = told_s = loop.time()
        while True:
            await asyncio.sleep(STEP_S)
            now_s = loop.time()
            self.step(now_s - last_s)
            last_s = now_s
            if now_s - told_s >= 1.0:
                told_s = now_s
                say(f"{self.online} of {len(self.links)} online, {self.charging} charging")

    def step(self, dt_s: float) -> None:
        """Let all of them live for so long."""
        now = datetime.now(UTC)
        for link, socket in zip(self.links, self.sockets, strict=True):
            socket.step(dt_s, dt_s, VOLTS)
            link.tell(link.station.step(dt_s, now, VOLTS))
