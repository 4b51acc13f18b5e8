"""What may be believed: doubtful samples are held, then dropped, never invented."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_contracts.meter import InverterState, Quality
from busbar_meter.plausible import Gate
from busbar_meter.samples import GridSample, InverterSample, Leg

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


def grid(power: float | None, amps: float | None = None, volts: float | None = 230.0) -> GridSample:
    return GridSample(at=NOON, legs={"a": Leg(amps, power, volts)}, power_w=power, frequency_hz=50.0)


def fuse() -> Gate[GridSample]:
    return Gate(most_a=75, most_w=51_750, step_w=17_250)


def heard(gate: Gate[GridSample], *powers: float) -> list[float | None]:
    verdicts = [gate.judge(grid(power), float(second)) for second, power in enumerate(powers)]
    return [verdict.sample.power_w if verdict.sample else None for verdict in verdicts]


@pytest.mark.parametrize(
    ("powers", "said"),
    [
        pytest.param([500, 7_000, 500], [500, 7_000, 500], id="a kettle is no spike"),
        pytest.param([500, 40_000, 600], [500, None, 600], id="a spike is left out whole"),
        pytest.param([500, 40_000, 39_000], [500, None, 39_000], id="what two samples agree on is believed"),
        pytest.param(
            [500, 40_000, -20_000, 500], [500, None, None, 500], id="noise that agrees with nothing"
        ),
        pytest.param(
            [500, 60_000, 60_000], [500, None, None], id="beyond three times the breaker nothing is believed"
        ),
        pytest.param([40_000], [40_000], id="the first sample has nothing to jump from"),
    ],
)
def test_jumps(powers: list[float], said: list[float | None]) -> None:
    assert heard(fuse(), *powers) == said


def test_an_all_zero_block_is_noise_and_says_so() -> None:
    zero = GridSample(at=NOON, legs={"a": Leg(0, 0, 0)}, power_w=0, frequency_hz=0)

    verdict = fuse().judge(zero, 0)

    assert (verdict.sample, verdict.detail) == (None, "every figure is zero")


def test_zero_power_with_a_living_voltage_is_a_reading() -> None:
    assert fuse().judge(grid(0, 0), 0).quality is Quality.GOOD


def test_a_voltage_no_grid_has_is_taken_out_and_the_rest_stays() -> None:
    verdict = fuse().judge(grid(500, 2.2, 2300.0), 0)

    assert verdict.sample.legs["a"] == Leg(2.2, 500, None)
    assert verdict.detail == "2300 V on phase a refused"


def test_a_meter_that_stands_still_is_doubted_and_then_dropped() -> None:
    legs = {"a": Leg(1.1, 253.1, 230.1), "b": Leg(2.2, 507.3, 230.6)}
    still, gate = GridSample(at=NOON, legs=legs, power_w=760.4), fuse()

    verdicts = {second: gate.judge(still, float(second)) for second in range(0, 200, 10)}

    assert verdicts[50].quality is Quality.GOOD
    assert (verdicts[60].quality, verdicts[60].sample) == (Quality.DOUBTFUL, still)
    assert (verdicts[180].sample, verdicts[180].detail) == (None, "not one figure has moved for 180 s")


def test_an_inverter_held_at_its_cap_repeats_its_power_and_is_believed_while_it_counts() -> None:
    legs = {phase: Leg(10.87, 2500.0, 230.0) for phase in "abc"}
    gate: Gate[InverterSample] = Gate()

    qualities = {
        gate.judge(
            InverterSample(at=NOON, legs=legs, power_w=7500.0, energy_wh=2.0 * second, state=InverterState.THROTTLED),
            float(second),
        ).quality
        for second in range(0, 400, 10)
    }  # fmt: skip

    assert qualities == {Quality.GOOD}


def test_a_frozen_meter_that_moves_again_is_believed_at_once() -> None:
    legs = {"a": Leg(1.1, 253.1, 230.1), "b": Leg(2.2, 507.3, 230.6)}
    gate = fuse()
    for second in range(0, 300, 10):
        gate.judge(GridSample(at=NOON, legs=legs, power_w=760.4), float(second))

    assert gate.judge(GridSample(at=NOON, legs=legs, power_w=761.0), 300.0).quality is Quality.GOOD


def test_a_meter_of_few_figures_may_stand_still() -> None:
    gate = fuse()

    assert {gate.judge(grid(100.0, None), float(second)).quality for second in range(0, 300, 10)} == {
        Quality.GOOD
    }


def test_an_inverter_beyond_one_and_a_half_times_its_rating_is_not_believed() -> None:
    gate: Gate[InverterSample] = Gate(most_w=12_000, step_w=8_000)
    sample = InverterSample(at=NOON, power_w=139_500, legs={})

    assert gate.judge(sample, 0).sample is None


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), max_size=20))
def test_a_gate_never_says_what_it_did_not_hear(powers: list[float | None]) -> None:
    gate = fuse()

    for second, power in enumerate(powers):
        sample = grid(power)
        verdict = gate.judge(sample, float(second))
        assert verdict.sample is None or verdict.sample.power_w is power
        assert verdict.sample is None or power is None or math.fabs(power) <= 51_750


@pytest.mark.parametrize(
    ("state", "believed"),
    [
        pytest.param(InverterState.SLEEPING, True, id="asleep it may say zero for everything"),
        pytest.param(InverterState.FAULT, False, id="a GEN24 that is asked too often says zero and FAULT"),
        pytest.param(InverterState.RUNNING, False, id="running without a voltage is nonsense"),
    ],
)
def test_an_inverter_that_says_zero_for_everything(state: InverterState, believed: bool) -> None:
    legs = {phase: Leg(0.0, None, 0.0) for phase in "abc"}
    sample = InverterSample(at=NOON, power_w=0.0, legs=legs, frequency_hz=0.0, state=state)

    verdict = Gate().judge(sample, 0)

    assert (verdict.sample is not None) is believed
    assert verdict.detail == ("" if believed else "every figure is zero")
