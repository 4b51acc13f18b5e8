"""SunSpec meters as the house sees them: import is positive on every phase."""

from datetime import UTC, datetime

import pytest

from busbar_meter.block import Block
from busbar_meter.definitions import model
from busbar_meter.samples import Leg
from busbar_meter.sunspec_meter import grid_sample
from services.meter.register_images import block

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


def read(registers: list[int]) -> Block:
    return Block(model(registers[0]), registers[1], dict(enumerate(registers)))


def wye(number: int = 203, **values: float) -> Block:
    factors = {} if number > 210 else {"A_SF": -2, "V_SF": -1, "W_SF": 0, "TotWh_SF": 0, "Hz_SF": -2}
    return read(block(number, **factors, **values))


def test_a_fronius_meter_counts_import_as_positive() -> None:
    meter = wye(W=1500, WphA=2000, WphB=-300, WphC=-200, AphA=870, AphB=130, AphC=90, PhVphA=2301, PhVphB=2310,
                PhVphC=2295, Hz=5001, TotWhImp=1000, TotWhExp=2000)  # fmt: skip

    sample = grid_sample(meter, NOON, 1)

    assert (sample.power_w, sample.import_wh, sample.export_wh, sample.frequency_hz) == (
        1500,
        1000,
        2000,
        50.01,
    )
    assert sample.legs == {
        "a": Leg(8.7, 2000, 230.1),
        "b": Leg(-1.3, -300, 231.0),
        "c": Leg(-0.9, -200, 229.5),
    }


def test_a_solaredge_meter_counts_export_as_positive_and_its_energies_go_by_their_names() -> None:
    meter = wye(
        W=-91, WphA=1032, WphB=-123, WphC=-1000, AphA=450, AphB=53, AphC=435, TotWhImp=10, TotWhExp=20
    )

    sample = grid_sample(meter, NOON, -1)

    assert (sample.power_w, sample.import_wh, sample.export_wh) == (91, 10, 20)
    assert {phase: leg.current_a for phase, leg in sample.legs.items()} == {"a": -4.5, "b": 0.53, "c": 4.35}
    assert {phase: leg.power_w for phase, leg in sample.legs.items()} == {"a": -1032, "b": 123, "c": 1000}


@pytest.mark.parametrize(
    ("values", "current"),
    [
        pytest.param({"AphA": 1000, "WphA": -2300}, -10.0, id="the power says which way the current goes"),
        pytest.param({"AphA": -1000, "WphA": -2300}, -10.0, id="a current signed by the device agrees"),
        pytest.param({"AphA": 1000}, 10.0, id="without power the current counts as import"),
        pytest.param({"AphA": -1000}, -10.0, id="unless the device signs its currents"),
        pytest.param({"WphA": 2300, "PhVphA": 2300}, 10.0, id="without current it is worked out"),
        pytest.param({"WphA": 2300}, None, id="without voltage it cannot be"),
    ],
)
def test_the_current_of_a_phase(values: dict[str, float], current: float | None) -> None:
    assert grid_sample(wye(**values, AphB=0), NOON, 1).legs["a"].current_a == current


def test_a_single_phase_meter_hangs_on_the_phase_it_is_wired_to() -> None:
    meter = wye(201, W=460, A=200, AphA=200, PhVphA=2300)

    assert grid_sample(meter, NOON, 1, ("c",)).legs == {"c": Leg(2.0, 460, 230.0)}


def test_a_float_meter_says_the_same() -> None:
    meter = wye(
        213, W=-4500.5, WphA=-1500.5, WphB=-1500, WphC=-1500, AphA=6.5, AphB=6.5, AphC=6.5, TotWhImp=1.5
    )

    sample = grid_sample(meter, NOON, 1)

    assert (sample.power_w, sample.legs["a"].current_a, sample.import_wh) == (-4500.5, -6.5, 1.5)


def test_a_scale_factor_that_is_nonsense_makes_a_value_unknown_not_absurd() -> None:
    meter = read(block(203, W=1500, W_SF=11, AphA=800, A_SF=-2))

    sample = grid_sample(meter, NOON, 1)

    assert (sample.power_w, sample.legs["a"].current_a) == (None, 8.0)


def test_legs_in_another_order_than_the_site() -> None:
    meter = wye(W=0, WphA=230, AphA=100, WphB=460, AphB=200, WphC=690, AphC=300)

    legs = grid_sample(meter, NOON, 1, ("c", "a", "b")).legs

    assert {phase: leg.current_a for phase, leg in legs.items()} == {"c": 1.0, "a": 2.0, "b": 3.0}


def test_a_block_shorter_than_the_definition_is_decoded_as_far_as_it_goes() -> None:
    meter = read(block(203, length=40, W=700, W_SF=0, WphA=700, AphA=300, A_SF=-2))

    sample = grid_sample(meter, NOON, 1)

    assert (sample.power_w, sample.legs["a"].current_a, sample.import_wh) == (700, 3.0, None)
