"""The OCPP service: hears charge points and orders, keeps limits, says states."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

from busbar_contracts.charger import ChargerCommand, ChargerLimit, TagAnswer
from busbar_contracts.prices import PriceSeries
from busbar_ocpp.central import Central
from busbar_ocpp.certificates import keep_renewed, server_context
from busbar_ocpp.config import OcppPlan, plan_of
from busbar_ocpp.desk import Desk
from busbar_ocpp.durable import PATIENCE_S
from busbar_ocpp.leaving import leave
from busbar_ocpp.ledger import Ledger
from busbar_ocpp.link import Door, opened
from busbar_ocpp.memory import Memory
from busbar_ocpp.outbox import Outbox
from busbar_ocpp.quirks import with_own
from busbar_shared.bus import Heard
from busbar_shared.discovery.chargers import chargers
from busbar_shared.discovery.show import show
from busbar_shared.life import Service

log = logging.getLogger(__name__)

LOOK_S = 0.1


async def run(
    service: Service,
    *,
    opened_on: asyncio.Future[int] | None = None,
    to_disk: Callable[[int], None] = os.fsync,
    patience_s: float = PATIENCE_S,
) -> None:
    """Serve until cancelled; chargers are then told their safe limit, or at a planned restart keep their leases.

    `to_disk` brings an open file onto the disk; a transaction's answer waits for it, at most `patience_s`.
    """
    plan = plan_of(service.site)
    ledger = Ledger(service.state_dir / "transactions.sqlite3", service.clock.now(), to_disk, patience_s)
    outbox = Outbox(service.state_dir / "outbox.sqlite3")
    memory, quirks = Memory(service.state_dir), with_own(service.state_dir)
    desk = Desk(plan, service.clock, service.bus, ledger, memory, quirks, outbox)
    desk.passive = lambda: service.passive
    central = Central(desk)
    orders = service.bus.listen(ChargerLimit, ChargerCommand, TagAnswer, PriceSeries)
    try:
        door = door_of(plan)
        async with opened(door, central.admit, central.serve, service.clock) as port:
            if opened_on is not None:
                opened_on.set_result(port)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_obey(central, orders))
                    tasks.create_task(_speak(central))
                    tasks.create_task(_tick(central))
                    tasks.create_task(keep_renewed(door.tls, plan.section, service.bus, service.clock))
                    tasks.create_task(show(service, chargers(service.site)))
                    for charger in central.chargers.values():
                        if charger.proxy is not None:
                            tasks.create_task(charger.proxy.run())
            finally:
                if not service.handing_over and not service.passive:
                    await leave(central.chargers.values())
    finally:
        central.close()
        ledger.close()
        outbox.close()


async def _obey(central: Central, orders: AsyncIterator[Heard[Any]]) -> None:
    async for heard in orders:
        try:
            if isinstance(heard.message, ChargerLimit):
                await central.order(heard)
            elif isinstance(heard.message, PriceSeries):
                central.prices(heard.message)
            elif isinstance(heard.message, TagAnswer):
                await central.tag_answered(heard)
            else:
                await central.command(heard)
        except Exception:
            log.exception("%s could not be taken", heard.topic)


async def _speak(central: Central) -> None:
    while True:
        try:
            await central.say_changes()
        except Exception:
            log.exception("a state could not be said")
        await central.desk.clock.sleep(LOOK_S)


async def _tick(central: Central) -> None:
    while True:
        try:
            await central.tick()
        except Exception:
            log.exception("the limits could not be looked after")
        await central.desk.clock.sleep(1.0)


def door_of(plan: OcppPlan) -> Door:
    """Where charge points knock."""
    section = plan.section
    return Door(
        host=section.host,
        port=section.port,
        prefix=section.path_prefix,
        ping_every_s=section.ping_s,
        ping_patience_s=section.pong_s,
        tls=server_context(plan.section),
    )
