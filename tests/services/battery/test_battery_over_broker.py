"""The service and its commands over a real broker."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import busbar_allocator.main
from busbar_battery.asked import change, live_decision
from busbar_battery.main import run
from busbar_contracts.battery import BatteryDecision, BatterySettings
from busbar_contracts.service import ServiceEvent
from busbar_shared.asking import NoAnswer, gathered
from busbar_shared.clock import RealClock
from busbar_shared.config.load import read
from busbar_shared.config.root import Site
from busbar_shared.life import Service, connect

pytestmark = pytest.mark.system


def site_at(port: int) -> Site:
    return read(f"""
[broker]
host = "127.0.0.1"
port = {port}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid.modbus]
host = "meter.invalid"
[batteries.cellar.modbus]
host = "inverter.invalid"
[battery_flow]
""")


async def test_the_owner_asks_and_changes_over_the_broker(broker: Any, tmp_path: Path) -> None:
    site = site_at(broker.port)
    async with connect(site, "battery", {}) as bus:
        service = Service(name="battery", site=site, bus=bus, clock=RealClock(), state_dir=tmp_path)
        task = asyncio.create_task(run(service))

        decision = await live_decision(site, {})
        after = await change(site, {}, "cellar", "soc_target_percent", "65")
        refused = await change(site, {}, "cellar", "soc_target_percent", "650")

        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert decision["control"] == "release"
    assert decision["dry_run"] is True
    assert after.soc_target_percent == 65.0
    assert refused.soc_target_percent == 65.0
    assert "650" in refused.refused


async def test_without_the_service_there_is_one_sentence(broker: Any) -> None:
    with pytest.raises(NoAnswer, match="are the broker and the battery service running"):
        await live_decision(site_at(broker.port), {}, patience_s=0.5)


async def test_a_setting_that_nobody_takes_is_no_yes(broker: Any) -> None:
    """The settings of a service that has died still stand at the broker."""
    site = site_at(broker.port)
    left = BatterySettings(soc_target_percent=80.0, refused="$.mode: something of yesterday")
    async with connect(site, "battery", {}) as bus:
        await bus.say(left, battery="cellar")
        await bus.drain()

        with pytest.raises(NoAnswer, match="the battery service is not running"):
            await change(site, {}, "cellar", "soc_target_percent", "65", answer_s=0.5)
        as_it_was = await change(site, {}, "cellar", "batterySocTargetPercent", "80", answer_s=0.5)

    assert as_it_was.soc_target_percent == 80.0


async def test_the_decision_of_a_service_that_died_is_not_in_force(broker: Any) -> None:
    site = site_at(broker.port)
    last = BatteryDecision(
        at=datetime.now(UTC) - timedelta(seconds=40), control="apply", battery_w=5000.0, mode="charge",
        export_w=0.0, import_w=5000.0, pv_w=0.0, solar_limit_w=None, ac_limit_w=None, flags=(),
        reason="Charging.", dry_run=False, batteries={},
    )  # fmt: skip
    async with connect(site, "battery", {}) as bus:
        await bus.say(last)
        await bus.drain()

        with pytest.raises(NoAnswer, match=r"the last decision is of .* is the battery service running"):
            await live_decision(site, {})


async def test_the_allocator_has_nothing_to_say_about_requests_to_the_battery_service(
    broker: Any, tmp_path: Path
) -> None:
    """It is the one writer: names of the old plan are understood there, and refusals told there."""
    site = site_at(broker.port)
    async with connect(site, "battery", {}) as bus, connect(site, "allocator", {}) as other:
        clock = RealClock()
        runs = (("battery", bus, run), ("allocator", other, busbar_allocator.main.run))
        tasks = []
        for name, one, loop in runs:
            (tmp_path / name).mkdir()
            service = Service(name=name, site=site, bus=one, clock=clock, state_dir=tmp_path / name)
            tasks.append(asyncio.create_task(loop(service)))
        events = bus.listen(ServiceEvent)

        after = await change(site, {}, "cellar", "batterySocTargetPercent", "65")
        told = [one.message for one in await gathered(events, 1.0)]

        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    assert after.soc_target_percent == 65.0
    assert [one.code for one in told if one.service == "battery"] == ["legacy_name"]
    assert not [one for one in told if one.service == "allocator" and one.code == "off_contract"]
