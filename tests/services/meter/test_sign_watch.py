"""A meter that counts the wrong way round is noticed, warned about once, and never turned silently."""

import pytest

from busbar_meter.sign_watch import SignWatch


def warnings(*steps: tuple[float, float], every_s: float = 1.0) -> list[str]:
    watch, said, inverter, grid = SignWatch(), [], 3000.0, 500.0
    for number, (sun, meter) in enumerate([(0.0, 0.0), *steps]):
        inverter, grid = inverter + sun, grid + meter
        watch.grid(grid)
        said.append(watch.inverter(inverter, number * every_s))
    return [text for text in said if text]


@pytest.mark.parametrize(
    ("steps", "count"),
    [
        pytest.param(
            [(800, 780), (-900, -950)] * 4, 1, id="the meter follows the sun: it counts export as positive"
        ),
        pytest.param([(800, -780), (-900, 950)] * 4, 0, id="the meter goes against the sun: all is well"),
        pytest.param([(800, 780), (-900, 950)] * 8, 0, id="a mixed picture proves nothing"),
        pytest.param([(800, 0), (-900, 20)] * 8, 0, id="a battery takes it all: no evidence"),
        pytest.param([(100, 100), (-100, -100)] * 8, 0, id="small steps drown in the household"),
        pytest.param([(800, 780)] * 4, 0, id="four times is chance"),
    ],
)
def test_evidence(steps: list[tuple[float, float]], count: int) -> None:
    assert len(warnings(*steps)) == count


def test_slow_samples_are_no_steps() -> None:
    assert warnings(*[(800, 780), (-900, -950)] * 8, every_s=30.0) == []
