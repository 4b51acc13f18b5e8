"""The scenario set: whole hours of a house in virtual time, held to the figures written in each file."""

from pathlib import Path

import pytest

from busbar_cli.simulate import simulate
from busbar_cli.simulate_scenario import read_scenario

FILES = sorted(Path(__file__).parent.glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: read_scenario(file).run.title)
def test_the_figures_stay_where_they_are(file: Path) -> None:
    scenario = read_scenario(file)
    figures = simulate(scenario).figures

    assert scenario.run.expect, "a scenario without an expectation shows nothing"
    for name, bound in scenario.run.expect.items():
        value = getattr(figures, name)
        assert bound.least is None or value >= bound.least, f"{name} is {value}, at least {bound.least}"
        assert bound.most is None or value <= bound.most, f"{name} is {value}, at most {bound.most}"
