"""`kill -9` while the battery is in each of its states: the device is its own again within its stated time.

Real processes, a real broker, the real meter service, and the registers of the simulated inverter read beside it.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from busbar_contracts.allocation import SiteLimit
from busbar_contracts.battery import BatteryDecision
from busbar_shared.leases import OrderStamp
from houses import QUICK, House, quick_site, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

LEASE_S, REVERT_S = 6.0, 9.0
SEEN_S = 3.0
"""Until the device's own clock, its registers and this test have noticed; other work shares the machine."""

BATTERY = """
[batteries.cellar]
modbus = {{ host = "127.0.0.1", port = {modbus}, unit = 1 }}
inverter = "roof"
writable = true
capacity_wh = 10000
revert_s = 9
[battery_flow]
dry_run = false
zero_dwell_s = 1
grid_charging_max_w = 3000
[simulator.battery]
soc_percent = 50
[simulator.house]
base_w = 900
kettles = 0
ovens = 0
machines = 0
[simulator.sun]
cloudiness = 0
[simulator.cars.left]
plugged = false
"""


STEERED = QUICK.replace("rating_w = 10000\n", "rating_w = 10000\nhybrid = true\nwritable = true\n").replace(
    "{more}", BATTERY
)


class Device:
    """The inverter's registers, read by somebody else than Busbar."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def points(self) -> dict[str, int]:
        """What it is kept at: models 123 and 124, found by walking the chain of models."""
        client = AsyncModbusTcpClient("127.0.0.1", port=self.port)
        try:
            assert await client.connect()
            at, found = 40002, {}
            while True:
                model, length = (await client.read_holding_registers(at, count=2, device_id=1)).registers
                if model == 0xFFFF:
                    return found
                if model in (123, 124):
                    block = (await client.read_holding_registers(at, count=length + 2, device_id=1)).registers
                    offsets = (
                        {"WMaxLim_Ena": 9} if model == 123
                        else {"StorCtl_Mod": 5, "OutWRte": 12, "InWRte": 13, "ChaGriSet": 17}
                    )  # fmt: skip
                    found |= {name: block[offset] for name, offset in offsets.items()}
                at += length + 2
        finally:
            client.close()

    async def released(self, within_s: float, why: str) -> float:
        """Wait until no bound of the battery is active; returns how long it took."""
        began = time.monotonic()
        while (points := await self.points())["StorCtl_Mod"] != 0:
            assert time.monotonic() - began < within_s, f"{why}: after {within_s:g} s still {points}"
            await asyncio.sleep(0.2)
        return time.monotonic() - began


@dataclass
class State:
    """A state of the battery: what the owner sets for it, and how it is recognised."""

    what: str
    settings: dict[str, object]
    power: Callable[[float], bool]
    limit_w: float | None = None


USUAL = {
    "mode": "battery_first", "grid_charging": False, "export_target_w": None, "soc_target_percent": 80,
    "charge_max_w": None,
}  # fmt: skip
STATES = [
    State("charging from the sun", {"charge_max_w": 1500}, lambda watts: 1200 < watts < 1600),
    State("discharging on purpose", {"export_target_w": 8500}, lambda watts: watts < -300),
    State("charging from the grid", {"grid_charging": True}, lambda watts: watts > 2500),
    State("holding", {"grid_charging": True, "soc_target_percent": 30}, lambda watts: abs(watts) < 100),
    State("export limited", {"mode": "export_first"}, lambda watts: watts > 1000, limit_w=1000.0),
]


async def reached(house: House, device: Device, state: State) -> None:
    """Bring the battery into a state, seen at the plant and in the registers."""
    topic = "hems/battery/cellar/settings/set"

    async def there() -> bool:
        points = await device.points()
        limited = state.limit_w is None or points["WMaxLim_Ena"] == 1
        return points["StorCtl_Mod"] != 0 and limited and state.power(house.truth.battery_w)

    began = time.monotonic()
    while not await there():
        # A command is not retained: a service that is still starting does not hear it.
        await house.bus.say_raw(topic, json.dumps(USUAL | state.settings), qos=1)
        assert time.monotonic() - began < 45, f"{state.what}: {house.truth}, {await device.points()}"
        await asyncio.sleep(1)


async def limiting(house: House, limit_w: float) -> None:
    """A grid operator's export limit, renewed for as long as this runs."""
    stamp = OrderStamp("operator", "test")
    while True:
        order = SiteLimit(
            **stamp.next(datetime.now(UTC)),
            lease_s=LEASE_S,
            reason="the grid is full",
            export_limit_w=limit_w,
        )
        await house.bus.say(order)
        await asyncio.sleep(LEASE_S / 3)


ONLY = ["simulator", "meter", "battery", "allocator"]


@pytest.mark.soak
async def test_killed_in_each_state_the_battery_is_its_own_again_in_time(tmp_path: Path) -> None:
    text = quick_site(start="12:00", text=STEERED)
    took: dict[str, tuple[float, float]] = {}
    async with running(text, tmp_path, only=ONLY) as house:
        place = house.scene.site.meters["grid"].modbus
        assert place is not None
        device = Device(place.port)
        for state in STATES:
            operator = None
            if state.limit_w is not None:
                operator = asyncio.create_task(limiting(house, state.limit_w))
            # The battery service alone: its lease ends, and the meter service gives the battery back.
            await reached(house, device, state)
            await house.stop("battery")
            by_lease = await device.released(LEASE_S + 1 + SEEN_S, f"{state.what}, battery service killed")
            await stands(device, state)
            house.restart("battery")
            # Both: nobody is left to write to the device, so its own timer must end the order.
            await reached(house, device, state)
            await house.stop("battery")
            await house.stop("meter")
            by_timer = await device.released(REVERT_S + SEEN_S, f"{state.what}, both killed")
            await stands(device, state)
            took[state.what] = (round(by_lease, 1), round(by_timer, 1))
            house.restart("meter")
            house.restart("battery")
            if operator is not None:
                operator.cancel()

    assert len(took) == len(STATES)


@pytest.mark.soak
async def test_the_broker_or_the_meter_service_alone_killed_in_each_state(tmp_path: Path) -> None:
    text = quick_site(start="12:00", text=STEERED)
    async with running(text, tmp_path, only=ONLY) as house:
        place = house.scene.site.meters["grid"].modbus
        assert place is not None
        device = Device(place.port)
        for state in STATES:
            operator = None
            if state.limit_w is not None:
                operator = asyncio.create_task(limiting(house, state.limit_w))
            # The broker: nobody hears anybody, the lease ends, and the meter service gives the battery back.
            await reached(house, device, state)
            await house.stop("broker")
            await device.released(LEASE_S + 1 + SEEN_S, f"{state.what}, broker killed")
            await stands(device, state)
            house.restart("broker")
            await house.until(lambda: house.bus.connected.is_set(), 20, "the broker is back")
            # The meter service alone: orders go on, and nobody writes them. The device's own timer must end them.
            await reached(house, device, state)
            await house.stop("meter")
            await device.released(REVERT_S + SEEN_S, f"{state.what}, meter service killed")
            await stands(device, state)
            house.restart("meter")
            if operator is not None:
                operator.cancel()


async def stands(device: Device, state: State) -> None:
    """A limit that law demands is not given back with the battery."""
    if state.limit_w is not None:
        assert (await device.points())["WMaxLim_Ena"] == 1, "the mandatory export limit fell with its service"


async def test_killed_in_a_dry_run_there_is_nothing_to_give_back(tmp_path: Path) -> None:
    text = quick_site(start="12:00", text=STEERED.replace("dry_run = false", "dry_run = true"))
    async with running(text, tmp_path, only=ONLY) as house:
        place = house.scene.site.meters["grid"].modbus
        assert place is not None
        device, heard = Device(place.port), house.bus.listen(BatteryDecision)
        decisions = [(await anext(heard)).message for _ in range(3)]
        before = await device.points()
        await house.stop("battery")
        await house.stop("meter")
        await asyncio.sleep(1)

        assert all(one.dry_run for one in decisions)
        assert (before["StorCtl_Mod"], before["WMaxLim_Ena"]) == (0, 0)
        assert await device.points() == before
