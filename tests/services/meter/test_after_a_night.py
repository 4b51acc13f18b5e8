"""A device that refuses, fails or keeps silent for ten minutes is read again as before, without a restart."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading
from busbar_meter.answers import DeviceLater, DeviceRefused, DeviceSilent, UnitAbsent
from busbar_meter.config import lines_of
from busbar_meter.line import LAST_BACKOFF_S, Line
from busbar_meter.sunspec_station import SunSpecStation
from busbar_shared.clock import VirtualClock
from busbar_shared.config.root import Site
from services.meter.meter_house import STEERED
from services.meter.register_images import PaperWire

NIGHT_S = 600
SITE = msgspec.convert(
    {
        "inverters": {"roof": {"modbus": {"host": "h"}}},
        "batteries": {"cellar": {"modbus": {"host": "h"}, "inverter": "roof"}},
    },
    Site,
)


class NightWire(PaperWire):
    """By night whatever covers one register, or everything, is answered with an error."""

    night: Exception | None = None
    covers: int | None = None

    async def read(self, unit: int, start: int, count: int, *, function: int = 3) -> tuple[int, ...]:
        registers = await super().read(unit, start, count)
        if self.night is not None and (self.covers is None or start <= self.covers < start + count):
            raise self.night
        return registers


@pytest.mark.parametrize(
    ("covers", "error"),
    [
        pytest.param(None, DeviceSilent("no answer"), id="silence"),
        pytest.param(None, DeviceRefused(2, "night"), id="everything refused"),
        pytest.param(None, UnitAbsent("gateway"), id="a gateway without its unit"),
        pytest.param(40072, DeviceRefused(1, "night"), id="illegal function at the inverter"),
        pytest.param(40072, DeviceRefused(2, "night"), id="illegal address at the inverter"),
        pytest.param(40072, DeviceLater(4, "night"), id="a failure at the inverter"),
        pytest.param(40072, DeviceLater(6, "night"), id="busy at the inverter"),
        pytest.param(40178, DeviceRefused(2, "night"), id="illegal address at the battery"),
        pytest.param(40178, DeviceLater(4, "night"), id="a failure at the battery"),
    ],
)
async def test_the_morning_is_as_the_evening_was(covers: int | None, error: Exception) -> None:
    wire, clock = NightWire(unit1=dict(STEERED)), VirtualClock(datetime(2026, 6, 21, 12, 0, tzinfo=UTC))
    said: list[tuple[float, msgspec.Struct]] = []

    async def say(_: object, message: msgspec.Struct) -> None:
        said.append((clock.monotonic(), message))

    async def event(*_: str) -> None:
        pass

    async def seconds(count: int) -> None:
        for _ in range(count):
            await clock.advance(1.0)

    line = Line("h:502", wire, [SunSpecStation(lines_of(SITE)[0].stations[0], clock)], clock, say, event)
    running = asyncio.create_task(line.run())
    try:
        await seconds(70)
        wire.asked.clear()
        await seconds(60)
        evening = sorted(wire.asked)
        wire.night, wire.covers = error, covers
        await seconds(NIGHT_S)
        wire.night = None
        said.clear()
        morning = clock.monotonic()
        await seconds(400)
        wire.asked.clear()
        await seconds(60)
    finally:
        running.cancel()

    power = [at for at, each in said if isinstance(each, InverterReading) and each.power_w == 4200]
    charge = [at for at, each in said if isinstance(each, BatteryReading) and each.soc_percent is not None]
    assert max(power[0], charge[0]) - morning <= LAST_BACKOFF_S + 1
    assert sorted(set(wire.asked)) == sorted(set(evening))
    assert len(wire.asked) == len(evening)
