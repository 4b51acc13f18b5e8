"""The service on a bus made of lists: what it hears, what it says, and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec import Struct

from busbar_battery.main import run
from busbar_contracts.allocation import Allocation, BatteryRoom, MeterHealth, SiteLimit
from busbar_contracts.battery import BatteryDecision, BatteryReading, BatterySetpoint, BatterySettings
from busbar_contracts.meter import Control, InverterLimit, InverterReading, MeterReading
from busbar_contracts.prices import PriceSeries, PriceSlot
from busbar_shared.clock import VirtualClock, settle
from busbar_shared.config.load import read
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
S = TypeVar("S", bound=Struct)

SITE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid.modbus]
host = "meter.invalid"
[inverters.roof]
writable = true
rating_w = 10000
[inverters.roof.modbus]
host = "inverter.invalid"
[batteries.cellar]
writable = true
capacity_wh = 10000
[batteries.cellar.modbus]
host = "inverter.invalid"
"""


@dataclass
class Home:
    """A house on the bus: says its readings each second, listens to nobody."""

    bus: FakeBus
    clock: VirtualClock
    state_dir: Path
    grid: float = 0.0
    sun: float = 0.0
    battery: float = 0.0
    soc: float | None = 50.0
    metered: bool = True
    battery_read: bool = True
    allocator: BatteryRoom | None = field(
        default_factory=lambda: BatteryRoom(charge_limit_w=9e3, discharge_limit_w=9e3)
    )
    control: Control = Control.RELEASED

    async def live(self, seconds: int) -> None:
        """Let seconds pass, with the readings of each."""
        for _ in range(seconds):
            now = self.clock.now()
            power = self.battery if self.battery_read else None
            self.bus.feed(
                BatteryReading(at=now, power_w=power, soc_percent=self.soc, control=self.control),
                battery="cellar",
            )
            self.bus.feed(InverterReading(at=now, power_w=self.sun, rating_w=10_000.0), inverter="roof")
            if self.allocator is not None:
                rooms = {"cellar": self.allocator}
                self.bus.feed(
                    Allocation(at=now, meter=MeterHealth.FRESH, loads={}, circuits={}, batteries=rooms)
                )
            if self.metered:
                self.bus.feed(MeterReading(at=now, power_w=self.grid), meter="grid")
            await self.clock.advance(1.0)
        await settle()

    def said(self, kind: type[S]) -> list[S]:
        """Everything of this kind, in order."""
        return [message for _, message in self.bus.said if isinstance(message, kind)]

    @property
    def decision(self) -> BatteryDecision:
        """The last decision."""
        return self.said(BatteryDecision)[-1]

    @property
    def order(self) -> tuple[float | None, float | None]:
        """The last window ordered."""
        last = self.said(BatterySetpoint)[-1]
        return last.min_w, last.max_w

    def ask(self, **wish: Any) -> None:
        """The owner changes settings."""
        self.bus.feed_raw("hems/battery/cellar/settings/set", json.dumps(wish))


@asynccontextmanager
async def home(tmp_path: Path, flow: str = "dry_run = false", **house: Any) -> AsyncIterator[Home]:
    """A house with the running service; leaving it stops the service as SIGTERM does."""
    clock = VirtualClock(NOON)
    bus = FakeBus(clock=clock)
    made = Home(bus, clock, tmp_path, **house)
    site = read(SITE + ("" if flow == "absent" else "\n[battery_flow]\n" + flow))
    service = Service(name="battery", site=site, bus=bus, clock=clock, state_dir=tmp_path)
    task = asyncio.create_task(run(service))
    await settle()
    try:
        yield made
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_without_being_asked_it_only_says_what_it_would_do(tmp_path: Path) -> None:
    async with home(tmp_path, "", grid=-3000.0, sun=4000.0) as house:
        await house.live(5)

        assert house.decision.battery_w == 3000.0
        assert house.decision.dry_run
        assert house.said(BatterySetpoint) == []
        assert house.said(InverterLimit) == []


async def test_surplus_opens_a_window_for_the_batterys_own_loop(tmp_path: Path) -> None:
    async with home(tmp_path, grid=-3000.0, sun=4000.0) as house:
        await house.live(5)

        assert house.order == (-5000.0, 5000.0)
        assert house.said(BatterySetpoint)[-1].issuer == "battery"
        assert house.said(BatterySetpoint)[-1].lease_s == 30.0
        assert house.said(InverterLimit) == []


async def test_an_unchanged_order_is_renewed_at_a_third_of_its_lease(tmp_path: Path) -> None:
    async with home(tmp_path, grid=-3000.0, sun=4000.0) as house:
        await house.live(60)

        orders = house.said(BatterySetpoint)
        gaps = [(b.issued_at - a.issued_at).total_seconds() for a, b in pairwise(orders)]
        assert set(gaps) == {10.0}
        assert [order.seq for order in orders] == sorted({order.seq for order in orders})


async def test_what_it_says_is_the_contract(tmp_path: Path) -> None:
    async with home(tmp_path, "dry_run = false\nexport_limit_w = 2000", grid=-3000.0, sun=9000.0) as house:
        await house.live(12)

        for kind in (BatteryDecision, BatterySetpoint, BatterySettings, InverterLimit):
            assert house.said(kind)
            for message in house.said(kind):
                assert msgspec.json.decode(msgspec.json.encode(message), type=kind) == message


async def test_stopping_gives_the_battery_back_and_leaves_a_mandatory_limit(tmp_path: Path) -> None:
    async with home(tmp_path, "dry_run = false\nexport_limit_w = 2000", grid=-3000.0, sun=9000.0) as house:
        await house.live(5)
        limits = len(house.said(InverterLimit))

    assert house.order == (None, None)
    assert len(house.said(InverterLimit)) == limits
    assert house.said(InverterLimit)[-1].mandatory


async def test_a_lost_meter_gives_the_battery_back_within_twenty_seconds(tmp_path: Path) -> None:
    async with home(tmp_path, grid=-3000.0, sun=4000.0) as house:
        await house.live(5)
        house.metered = False
        await house.live(20)

        assert house.order == (None, None)
        assert house.decision.control == "release"
        assert "grid meter" in house.decision.reason


async def test_a_lost_meter_stops_charging_from_the_grid_after_five_seconds(tmp_path: Path) -> None:
    flow = "dry_run = false\ngrid_charging = true\ngrid_charging_max_w = 3000"
    async with home(tmp_path, flow, grid=500.0) as house:
        await house.live(15)
        house.battery, house.grid = 3000.0, 3500.0
        await house.live(5)
        assert house.order == (3000.0, 3000.0)

        house.metered = False
        await house.live(8)

        assert house.order == (0.0, 0.0)


async def test_a_lost_meter_under_an_export_limit_leaves_the_limit_itself(tmp_path: Path) -> None:
    async with home(tmp_path, "dry_run = false\nexport_limit_w = 2000", grid=-1000.0, sun=6000.0) as house:
        await house.live(5)
        assert house.said(InverterLimit)[-1].limit_w == 7000.0

        house.metered = False
        await house.live(25)

        assert house.said(InverterLimit)[-1].limit_w == 2000.0


async def test_a_silent_allocator_means_no_energy_from_the_grid(tmp_path: Path) -> None:
    flow = "dry_run = false\ngrid_charging = true\ngrid_charging_max_w = 3000"
    async with home(tmp_path, flow, grid=500.0, allocator=None) as house:
        await house.live(10)

        assert house.order == (0.0, 0.0)
        assert "wire_limit_stale" in house.decision.flags


async def test_the_battery_stays_inside_what_the_phases_bear(tmp_path: Path) -> None:
    flow = "dry_run = false\ngrid_charging = true"
    room = BatteryRoom(charge_limit_w=1200.0, discharge_limit_w=700.0)
    async with home(tmp_path, flow, grid=500.0, allocator=room) as house:
        await house.live(15)
        assert house.order == (1200.0, 1200.0)

        house.ask(grid_charging=False)
        await house.live(20)

        assert house.order == (-700.0, 1200.0)


async def test_settings_are_answered_kept_and_survive_a_restart(tmp_path: Path) -> None:
    async with home(tmp_path) as house:
        assert house.said(BatterySettings)[-1].soc_target_percent == 80.0
        house.ask(soc_target_percent=60, mode="export_first")
        await house.live(1)
        assert house.said(BatterySettings)[-1].soc_target_percent == 60.0

    async with home(tmp_path) as house:
        assert house.said(BatterySettings)[-1].soc_target_percent == 60.0
        assert house.said(BatterySettings)[-1].mode == "export_first"


async def test_a_changed_file_wins_over_a_kept_setting_and_says_so(tmp_path: Path) -> None:
    async with home(tmp_path) as house:
        house.ask(mode="export_first", grid_charging=True)
        await house.live(1)

    async with home(tmp_path, "dry_run = false\nexport_target_w = 100") as house:
        assert house.said(BatterySettings)[-1].grid_charging is True
        assert house.said(BatterySettings)[-1].export_target_w == 100.0
        assert [code for code, _ in house.bus.events] == ["file_wins"]


@pytest.mark.parametrize(
    ("payload", "code", "words"),
    [
        pytest.param(
            b'{"soc_min_percent": 90}',
            "settings_impossible",
            "above soc_target",
            id="a minimum above the target",
        ),
        pytest.param(b'{"soc_target_percent": 900}', "off_contract", "900", id="more than full"),
        pytest.param(b'{"soc": 50}', "off_contract", "soc", id="a field nobody knows"),
        pytest.param(b'{"soc_target_percent": NaN}', "payload_not_json", "JSON", id="not a number"),
        pytest.param(b"\xff", "payload_not_utf8", "UTF-8", id="no text"),
        pytest.param(b"[" * 3000, "off_contract", "array", id="brackets without end"),
        pytest.param(
            b'{"batteryStorageMode": 3}', "legacy_refused", "bypass", id="the raw mode of the old plan"
        ),
    ],
)
async def test_a_request_that_cannot_be_changes_nothing_and_is_answered(
    tmp_path: Path, payload: bytes, code: str, words: str
) -> None:
    async with home(tmp_path) as house:
        house.bus.feed_raw("hems/battery/cellar/settings/set", payload)
        await house.live(1)

        assert house.bus.events[-1][0] == code
        assert words in house.bus.events[-1][1]
        assert words in house.said(BatterySettings)[-1].refused
        assert house.said(BatterySettings)[-1].soc_target_percent == 80.0


async def test_a_retained_request_is_refused_and_cleared(tmp_path: Path) -> None:
    topic = "hems/battery/cellar/settings/set"
    async with home(tmp_path) as house:
        house.bus.feed_raw(topic, b'{"soc_target_percent": 60}', retained=True)
        await house.live(1)
        # What deletes it is heard by us as well, and is no request.
        house.bus.feed_raw(topic, b"")
        await house.live(1)

        assert [code for code, _ in house.bus.events] == ["retained_command"]
        # What is shown in Home Assistant may be said meanwhile, or not yet.
        assert [said for said in house.bus.said_raw if said[0] == topic] == [(topic, b"")]
        settings = house.said(BatterySettings)[-1]
        assert (settings.soc_target_percent, settings.refused) == (80.0, "")


async def test_names_of_the_old_plan_are_understood_and_told(tmp_path: Path) -> None:
    async with home(tmp_path) as house:
        house.ask(batterySocTargetPercent=70, batteryChargeBuffer=200)
        await house.live(1)

        assert house.said(BatterySettings)[-1].soc_target_percent == 70.0
        assert [text for code, text in house.bus.events if code == "legacy_name"] == [
            "batterySocTargetPercent is now called soc_target_percent",
            "batteryChargeBuffer is ignored; the surplus is measured, and the SoC target says how far to charge",
        ]


async def test_an_operators_export_limit_wins_is_named_and_lapses_with_its_lease(tmp_path: Path) -> None:
    async with home(
        tmp_path, "dry_run = false\nexport_limit_w = 5000", grid=-6000.0, sun=9000.0, soc=100.0
    ) as house:
        await house.live(3)
        limit = SiteLimit(
            issuer="grid-operator", instance="x", seq=1, issued_at=house.clock.now(), lease_s=20, reason="§14a",
            export_limit_w=1000,
        )  # fmt: skip
        house.bus.feed(limit)
        await house.live(3)
        assert house.decision.ac_limit_w == 4000.0
        assert "export at most 1000 W (grid-operator)" in house.decision.reason

        await house.live(25)

        assert "export at most 5000 W (battery_flow.export_limit_w)" in house.decision.reason


async def test_no_export_while_the_export_price_is_below_zero(tmp_path: Path) -> None:
    flow = "dry_run = false\nzero_export_below_price = 0"
    async with home(tmp_path, flow, grid=-6000.0, sun=9000.0, soc=100.0) as house:
        slot = PriceSlot(start=NOON, end=NOON + timedelta(seconds=10), price=-0.02)
        house.bus.feed(
            PriceSeries(
                schema="hems.prices/1", series="export", currency="EUR", unit="EUR/kWh", slots=(slot,)
            ),
            series="export",
        )
        await house.live(4)
        assert house.said(InverterLimit)[-1].limit_w == 3000.0
        assert not house.said(InverterLimit)[-1].mandatory
        assert "export price -0.02" in house.decision.reason

        await house.live(60)

        assert house.decision.ac_limit_w is None


async def test_a_battery_that_someone_else_keeps_steering_is_left_alone(tmp_path: Path) -> None:
    async with home(tmp_path, grid=-3000.0, sun=4000.0) as house:
        await house.live(5)
        house.control = Control.CONTENDED
        await house.live(15)
        assert house.order == (None, None)
        orders = len(house.said(BatterySetpoint))

        house.control = Control.RELEASED
        await house.live(60)

        assert len(house.said(BatterySetpoint)) == orders


async def test_readings_of_strangers_and_of_nothing_change_nothing(tmp_path: Path) -> None:
    async with home(tmp_path, grid=-3000.0, sun=4000.0) as house:
        await house.live(5)
        house.bus.feed(MeterReading(at=house.clock.now(), power_w=9e8), meter="garage")
        house.bus.feed(BatteryReading(at=house.clock.now(), power_w=None, soc_percent=None), battery="attic")
        await house.live(2)

        assert house.decision.battery_w == 3000.0


async def test_without_a_section_of_its_own_it_explains_by_the_allocators_settings(tmp_path: Path) -> None:
    async with home(tmp_path, "absent", grid=-3000.0, sun=4000.0) as house:
        house.bus.feed(BatterySettings(soc_target_percent=40.0), battery="cellar")
        house.ask(soc_target_percent=90)
        await house.live(5)

        assert house.said(BatterySettings) == []
        assert house.decision.battery_w == 0.0
        assert house.decision.dry_run


async def test_a_battery_whose_power_is_not_read_is_named_as_the_reason(tmp_path: Path) -> None:
    async with home(tmp_path, grid=-3000.0, sun=4000.0) as house:
        await house.live(5)
        house.battery_read = False
        await house.live(20)

        assert house.order == (None, None)
        assert "no usable reading of the battery power" in house.decision.reason
