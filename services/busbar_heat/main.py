"""The heat service: temperatures in, states out; leased grants in, heat out."""

import asyncio

from busbar_contracts.allocation import Allocation
from busbar_contracts.load import HeatOrder, LoadSettings, ManualHeat, PlugState
from busbar_heat.cellar import Cellar
from busbar_heat.config import setups
from busbar_heat.memory import HeatDuty, HeatLore
from busbar_shared.bus import MqttBus
from busbar_shared.discovery.heaters import heaters
from busbar_shared.discovery.show import show
from busbar_shared.leases import OrderStamp
from busbar_shared.life import Service
from busbar_shared.statefile import StateFile


async def run(service: Service) -> None:
    """Serve the heaters of the site until cancelled; then leave them to themselves."""
    duties = StateFile(service.state_dir / "duties.json", dict[str, HeatDuty])
    lores = StateFile(service.state_dir / "learned.json", dict[str, HeatLore])
    stamp = OrderStamp("heat", service.instance)
    cellar = Cellar(
        setups(service.site),
        service.bus,
        service.clock,
        stamp,
        duties,
        lores,
        is_passive=lambda: service.passive,
    )
    bus = service.bus.listen(HeatOrder, LoadSettings, ManualHeat, PlugState, Allocation)
    devices = service.bus.listen_raw(*cellar.topics)
    if isinstance(service.bus, MqttBus):
        service.bus.on_connect.append(cellar.say_again)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(cellar.hear_bus(bus))
            tasks.create_task(cellar.hear_devices(devices))
            tasks.create_task(cellar.keep_time())
            tasks.create_task(show(service, heaters(service.site)))
    finally:
        await cellar.release(handing_over=service.handing_over)
