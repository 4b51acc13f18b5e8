"""Cheap hours over midnight, on the two days on which the clock changes, and where prices are missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from busbar_battery.config import plan_from
from busbar_battery.settings import from_file
from busbar_battery.wishes import Voices, merged
from busbar_contracts.prices import PriceSeries, PriceSlot
from busbar_shared.config.load import read

SITE = """
[site]
timezone = "Europe/Stockholm"
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid.modbus]
host = "meter.invalid"
[batteries.cellar.modbus]
host = "inverter.invalid"
[battery_flow]
grid_charging = true
"""


def minutes_allowed(flow: str, noon: datetime, prices: PriceSeries | None = None) -> list[datetime]:
    """The minutes, in UTC, from one noon to the next in which the grid may charge the battery."""
    plan = plan_from(read(SITE + flow))
    voices = Voices(settings=from_file(plan), site=None, import_prices=prices, export_prices=None)
    day = [noon + timedelta(minutes=number) for number in range(25 * 60)]
    return [now for now in day if merged(plan, voices, now, 0.0).grid_charging]


@pytest.mark.parametrize(
    ("window", "winter", "spring", "autumn"),
    [
        pytest.param("01:00-05:00", 240, 180, 300, id="the night is an hour shorter or longer"),
        pytest.param("02:00-03:00", 60, 0, 120, id="the hour that is left out, or comes twice"),
        pytest.param("23:30-02:30", 180, 150, 210, id="over midnight into the change"),
        pytest.param("22:00-02:00", 240, 240, 240, id="over midnight and done before it"),
        pytest.param("03:00-04:00", 60, 60, 60, id="the hour after it"),
    ],
)
def test_a_window_is_what_the_clock_on_the_wall_says(
    window: str, winter: int, spring: int, autumn: int
) -> None:
    flow = f'grid_charging_windows = ["{window}"]'

    opened = [
        len(minutes_allowed(flow, datetime(*day, 11, tzinfo=UTC)))
        for day in ((2026, 1, 9), (2026, 3, 28), (2026, 10, 24))
    ]

    assert opened == [winter, spring, autumn]


def test_an_hour_without_a_price_is_not_cheap_and_those_beside_it_are() -> None:
    noon = datetime(2026, 10, 24, 11, tzinfo=UTC)
    slots = tuple(
        PriceSlot(start=noon + timedelta(hours=hour), end=noon + timedelta(hours=hour + 1), price=0.05)
        for hour in range(24)
        if hour not in (13, 14)
    )
    series = PriceSeries(schema="hems.prices/1", series="import", currency="EUR", unit="EUR/kWh", slots=slots)

    allowed = minutes_allowed(
        'grid_charging_below_price = 0.05\ngrid_charging_windows = ["01:00-04:00"]', noon, series
    )

    # From 1:00 to 4:00 by the wall are four hours that night, 23:00 to 3:00 UTC: the second and the third have no price.
    assert (len(allowed), allowed[0], allowed[-1]) == (
        120, datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2026, 10, 25, 2, 59, tzinfo=UTC),
    )  # fmt: skip
