"""The plug service: devices in, states out; leased orders in, switches out."""

import asyncio

from busbar_contracts.load import LoadSettings, ManualSwitch, PlugSwitch
from busbar_plugs.board import Board
from busbar_plugs.config import setups
from busbar_plugs.learn import Learned
from busbar_plugs.memory import PlugMemory
from busbar_shared.bus import MqttBus
from busbar_shared.discovery.plugs import plugs as shown_plugs
from busbar_shared.discovery.show import show
from busbar_shared.life import Service
from busbar_shared.statefile import StateFile


async def run(service: Service) -> None:
    """Serve the plugs of the site until cancelled; then leave them in their safe state."""
    kept = StateFile(service.state_dir / "leases.json", dict[str, PlugMemory])
    learned = StateFile(service.state_dir / "learned.json", dict[str, Learned])
    plugs = setups(service.site)
    board = Board(plugs, service.bus, service.clock, kept, learned, is_passive=lambda: service.passive)
    orders = service.bus.listen(PlugSwitch, ManualSwitch, LoadSettings)
    devices = service.bus.listen_raw(*board.topics)
    if isinstance(service.bus, MqttBus):
        service.bus.on_connect.append(board.say_again)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(board.hear_orders(orders))
            tasks.create_task(board.hear_devices(devices))
            tasks.create_task(board.keep_time())
            tasks.create_task(show(service, shown_plugs(service.site)))
    finally:
        await board.release(handing_over=service.handing_over)
