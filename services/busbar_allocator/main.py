"""The allocator: hears readings and wishes, says limits and reasons. The loop; it knows nothing of electricity."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from busbar_allocator.config import Kept, plan_from
from busbar_allocator.desk import Desk
from busbar_allocator.plan import foreign_topics
from busbar_contracts.allocation import SiteLimit, SiteSettingsSet
from busbar_contracts.battery import BatteryReading, BatterySettings, BatterySettingsSet
from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_contracts.charger import ChargerState
from busbar_contracts.load import HeatState, LoadSettingsSet, PlugState
from busbar_contracts.meter import InverterReading, MeterReading
from busbar_contracts.prices import PriceSeries
from busbar_contracts.service import ServiceStatus
from busbar_contracts.topics import topic_of
from busbar_shared.bus import Heard, RawHeard
from busbar_shared.clock import Clock
from busbar_shared.config.root import Site
from busbar_shared.discovery.allocation import decided
from busbar_shared.discovery.show import show
from busbar_shared.judge import Refused, decode
from busbar_shared.life import Service
from busbar_shared.statefile import StateFile

HEARD: tuple[type[Struct], ...] = (
    MeterReading, InverterReading, BatteryReading, ChargerState, PlugState, HeatState, LoadSettingsSet,
    SiteSettingsSet, SiteLimit, BatterySettings, BatterySettingsSet, PriceSeries, ChargeAmpsStatus, ServiceStatus,
)  # fmt: skip
TICK_S = 1.0


def heard_at(site: Site) -> tuple[type[Struct], ...]:
    """What is listened to. Requests to a battery service are its own, names of the old plan and refusals included."""
    own = site.battery_flow is None
    return tuple(kind for kind in HEARD if own or kind is not BatterySettingsSet)


async def run(service: Service) -> None:
    """Decide on every reading of the grid meter and at least each second, until cancelled."""
    kept = StateFile(service.state_dir / "kept.json", Kept)
    desk = Desk(plan_from(service.site), kept.load(), service.clock.monotonic(), service.instance)
    wake = asyncio.Event()
    for text in desk.told:
        await service.bus.event("file_wins", text, severity="info")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_listen(service.bus.listen(*heard_at(service.site)), desk, wake))
        tasks.create_task(_tick(service.clock, wake))
        tasks.create_task(show(service, decided(service.site)))
        if topics := desk.soc_topics():
            tasks.create_task(_listen_raw(service.bus.listen_raw(*topics), desk))
        if places := foreign_topics(service.site):
            tasks.create_task(_listen_foreign(service, service.bus.listen_raw(*places), places, desk))
        try:
            while True:
                # Cleared first: what arrives while we speak wakes us again.
                wake.clear()
                await _decide(service, desk, kept)
                await wake.wait()
        finally:
            # Leases are left to run out: a planned restart must not drop a car.
            kept.save(desk.kept())


async def _decide(service: Service, desk: Desk, kept: StateFile[Kept]) -> None:
    said = desk.decide(service.clock.monotonic(), service.clock.now())
    for one in said.messages:
        await service.bus.say(one.message, **one.ids)
    for refusal in said.refusals:
        await service.bus.event(refusal.code, refusal.text, path=refusal.path, topic=refusal.topic)
    if said.settings_changed:
        kept.save(desk.kept())
    service.ready = said.ready


async def _listen(heard: AsyncIterator[Heard[Any]], desk: Desk, wake: asyncio.Event) -> None:
    async for one in heard:
        if desk.hear(one):
            wake.set()


async def _listen_raw(heard: AsyncIterator[RawHeard], desk: Desk) -> None:
    async for one in heard:
        desk.hear_soc(one)


async def _listen_foreign(
    service: Service, heard: AsyncIterator[RawHeard], places: dict[str, str], desk: Desk
) -> None:
    async for one in heard:
        if one.payload and one.topic in places:
            try:
                status = decode(topic_of(ChargeAmpsStatus), one.payload)
            except Refused as refused:
                await service.bus.event(
                    refused.code, f"{one.topic}: {refused.text}", path=refused.path, topic=one.topic
                )
            else:
                desk.hear(
                    Heard(status, {"connector_id": places[one.topic]}, one.topic, one.at_s, one.retained)
                )


async def _tick(clock: Clock, wake: asyncio.Event) -> None:
    while True:
        await clock.sleep(TICK_S)
        wake.set()
