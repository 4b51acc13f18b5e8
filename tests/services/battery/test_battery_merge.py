"""Many voices: the most restrictive limit wins and is named, a no is a no, and nothing depends on who spoke last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_battery.config import plan_from
from busbar_battery.legacy import translated
from busbar_battery.merge import NO_LIMIT, Limit, Offer, least, permitted
from busbar_battery.outside import OutsideLimits
from busbar_battery.prices import inside, price_at
from busbar_battery.settings import from_file
from busbar_battery.wishes import Voices, merged
from busbar_contracts.allocation import SiteLimit, SiteSettings
from busbar_contracts.prices import PriceSeries, PriceSlot
from busbar_shared.config.load import read

NIGHT = datetime(2026, 1, 10, 1, 30, tzinfo=UTC)
SITE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid.modbus]
host = "meter.invalid"
[batteries.cellar.modbus]
host = "inverter.invalid"
[battery_flow]
"""


@pytest.mark.parametrize(
    ("offers", "limit"),
    [
        pytest.param([], NO_LIMIT, id="nobody limits"),
        pytest.param([Offer("file", None)], NO_LIMIT, id="a source without a word"),
        pytest.param(
            [Offer("file", 5000.0), Offer("operator", 1000.0)],
            Limit(1000.0, "operator", False),
            id="the smallest",
        ),
        pytest.param(
            [Offer("file", 5000.0, mandatory=True), Offer("price", 0.0)],
            Limit(0.0, "price", True),
            id="a mandatory limit makes all of it mandatory",
        ),
        pytest.param(
            [Offer("file", 5000.0), Offer("operator", 1000.0, until=99.0)],
            Limit(5000.0, "file", False),
            id="one that lapsed",
        ),
        pytest.param([Offer("operator", 0.0)], Limit(0.0, "operator", False), id="zero is a limit"),
    ],
)
def test_the_most_restrictive_limit_wins_and_is_named(offers: list[Offer], limit: Limit) -> None:
    assert least(offers, 100.0) == limit


@given(st.permutations([Offer("a", 3.0), Offer("b", 1.0), Offer("c", 2.0), Offer("d", None)]))
def test_the_order_of_arrival_decides_nothing(offers: list[Offer]) -> None:
    assert least(offers, 0.0).source == "b"
    assert permitted([Offer("owner", True), Offer("price", False)], 0.0) == (False, "price")
    assert permitted([Offer("price", False), Offer("owner", True)], 0.0) == (False, "price")


def test_nobody_asked_is_a_no() -> None:
    assert permitted([], 0.0) == (False, "")


@pytest.mark.parametrize(
    ("clock", "is_inside"),
    [
        pytest.param("2026-01-10T00:59", False, id="a minute before"),
        pytest.param("2026-01-10T01:00", True, id="the beginning belongs to it"),
        pytest.param("2026-01-10T04:59", True, id="the last minute"),
        pytest.param("2026-01-10T05:00", False, id="the end does not"),
        pytest.param("2026-01-10T23:30", True, id="the other window, before midnight"),
        pytest.param("2026-01-10T00:10", True, id="and after it"),
    ],
)
def test_windows_are_local_and_may_span_midnight(clock: str, is_inside: bool) -> None:
    local = datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo("Europe/Berlin"))

    assert inside(("01:00-05:00", "23:00-00:30"), local) is is_inside


def prices(name: str, *rows: tuple[int, float]) -> PriceSeries:
    slots = tuple(
        PriceSlot(start=NIGHT + timedelta(hours=hour), end=NIGHT + timedelta(hours=hour + 1), price=price)
        for hour, price in rows
    )
    return PriceSeries(schema="hems.prices/1", series=name, currency="EUR", unit="EUR/kWh", slots=slots)


def test_the_price_is_that_of_the_slot_that_covers_now() -> None:
    series = prices("import", (0, 0.10), (1, 0.20))

    assert price_at(series, NIGHT) == 0.10
    assert price_at(series, NIGHT + timedelta(minutes=60)) == 0.20
    assert price_at(series, NIGHT - timedelta(seconds=1)) is None
    assert price_at(None, NIGHT) is None


@pytest.mark.parametrize(
    ("flow", "series", "allowed"),
    [
        pytest.param("grid_charging = false", None, False, id="the owner did not allow it"),
        pytest.param("grid_charging = true", None, True, id="the owner allowed it"),
        pytest.param(
            'grid_charging = true\ngrid_charging_windows = ["02:00-03:00"]',
            None,
            True,
            id="inside the window, Berlin time",
        ),
        pytest.param(
            'grid_charging = true\ngrid_charging_windows = ["03:00-04:00"]',
            None,
            False,
            id="outside the window",
        ),
        pytest.param(
            "grid_charging = true\ngrid_charging_below_price = 0.1",
            prices("import", (0, 0.10)),
            True,
            id="cheap enough",
        ),
        pytest.param(
            "grid_charging = true\ngrid_charging_below_price = 0.1",
            prices("import", (0, 0.11)),
            False,
            id="too dear",
        ),
        pytest.param(
            "grid_charging = true\ngrid_charging_below_price = 0.1",
            None,
            False,
            id="an unknown price is never cheap",
        ),
    ],
)
def test_the_grid_charges_only_when_everyone_who_was_asked_permits(
    flow: str, series: PriceSeries | None, allowed: bool
) -> None:
    plan = plan_from(read(SITE + flow))
    voices = Voices(settings=from_file(plan), site=None, import_prices=series, export_prices=None)

    assert merged(plan, voices, NIGHT, 0.0).grid_charging is allowed


def test_the_import_limit_is_the_smallest_of_file_owner_and_operator() -> None:
    plan = plan_from(read(SITE + "import_limit_w = 9000"))
    voices = Voices(
        settings=from_file(plan),
        site=SiteSettings(import_limit_w=8000.0, power_buffer_w=500.0),
        import_prices=None,
        export_prices=None,
        outside_imports=(Offer("operator", 7600.0, mandatory=True),),
    )

    wishes = merged(plan, voices, NIGHT, 0.0)

    assert (wishes.import_limit, wishes.sources["import"]) == (7500.0, "import limit of the site")


@pytest.mark.parametrize(
    ("price", "limit", "mandatory"),
    [
        pytest.param(
            -0.01, 0.0, True, id="below zero nothing is exported, and the file's limit stays mandatory"
        ),
        pytest.param(0.0, 4000.0, True, id="at zero the file's limit alone"),
        pytest.param(None, 4000.0, True, id="an unknown price limits nothing"),
    ],
)
def test_the_export_price(price: float | None, limit: float, mandatory: bool) -> None:
    plan = plan_from(read(SITE + "export_limit_w = 4000\nzero_export_below_price = 0"))
    series = None if price is None else prices("export", (0, price))
    voices = Voices(settings=from_file(plan), site=None, import_prices=None, export_prices=series)

    wishes = merged(plan, voices, NIGHT, 0.0)

    assert (wishes.export_limit, wishes.mandatory) == (limit, mandatory)


def test_only_named_issuers_limit_the_site_and_their_limits_lapse() -> None:
    book = OutsideLimits(("operator",), 3000.0)
    order = SiteLimit(
        issuer="operator", instance="x", seq=1, issued_at=NIGHT, lease_s=30, reason="§14a", import_limit_w=4200
    )  # fmt: skip
    stranger = SiteLimit(
        issuer="stranger", instance="x", seq=1, issued_at=NIGHT, lease_s=30, reason="", import_limit_w=0
    )  # fmt: skip

    assert book.offer(order, NIGHT, 100.0, False) is None
    refusal = book.offer(stranger, NIGHT, 100.0, False)

    assert refusal is not None
    assert refusal.code == "unknown_issuer"
    assert [one.value for one in book.imports(110.0)] == [4200.0]
    assert book.imports(131.0) == [Offer("fallback of outside limits", 3000.0)]
    assert book.exports(110.0) == []


def test_old_names_are_translated_ignored_or_refused_each_with_a_sentence() -> None:
    old = {"batteryGridChargingMaxWatts": 2000, "batteryDischargeRatePercent": 50}
    made = translated(old, settings=True, most={"discharge_max_w": 5000.0})
    assert made.values == {"grid_charging_max_w": 2000, "discharge_max_w": 2500.0}
    assert made.notes == (
        "batteryGridChargingMaxWatts is now called grid_charging_max_w",
        "batteryDischargeRatePercent is now discharge_max_w, here 2500 W",
    )
    assert translated({"batteryChargeRatePercent": 120}, most={"charge_max": 5000.0}).refusal is not None
    assert translated({"batteryChargeRatePercent": 50}, most={"charge_max": None}).refusal is not None
    assert translated({"batteryChargeRatePercent": None}).values == {}
    assert translated({"batteryStorageMode": 1}).refusal is not None
    both = translated({"batterySocMinPercent": 10, "soc_min": 20})
    assert both.refusal == "batterySocMinPercent: given together with soc_min, its new name"
