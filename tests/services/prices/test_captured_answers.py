"""Real answers of the sources, as somebody published them where each comment says, and the traps in them.

Shortened, otherwise as they were; what was changed to make a trap is changed in the test that needs it.
"""

from datetime import UTC, datetime

import pytest

from busbar_prices.config import source_of
from busbar_prices.quotes import Found, Garbled, slots
from busbar_prices.sources.energidataservice import EnergiDataService
from busbar_prices.sources.entsoe import Entsoe
from busbar_prices.sources.listed import read_list
from busbar_prices.sources.octopus import Octopus
from busbar_prices.sources.tibber import Tibber
from busbar_shared.config.services import PriceSource

NOON = datetime(2025, 1, 4, 11, tzinfo=UTC)

# captured: the first two and the last two hours of an answer for 4 January 2025, from
# tibber-graph/draw_test.go of dhcgn/go-mqtt-dispatcher (commit 054011fe).
TIBBER = b"""{"data":{"viewer":{"homes":[{"currentSubscription":{"priceInfo":{
"current":{"total":0.3293,"energy":0.13,"tax":0.1993,"startsAt":"2025-01-04T12:00:00.000+01:00"},"today":[
{"total":0.2822,"energy":0.0904,"tax":0.1918,"startsAt":"2025-01-04T00:00:00.000+01:00"},
{"total":0.282,"energy":0.0903,"tax":0.1917,"startsAt":"2025-01-04T01:00:00.000+01:00"},
{"total":0.3153,"energy":0.1183,"tax":0.197,"startsAt":"2025-01-04T22:00:00.000+01:00"},
{"total":0.3048,"energy":0.1095,"tax":0.1953,"startsAt":"2025-01-04T23:00:00.000+01:00"}],"tomorrow":[]}}}]}}}"""

# captured: the first three of 22651 results, from OpenEVSE/ESP8266_WiFi_v2.x issue 175 (region D).
OCTOPUS = b"""{"count":22651,"next":"https://api.octopus.energy/v1/products/AGILE-18-02-21/electricity-tariffs/E-1R-AGILE-18-02-21-D/standard-unit-rates/?page=2","previous":null,"results":[
{"value_exc_vat":9.24,"value_inc_vat":9.702,"valid_from":"2018-04-17T21:30:00Z","valid_to":"2018-04-17T22:00:00Z"},
{"value_exc_vat":9.88,"value_inc_vat":10.374,"valid_from":"2018-04-17T21:00:00Z","valid_to":"2018-04-17T21:30:00Z"},
{"value_exc_vat":11.53,"value_inc_vat":12.1065,"valid_from":"2018-04-17T20:30:00Z","valid_to":"2018-04-17T21:00:00Z"}]}"""

# captured: the last three records of the older dataset for 9 January 2023, asked for with two columns,
# from MTrab/energidataservice issue 192.
ENERGI = b"""{"records": [
{"HourUTC": "2023-01-09T20:00:00", "SpotPriceEUR": 138.929993},
{"HourUTC": "2023-01-09T21:00:00", "SpotPriceEUR": 132.0},
{"HourUTC": "2023-01-09T22:00:00", "SpotPriceEUR": 108.309998}]}"""

# captured: the state of the sensor of the Home Assistant integration, from springfall2008/batpred issue 1560.
ENERGI_SENSOR = {
    "unit": "kWh",
    "currency": "DKK",
    "region_code": "DK1",
    "tomorrow_valid": True,
    "today": [0.341, 0.405],
    "raw_today": [
        {"hour": "2024-12-20T00:00:00+01:00", "price": 0.341},
        {"hour": "2024-12-20T01:00:00+01:00", "price": 0.405},
        {"hour": "2024-12-20T02:00:00+01:00", "price": 0.389},
    ],
}

# captured: an event of the Home Assistant integration, from springfall2008/batpred issue 498.
OCTOPUS_SENSOR = {
    "event_type": "octopus_energy_electricity_current_day_rates",
    "rates": [
        {"start": "2023-12-19T00:00:00+00:00", "end": "2023-12-19T00:30:00+00:00", "value_inc_vat": 0.074999,
         "is_capped": False},
        {"start": "2023-12-19T00:30:00+00:00", "end": "2023-12-19T01:00:00+00:00", "value_inc_vat": 0.074999,
         "is_capped": False},
    ],
}  # fmt: skip


def told(found: Found) -> list[tuple[str, str, float]]:
    return [(s.start.strftime("%d %H:%M"), s.end.strftime("%d %H:%M"), s.price) for s in slots(found.quotes)]


def test_tibber_hours_end_with_the_next_and_a_hole_in_the_day_stays_one() -> None:
    found = Tibber("token").read((TIBBER,), NOON)
    assert told(found) == [
        ("03 23:00", "04 00:00", 0.2822),
        ("04 00:00", "04 01:00", 0.282),
        ("04 21:00", "04 22:00", 0.3153),
        ("04 22:00", "04 23:00", 0.3048),
    ]
    # This one was not asked for the currency; the configured one is used then.
    assert (found.currency, found.dropped) == (None, 0)


def test_octopus_half_hours_are_pence_with_vat_and_newest_first() -> None:
    found = Octopus("AGILE-18-02-21", "E-1R-AGILE-18-02-21-D").read(
        (OCTOPUS,), datetime(2018, 4, 17, 12, tzinfo=UTC)
    )
    assert told(found) == [
        ("17 20:30", "17 21:00", 0.121065),
        ("17 21:00", "17 21:30", 0.10374),
        ("17 21:30", "17 22:00", 0.09702),
    ]


# The two rates of E-1R-VAR-22-11-01-A on 17 September 2026, as told in springfall2008/batpred issue 5144.
BOTH_WAYS = b"""{"count": 2, "next": null, "previous": null, "results": [
{"value_inc_vat": 26.381355, "valid_from": "2026-08-31T23:00:00Z", "valid_to": null, "payment_method": "DIRECT_DEBIT"},
{"value_inc_vat": 27.848835, "valid_from": "2026-08-31T23:00:00Z", "valid_to": null,
 "payment_method": "NON_DIRECT_DEBIT"}]}"""


@pytest.mark.parametrize(
    ("options", "price"),
    [
        pytest.param({}, 0.263814, id="with direct debit, as most pay"),
        pytest.param({"direct_debit": False}, 0.278488, id="without"),
    ],
)
def test_a_tariff_with_two_ways_to_pay_has_the_price_of_one(options: dict[str, object], price: float) -> None:
    named = {"product": "VAR-22-11-01", "tariff": "E-1R-VAR-22-11-01-A"}
    source = source_of("import", PriceSource(kind="octopus", options=named | options), {})
    assert source is not None
    found = source.read((BOTH_WAYS,), datetime(2026, 9, 17, 12, tzinfo=UTC))
    assert {one[2] for one in told(found)} == {price}
    assert len(told(found)) == 3


def test_energi_data_service_hours_of_the_older_dataset_in_euro() -> None:
    found = EnergiDataService("DK1", "EUR").read((ENERGI,), NOON)
    assert told(found) == [
        ("09 20:00", "09 21:00", 0.13893),
        ("09 21:00", "09 22:00", 0.132),
        ("09 22:00", "09 23:00", 0.10831),
    ]


def test_energi_data_service_kroner_that_are_missing_are_counted_and_not_taken_for_free() -> None:
    found = EnergiDataService("DK1", "DKK").read((ENERGI,), NOON)
    assert (found.quotes, found.dropped) == ((), 3)


def test_the_sensors_of_two_integrations_of_home_assistant() -> None:
    assert told(read_list(ENERGI_SENSOR)) == [
        ("19 23:00", "20 00:00", 0.341),
        ("20 00:00", "20 01:00", 0.405),
        ("20 01:00", "20 02:00", 0.389),
    ]
    assert [price for _, _, price in told(read_list(OCTOPUS_SENSOR))] == [0.074999, 0.074999]


# captured: the head and the first four points of a document of 17 February 2026 for 10YBE----------2, in
# quarters, from the tests of an open client; positions 1 to 4 of 96, the rest repeats.
QUARTERS = """<TimeSeries><mRID>{mrid}</mRID><auction.type>A01</auction.type><businessType>A62</businessType>
 <contract_MarketAgreement.type>{contract}</contract_MarketAgreement.type>
 <currency_Unit.name>{currency}</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>
 {sequence}<curveType>A03</curveType>
 <Period><timeInterval><start>2026-02-16T23:00Z</start><end>2026-02-17T23:00Z</end></timeInterval>
  <resolution>{resolution}</resolution>{points}</Period></TimeSeries>"""
HEAD = """<?xml version="1.0" encoding="utf-8"?>
<Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3">
 <type>A44</type><createdDateTime>2026-02-17T09:45:56Z</createdDateTime>"""
POINTS = {1: 73.24, 2: 69.79, 3: 65.84, 4: 65.05}
HOURS = {1: 90.0}


def series(
    points: dict[int, float],
    sequence: int | None = None,
    resolution: str = "PT15M",
    contract: str = "A01",
    currency: str = "EUR",
) -> str:
    name = "classificationSequence_AttributeInstanceComponent.position"
    return QUARTERS.format(
        mrid=1,
        contract=contract,
        currency=currency,
        resolution=resolution,
        sequence=f"<{name}>{sequence}</{name}>" if sequence else "",
        points="".join(
            f"<Point><position>{position}</position><price.amount>{price}</price.amount></Point>"
            for position, price in points.items()
        ),
    )


def read(*all_series: str) -> Found:
    document = HEAD + "".join(all_series) + "</Publication_MarketDocument>"
    return Entsoe("10YBE----------2", "token").read((document.encode(),), NOON)


def test_entsoe_quarters_of_a_day() -> None:
    made = told(read(series(POINTS)))
    assert len(made) == 96
    assert [price for _, _, price in made[:5]] == [0.07324, 0.06979, 0.06584, 0.06505, 0.06505]


SDAC, EXAA = series(POINTS, sequence=1), series({1: 50.0}, sequence=2)


@pytest.mark.parametrize(
    ("all_series", "first", "count", "final"),
    [
        pytest.param([SDAC, EXAA], 0.07324, 96, True, id="the coupled auction first"),
        pytest.param([EXAA, SDAC], 0.07324, 96, True, id="the coupled auction last"),
        pytest.param([EXAA], 0.05, 96, False, id="only the earlier auction has spoken yet"),
        pytest.param(
            [series(HOURS, 1, "PT60M"), EXAA], 0.09, 24, True, id="the coupled auction in hours beside quarters"
        ),
        pytest.param(
            [series(HOURS, None, "PT60M"), series(POINTS)], 0.09, 24, True, id="hours and quarters without a rank"
        ),
        pytest.param(
            [series({1: 1.0}, contract="A07"), series(POINTS)], 0.07324, 96, True, id="an intraday auction before it"
        ),
        pytest.param([series({1: 1.0}, contract="A07")], None, 0, True, id="nothing but an intraday auction"),
        pytest.param([SDAC, SDAC], 0.07324, 96, True, id="the same series twice"),
    ],
)  # fmt: skip
def test_entsoe_takes_one_auction_for_each_time(
    all_series: list[str], first: float | None, count: int, final: bool
) -> None:
    found = read(*all_series)
    made = told(found)
    assert (made[0][2] if made else None, len(made), found.final) == (first, count, final)


def test_entsoe_prices_in_two_currencies_are_refused() -> None:
    half = series({1: 300.0}, currency="PLN").replace("2026-02-16T23", "2026-02-17T23")
    with pytest.raises(Garbled, match="EUR and PLN"):
        read(series(POINTS), half.replace("2026-02-17T23:00Z</end>", "2026-02-18T23:00Z</end>"))


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        pytest.param("2026-03-28T23:00Z", "2026-03-29T22:00Z", 92, id="in spring"),
        pytest.param("2026-10-24T22:00Z", "2026-10-25T23:00Z", 100, id="in autumn"),
    ],
)
def test_entsoe_days_on_which_the_clock_changes(start: str, end: str, count: int) -> None:
    day = series(POINTS).replace("2026-02-16T23:00Z", start).replace("2026-02-17T23:00Z", end)
    assert len(told(read(day))) == count


@pytest.mark.parametrize(
    ("text", "is_trouble"),
    [
        # documented: the sentences that EnergieID/entsoe-py looks for.
        pytest.param(
            "No matching data found for Data item Day-ahead Prices [12.1.D]", False, id="nothing there yet"
        ),
        pytest.param(
            "The amount of requested data exceeds allowed limit. Requested 400, allowed 200", True, id="too much"
        ),
    ],
)  # fmt: skip
def test_entsoe_no_prices_yet_is_no_trouble_and_a_wrong_question_is(text: str, is_trouble: bool) -> None:
    reason = f"<Reason><code>999</code><text>{text}</text></Reason>"
    answer = f'<Acknowledgement_MarketDocument xmlns="x">{reason}</Acknowledgement_MarketDocument>'
    source = Entsoe("10YBE----------2", "token")
    if is_trouble:
        with pytest.raises(Garbled, match="exceeds allowed limit"):
            source.read((answer.encode(),), NOON)
    else:
        assert source.read((answer.encode(),), NOON).quotes == ()
