"""Ten thousand readings of a device that has gone mad: nothing raises, and every word is the contract."""

import random
from collections import Counter
from pathlib import Path

import msgspec

from busbar_contracts.battery import BatteryReading, BatterySetpoint
from busbar_contracts.meter import InverterLimit, InverterReading, MeterReading
from busbar_meter.answers import DeviceRefused, DeviceSilent
from busbar_meter.config import lines_of
from busbar_meter.desk import Desk
from busbar_meter.orders import Kept
from busbar_meter.sunspec_station import SunSpecStation
from busbar_shared.clock import VirtualClock
from busbar_shared.statefile import StateFile
from services.meter.meter_house import GRID, STEERED, steered
from services.meter.register_images import PaperWire
from services.meter.test_sunspec_meter import NOON

ODD = (0, 0xFFFF, 0x8000, 0x7FFF, 0x7FC0, 0x7F80, 1, 65534)


class MadWire(PaperWire):
    """In its moods some registers are bent before each answer, and sometimes there is none."""

    def __init__(self, dice: random.Random, **units: dict[int, int]) -> None:
        super().__init__(**units)
        self.dice, self.mad = dice, False

    async def read(self, unit: int, start: int, count: int, *, function: int = 3) -> tuple[int, ...]:
        if not self.mad:
            return await super().read(unit, start, count)
        if self.dice.random() < 0.01:
            raise DeviceSilent("gone")
        if self.dice.random() < 0.002:
            raise DeviceRefused(self.dice.choice((1, 2, 3)), "no")
        answer = list(await super().read(unit, start, count))
        for _ in range(self.dice.choice((0, 0, 1, 3, count))):
            at = self.dice.randrange(count)
            answer[at] = self.dice.choice(ODD) if self.dice.random() < 0.5 else self.dice.randrange(65536)
        return tuple(answer)


def give_orders(desk: Desk, dice: random.Random, clock: VirtualClock) -> None:
    """Some order, held for a while."""
    now, monotonic = clock.now(), clock.monotonic()
    stamp = {
        "issuer": "battery",
        "instance": str(monotonic),
        "seq": 1,
        "issued_at": now,
        "lease_s": 5.0,
        "reason": "",
    }
    watts = dice.uniform(-6000, 6000)
    window = BatterySetpoint(
        min_w=watts, max_w=watts + dice.uniform(0, 3000), grid_charging=dice.random() < 0.5, **stamp
    )
    limit = InverterLimit(limit_w=abs(watts), mandatory=dice.random() < 0.2, **stamp)
    assert desk.windows["cellar"].orders.offer(window, now, monotonic, retained=False) is None
    desk.limits["roof"].orders.offer(limit, now, monotonic, retained=False)


# The registers of models 123 and 124 that may be written, in the image of the steered inverter.
CONTROLS = {40150 + offset for offset in range(5, 10)} | {40176 + offset for offset in (5, 12, 13, 15, 17)}


async def test_ten_thousand_fuzzed_replies(tmp_path: Path) -> None:
    clock, dice, seen = VirtualClock(NOON), random.Random(5), Counter()
    desk = Desk(steered(502), clock, StateFile(tmp_path / "orders.json", Kept), supervised=True)
    actuators = {("inverter", "roof"): desk.limits["roof"], ("battery", "cellar"): desk.windows["cellar"]}
    stations = [SunSpecStation(plan, clock, actuators) for plan in lines_of(steered(502))[0].stations]
    wire = MadWire(dice, unit1=dict(STEERED), unit200=dict(GRID))
    while sum(seen.values()) < 10_000:
        await clock.advance(0.25)
        if dice.random() < 0.1:
            wire.mad = dice.random() < 0.3
        if dice.random() < 0.02:
            give_orders(desk, dice, clock)
        for station in stations:
            try:
                outcomes = await station.visit(wire)
            except (DeviceSilent, DeviceRefused):
                station.doubt()
                seen["silent"] += 1
                continue
            for _, outcome in outcomes:
                seen[type(outcome.message).__name__] += 1
                if outcome.message is not None:
                    raw = msgspec.json.encode(outcome.message)
                    assert msgspec.json.decode(raw, type=type(outcome.message)) == outcome.message

    written = {start + step for _, start, values in wire.written for step in range(len(values))}
    assert written == CONTROLS
    assert {each.__name__ for each in (MeterReading, InverterReading, BatteryReading)} <= set(seen)
