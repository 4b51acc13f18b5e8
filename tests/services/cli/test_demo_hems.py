"""The demo plays the energy manager of somebody else: its windows arrive, however late the scheduler comes."""

import asyncio
import io
import json
from datetime import UTC, datetime, timedelta

import msgspec
from rich.console import Console

from busbar_chargeamps.command import Rules, read_set
from busbar_cli.demo_hems import send_windows, windows
from busbar_cli.scene import Scene
from busbar_cli.view import headless_line, picture
from busbar_contracts.allocation import Allocation, LoadGrant, MeterHealth
from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_contracts.service import PlantTruth
from busbar_shared.clock import VirtualClock, settle
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
STATUS = ChargeAmpsStatus(
    state="plugged_in", schedule_source="hems", schedule_active=True,
    next_period_start=NOON + timedelta(seconds=20), next_period_end=NOON + timedelta(seconds=120),
    current_power_kw=0.0, session_energy_kwh=None, ready_for_schedule=True, last_hems_command_at=NOON,
)  # fmt: skip


def test_the_scheduler_takes_the_demos_windows_as_they_are() -> None:
    taken = read_set(msgspec.json.encode(windows(NOON)), now=NOON, rules=Rules(site_max_current=8))
    assert len(taken.periods) == 190
    assert (taken.periods[0].start - NOON).total_seconds() == 25


async def test_the_windows_are_sent_again_until_the_status_says_that_they_were_taken() -> None:
    clock = VirtualClock(NOON)
    bus = FakeBus(clock=clock)
    sending = asyncio.create_task(send_windows(bus, clock))
    await settle()
    await clock.advance(10)
    sent = [json.loads(raw) for topic, raw in bus.said_raw if topic == "hems/charge-amps/1/schedule/set"]
    assert len(sent) == 4

    bus.feed_raw("hems/charge-amps/1/status", b"nonsense")
    bus.feed_raw("hems/charge-amps/1/status", msgspec.json.encode(STATUS))
    await settle()
    assert not sending.done()

    said = msgspec.structs.replace(STATUS, command_id=sent[0]["command_id"])
    bus.feed_raw("hems/charge-amps/1/status", msgspec.json.encode(said))
    await settle()
    await sending
    await clock.advance(10)
    assert len(bus.said_raw) == 4


def test_the_view_shows_a_schedule_of_somebody_else_without_a_limit_of_ours() -> None:
    scene = Scene(msgspec.convert({"site": {"timezone": "Europe/Berlin"}}, Site))
    scene.take(PlantTruth(at=NOON, house_time=NOON, loads={"chargeamps-1": 0.0}), {})
    scene.take(STATUS, {"connector_id": "1"})
    grant = LoadGrant(limit_a=0.0, target_a=0.0, available_a=0.0, reason="8 A reserved", binding="foreign")
    scene.take(Allocation(at=NOON, meter=MeterHealth.FRESH, loads={"chargeamps-1": grant}, circuits={}), {})

    console = Console(record=True, width=110, file=io.StringIO())
    console.print(picture(scene))

    assert "chargeamps-1=0.0A (8 A reserved)" in headless_line(scene)
    [row] = [line for line in console.export_text().splitlines() if "chargeamps-1" in line]
    assert row.split() == [
        "│", "chargeamps-1", "plugged_in,", "window", "opens", "in", "20", "s", "0.0", "A", "8", "A", "reserved", "│",
    ]  # fmt: skip
