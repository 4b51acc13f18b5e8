"""The house on the wire with the real allocator and a car, whose charger is a few lines instead of OCPP.

The charger takes leased limits as the OCPP service does and falls to its fallback when its lease ends; the car on
its cable is the simulated one, with its dead time and its ramps.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from battery_on_the_wire import Living, a_site, living

import busbar_allocator.main
from busbar_contracts.allocation import Allocation
from busbar_contracts.charger import (
    ChargerLimit,
    ChargerState,
    ConnectorStatus,
    LeaseQuality,
    LegSample,
    LimitInForce,
    Session,
)
from busbar_shared.life import Service

LOAD, CHARGER = "garage-1", {"charger": "garage", "connector": "1"}

GARAGE = """
[ocpp]
[chargers.garage]
charge_point = "CP-1"
fallback_a = 6
max_a = 16
legs = [{legs}]
mode = "{mode}"
[simulator.cars.garage]
plugged = true
arrives_after_s = {arrives_s}
car_legs = {count}
battery_wh = 100000000
"""


def with_car(mode: str, *, legs: str = '"a"', arrives_s: float = 0.0) -> str:
    """The garage of a site's file."""
    return GARAGE.format(legs=legs, mode=mode, arrives_s=arrives_s, count=legs.count('"') // 2)


@dataclass
class Charger:
    """One charger at the bus and at its socket."""

    house: Living
    limit_a: float = 0.0
    until_s: float = -1.0

    @property
    def socket(self) -> Any:
        """Where the car hangs."""
        return self.house.built.house.sockets[LOAD]

    @property
    def watts(self) -> float:
        """What the car truly takes."""
        return float(self.socket.power_w(self.house.built.house.volts))

    def tick(self) -> None:
        """Arrivals, the end of a lease, the pilot."""
        for arrival in self.house.built.arrivals:
            arrival.step(self.house.now)
        if self.house.now > self.until_s:
            self.limit_a = min(self.limit_a, 6.0)
        self.socket.pilot_a, self.socket.closed = self.limit_a, self.socket.occupied

    async def run(self, service: Service) -> None:
        """Take limits, and say each second what flows."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._obey(service))
            tasks.create_task(self._speak(service))

    async def _obey(self, service: Service) -> None:
        async for heard in service.bus.listen(ChargerLimit):
            self.limit_a = heard.message.limit_a
            self.until_s = self.house.now + heard.message.lease_s

    async def _speak(self, service: Service) -> None:
        while True:
            await service.bus.say(self._state(service), **CHARGER)
            await service.clock.sleep(5.0)

    def _state(self, service: Service) -> ChargerState:
        now, amps, occupied = service.clock.now(), self.socket.legs_a, self.socket.occupied
        legs = [LegSample(current_a=one) for one in amps[: len(self.socket.spec.legs)]]
        return ChargerState(
            at=now,
            status=ConnectorStatus.CHARGING if occupied else ConnectorStatus.AVAILABLE,
            link=True,
            lease=LeaseQuality.PROVEN,
            fallback_a=6.0,
            session=Session(id="1", transaction="1", started_at=now) if occupied else None,
            sampled_at=now,
            l1=legs[0],
            l2=legs[1] if len(legs) > 1 else None,
            l3=legs[2] if len(legs) > 2 else None,
            power_w=self.watts,
            legs_in_use=len(legs) if max(amps) > 0 else None,
            limit=LimitInForce(limit_a=self.limit_a, since=now, until=None),
        )


@asynccontextmanager
async def with_allocator(
    folder: Path, car: str, more: str = "", **house: Any
) -> AsyncIterator[tuple[Living, Charger]]:
    """The house with its meter, battery and allocator at work, and the charger of its garage."""
    site = a_site(more=car + more, **house)
    async with living(site, folder) as alive:
        charger = Charger(alive)
        alive.each_tick.append(charger.tick)
        alive.start("allocator", busbar_allocator.main.run)
        alive.start("charger", charger.run)
        yield alive, charger


def room(alive: Living) -> Allocation:
    """The last allocation."""
    return alive.air.all(Allocation)[-1]
