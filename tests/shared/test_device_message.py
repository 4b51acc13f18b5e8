"""What is believed of a message from a device nobody has vouched for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_shared.config.load import BadConfig
from busbar_shared.device_message import DeviceMessage, Source
from busbar_shared.device_topics import CELSIUS_IN, NO_UNIT, WATTS_IN, Place, source
from busbar_shared.json_path import at_path


@pytest.mark.parametrize(
    ("payload", "path", "value"),
    [
        pytest.param(b"48.5", "", 48.5, id="a bare number"),
        pytest.param(b'{"temperature":48.5}', "temperature", 48.5, id="a number in JSON"),
        pytest.param(b'{"DS18B20":{"Temperature":48.5},"TempUnit":"C"}', "DS18B20.Temperature", 48.5, id="a Tasmota sensor"),
        pytest.param(b'{"humidity":3}', "temperature", None, id="a message about something else"),
        pytest.param(b'{"temperature":null}', "temperature", None, id="a null is unknown"),
        pytest.param(b"-127", "", "out_of_range", id="a sensor that is unplugged"),
        pytest.param(b"nan", "", "not_finite", id="not a number at all"),
        pytest.param(b"warm", "", "not_a_number", id="a word"),
        pytest.param(b'{"temperature":[48]}', "temperature", "not_a_number", id="an array"),
        pytest.param(b'{"temperature":true}', "temperature", "not_a_number", id="true"),
        pytest.param(b'{"temperature":' + b"9" * 400 + b"}", "temperature", "out_of_range", id="400 digits"),
        pytest.param(b"9" * 400, "", "not_finite", id="400 digits alone"),
        pytest.param(b'{"temperature":-' + b"9" * 400 + b"}", "temperature", "out_of_range", id="400 digits below zero"),
        pytest.param(b"\xff", "", "not_utf8", id="not text"),
        pytest.param(b"{", "a", "not_json", id="truncated"),
        pytest.param(b" " * 70_000, "", "payload_too_large", id="too large"),
    ],
)  # fmt: skip
def test_a_thermometer_is_believed_only_when_it_can_be(
    payload: bytes, path: str, value: float | str | None
) -> None:
    message = DeviceMessage("t", payload)
    read = message.number(Source("t", path), "temperature", (-55.0, 125.0))

    assert (message.problems[0].code if message.problems else read) == value
    assert read is None or not message.problems


@given(payload=st.binary(max_size=100), path=st.sampled_from(["", "a", "a.b[0]", "$.[1]"]))
def test_no_payload_stops_a_reading(payload: bytes, path: str) -> None:
    message, source = DeviceMessage("t", payload), Source("t", path)
    read = message.number(source, "temperature", (-55.0, 125.0))

    assert read is None or -55 <= read <= 125
    assert isinstance(message.switch(source, "on"), bool | None)
    assert isinstance(message.word(source, "mode"), str | None)
    assert isinstance(message.either(source, "there", "online", "offline"), bool | None)


def test_a_message_that_cannot_be_read_is_one_problem_however_much_is_asked_of_it() -> None:
    message = DeviceMessage("t", b"{")

    assert message.number(Source("t", "power"), "power", (0.0, 1.0)) is None
    assert message.switch(Source("t", "on"), "on") is None
    assert [problem.code for problem in message.problems] == ["not_json"]


def test_a_number_is_given_in_our_unit_and_bounded_in_it() -> None:
    message = DeviceMessage("t", b'{"kw":2.5,"kwh":900}')

    assert message.number(Source("t", "kw", 1000.0), "power", (-100_000.0, 100_000.0)) == 2500.0
    assert message.number(Source("t", "kwh", 1000.0), "power", (-100_000.0, 100_000.0)) is None
    assert [problem.text for problem in message.problems] == ["power is 900, believable is -100 to 100"]


@pytest.mark.parametrize(
    ("place", "units", "sentence"),
    [
        pytest.param(Place("a/#"), NO_UNIT, "x.topic: 'a/#' is no topic of one device", id="a wildcard"),
        pytest.param(
            Place("$SYS/a"), NO_UNIT, "x.topic: '$SYS/a' is no topic of one device", id="the broker's"
        ),
        pytest.param(
            Place("a", unit="hp"), WATTS_IN, "x.unit: 'hp' is not one of W, kW, mW", id="horse power"
        ),
        pytest.param(Place("a", unit="°F"), CELSIUS_IN, "x.unit: '°F' is not one of °C, C", id="Fahrenheit"),
        pytest.param(Place("a", unit="W"), NO_UNIT, "x.unit: 'W' is not one of none", id="a switch in watts"),
    ],
)
def test_a_place_that_cannot_be_read_is_refused(place: Place, units: dict[str, float], sentence: str) -> None:
    with pytest.raises(BadConfig) as error:
        source("x", place, units)

    assert str(error.value) == sentence


def test_a_path_may_name_components_with_colons_and_positions() -> None:
    assert at_path({"params": {"switch:0": {"apower": [1, 2]}}}, "$.params.switch:0.apower[1]") == 2
