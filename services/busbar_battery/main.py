"""The battery service: hears readings and wishes, says set-points, limits and reasons. The loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from busbar_battery.config import plan_from
from busbar_battery.desk import Desk
from busbar_battery.post import Said
from busbar_battery.settings import Kept
from busbar_contracts.allocation import Allocation, SiteLimit, SiteSettings
from busbar_contracts.battery import BatteryReading, BatterySettings
from busbar_contracts.charger import ChargerState
from busbar_contracts.meter import InverterReading, MeterReading
from busbar_contracts.prices import PriceSeries
from busbar_shared.bus import Heard, RawHeard
from busbar_shared.clock import Clock
from busbar_shared.discovery.batteries import battery_flow
from busbar_shared.discovery.show import show
from busbar_shared.life import Service
from busbar_shared.statefile import StateFile

HEARD: tuple[type[Struct], ...] = (
    MeterReading, InverterReading, BatteryReading, Allocation, SiteSettings, SiteLimit, PriceSeries, ChargerState,
    BatterySettings,
)  # fmt: skip
AT_ONCE = (MeterReading, BatteryReading, SiteLimit)
"""What is answered in the same moment; everything else waits for the next of these, at most a second."""

TICK_S = 1.0


async def run(service: Service) -> None:
    """Decide on every reading of grid and battery and at least each second, until cancelled."""
    kept = StateFile(service.state_dir / "kept.json", Kept)
    desk = Desk(plan_from(service.site), kept.load(), service.instance)
    wake = asyncio.Event()
    for text in desk.told:
        await service.bus.event("file_wins", text, severity="info")
    # Raw, because the names of the old plan are understood here and are not in the contract.
    requests = service.bus.listen_raw(f"{service.site.site.topic_root}/battery/+/settings/set")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_listen(service, service.bus.listen(*HEARD), desk, wake))
        tasks.create_task(_obey(service, requests, desk, wake))
        tasks.create_task(_tick(service.clock, wake))
        tasks.create_task(show(service, battery_flow(service.site)))
        try:
            while True:
                wake.clear()
                await _say(service, desk.decide(service.clock.now(), service.clock.monotonic()))
                kept.save(desk.kept())
                await wake.wait()
        finally:
            kept.save(desk.kept())
            if not service.handing_over:
                await _say(service, desk.farewell(service.clock.now()))


async def _say(service: Service, said: Said) -> None:
    for letter in said.letters:
        await service.bus.say(letter.message, **letter.ids)


async def _listen(
    service: Service, heard: AsyncIterator[Heard[Any]], desk: Desk, wake: asyncio.Event
) -> None:
    async for one in heard:
        refusal = desk.hear(one, service.clock.now(), service.clock.monotonic())
        if refusal is not None:
            code, text, path = refusal
            await service.bus.event(code, text, path=path, topic=one.topic)
        if isinstance(one.message, AT_ONCE):
            wake.set()


async def _obey(service: Service, requests: AsyncIterator[RawHeard], desk: Desk, wake: asyncio.Event) -> None:
    async for one in requests:
        if not one.payload:
            continue  # so a retained message is deleted, by us too
        if one.retained:
            await service.bus.say_raw(one.topic, b"", qos=1, retain=True)
        for code, text, path in desk.ask(one, service.clock.now()):
            severity = "info" if code == "legacy_name" else "warning"
            await service.bus.event(code, text, path=path, topic=one.topic, severity=severity)
        wake.set()


async def _tick(clock: Clock, wake: asyncio.Event) -> None:
    while True:
        await clock.sleep(TICK_S)
        wake.set()
