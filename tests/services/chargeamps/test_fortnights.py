"""Two fortnights in virtual time around the Sundays on which the clock changes, with everything going wrong.

A car is always plugged in.  Electricity is cheap from 01:00 to 03:00 and from 23:00 to 24:00 by the
clock on the wall; tomorrow's prices come at 13:00, mostly.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from busbar_simulator.charge_amps_cloud.cloud import Fault
from services.chargeamps.household import AMSTERDAM, Household, living

CHEAP_HOURS = {1, 2, 23}
STEP_S = 300.0


def hours_of(day: date) -> list[datetime]:
    """Every hour of a local day: 23, 24 or 25 of them."""
    begin = datetime(day.year, day.month, day.day, tzinfo=AMSTERDAM).astimezone(UTC)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=AMSTERDAM).astimezone(UTC)
    return [begin + timedelta(hours=i) for i in range(int((end - begin) / timedelta(hours=1)))]


async def publish(house: Household, today: date, *, tomorrow: bool) -> None:
    """The price service says today's prices, and tomorrow's where they are known."""
    hours = hours_of(today) + (hours_of(today + timedelta(days=1)) if tomorrow else [])
    prices = [0.10 if at.astimezone(AMSTERDAM).hour in CHEAP_HOURS else 0.40 for at in hours]
    await house.publish_prices(*prices, start=hours[0])


def trouble(house: Household, day: int, hour: int) -> None:
    """What goes wrong on which day of the fortnight, and when it is over."""
    cloud = house.cloud
    match day, hour:
        case 2, 12:
            cloud.faults.append(Fault("html", 503))
        case 3, 12:
            cloud.faults.append(Fault("status", 429, headers={"Retry-After": "600"}, times=3))
        case 4, 12:
            cloud.faults.append(Fault("status", 403, path="/owned"))
        case 5, 12:
            cloud.expire_tokens()
        case 6, 12:
            cloud.faults.append(Fault("lost_after_commit", method="PUT", times=2))
        case 7, 12:
            # Somebody empties the schedule in the app: it is written again.
            assert house.charger.schedule is not None
            house.charger.schedule["schedulePeriods"] = []
        case 8, 23:
            cloud.faults.append(Fault("status", 500, path="/smartChargingSchedules"))
        case (2 | 4 | 9, 15 | 0):
            cloud.faults.clear()


@pytest.mark.parametrize(
    ("first", "changed", "charged"),
    [
        # The hour from 02:00 to 03:00 does not exist: one hour less.
        pytest.param(date(2026, 3, 20), date(2026, 3, 29), {1: 12, 23: 12}, id="spring"),
        # It exists twice; the last hour of the day is the 169th of the week and cannot be scheduled.
        pytest.param(date(2026, 10, 16), date(2026, 10, 25), {1: 12, 2: 24}, id="autumn"),
    ],
)
async def test_a_fortnight(tmp_path: Path, first: date, changed: date, charged: dict[int, int]) -> None:
    house = Household(tmp_path, hours_of(first)[0], operation_mode="standalone", poll_idle_s=300)
    house.charger.plug()
    house.tick_s = 300.0
    drawn: dict[date, Counter[int]] = {}
    async with living(house):
        for number in range(14):
            day = first + timedelta(days=number)
            await publish(house, day, tomorrow=False)
            # Once the prices of tomorrow come at night only, once not before the next day has begun.
            known_from = {7: 22, 10: 25}.get(number, 13)
            for at in hours_of(day):
                local = at.astimezone(AMSTERDAM)
                trouble(house, number, local.hour)
                if local.hour == known_from:
                    await publish(house, day, tomorrow=True)
                for _ in range(12):
                    await house.wait(seconds=STEP_S / 2)
                    if house.draws > 0:
                        drawn.setdefault(day, Counter())[local.hour] += 1
                    await house.wait(seconds=STEP_S / 2)
        assert not house.died
        drift = [text for code, text in house.bus.events if code == "drift"]
        assert drift == ["connector 1: the cloud holds another schedule"]

    usual = {1: 12, 2: 12, 23: 12}
    assert {day: dict(found) for day, found in drawn.items() if dict(found) != usual} == {changed: charged}
