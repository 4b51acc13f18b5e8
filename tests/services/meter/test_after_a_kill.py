"""What simulated devices do with our orders in simulated time while they are kept, and after a kill -9."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from busbar_contracts.battery import BatterySetpoint
from busbar_contracts.meter import Control, InverterLimit
from busbar_meter.actuators import LimitActuator, WindowActuator
from busbar_meter.answers import DeviceRefused
from busbar_meter.config import lines_of
from busbar_meter.sunspec_station import SunSpecStation
from busbar_shared.clock import VirtualClock
from busbar_shared.config.root import Site
from busbar_simulator.plant.inverter import Inverter, InverterSpec
from busbar_simulator.plant.storage import Storage, StorageSpec
from busbar_simulator.sunspec.der import der_device, refresh_der
from busbar_simulator.sunspec.device import Device, Refused
from busbar_simulator.sunspec.inverter import inverter_device, refresh
from busbar_simulator.sunspec.personality import PERSONALITIES, Personality

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
VOLTS = (230.0, 231.0, 232.0)
REVERT_S = 60
PLAIN, DER = PERSONALITIES["plain"], PERSONALITIES["der"]
# Only a write to the enabling point restarts its timers.
PICKY = replace(PLAIN, timer_restart="enable")


class DeviceWire:
    """A wire straight into a simulated device."""

    connections = 1

    def __init__(self, device: Device) -> None:
        self.device = device

    async def read(self, unit: int, start: int, count: int, *, function: int = 3) -> tuple[int, ...]:
        try:
            return tuple(self.device.read(start, count))
        except Refused as refused:
            raise DeviceRefused(refused.code, str(refused)) from refused

    async def write(self, unit: int, start: int, values: Sequence[int], *, single: bool = False) -> None:
        try:
            self.device.write(6 if single else 16, start, values)
        except Refused as refused:
            raise DeviceRefused(refused.code, str(refused)) from refused

    def close(self) -> None:
        pass


class Life:
    """A hybrid in the sun, or a battery on the AC side, that lives second by second with our service or without."""

    def __init__(self, personality: Personality, *, sun: bool = True) -> None:
        spec = StorageSpec(charge_w=5000, discharge_w=5000)
        self.inverter = Inverter(spec=InverterSpec(storage=spec, has_sun=sun), storage=Storage(spec, 45.0))
        self.personality, self.clock = personality, VirtualClock(NOON)
        make = der_device if personality.der else inverter_device
        self.device = make(self.inverter, personality, "SN-1")
        here = {"modbus": {"host": "h"}, "writable": True, "revert_s": REVERT_S}
        site = msgspec.convert(
            {"inverters": {"roof": here} if sun else {},
             "batteries": {"cellar": here | ({"inverter": "roof"} if sun else {})}},
            Site,
        )  # fmt: skip
        self.window = WindowActuator(site.batteries["cellar"], self.clock, lambda: None, supervised=True)
        actuators: dict = {("battery", "cellar"): self.window}
        if sun:
            self.limit = LimitActuator(site.inverters["roof"], self.clock, lambda: None)
            actuators["inverter", "roof"] = self.limit
        self.station = SunSpecStation(lines_of(site)[0].stations[0], self.clock, actuators)
        self.wire, self.seq = DeviceWire(self.device), 0

    async def seconds(self, count: int, *, served: bool = True) -> None:
        for _ in range(count):
            self.inverter.step(1.0, 1.0, 6000.0, -1000.0)
            assert self.device.controls is not None
            self.device.controls.tick(self.clock.monotonic())
            if self.personality.der:
                refresh_der(self.device, self.inverter, VOLTS)
            else:
                refresh(self.device, self.inverter, self.personality, VOLTS)
            if served:
                await self.station.visit(self.wire)
            await self.clock.advance(1.0)

    def limited_to(self, watts: float, *, mandatory: bool = False) -> None:
        now, order = self.clock.now(), InverterLimit(limit_w=watts, mandatory=mandatory, **self.stamp())
        assert self.limit.orders.offer(order, now, self.clock.monotonic(), retained=False) is None

    def held(self, low: float, high: float) -> None:
        now = self.clock.now()
        order = BatterySetpoint(min_w=low, max_w=high, grid_charging=low > 0, **self.stamp())
        assert self.window.orders.offer(order, now, self.clock.monotonic(), retained=False) is None

    def stamp(self) -> dict:
        self.seq += 1
        return {
            "issuer": "battery",
            "instance": "i",
            "seq": self.seq,
            "issued_at": self.clock.now(),
            "lease_s": 3600.0,
            "reason": "test",
        }

    def reads(self, model: int, *points: str) -> tuple[float | None, ...]:
        return tuple(self.device.block(model).value(point) for point in points)


@pytest.mark.parametrize(
    "personality", [pytest.param(PLAIN, id="any point"), pytest.param(PICKY, id="only the enabling")]
)
async def test_models_123_and_124_stand_as_long_as_they_are_kept_and_end_by_themselves(
    personality: Personality,
) -> None:
    life = Life(personality)
    await life.seconds(3)
    life.limited_to(3000)
    life.held(-500, 0)
    await life.seconds(3)

    for _ in range(150):
        await life.seconds(1)
        assert life.reads(123, "WMaxLim_Ena", "WMaxLimPct") == (1, 30)
        assert life.reads(124, "StorCtl_Mod", "InWRte", "OutWRte") == (3, 0, 10)
    # Refreshed before half of the time is over, and no more often.
    assert len(life.device.log) < 60

    await life.seconds(REVERT_S + 1, served=False)
    assert (life.reads(123, "WMaxLim_Ena"), life.reads(124, "StorCtl_Mod")) == ((0,), (0,))
    assert life.inverter.ac_limit_w is None


async def test_a_mandatory_limit_outlives_the_service() -> None:
    life = Life(PLAIN)
    life.limited_to(3000, mandatory=True)
    await life.seconds(5)

    await life.seconds(600, served=False)

    assert life.reads(123, "WMaxLim_Ena", "WMaxLimPct") == (1, 30)


async def test_model_704_ends_a_limit_by_itself() -> None:
    life = Life(DER)
    life.limited_to(3000)
    for _ in range(150):
        await life.seconds(1)
    assert life.reads(704, "WMaxLimPctEna", "WMaxLimPct") == (1, 30)

    await life.seconds(REVERT_S + 1, served=False)

    assert life.reads(704, "WMaxLimPctEna") == (0,)
    assert life.inverter.ac_limit_w is None


async def test_model_704_ends_a_set_point_by_itself() -> None:
    life = Life(DER, sun=False)
    life.held(-1500, -1500)
    for _ in range(150):
        await life.seconds(1)
    assert life.reads(704, "WSetEna", "WSet") == (1, 1500)

    await life.seconds(REVERT_S + 1, served=False)

    assert life.reads(704, "WSetEna") == (0,)


async def test_what_ran_out_while_nobody_served_is_told_again_at_once() -> None:
    life = Life(PLAIN)
    life.limited_to(3000)
    life.held(0, 0)
    await life.seconds(5)
    await life.seconds(2 * REVERT_S, served=False)
    assert life.reads(124, "StorCtl_Mod") == (0,)

    await life.seconds(5)

    assert (life.reads(123, "WMaxLim_Ena"), life.reads(124, "StorCtl_Mod")) == ((1,), (3,))
    standing = [role.standing.control for role in life.station.roles]
    assert standing == [Control.OURS, Control.OURS]


@pytest.mark.parametrize(
    ("personality", "rest_s"),
    [pytest.param(PERSONALITIES["gen24"], 5, id="Fronius"), pytest.param(PLAIN, 0, id="another maker")],
)
async def test_a_fronius_rests_between_charging_and_discharging(
    personality: Personality, rest_s: int
) -> None:
    """A jump from the one to the other makes its modules collapse (open-dynamic-export pull request 98)."""
    life = Life(personality)
    life.held(2000, 2000)
    await life.seconds(5)
    assert life.inverter.battery_w > 1500
    life.held(-1500, -1500)

    rested = 0
    for _ in range(20):
        await life.seconds(1)
        if life.reads(124, "InWRte", "OutWRte") == (0, 0):
            rested += 1
            assert life.station.roles[1].standing.detail == "it rests before it turns from charging"

    assert rested in ({0} if rest_s == 0 else {rest_s - 1, rest_s, rest_s + 1})
    assert life.inverter.battery_w < -1400
    assert life.station.roles[1].standing.max_w == -1500

    life.held(2000, 2000)
    await life.seconds(1)
    assert life.reads(124, "OutWRte")[0] < 0
