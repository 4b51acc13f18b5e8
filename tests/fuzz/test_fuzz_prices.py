"""Answers of the price sources, bent at random: prices that the contract takes, or a refusal. Never anything else.

What is bent are the captured and documented answers on which each parser is tested.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from busbar_contracts.prices import PriceSeries
from busbar_contracts.topics import topic_of
from busbar_prices.quotes import Found, Garbled
from busbar_prices.series import Series, made
from busbar_prices.sources.energidataservice import EnergiDataService
from busbar_prices.sources.entsoe import Entsoe
from busbar_prices.sources.listed import parsed, read_file, read_list
from busbar_prices.sources.nordpool import NordPool
from busbar_prices.sources.octopus import Octopus
from busbar_prices.sources.tibber import Tibber
from busbar_prices.tariff import Tariff
from busbar_shared.judge import decode
from fuzz.test_fuzz_bus import ODD, bent
from services.prices.test_sources import (
    ENERGI_DOCUMENTED,
    ENTSOE_CAPTURED,
    NORDPOOL_CAPTURED,
    OCTOPUS_DOCUMENTED,
    TIBBER_DOCUMENTED,
)

NOW = datetime(2024, 11, 5, 12, tzinfo=UTC)
SERIES = Series(
    name="import", label="a source", currency="EUR", all_in=False, tariff=Tariff(), zone=ZoneInfo("Europe/Amsterdam")
)  # fmt: skip
JSON_SOURCES: dict[str, tuple[Any, bytes]] = {
    "nordpool": (NordPool("NL", "EUR"), NORDPOOL_CAPTURED),
    "tibber": (Tibber("token", None, False), TIBBER_DOCUMENTED),
    "octopus": (Octopus("AGILE", "E-1R"), OCTOPUS_DOCUMENTED),
    "energidataservice": (EnergiDataService("DK1", "EUR"), ENERGI_DOCUMENTED),
}
LISTED = [
    {"start": "2024-11-05T00:00:00Z", "end": "2024-11-05T01:00:00Z", "price": 0.25},
    {"start": "2024-11-05T01:00:00Z", "end": "2024-11-05T02:00:00Z", "price": -0.01},
]
ODD_TEXT = [
    "",
    "NaN",
    "inf",
    "-1e999",
    "9" * 400,
    "PT0M",
    "PT-5M",
    "P9999999D",
    "2025-08-22T22:00Z",
    "0",
    "-1",
    "\x00",
]


def read(source: Any, *answers: bytes) -> Found | None:
    """What the source makes of the answers; None where it refuses them."""
    try:
        found: Found = source.read(answers, NOW)
    except Garbled:
        return None
    return found


def judged(found: Found | None) -> None:
    """What is found makes a message that the contract takes, in order and without overlaps."""
    if found is None:
        return
    try:
        message = made(SERIES, found, NOW)
    except Garbled:
        return
    raw = msgspec.json.encode(message)
    topic = topic_of(PriceSeries)
    assert len(raw) <= topic.max_bytes
    again = decode(topic, raw)
    assert isinstance(again, PriceSeries)
    for one, following in zip(again.slots, again.slots[1:], strict=False):
        assert one.start < one.end <= following.start


@st.composite
def torn(draw: st.DrawFn, value: Any) -> bytes:
    """The value bent up to four times, and at times cut or with noise in it."""
    for _ in range(draw(st.integers(1, 4))):
        value = bent(draw, value)
    raw = json.dumps(value).encode("utf-8", "surrogatepass")
    how = draw(st.sampled_from(["whole", "whole", "whole", "cut", "noise"]))
    at = draw(st.integers(0, len(raw)))
    if how == "cut":
        return raw[:at]
    return raw[:at] + draw(st.binary(max_size=8)) + raw[at:] if how == "noise" else raw


@pytest.mark.parametrize("name", JSON_SOURCES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_bent_answer_is_read_or_refused(name: str, data: st.DataObject) -> None:
    source, good = JSON_SOURCES[name]

    judged(read(source, data.draw(torn(json.loads(good)))))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(ODD_TEXT)), min_size=1, max_size=4))
def test_a_bent_document_is_read_or_refused(changes: list[tuple[int, str]]) -> None:
    text = ENTSOE_CAPTURED.decode()
    for place, odd in changes:
        fields = list(re.finditer(r">([^<>\s][^<>]*)<", text))
        one = fields[place % len(fields)]
        text = text[: one.start(1)] + odd + text[one.end(1) :]

    judged(read(Entsoe("10YCZ-CEPS-----N", "token"), text.encode()))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([*JSON_SOURCES, "entsoe"]))
def test_any_bytes_are_read_or_refused(raw: bytes, name: str) -> None:
    source = Entsoe("10YCZ-CEPS-----N", "token") if name == "entsoe" else JSON_SOURCES[name][0]

    judged(read(source, raw))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(torn(LISTED))
def test_a_bent_list_on_a_topic_is_read_or_refused(raw: bytes) -> None:
    try:
        found = read_list(parsed(raw))
    except Garbled:
        return
    judged(found)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*map(str, ODD), "2024-11-05T00:00:00Z", "0.25", ","]), max_size=12))
def test_a_bent_file_of_prices_is_read_or_refused(words: list[str]) -> None:
    try:
        found = read_file("start,end,price\n" + ",".join(words))
    except Garbled:
        return
    judged(found)
