"""What each source says and how it is read.

`captured`: part of a real answer of the source, as published where the comment says.
`documented`: the form the source's own documents or clients show; nobody here has seen a real answer.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from busbar_prices.quotes import Found, Garbled, slots
from busbar_prices.sources.energidataservice import EnergiDataService
from busbar_prices.sources.entsoe import Entsoe
from busbar_prices.sources.listed import read_file, read_list
from busbar_prices.sources.nordpool import NordPool
from busbar_prices.sources.octopus import Octopus
from busbar_prices.sources.tibber import Tibber

NOON = datetime(2025, 12, 4, 12, tzinfo=UTC)

# captured: first and last hour of tests/components/nordpool/fixtures/delivery_period_nl.json of
# home-assistant/core (commit 69750c83), an answer of the portal for NL and 5 November 2024.
NORDPOOL_CAPTURED = b"""{"deliveryDateCET": "2024-11-05", "version": 2, "updatedAt": "2024-11-04T11:58:10.7711584Z",
 "deliveryAreas": ["NL"], "market": "DayAhead", "multiAreaEntries": [
 {"deliveryStart": "2024-11-04T23:00:00Z", "deliveryEnd": "2024-11-05T00:00:00Z", "entryPerArea": {"NL": 83.63}},
 {"deliveryStart": "2024-11-05T22:00:00Z", "deliveryEnd": "2024-11-05T23:00:00Z", "entryPerArea": {"NL": 110.03}}],
 "currency": "EUR", "exchangeRate": 1, "areaStates": [{"state": "Final", "areas": ["NL"]}]}"""

# captured: a document of 23 August 2025 for 10YCZ-CEPS-----N, shortened to its first series and four
# points, from tests/model/market/test_publication_market_document.py of an open entsoe_client.
ENTSOE_CAPTURED = b"""<?xml version="1.0" encoding="utf-8"?>
<Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3">
 <mRID>f86583463b2b4fa68fe1a5e5d1d0c5cf</mRID><type>A44</type><createdDateTime>2025-08-23T16:09:32Z</createdDateTime>
 <period.timeInterval><start>2025-08-21T22:00Z</start><end>2025-08-23T22:00Z</end></period.timeInterval>
 <TimeSeries><mRID>1</mRID><currency_Unit.name>EUR</currency_Unit.name>
  <price_Measure_Unit.name>MWH</price_Measure_Unit.name><curveType>A03</curveType>
  <Period><timeInterval><start>2025-08-21T22:00Z</start><end>2025-08-22T22:00Z</end></timeInterval>
   <resolution>PT60M</resolution>
   <Point><position>1</position><price.amount>88.33</price.amount></Point>
   <Point><position>2</position><price.amount>80.75</price.amount></Point>
   <Point><position>3</position><price.amount>77.23</price.amount></Point>
   <Point><position>4</position><price.amount>75.91</price.amount></Point>
  </Period></TimeSeries></Publication_MarketDocument>"""

# documented: the readme of the npm package tibber-get-price-info shows such an entry.
TIBBER_DOCUMENTED = b"""{"data": {"viewer": {"homes": [
 {"id": "a", "currentSubscription": null},
 {"id": "b", "currentSubscription": {"priceInfo": {"today": [
  {"total": 2.563, "energy": 2.0424, "tax": 0.5206, "startsAt": "2022-05-07T00:00:00.000+02:00", "currency": "NOK"},
  {"total": 2.5, "energy": 2.0, "tax": 0.5, "startsAt": "2022-05-07T01:00:00.000+02:00", "currency": "NOK"}],
  "tomorrow": []}}}]}}}"""

# documented: https://developer.octopus.energy/rest/guides/endpoints, "unit rates"; pence, newest first.
OCTOPUS_DOCUMENTED = b"""{"count": 2, "next": null, "previous": null, "results": [
 {"value_exc_vat": 20.0, "value_inc_vat": 21.0, "valid_from": "2023-03-26T01:30:00Z", "valid_to": null,
  "payment_method": null},
 {"value_exc_vat": 23.4, "value_inc_vat": 24.57, "valid_from": "2023-03-26T01:00:00Z",
  "valid_to": "2023-03-26T01:30:00Z", "payment_method": null}]}"""

# documented: the dataset's page; the figures of 27 September 2025 stand in tests of open clients.
ENERGI_DOCUMENTED = b"""{"total": 3, "dataset": "DayAheadPrices", "records": [
 {"TimeUTC": "2025-09-27T21:00:00", "TimeDK": "2025-09-27T23:00:00", "PriceArea": "DK1",
  "DayAheadPriceEUR": 99.269997, "DayAheadPriceDKK": 740.951258},
 {"TimeUTC": "2025-09-27T20:00:00", "TimeDK": "2025-09-27T22:00:00", "PriceArea": "DK1",
  "DayAheadPriceEUR": 104.44, "DayAheadPriceDKK": 779.54},
 {"TimeUTC": "2025-09-27T20:00:00", "TimeDK": "2025-09-27T22:00:00", "PriceArea": "DK2",
  "DayAheadPriceEUR": 1.0, "DayAheadPriceDKK": 7.0}]}"""


def told(found: Found) -> list[tuple[str, str, float]]:
    return [(s.start.strftime("%d %H:%M"), s.end.strftime("%d %H:%M"), s.price) for s in slots(found.quotes)]


def test_nord_pool_prices_are_per_megawatt_hour() -> None:
    found = NordPool("NL", "EUR").read((NORDPOOL_CAPTURED, None, None), NOON)
    assert told(found) == [("04 23:00", "05 00:00", 0.08363), ("05 22:00", "05 23:00", 0.11003)]
    assert (found.currency, found.final) == ("EUR", True)


def test_nord_pool_prices_of_another_area_are_not_taken() -> None:
    found = NordPool("DE-LU", "EUR").read((NORDPOOL_CAPTURED, None, None), NOON)
    assert (found.quotes, found.dropped) == ((), 2)


def test_nord_pool_preliminary_prices_say_so() -> None:
    answer = NORDPOOL_CAPTURED.replace(b"Final", b"Preliminary")
    assert NordPool("NL", "EUR").read((answer, None, None), NOON).final is False


def test_nord_pool_is_asked_for_the_days_of_its_own_zone() -> None:
    late = datetime(2025, 12, 4, 23, 30, tzinfo=UTC)
    asked = [ask.url.partition("?")[2] for ask in NordPool("NL", "EUR").asks(late)]
    assert [one.partition("&")[0] for one in asked] == [
        "date=2025-12-05",
        "date=2025-12-06",
        "date=2025-12-04",
    ]


def test_entsoe_prices_that_repeat_are_left_out_and_carried_forward() -> None:
    found = Entsoe("10YCZ-CEPS-----N", "token").read((ENTSOE_CAPTURED,), NOON)
    made = told(found)
    assert len(made) == 24
    assert made[:2] == [("21 22:00", "21 23:00", 0.08833), ("21 23:00", "22 00:00", 0.08075)]
    assert made[-1] == ("22 21:00", "22 22:00", 0.07591)


def test_entsoe_points_of_a_curve_without_carrying_leave_a_hole() -> None:
    answer = ENTSOE_CAPTURED.replace(b"A03", b"A01")
    assert len(told(Entsoe("10YCZ-CEPS-----N", "token").read((answer,), NOON))) == 4


def test_entsoe_the_first_sequence_counts_where_two_auctions_have_prices() -> None:
    name = b"classificationSequence_AttributeInstanceComponent.position"
    second = ENTSOE_CAPTURED.split(b"<TimeSeries>")[1].split(b"</Publication")[0].replace(b"88.33", b"1.00")
    ranked = b"<TimeSeries><%s>2</%s>" % (name, name) + second
    answer = ENTSOE_CAPTURED.replace(b"</Publication", ranked + b"</Publication")
    assert told(Entsoe("x", "token").read((answer,), NOON))[0] == ("21 22:00", "21 23:00", 0.08833)


def test_entsoe_says_no_data_with_an_acknowledgement() -> None:
    # documented: the platform's REST guide, code 999.
    answer = b'<Acknowledgement_MarketDocument xmlns="x"><Reason><code>999</code></Reason></Acknowledgement_MarketDocument>'
    assert Entsoe("x", "token").read((answer,), NOON).quotes == ()


@pytest.mark.parametrize(
    "answer",
    [
        b'<!DOCTYPE a [<!ENTITY b "bbbb">]><Publication_MarketDocument>&b;</Publication_MarketDocument>',
        b"<html>",
        b"",
        b"<Publication_MarketDocument><TimeSeries><Period/></TimeSeries></Publication_MarketDocument>",
    ],
    ids=["a document that expands", "a page", "nothing", "a period without times"],
)
def test_entsoe_answers_that_make_no_sense_give_no_price(answer: bytes) -> None:
    try:
        found = Entsoe("x", "token").read((answer,), NOON)
    except Garbled:
        return
    assert found.quotes == ()


def test_the_token_of_entsoe_is_in_no_text_about_the_question() -> None:
    [ask] = Entsoe("x", "top-secret").asks(NOON)
    assert "top-secret" in ask.url
    assert "top-secret" not in repr(ask)


def test_tibber_prices_have_no_end_and_everything_inside() -> None:
    found = Tibber("token").read((TIBBER_DOCUMENTED,), NOON)
    assert told(found) == [("06 22:00", "06 23:00", 2.563), ("06 23:00", "07 00:00", 2.5)]
    assert found.currency == "NOK"


def test_tibber_errors_are_no_prices() -> None:
    with pytest.raises(Garbled):
        Tibber("token").read((b'{"errors": [{"message": "invalid token"}], "data": null}',), NOON)


def test_octopus_rates_are_pence_and_an_open_rate_ends_with_the_question() -> None:
    now = datetime(2023, 3, 26, 12, tzinfo=UTC)
    found = Octopus("AGILE-24-10-01", "E-1R-AGILE-24-10-01-C").read((OCTOPUS_DOCUMENTED,), now)
    assert told(found) == [
        ("26 01:00", "26 01:30", 0.2457),
        ("26 01:30", "27 00:00", 0.21),
        ("27 00:00", "28 00:00", 0.21),
    ]


@pytest.mark.parametrize(("currency", "price"), [("DKK", 0.740951), ("EUR", 0.09927)])
def test_energi_data_service_has_both_currencies_and_only_the_asked_area(currency: str, price: float) -> None:
    found = EnergiDataService("DK1", currency).read((ENERGI_DOCUMENTED,), NOON)
    assert [one[0] for one in told(found)] == ["27 20:00", "27 21:00"]
    assert told(found)[1][2] == price


CSV = """start,end,price
2025-12-04T22:00:00+01:00,2025-12-04T23:00:00+01:00,0.20
2025-12-04T23:00:00+01:00,2025-12-05T00:00:00+01:00,-0.01
2025-12-05T00:00:00+01:00,2025-12-05T01:00:00+01:00,
2025-12-05T01:00:00,2025-12-05T02:00:00,0.10
"""


def test_a_csv_file_without_a_price_or_an_offset_loses_those_lines() -> None:
    found = read_file(CSV)
    assert told(found) == [("04 21:00", "04 22:00", 0.2), ("04 22:00", "04 23:00", -0.01)]
    assert found.dropped == 2


# documented: the attribute `price_curve` of the sensor of the add-on energy-prices (MarkBovee/ha-addons).
CURVE = [{"start": "2025-12-04T23:00:00+00:00", "end": "2025-12-04T23:15:00+00:00", "price": 0.2793}]


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param(CURVE, id="a bare list"),
        pytest.param({"price_curve": CURVE}, id="the attribute of the original add-on"),
        pytest.param({"currency": "EUR", "slots": CURVE}, id="the neutral form"),
        pytest.param(
            {"raw_today": [{"start": "2025-12-05T00:00:00+01:00", "end": "2025-12-05T00:15:00+01:00", "value": 0.2793}]},
            id="raw_today of the custom Nord Pool integration",
        ),
    ],
)  # fmt: skip
def test_lists_of_home_assistant_sensors_are_understood(listed: Any) -> None:
    assert told(read_list(listed)) == [("04 23:00", "04 23:15", 0.2793)]


@pytest.mark.parametrize(
    ("says", "price"),
    [
        pytest.param({"unit": "kWh", "price_in_cents": False}, 80.0, id="per kWh"),
        pytest.param({"unit": "MWh"}, 0.08, id="per MWh"),
        pytest.param({"unit": "Wh"}, 80_000.0, id="per Wh"),
        pytest.param({"unit": "kWh", "price_in_cents": True}, 0.8, id="cents by a flag"),
        pytest.param({"unit": "EUR/MWh"}, 0.08, id="with the money in front"),
        pytest.param({"unit_of_measurement": "öre/kWh"}, 0.8, id="in the hundredth part of a crown"),
    ],
)
def test_a_list_says_in_which_unit_it_is(says: dict[str, Any], price: float) -> None:
    # documented: the attributes of the custom Nord Pool integration (custom-components/nordpool).
    slot = {"start": "2025-12-05T00:00:00+01:00", "end": "2025-12-05T00:15:00+01:00", "value": 80.0}
    assert told(read_list(says | {"raw_today": [slot]})) == [("04 23:00", "04 23:15", price)]


@pytest.mark.parametrize("unit", ["day", "EUR", "kW", "EUR/kWh/h"])
def test_a_unit_nobody_knows_gives_no_price(unit: str) -> None:
    with pytest.raises(Garbled, match="unit"):
        read_list({"unit": unit, "slots": CURVE})


@pytest.mark.parametrize("listed", [[], {}, 7, None, {"today": [0.1, 0.2]}, "x"])
def test_lists_without_times_are_refused(listed: Any) -> None:
    with pytest.raises(Garbled):
        read_list(listed)


@pytest.mark.parametrize(
    "answer", [b"", b"null", b"[]", b"7", b"{", b'{"data": 1}', b'{"results": 3}', b"\xff\xfe"]
)
def test_answers_that_make_no_sense_never_raise_anything_else(answer: bytes) -> None:
    sources = [
        NordPool("NL", "EUR"), Tibber("t"), Octopus("p", "t"), EnergiDataService("DK1", "DKK"), Entsoe("x", "t"),
    ]  # fmt: skip
    for source in sources:
        try:
            found = source.read((answer, None, None), NOON)
        except Garbled:
            continue
        assert found.quotes == ()
