"""The service and its commands over a real broker."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from busbar_battery.asked import change, live_decision
from busbar_battery.main import run
from busbar_shared.asking import NoAnswer
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
