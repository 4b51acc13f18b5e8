"""Meter values as real chargers send them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from busbar_ocpp.draw import Draw, after
from busbar_ocpp.measure import number, samples

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
AT = "2026-03-01T18:00:00Z"


def one(**value: Any) -> dict[str, Any]:
    return {"value": "0", **value}


def current(amps: str, phase: str | None = None, **more: Any) -> dict[str, Any]:
    said = one(value=amps, measurand="Current.Import", unit="A", **more)
    return said if phase is None else {**said, "phase": phase}


def power(watts: str, unit: str = "W", **more: Any) -> dict[str, Any]:
    return one(value=watts, measurand="Power.Active.Import", unit=unit, **more)


def message(*values: dict[str, Any], at: str = AT) -> list[dict[str, Any]]:
    return [{"timestamp": at, "sampledValue": list(values)}]


def drawn(*values: dict[str, Any], legs: int = 3, before: Draw | None = None) -> Draw:
    [sample] = samples(message(*values))
    return after(before or Draw(), sample, SIX_PM, legs, 230.0)


def currents(draw: Draw) -> tuple[float | None, ...]:
    return tuple(leg.current_a for leg in draw.legs)


@pytest.mark.parametrize(
    ("value", "energy"),
    [
        pytest.param(one(value="1234"), 1234.0, id="bare values are an energy register in Wh"),
        pytest.param(one(value="1.5", unit="kWh"), 1500.0, id="kWh"),
        pytest.param(one(value=2000), 2000.0, id="a number instead of text"),
        pytest.param(one(value="1,5", unit="kWh"), 1500.0, id="a comma"),
        pytest.param(
            one(value=1.5, unitOfMeasure={"unit": "Wh", "multiplier": 3}), 1500.0, id="2.0.1 multiplier"
        ),
        pytest.param(one(value=7, unitOfMeasure={"unit": "kWh"}), 7000.0, id="2.0.1 unit"),
        pytest.param(one(value="7", location="Outlet", context="Transaction.Begin"), 7.0, id="at the start"),
    ],
)
def test_energy_in_any_spelling(value: dict[str, Any], energy: float) -> None:
    [sample] = samples(message(value))

    assert sample.energy_wh == energy


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(one(value="NaN"), id="no number"),
        pytest.param(one(value="inf"), id="infinite"),
        pytest.param(one(value="-5"), id="a register below zero"),
        pytest.param(one(value="12", unit="A"), id="an energy in ampere"),
        pytest.param(one(value="abc"), id="letters"),
        pytest.param(one(value=True), id="a truth"),
        pytest.param(one(value=None), id="nothing"),
        pytest.param(one(value="9" * 500), id="an absurdly long number"),
        pytest.param(one(value="1e300"), id="an absurdly large number"),
        pytest.param(one(value="ABCD", format="SignedData"), id="signed data"),
        pytest.param(one(value="5", measurand="Frequency"), id="a measurand we do not use"),
        pytest.param(one(value="5", measurand=["x"]), id="a measurand that is a list"),
        pytest.param(one(value=5, unitOfMeasure={"unit": "Wh", "multiplier": 99}), id="an absurd exponent"),
        pytest.param(one(value="5", phase="L7"), id="a phase that does not exist"),
        pytest.param("5", id="not an object"),
    ],
)
def test_what_cannot_be_read_is_left_out(value: Any) -> None:
    assert samples([{"timestamp": AT, "sampledValue": [value]}]) == []


@pytest.mark.parametrize(
    "values",
    [None, 5, "text", [], [5], [{}], [{"sampledValue": 5}], [{"timestamp": 5, "sampledValue": []}]],
    ids=["nothing", "a number", "text", "none", "numbers", "empty", "values are a number", "no values"],
)
def test_a_malformed_list_gives_no_samples(values: Any) -> None:
    assert samples(values) == []


def test_several_moments_come_oldest_first_with_their_own_times() -> None:
    found = samples(
        [
            *message(one(value="2"), at="2026-03-01T18:00:20Z"),
            *message(one(value="1"), at="2026-03-01T19:00:10+01:00"),
        ]
    )

    assert [(sample.energy_wh, sample.at) for sample in found] == [
        (1.0, datetime(2026, 3, 1, 18, 0, 10, tzinfo=UTC)),
        (2.0, datetime(2026, 3, 1, 18, 0, 20, tzinfo=UTC)),
    ]


@pytest.mark.parametrize(
    ("values", "legs", "amps", "watts", "in_use"),
    [
        pytest.param(
            [current("10", "L1"), current("10.1", "L2"), current("9.9", "L3"), power("6.9", "kW")],
            3, (10.0, 10.1, 9.9), 6900.0, 3, id="three legs and a total in kW",
        ),
        pytest.param(
            [current("16", "L1-N"), current("0.0", "L2-N"), current("0.1", "L3-N"), power("3680")],
            3, (16.0, 0.0, 0.1), 3680.0, 1, id="a car on one leg of three",
        ),
        pytest.param([current("13"), power("2990")], 1, (13.0, None, None), 2990.0, 1, id="one leg, unnamed"),
        pytest.param([current("10"), power("6900")], 3, (10.0, 10.0, 10.0), 6900.0, 3, id="one current for all legs"),
        pytest.param([current("30"), power("6900")], 3, (None, None, None), 6900.0, None, id="perhaps the sum of the legs"),
        pytest.param([current("12")], 3, (None, None, None), None, None, id="one current and no power"),
        pytest.param([power("2300", phase="L1"), power("2300", phase="L2"), power("2300", phase="L3")],
            3, (10.0, 10.0, 10.0), 6900.0, 3, id="powers of the legs only"),
        pytest.param([power("6900")], 3, (None, None, None), 6900.0, None, id="a total only"),
        pytest.param([power("2300")], 1, (10.0, None, None), 2300.0, 1, id="a total on one leg"),
        pytest.param([power("0")], 3, (0.0, 0.0, 0.0), 0.0, None, id="nothing flows"),
        pytest.param([current("16", "L1"), current("16", "N"), power("3680")], 1, (16.0, None, None), 3680.0, 1,
            id="the neutral carries no load of its own"),
        pytest.param([current("10", "L1"), current("10", "L2"), current("10", "L3"), power("0")],
            3, (10.0, 10.0, 10.0), 6900.0, 3, id="power that stays at zero while currents flow"),
        pytest.param([current("-0.1", "L1"), current("0", "L2"), current("0", "L3")],
            3, (0.0, 0.0, 0.0), 0.0, None, id="noise below zero"),
        pytest.param([one(value="9000", measurand="Current.Import", unit="mA", phase="L1")],
            1, (9.0, None, None), 2070.0, 1, id="milliampere"),
    ],
)  # fmt: skip
def test_what_a_car_draws(
    values: list[dict[str, Any]],
    legs: int,
    amps: tuple[float | None, ...],
    watts: float | None,
    in_use: int | None,
) -> None:
    draw = drawn(*values, legs=legs)

    assert currents(draw) == amps
    assert draw.power_w == watts
    assert draw.legs_in_use == in_use


def test_energy_tells_the_power_of_a_charger_that_always_says_zero() -> None:
    [first] = samples(message(one(value="1000"), power("0")))
    [later] = samples(message(one(value="1010"), power("0"), at="2026-03-01T18:00:10Z"))
    draw = after(Draw(), first, SIX_PM, 3, 230.0)

    draw = after(draw, later, SIX_PM.replace(second=10), 3, 230.0)

    assert draw.power_w == 3600.0


def test_a_sample_that_comes_late_changes_nothing() -> None:
    [new] = samples(message(current("10", "L1")))
    [old] = samples(message(current("16", "L1")))
    draw = after(Draw(), new, SIX_PM.replace(minute=1), 1, 230.0)

    assert after(draw, old, SIX_PM, 1, 230.0) == draw


def test_the_voltage_between_legs_is_the_leg_times_root_three() -> None:
    draw = drawn(current("10", "L1"), one(value="400", measurand="Voltage", phase="L1-L2", unit="V"))

    assert draw.least_volts == pytest.approx(230.94, abs=0.01)


def test_the_outlet_counts_more_than_the_inlet() -> None:
    [sample] = samples(message(current("10", "L1"), current("12", "L1", location="Inlet")))

    assert sample.l1.current_a == 10.0


def test_feeding_back_is_a_negative_power() -> None:
    draw = drawn(one(value="5000", measurand="Power.Active.Export", unit="W"))

    assert draw.power_w == -5000.0


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("16.0", 16.0),
        (" 7 ", 7.0),
        ("1,5", 1.5),
        ("1,500.5", None),
        ("", None),
        ([], None),
        (float("nan"), None),
    ],
    ids=["text", "spaces", "comma", "thousands", "empty", "a list", "no number"],
)
def test_numbers(written: Any, read: float | None) -> None:
    assert number(written) == read


@pytest.mark.parametrize(
    ("registers", "power_w"),
    [
        pytest.param([(0, 1000)], None, id="one register tells nothing"),
        pytest.param([(0, 1000), (5, 1010)], None, id="too early to tell"),
        pytest.param([(0, 1000), (10, 1031)], 11160.0, id="31 Wh in ten seconds"),
        pytest.param([(0, 1000), (10, 1010), (20, 1020)], 3600.0, id="when enough has flowed"),
        pytest.param(
            [(0, 1000), (10, 1031), (20, 1031), (30, 1031), (40, 1031)], 0.0, id="then nothing more"
        ),
        pytest.param([(0, 1000), (10, 1031), (20, 5)], 11160.0, id="a register that began anew"),
        pytest.param([(0, 1000), (10, 31000)], None, id="more than a house can give"),
    ],
)
def test_a_charger_that_tells_its_energy_only(
    registers: list[tuple[int, int]], power_w: float | None
) -> None:
    draw = Draw()
    for second, energy in registers:
        [sample] = samples(message(one(value=str(energy))))
        draw = after(draw, sample, SIX_PM.replace(second=second), 3, 230.0)

    assert draw.power_w == power_w


def test_a_register_beside_measured_currents_is_not_counted() -> None:
    [energy], [current] = (
        samples(message(one(value="1000"))),
        samples(message(one(value="9", measurand="Current.Import", phase="L1", unit="A"))),
    )
    draw = after(Draw(), energy, SIX_PM, 3, 230.0)
    draw = after(draw, current, SIX_PM.replace(second=10), 3, 230.0)
    later = [one(value="1031")]
    [sample] = samples(message(*later))
    draw = after(draw, sample, SIX_PM.replace(second=20), 3, 230.0)

    assert (draw.l1.current_a, draw.power_w, draw.at) == (9.0, 2070.0, SIX_PM.replace(second=10))
