"""Devices that answer when they are read and not, or not now, when they are written to."""

from datetime import UTC, datetime

import msgspec
import pytest

from busbar_contracts.battery import BatterySetpoint
from busbar_contracts.meter import Control, InverterLimit
from busbar_meter.actuators import LimitActuator, WindowActuator
from busbar_meter.answers import DeviceLater, DeviceSilent, LineLost, UnitAbsent
from busbar_meter.config import lines_of
from busbar_meter.map_station import MapStation
from busbar_meter.sunspec_station import SunSpecStation
from busbar_shared.clock import VirtualClock
from busbar_shared.config.root import Site
from services.meter.meter_house import STEERED
from services.meter.register_images import PaperWire

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
HERE = {"modbus": {"host": "h"}, "writable": True}
SITE = msgspec.convert(
    {"inverters": {"roof": HERE}, "batteries": {"cellar": {**HERE, "inverter": "roof"}}}, Site
)
ENABLE, MODE = 40150 + 9, 40176 + 5


class DeafToWrites(PaperWire):
    """A device whose answer to a write is always the same error, for registers from `deaf_from` to `deaf_to`."""

    def __init__(self, error: Exception, deaf_from: int = 0, deaf_to: int = 65535, **units: dict) -> None:
        super().__init__(**units)
        self.error, self.deaf = error, range(deaf_from, deaf_to)
        self.tried: list[int] = []

    async def write(self, unit: int, start: int, values: tuple[int, ...], *, single: bool = False) -> None:
        self.tried.append(start)
        if start in self.deaf and self.error is not None:
            raise self.error
        await super().write(unit, start, values, single=single)


class Steered:
    """The station of a hybrid inverter with its battery, ordered to 4100 W and to hold."""

    def __init__(self, wire: DeafToWrites) -> None:
        self.wire, self.clock = wire, VirtualClock(NOON)
        self.limit = LimitActuator(SITE.inverters["roof"], self.clock, lambda: None)
        self.window = WindowActuator(SITE.batteries["cellar"], self.clock, lambda: None, supervised=True)
        actuators = {("inverter", "roof"): self.limit, ("battery", "cellar"): self.window}
        self.station = SunSpecStation(lines_of(SITE)[0].stations[0], self.clock, actuators)

    def order(self) -> None:
        stamp = {
            "issuer": "battery",
            "instance": "i",
            "seq": 1,
            "issued_at": NOON,
            "lease_s": 3600.0,
            "reason": "test",
        }
        now = self.clock.monotonic()
        limit = InverterLimit(limit_w=4100, mandatory=False, **stamp)
        window = BatterySetpoint(min_w=0, max_w=0, grid_charging=False, **stamp)
        assert self.limit.orders.offer(limit, NOON, now, retained=False) is None
        assert self.window.orders.offer(window, NOON, now, retained=False) is None

    async def seconds(self, count: int) -> list[tuple[float | None, Control, str]]:
        """What the inverter's readings say, one a second."""
        said = []
        for _ in range(count):
            outcomes = await self.station.visit(self.wire)
            reading = next(outcome.message for role, outcome in outcomes if role.plan.kind == "inverter")
            said.append((reading.power_w, reading.control, reading.detail))
            await self.clock.advance(1.0)
        return said


@pytest.mark.parametrize(
    ("error", "control", "why", "most"),
    [
        pytest.param(DeviceLater(4, "writing"), Control.REJECTED, "device failure (4)", 12, id="a failure of its own"),
        pytest.param(DeviceLater(5, "writing"), Control.UNKNOWN, "no time for it: writing: acknowledge", 30, id="acknowledge"),
        pytest.param(DeviceLater(6, "writing"), Control.UNKNOWN, "no time for it: writing: device busy", 30, id="always busy"),
        pytest.param(DeviceSilent("no answer"), Control.REJECTED, "does not answer when it is written to", 16, id="silence"),
        pytest.param(LineLost("reset"), Control.REJECTED, "does not answer when it is written to", 16, id="it hangs up"),
        pytest.param(UnitAbsent("gone"), Control.REJECTED, "does not answer when it is written to", 16, id="no such unit"),
    ],
)  # fmt: skip
async def test_what_becomes_of_an_order_costs_no_reading(
    error: Exception, control: Control, why: str, most: int
) -> None:
    house = Steered(DeafToWrites(error, unit1=dict(STEERED)))
    await house.seconds(2)
    house.order()

    said = await house.seconds(60)

    assert [power for power, _, _ in said] == [4200] * 60
    assert {each for _, each, _ in said} <= {control, Control.UNKNOWN, Control.OURS}
    assert any(each is control and why in detail for _, each, detail in said)
    assert len(house.wire.tried) <= most


async def test_a_device_that_was_busy_is_told_a_little_later() -> None:
    house = Steered(DeafToWrites(DeviceLater(6, "writing"), unit1=dict(STEERED)))
    house.order()
    await house.seconds(3)
    house.wire.error = None

    said = await house.seconds(12)

    assert house.wire.images[1][ENABLE] == 1
    assert said[-1][1] is Control.OURS


async def test_who_kept_silent_is_asked_who_it_is_before_the_next_write() -> None:
    house = Steered(DeafToWrites(DeviceSilent("no answer"), unit1=dict(STEERED)))
    house.order()
    await house.seconds(1)
    house.wire.asked.clear()

    await house.seconds(1)

    assert house.wire.asked[:2] == [(1, 40000, 2), (1, 40002, 68)]


async def test_at_the_end_the_battery_is_left_even_if_the_inverter_beside_it_keeps_silent() -> None:
    wire = DeafToWrites(None, deaf_to=40176, unit1=dict(STEERED))
    house = Steered(wire)
    house.order()
    await house.seconds(3)
    assert (wire.images[1][ENABLE], wire.images[1][MODE]) == (1, 3)
    wire.error = DeviceSilent("no answer")

    with pytest.raises(DeviceSilent):
        await house.station.leave(wire)

    assert (wire.images[1][ENABLE], wire.images[1][MODE]) == (1, 0)


async def test_a_mapped_battery_that_fails_over_a_write_is_read_on() -> None:
    """A Kostal answers so when its battery is not released for others (evcc issue 12444)."""
    place = {"driver": "map:kostal-battery", **HERE}
    site = msgspec.convert({"batteries": {"cellar": place}}, Site)
    registers = {582: 1200, 514: 55, 1034: 0, 1035: 0, 1080: 2} | dict.fromkeys(
        (1068, 1069, 1076, 1077, 1078, 1079), 0
    )
    wire, clock = DeafToWrites(DeviceLater(4, "writing"), unit1=registers), VirtualClock(NOON)
    window = WindowActuator(site.batteries["cellar"], clock, lambda: None, supervised=True)
    station = MapStation(lines_of(site)[0].stations[0], clock, {"cellar": window})
    order = BatterySetpoint(min_w=1000, max_w=1000, grid_charging=True, issuer="battery", instance="i", seq=1,
                            issued_at=NOON, lease_s=60.0, reason="test")  # fmt: skip
    window.orders.offer(order, NOON, clock.monotonic(), retained=False)

    said = []
    for _ in range(10):
        [(_, outcome)] = await station.visit(wire)
        said.append((outcome.message.power_w, outcome.message.control))
        await clock.advance(1.0)

    assert [power for power, _ in said] == [-1200] * 10
    assert said[-1][1] is Control.REJECTED


async def test_behind_a_new_connection_the_device_says_who_it_is_before_it_is_written_to() -> None:
    """A SolarEdge hangs up after two quiet minutes; its address may have gone to another device meanwhile."""
    house = Steered(DeafToWrites(None, unit1=dict(STEERED)))
    await house.seconds(2)
    house.order()
    house.wire.connections += 1
    house.wire.asked.clear()

    await house.seconds(1)

    assert house.wire.asked[-2:] == [(1, 40000, 2), (1, 40002, 68)]
    assert house.wire.images[1][ENABLE] == 1
    house.wire.asked.clear()
    await house.seconds(1)
    assert (1, 40000, 2) not in house.wire.asked


@pytest.mark.parametrize("leaving", [False, True])
async def test_another_device_behind_the_new_connection_is_not_written_to(leaving: bool) -> None:
    house = Steered(DeafToWrites(None, unit1=dict(STEERED)))
    if leaving:
        house.order()
    await house.seconds(2)
    if not leaving:
        house.order()
    house.wire.tried.clear()
    house.wire.connections += 1
    house.wire.images[1][40002 + 50] ^= 0x0100

    with pytest.raises(DeviceSilent, match="another device answers now"):
        await (house.station.leave(house.wire) if leaving else house.station.visit(house.wire))

    assert house.wire.tried == []
