"""One point's registers: what they mean, and what means nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_meter.values import Unwritable, decode, encode, scaled

KINDS = ["int16", "uint16", "acc16", "int32", "uint32", "acc32", "float32", "string", "sunssf", "bitfield32",
         "enum16", "count", "pad", "uint64", "acc64", "float64", "eui48", "ipaddr", "nonsense"]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "registers", "value"),
    [
        pytest.param(
            "uint16", [0xFFFF], None, id="all ones in an unsigned number are nothing, not 655.35 percent"
        ),
        pytest.param("int16", [0xFFFF], -1, id="all ones in a signed number are minus one"),
        pytest.param("sunssf", [0xFFFF], -1, id="all ones in a scale factor are minus one"),
        pytest.param("sunssf", [0x8000], None, id="a scale factor that is not implemented"),
        pytest.param("sunssf", [0], 0, id="a scale factor of zero is a scale factor"),
        pytest.param("int16", [0x8000], None, id="a signed number that is not implemented"),
        pytest.param("int16", [0xEC78], -5000, id="minus fifty percent on the wire"),
        pytest.param("acc32", [0, 0], None, id="an energy of zero is not accumulated"),
        pytest.param("acc32", [0, 7], 7, id="an energy"),
        pytest.param("int32", [0xFFFF, 0xFFFE], -2, id="two registers, most significant first"),
        pytest.param("uint32", [1, 0], 65536, id="the first register is the high one"),
        pytest.param("uint64", [0xFFFF] * 4, None, id="a long number that is not implemented"),
        pytest.param("bitfield16", [0x8001], None, id="a bit field with its top bit set says nothing"),
        pytest.param("bitfield16", [3], 3, id="a bit field"),
        pytest.param("float32", [0x7FC0, 0], None, id="a float that is not a number"),
        pytest.param("float32", [0xFFC1, 5], None, id="any other NaN"),
        pytest.param("float32", [0x7F80, 0], None, id="an infinite float is refused"),
        pytest.param("float32", [0x42C8, 0], 100.0, id="a float"),
        pytest.param("string", [0x4B4F, 0x2020], "KO", id="a string padded with blanks"),
        pytest.param("string", [0x4B00, 0x4141], "K", id="rubbish behind the first NUL"),
        pytest.param("string", [0, 0], None, id="an empty string is nothing"),
        pytest.param("string", [0xC380, 0xFF00], "À�", id="a string that is not all UTF-8"),
        pytest.param("pad", [0x5A5A], None, id="padding is never looked at"),
    ],
)
def test_registers_mean(kind: str, registers: list[int], value: object) -> None:
    assert decode(kind, registers) == value


@pytest.mark.parametrize(
    ("raw", "exponent", "value"),
    [
        (13950, -1, 1395.0),
        (8632, 0, 8632.0),
        (230, 1, 2300.0),
        (1, -10, 1e-10),
        (5, 11, None),
        (5, -32767, None),
    ],
)
def test_scale_factors_beyond_ten_make_a_value_unusable(raw: int, exponent: int, value: float | None) -> None:
    assert scaled(raw, exponent) == value


@pytest.mark.parametrize(
    ("kind", "size", "value", "registers"),
    [
        ("int16", 1, -5000, [0xEC78]),
        ("uint16", 1, 65534, [65534]),
        ("uint32", 2, 60, [0, 60]),
        ("int32", 2, -1, [0xFFFF, 0xFFFF]),
    ],
)
def test_a_number_becomes_registers(kind: str, size: int, value: int, registers: list[int]) -> None:
    assert encode(kind, size, value) == registers


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param("int16", -32768, id="the pattern for nothing is never sent as minus 327 percent"),
        pytest.param("uint16", 65535, id="nor as 655 percent"),
        pytest.param("uint16", -1, id="an unsigned point takes nothing negative"),
        pytest.param("int16", 40000, id="nor a point more than it holds"),
        pytest.param("string", 1, id="texts are not written"),
    ],
)
def test_what_cannot_be_said_is_not_written(kind: str, value: int) -> None:
    with pytest.raises(Unwritable):
        encode(kind, 1, value)


@given(st.sampled_from(KINDS), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=16))
def test_no_registers_whatever_raise_or_become_infinite(kind: str, registers: list[int]) -> None:
    if kind == "float32":
        registers = (registers * 2)[:2]
    if kind == "float64":
        registers = (registers * 4)[:4]

    value = decode(kind, registers)

    assert value is None or isinstance(value, str) or math.isfinite(value)
