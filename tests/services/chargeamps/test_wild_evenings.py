"""Evenings by the dice: schedules, stops, faults of the cloud, restarts and kills in any order.

Whatever happened, once the cloud has been well for a while the car draws exactly inside the windows of
the schedule in force, and the status says so.
"""

import contextlib
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from busbar_simulator.charge_amps_cloud.cloud import Fault
from services.chargeamps.household import Household


def some_schedule(house: Household, dice: random.Random) -> dict[str, Any]:
    """One to three windows around now, sometimes with a mistake or an expiry."""
    periods = []
    for _ in range(dice.randint(1, 3)):
        begin = house.clock.now() + timedelta(minutes=dice.randint(-60, 240))
        length = timedelta(minutes=dice.choice([-10, 15, 60, 240, 600]))
        periods.append({"start": begin.isoformat(), "end": (begin + length).isoformat()})
    made: dict[str, Any] = {"periods": periods}
    if dice.random() < 0.3:
        made["expires_at"] = (house.clock.now() + timedelta(minutes=dice.randint(-5, 300))).isoformat()
    return made


def some_fault(dice: random.Random) -> Fault:
    kind = dice.choice(["status", "lost", "lost_after_commit", "truncated", "html"])
    status = dice.choice([400, 401, 403, 408, 429, 500, 503])
    path = dice.choice(
        ["", "/smartChargingSchedules", "/owned", "/settings", "/updateusersettings", "/login"]
    )
    if kind == "status" and status == 400:
        path = "/settings"
    return Fault(kind, status, path=path, times=dice.randint(1, 4))  # type: ignore[arg-type]


async def change_mode(house: Household, dice: random.Random) -> None:
    """The owner changes the mode in the configuration; the broker has prices from an hour ago on."""
    standalone = house.section["operation_mode"] == "hems"
    await house.restart(operation_mode="standalone" if standalone else "hems", top_x_charge_count=2)
    prices = [dice.choice([0.1, 0.2, 0.22, 0.4]) for _ in range(24)]
    await house.publish_prices(*prices, start=house.clock.now() - timedelta(hours=1))


async def happen(house: Household, dice: random.Random, things: int = 9) -> None:
    """One thing happens."""
    match dice.randint(0, things):
        case 10:
            await change_mode(house, dice)
        case 11:
            # Any schedule at all may be what the broker had kept.
            await house.send(some_schedule(house, dice), retained=True)
        case 0 | 1 | 2:
            await house.send(some_schedule(house, dice))
        case 3:
            await house.send(verb="clear")
        case 4 | 5:
            house.cloud.faults.append(some_fault(dice))
        case 6:
            await house.restart()
        case 7:
            house.kill_at, house.kill_after_commit = house.calls + dice.randint(1, 6), dice.random() < 0.5
            await house.wait(seconds=90)
            house.kill_at = None
            with contextlib.suppress(Exception):
                await house.restart()
        case 8:
            house.cloud.expire_tokens()
        case _:
            house.charger.unplug() if house.charger.plugged else house.charger.plug()
    await house.wait(seconds=dice.choice([0, 1, 5, 60, 900, 3600]))


@pytest.mark.parametrize("api", ["web", "eapi"])
@pytest.mark.parametrize(
    ("seed", "things"),
    [*((seed, 9) for seed in range(12)), *((seed, 11) for seed in range(100, 106))],
    ids=str,
)
async def test_after_any_evening_the_car_draws_inside_the_windows_only(
    tmp_path: Path, seed: int, things: int, api: str
) -> None:
    dice = random.Random(seed)
    house = Household(tmp_path, api=api)
    house.charger.plug()
    await house.start()
    await house.send(verb="clear")
    for _ in range(25):
        await happen(house, dice, things)
    house.cloud.faults.clear()
    if not house.charger.plugged:
        house.charger.plug()
    await house.wait(hours=3)
    for _ in range(8):
        await house.wait(minutes=23)
        if house.status.sync == "pending":
            # A window has just opened or closed.
            await house.wait(seconds=20)
        assert not house.died
        assert house.status.sync == "synced", house.status.detail
        assert (house.draws > 0) == house.status.in_period, (house.status, house.charger.writes[-5:])
    await house.stop()
