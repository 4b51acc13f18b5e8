"""Windows of next week, over midnight of Sunday, and at the edges of time."""

import json
from datetime import UTC, datetime
from pathlib import Path

from services.chargeamps.household import Household, MakeHouse, living, schedule


async def test_next_week_is_written_when_its_week_begins(make: MakeHouse) -> None:
    house = make()
    house.charger.plug()
    async with living(house):
        await house.send(schedule(("2025-12-09T22:00", "2025-12-09T23:00")))
        await house.wait(minutes=5)
        assert (house.puts, house.draws, house.status.schedule_active) == ([], 0.0, True)
        assert house.status.detail["note"] == "the next window is written when its week begins"

        await house.wait(days=3, hours=5)
        assert house.puts == ["put 165600-169200@16"]
        await house.wait(days=1, hours=21, minutes=10)
        assert house.draws == 16.0


async def test_sunday_night_goes_on_after_midnight(make: MakeHouse) -> None:
    house = make()
    house.charger.plug()
    async with living(house):
        await house.send(schedule(("2025-12-07T23:00", "2025-12-08T02:00")))
        await house.wait(days=3, hours=3, minutes=30)
        assert house.draws == 16.0
        await house.wait(minutes=40)
        assert (house.draws, house.puts[-1]) == (16.0, "put 0-7200@16")
        await house.wait(hours=2)
        assert (house.draws, house.charger.schedule) == (0.0, None)


async def test_the_last_hour_of_the_longest_sunday_is_reported_as_lost(tmp_path: Path) -> None:
    house = Household(tmp_path, datetime(2026, 10, 25, 11, tzinfo=UTC))
    async with living(house):
        await house.send(schedule(("2026-10-25T22:00", "2026-10-26T00:00")))
        await house.wait(seconds=30)
        assert house.puts == ["put 601200-604800@16"]
        assert house.bus.events == [
            ("window_not_expressible", "connector 1: no hour 169 in a week: 2026-10-25T22:00:00+00:00")
        ]


async def test_periods_and_prices_from_the_edges_of_time_stop_nothing(make: MakeHouse) -> None:
    house = make(hems_timeout_action="standalone")
    async with living(house):
        house.site_zone = "America/New_York"
        await house.restart()
        period = {"start": "0001-01-01T00:00:00Z", "end": "2025-12-04T23:00:00Z"}
        await house.send({"periods": [period]})
        slots = [
            {"start": f"{year}-12-31T23:30:00Z", "end": f"{year}-12-31T23:45:00Z", "price": 0.1}
            for year in ("0001", "9999")
        ]
        house.bus.feed_raw("hems/prices/import", json.dumps(slots))
        await house.wait(minutes=2)
        assert not house.died
        assert (house.status.last_command_result, house.status.in_period) == ("accepted", True)


async def test_a_week_whose_windows_are_over_gives_its_schedule_up_and_blames_nobody(make: MakeHouse) -> None:
    house = make()
    house.charger.plug()
    async with living(house):
        await house.send(
            schedule(("2025-12-07T10:00", "2025-12-07T11:00"), ("2025-12-08T02:00", "2025-12-08T03:00"))
        )
        await house.wait(days=2, hours=15, minutes=30)
        assert (house.charger.schedule, house.draws) == (None, 0.0)
        assert (house.status.sync, house.status.schedule_active) == ("synced", True)
        assert [code for code, _ in house.bus.events] == []

        # And a driver who starts by hand in the same hour is still corrected.
        house.charger.mode, house.charger.user_current = "On", 16.0
        await house.wait(minutes=5)
        assert house.draws == 0.0
        await house.wait(hours=14, minutes=40)
        assert house.draws == 16.0
