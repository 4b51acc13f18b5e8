"""The loop of the meter service: read each line in its own task, say what was read, carry out orders."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from busbar_contracts.battery import BatteryReading, BatterySetpoint
from busbar_contracts.meter import InverterLimit, InverterReading, MeterReading
from busbar_meter.checks import problems_of
from busbar_meter.config import BadMeterConfig, LinePlan, lines_of, mqtt_roles
from busbar_meter.consumption import Producers
from busbar_meter.desk import Desk
from busbar_meter.line import Line, Say, Station
from busbar_meter.map_station import MapStation
from busbar_meter.mqtt_device import MqttDevice
from busbar_meter.orders import Kept
from busbar_meter.roles import AnyRole, MeterRole
from busbar_meter.sign_watch import SignWatch
from busbar_meter.sunspec_station import Actuator, SunSpecStation
from busbar_meter.wire import ModbusWire
from busbar_shared.discovery.meters import meters
from busbar_shared.discovery.show import show
from busbar_shared.life import Service
from busbar_shared.statefile import StateFile

# All devices together must be left within the time a service has to end (busbar_shared.life).
LEAVE_S = 6.0
# How late the end of a lease may be noticed.
LEASE_LOOK_S = 0.5
# Set by `busbar up` and by systemd: somebody starts us again when we die.
SUPERVISORS = ("BUSBAR_PARENT", "INVOCATION_ID")


async def run(service: Service) -> None:
    """Read meters, inverters and batteries, and keep them at what they are ordered, until cancelled."""
    problems = problems_of(service.site)
    if problems:
        raise BadMeterConfig("\n".join(problems))
    supervised = any(name in service.environ for name in SUPERVISORS)
    file = StateFile(service.state_dir / "orders.json", Kept)
    desk = Desk(service.site, service.clock, file, supervised=supervised)
    desk.restore()
    producers = Producers(service.site)
    say = say_on(service, producers)
    lines = [line_of(plan, desk, service, say) for plan in lines_of(service.site)]
    devices = [MqttDevice(role, service.clock, service.bus, say) for role in mqtt_roles(service.site)]
    for role in (*(device.role for device in devices), *(role for line in lines for role in line.roles)):
        if isinstance(role, MeterRole) and role.in_consumption:
            role.producers = producers
    desk.poke = lambda kind, name: poke(lines, kind, name)
    try:
        async with asyncio.TaskGroup() as tasks:
            for line in lines:
                tasks.create_task(line.run(), name=line.name)
            for device in devices:
                tasks.create_task(device.run(), name=device.role.plan.id)
            tasks.create_task(hear_orders(desk, service))
            tasks.create_task(end_leases(desk, service))
            tasks.create_task(show(service, meters(service.site)))
    finally:
        # A planned restart leaves the leases to the next instance, which takes them up from the file.
        if not service.handing_over:
            await leave(lines)
        desk.remember()


async def leave(lines: Sequence[Line]) -> None:
    """Leave every device in its safe state, all lines at once, within the time there is."""
    leaving = [asyncio.ensure_future(line.leave()) for line in lines]
    if leaving:
        _, late = await asyncio.wait(leaving, timeout=LEAVE_S)
        for each in late:
            each.cancel()


async def hear_orders(desk: Desk, service: Service) -> None:
    """Take orders as they come."""
    async for heard in service.bus.listen(InverterLimit, BatterySetpoint):
        await desk.hear(heard, service.bus)


async def end_leases(desk: Desk, service: Service) -> None:
    """Visit a device as soon as what it is to be kept at changes because a lease ended."""
    before = desk.in_force()
    while True:
        await service.clock.sleep(LEASE_LOOK_S)
        now = desk.in_force()
        for target, wanted in now.items():
            if wanted != before[target]:
                desk.poke(*target)
        before = now


def poke(lines: Sequence[Line], kind: str, name: str) -> None:
    """Visit the station of a device now."""
    for line in lines:
        for station in line.stations:
            if any((role.plan.kind, role.plan.id) == (kind, name) for role in station.roles):
                line.poke(station)


def line_of(plan: LinePlan, desk: Desk, service: Service, say: Say) -> Line:
    """One line with its stations, speaking on the service's bus."""

    async def event(code: str, text: str, severity: str) -> None:
        await service.bus.event(code, text, severity=severity)

    actuators: dict[tuple[str, str], Actuator] = {
        **{("inverter", name): each for name, each in desk.limits.items()},
        **{("battery", name): each for name, each in desk.windows.items()},
    }
    wire = ModbusWire(plan.address, service.clock, timeout_s=plan.timeout_s, gap_s=plan.gap_s)
    stations: list[Station] = [
        MapStation(station, service.clock, desk.windows, lambda: not service.passive)
        if station.driver.startswith("map:")
        else SunSpecStation(station, service.clock, actuators, lambda: not service.passive)
        for station in plan.stations
    ]
    return Line(str(plan.address), wire, stations, service.clock, say, event)


def say_on(service: Service, producers: Producers) -> Say:
    """How a role's reading reaches the bus."""

    # Each inverter is compared with itself: the difference between two of them is no step of the sun.
    watches = {name: SignWatch() for name in service.site.inverters}
    grid = next((circuit.meter for circuit in service.site.circuits.values() if circuit.parent is None), None)

    async def say(role: AnyRole, message: Struct) -> None:
        await service.bus.say(message, **{role.plan.kind: role.plan.id})
        if isinstance(message, InverterReading | BatteryReading):
            producers.heard(role.plan.id, message, service.clock.monotonic())
        if isinstance(message, MeterReading) and role.plan.id == grid:
            for watch in watches.values():
                watch.grid(message.power_w)
        elif isinstance(message, InverterReading):
            told = any(watch.told for watch in watches.values())
            warning = watches[role.plan.id].inverter(message.power_w, service.clock.monotonic())
            if warning and not told:
                await service.bus.event(
                    "meter_sign_suspicious", f"meter {grid}: {warning}", path=f"meters.{grid}.sign"
                )

    return say
