"""The loop of the meter service: read each line in its own task, and say what was read."""

import asyncio

from msgspec import Struct

from busbar_meter.config import LinePlan, lines_of
from busbar_meter.line import Line, Station
from busbar_meter.roles import AnyRole
from busbar_meter.sunspec_station import SunSpecStation
from busbar_meter.wire import ModbusWire
from busbar_shared.life import Service


async def run(service: Service) -> None:
    """Read meters, inverters and batteries until cancelled."""
    lines = [line_of(plan, service) for plan in lines_of(service.site)]
    try:
        async with asyncio.TaskGroup() as tasks:
            for line in lines:
                tasks.create_task(line.run(), name=line.name)
    finally:
        for line in lines:
            line.wire.close()


def line_of(plan: LinePlan, service: Service) -> Line:
    """One line with its stations, speaking on the service's bus."""

    async def say(role: AnyRole, message: Struct) -> None:
        await service.bus.say(message, **{role.plan.kind: role.plan.id})

    async def event(code: str, text: str, severity: str) -> None:
        await service.bus.event(code, text, severity=severity)

    wire = ModbusWire(plan.address, service.clock, timeout_s=plan.timeout_s, gap_s=plan.gap_s)
    stations: list[Station] = [SunSpecStation(station, service.clock) for station in plan.stations]
    return Line(str(plan.address), wire, stations, service.clock, say, event)
