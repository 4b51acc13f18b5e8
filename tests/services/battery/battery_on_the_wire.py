"""A whole house in virtual time: the real services, the simulated plant, and Modbus registers between them.

Nothing here is a model of a service. The meter service reads and writes the registers of the simulated inverter
and meter through its own stations and lines, only the TCP between them is left out; the battery service and the
allocator hear it on one bus. The judge looks at the plant, every twentieth of a second, never at messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

import busbar_battery.main
from busbar_contracts.battery import BatterySetpoint
from busbar_contracts.meter import InverterLimit
from busbar_meter.answers import DeviceRefused
from busbar_meter.config import lines_of
from busbar_meter.desk import Desk
from busbar_meter.line import Line
from busbar_meter.main import end_leases, hear_orders, leave, poke
from busbar_meter.orders import Kept
from busbar_meter.sunspec_station import SunSpecStation
from busbar_shared.clock import VirtualClock, settle
from busbar_shared.config.load import read
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service
from busbar_shared.statefile import StateFile
from busbar_simulator.build import Built, build
from busbar_simulator.sunspec.device import Refused
from busbar_simulator.units import Units, units

NOON = datetime(2026, 6, 21, 10, 0, tzinfo=UTC)
TICK_S = 0.05
# A request and its answer on a local network.
ANSWER_S = 0.02
Course = Callable[[float], float]
S = TypeVar("S", bound=Struct)

SITE = """
[site]
lease_s = 30
netting = "{netting}"
phases = [{phases}]
{house}
[circuits.main]
limit_a = {limit_a}
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = {{ host = "127.0.0.1", port = 5020, unit = 200 }}
[inverters.roof]
modbus = {{ host = "127.0.0.1", port = 5020, unit = 1 }}
rating_w = 10000
writable = true
{roof}
[batteries.cellar]
modbus = {{ host = "127.0.0.1", port = 5020, unit = {battery_unit} }}
writable = true
capacity_wh = {capacity_wh}
{cellar}
[battery_flow]
dry_run = false
{flow}
[simulator]
modbus_port = 5020
speed = 1
[simulator.battery]
capacity_wh = {capacity_wh}
ac_coupled = {ac_coupled}
soc_percent = {soc}
{plant}
{more}
"""


def a_site(
    *, coupling: str = "dc", flow: str = "", soc: float = 50.0, capacity_wh: float = 100_000.0, plant: str = "",
    cellar: str = "", limit_a: float = 63.0, more: str = "",
    netting: str = "sum", phases: str = '"a", "b", "c"', house: str = "",
) -> Site:  # fmt: skip
    """A house with a roof of 10 kW and a battery of 5 kW, on the roof's DC side or with an inverter of its own."""
    hybrid = coupling == "dc"
    return read(
        SITE.format(
            limit_a=limit_a, flow=flow, soc=soc, capacity_wh=capacity_wh, plant=plant, more=more,
            netting=netting, phases=phases, house=house,
            roof="hybrid = true" if hybrid else "", battery_unit=1 if hybrid else 2,
            cellar=('inverter = "roof"\n' if hybrid else "") + cellar, ac_coupled=str(not hybrid).lower(),
        )
    )  # fmt: skip


class Air(FakeBus):
    """A broker for all: what one says the others hear, as JSON."""

    async def say(self, message: Struct, **ids: str) -> None:
        """Heard by everyone who listens."""
        await super().say(message, **ids)
        self.feed(msgspec.json.decode(msgspec.json.encode(message), type=type(message)), **ids)

    def all(self, kind: type[S]) -> list[S]:
        """Everything of a kind that was said."""
        return [message for _, message in self.said if isinstance(message, kind)]


class Registers:
    """A Modbus line without the cable: connected once, for good."""

    connections = 1

    def __init__(self, served: Units, clock: VirtualClock) -> None:
        self._served, self._clock = served, clock

    async def read(self, unit: int, start: int, count: int, *, function: int = 3) -> tuple[int, ...]:
        """As the device answers."""
        await self._clock.sleep(ANSWER_S)
        try:
            return tuple(self._served.by_id[unit].device.read(start, count))
        except Refused as refused:
            raise DeviceRefused(refused.code, str(refused)) from refused

    async def write(self, unit: int, start: int, values: Sequence[int], *, single: bool = False) -> None:
        """As the device takes it."""
        await self._clock.sleep(ANSWER_S)
        try:
            self._served.by_id[unit].device.write(6 if single else 16, start, values)
        except Refused as refused:
            raise DeviceRefused(refused.code, str(refused)) from refused

    def close(self) -> None:
        """Nothing to hang up."""


@dataclass
class Drawn:
    """Sun or household by a course of time instead of dice."""

    course: Callable[[], Any]

    def power_w(self, _: float) -> Any:
        """Now."""
        return self.course()


@dataclass
class Truth:
    """What the plant did, a row each twentieth of a second."""

    times: list[float] = field(default_factory=list)
    grid: list[float] = field(default_factory=list)
    battery: list[float] = field(default_factory=list)
    pv: list[float] = field(default_factory=list)
    phases: list[tuple[float, float, float]] = field(default_factory=list)

    def longest(self, wrong: Callable[[int], bool], since: float = 0.0) -> float:
        """The longest unbroken time in which something was wrong, s."""
        longest = run = 0.0
        for number, moment in enumerate(self.times):
            run = run + TICK_S if moment >= since and wrong(number) else 0.0
            longest = max(longest, run)
        return round(longest, 2)

    def longest_export_over(self, limit: float, since: float = 0.0, slack: float = 100.0) -> float:
        """The longest time above an export limit, s."""
        return self.longest(lambda at: -self.grid[at] > limit + slack, since)

    def longest_import_over(self, limit: float, since: float = 0.0, slack: float = 100.0) -> float:
        """The longest time above an import limit, s."""
        return self.longest(lambda at: self.grid[at] > limit + slack, since)

    def longest_phase_over(self, phase: str, amps: float, since: float = 0.0) -> float:
        """The longest time a phase carried more than this, s."""
        index = "abc".index(phase)
        return self.longest(lambda at: abs(self.phases[at][index]) > amps, since)

    def mean(self, row: list[float], since: float, until: float) -> float:
        """The mean of a row between two times."""
        picked = [value for moment, value in zip(self.times, row, strict=True) if since <= moment < until]
        return sum(picked) / len(picked)

    def swing(self, row: list[float], since: float, until: float) -> float:
        """The difference between the largest and the smallest value between two times."""
        picked = [value for moment, value in zip(self.times, row, strict=True) if since <= moment < until]
        return max(picked) - min(picked)

    def turn_times(self, least: float = 100.0) -> list[float]:
        """When the battery changed between charging and discharging (100 W or more)."""
        moving = [(t, p > 0) for t, p in zip(self.times, self.battery, strict=True) if abs(p) >= least]
        return [at for (_, before), (at, after) in pairwise(moving) if before is not after]

    def turns(self, since: float = 0.0) -> int:
        """How often it did so."""
        return sum(1 for at in self.turn_times() if at >= since)


@dataclass
class Living:
    """The running house."""

    site: Site
    built: Built
    served: Units
    clock: VirtualClock
    air: Air
    state_dir: Path
    truth: Truth = field(default_factory=Truth)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    each_tick: list[Callable[[], None]] = field(default_factory=list)

    @property
    def now(self) -> float:
        """Seconds of the house."""
        return self.built.house.elapsed_s

    def course(
        self, *, sun: Course | None = None, load: Course | None = None, phase: str | None = None
    ) -> None:
        """Sun of the whole roof and load of the house in W from now on; the load evenly or on one phase."""
        house = self.built.house
        if sun is not None:
            house.sky = Drawn(lambda: sun(house.elapsed_s))  # type: ignore[assignment]
        if load is not None:
            house.household = Drawn(lambda: _on(load(house.elapsed_s), phase))  # type: ignore[assignment]

    def skew(self, seconds: float) -> None:
        """Let the meter take its sample so much later in its second than inverter and battery."""
        for unit in self.served.by_id:
            self.served.next_s[unit] = self.now + 1.0 + (seconds % 1.0 if unit == 200 else 0.0)

    async def live(self, seconds: float) -> None:
        """Let time pass."""
        house = self.built.house
        for _ in range(round(seconds / TICK_S)):
            for each in self.each_tick:
                each()
            house.step(TICK_S)
            self.served.step(house)
            inverters = list(house.inverters.values())
            self.truth.times.append(round(house.elapsed_s, 3))
            self.truth.grid.append(sum(house.grid_w))
            self.truth.battery.append(sum(one.battery_w for one in inverters))
            self.truth.pv.append(sum(one.pv_w for one in inverters))
            self.truth.phases.append(house.grid_a)
            await self.clock.advance(TICK_S)
            for task in self.tasks.values():
                if task.done() and not task.cancelled():
                    task.result()

    def order_times(self) -> list[float]:
        """When the battery or the sun was told something."""
        began = NOON.timestamp()
        orders = [*self.air.all(BatterySetpoint), *self.air.all(InverterLimit)]
        return sorted(one.issued_at.timestamp() - began for one in orders)

    def most_turns_between(self, moments: Sequence[float]) -> int:
        """How often the battery turned, at most, between one of these moments and the next.

        Less than 250 W to either side is its own loop at its balance.
        """
        times = sorted(moments)
        turned = [at for at in self.truth.turn_times(250.0) if at >= times[0]]
        return max((sum(1 for at in turned if a <= at < b) for a, b in pairwise([*times, inf])), default=0)

    def start(self, name: str, run: Callable[[Service], Any]) -> None:
        """Start a service."""
        folder = self.state_dir / name
        folder.mkdir(exist_ok=True)
        service = Service(
            name=name, site=self.site, bus=self.air, clock=self.clock, state_dir=folder,
            environ={"BUSBAR_PARENT": "1"},
        )  # fmt: skip
        self.tasks[name] = asyncio.create_task(run(service))

    def freeze(self, name: str) -> None:
        """A part dies without a word: what it would say in its last breath nobody hears."""
        task = self.tasks.pop(name)
        said = len(self.air.said)
        task.cancel()
        del self.air.said[said:]

    async def meter(self, service: Service) -> None:
        """The meter service with its lines laid to the plant's registers."""
        file = StateFile(service.state_dir / "orders.json", Kept)
        desk = Desk(self.site, self.clock, file, supervised=True)
        desk.restore()

        async def say(role: Any, message: Struct) -> None:
            await self.air.say(message, **{role.plan.kind: role.plan.id})

        async def event(code: str, text: str, severity: str) -> None:
            await self.air.event(code, text, severity=severity)

        actuators: Any = {("inverter", name): each for name, each in desk.limits.items()}
        actuators |= {("battery", name): each for name, each in desk.windows.items()}
        lines = []
        for plan in lines_of(self.site):
            stations = [SunSpecStation(each, self.clock, actuators) for each in plan.stations]
            wire = Registers(self.served, self.clock)
            lines.append(Line(str(plan.address), wire, stations, self.clock, say, event))
        desk.poke = lambda kind, name: poke(lines, kind, name)
        try:
            async with asyncio.TaskGroup() as tasks:
                for line in lines:
                    tasks.create_task(line.run())
                tasks.create_task(hear_orders(desk, service))
                tasks.create_task(end_leases(desk, service))
        finally:
            await leave(lines)


def _on(watts: float, phase: str | None) -> tuple[float, float, float]:
    if phase is None:
        return (watts / 3, watts / 3, watts / 3)
    a, b, c = (watts if one == phase else 0.0 for one in "abc")
    return (a, b, c)


@asynccontextmanager
async def living(
    site: Site, folder: Path, *more: tuple[str, Callable[[Service], Any]]
) -> AsyncIterator[Living]:
    """The house with its meter and battery service at work, and any others that are named."""
    clock = VirtualClock(NOON)
    built = build(site)
    house = Living(site, built, units(site, built), clock, Air(clock=clock), folder)
    house.course(sun=lambda _: 0.0, load=lambda _: 500.0)
    house.skew(0.4)
    house.start("meter", house.meter)
    house.start("battery", busbar_battery.main.run)
    for name, run in more:
        house.start(name, run)
    await settle()
    try:
        yield house
    finally:
        for task in house.tasks.values():
            task.cancel()
        for _ in range(20):
            await clock.advance(0.1)
        for task in house.tasks.values():
            with suppress(asyncio.CancelledError):
                await task
