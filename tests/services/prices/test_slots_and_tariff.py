"""From quotes to slots, from the exchange's price to the household's."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from busbar_prices.config import check, source_of
from busbar_prices.quotes import Contradiction, Found, Quote, slots
from busbar_prices.series import Series, made
from busbar_prices.tariff import Tariff, by_hour
from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site
from busbar_shared.config.services import PriceSource

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MIDNIGHT = datetime(2025, 12, 3, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)


def starting(*hours: float) -> list[Quote]:
    return [Quote(MIDNIGHT + hour * HOUR, None, 0.1) for hour in hours]


@pytest.mark.parametrize(
    ("hours", "ends"),
    [
        pytest.param(
            (0, 1, 2), (1, 2, 3), id="each ends where the next begins, the last after the usual step"
        ),
        pytest.param((0, 1, 5, 6), (1, 2, 6, 7), id="a hole stays a hole"),
        pytest.param((0, 0.25, 0.5, 1.5), (0.25, 0.5, 0.75, 1.75), id="quarters with a hole of an hour"),
        pytest.param((0,), (), id="a single start has no length"),
    ],
)
def test_missing_ends(hours: tuple[float, ...], ends: tuple[float, ...]) -> None:
    assert [(one.end - MIDNIGHT) / HOUR for one in slots(starting(*hours))] == list(ends)


def test_two_prices_for_one_time_are_refused() -> None:
    with pytest.raises(Contradiction):
        slots([Quote(MIDNIGHT, MIDNIGHT + HOUR, 0.1), Quote(MIDNIGHT + HOUR / 2, MIDNIGHT + 2 * HOUR, 0.2)])


def test_the_same_price_twice_is_one_slot() -> None:
    quote = Quote(MIDNIGHT, MIDNIGHT + HOUR, 0.1)
    assert len(slots([quote, quote])) == 1


def test_vat_then_a_fixed_part_then_the_part_of_the_local_hour() -> None:
    tariff = Tariff(21.0, 0.13, by_hour({"07-23": 0.02, "23-07": 0.01}, "prices"))
    assert tariff.price(0.10, MIDNIGHT, AMSTERDAM) == pytest.approx(0.10 * 1.21 + 0.13 + 0.01)
    assert tariff.price(0.10, MIDNIGHT + 7 * HOUR, AMSTERDAM) == pytest.approx(0.10 * 1.21 + 0.13 + 0.02)


def test_the_part_by_hour_follows_the_wall_clock_over_a_change() -> None:
    tariff = Tariff(by_hour=by_hour({"3-4": 1.0}, "prices"))
    sunday = datetime(2026, 3, 28, 23, tzinfo=UTC)
    prices = [tariff.price(0.0, sunday + i * HOUR, AMSTERDAM) for i in range(4)]
    assert prices == [0.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("name", ["", "7", "25-26", "night", "07:00-23:00"])
def test_a_range_of_hours_that_is_none_is_named(name: str) -> None:
    with pytest.raises(BadConfig, match=r"prices\.series\.import\.per_hour"):
        by_hour({name: 0.1}, "prices.series.import")


def test_a_series_begins_with_the_local_day_and_names_what_is_inside() -> None:
    quotes = tuple(Quote(MIDNIGHT + i * HOUR, MIDNIGHT + (i + 1) * HOUR, 0.1) for i in range(-5, 24))
    series = Series("import", "nordpool:NL", "EUR", False, Tariff(21.0), AMSTERDAM)

    message = made(series, Found(quotes=quotes), MIDNIGHT + 12 * HOUR)

    assert (len(message.slots), message.slots[0].start) == (24, MIDNIGHT)
    assert (message.components, message.unit, message.resolution_s) == ("all_in", "EUR/kWh", 3600)
    assert message.slots[0].price == 0.121


@pytest.mark.parametrize(
    ("told", "key"),
    [
        pytest.param({"kind": "nordpool"}, "area", id="no area"),
        pytest.param({"kind": "octopus", "options": {"product": "AGILE"}}, "options", id="half a tariff"),
        pytest.param({"kind": "file"}, "file", id="no file"),
        pytest.param(
            {"kind": "tibber", "options": {"url": "https://host:99999/"}}, "options.url", id="no such port"
        ),
        pytest.param({"kind": "tibber", "options": {"url": "host/path"}}, "options.url", id="no address"),
        pytest.param({"kind": "mqtt"}, "topic", id="no topic"),
        pytest.param(
            {"kind": "tibber", "options": {"quarter": True}}, "options.quarter", id="no such option"
        ),
        pytest.param(
            {"kind": "tibber", "options": {"quarters": "yes"}}, "options.quarters", id="no yes or no"
        ),
        pytest.param({"kind": "mqtt", "topic": "x", "per_hour": {"noon": 1.0}}, "per_hour", id="no hours"),
    ],
)
def test_a_series_that_cannot_work_is_named_with_its_key(told: dict[str, object], key: str) -> None:
    site = msgspec.convert({"prices": {"series": {"import": told}}}, Site)
    with pytest.raises(BadConfig, match=rf"^prices\.series\.import\.{key}: "):
        check(site)


def test_a_token_that_is_missing_is_named_and_one_that_is_there_is_not() -> None:
    told = msgspec.convert({"kind": "tibber", "token": "MY_TOKEN"}, PriceSource)
    with pytest.raises(BadConfig, match="neither MY_TOKEN nor MY_TOKEN_FILE is set"):
        source_of("import", told, {})
    source = source_of("import", told, {"MY_TOKEN": "top-secret"})
    assert source is not None
    assert "top-secret" not in repr(source.asks(MIDNIGHT))
