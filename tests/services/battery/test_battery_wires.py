"""What the phases bear beside the cars stands above every wish of the battery."""

from typing import Any

import pytest

from busbar_battery.decide import Decision, decide
from busbar_battery.inputs import Inputs

DARK = {"pv": 0.0, "battery": 0.0, "grid": 4000.0, "soc": 60.0, "charge_max": 5000.0, "discharge_max": 5000.0}
BRIGHT = {**DARK, "pv": 8000.0, "grid": -4000.0}


def power(**given: Any) -> float:
    """The battery's power, + charging."""
    answer = decide(Inputs(**given))
    assert isinstance(answer, Decision), answer
    return answer.battery


@pytest.mark.parametrize(
    ("house", "wire", "expected_w"),
    [
        pytest.param(DARK, {}, -4000.0, id="free wires: the whole need of the house"),
        pytest.param(DARK, {"wire_discharge_max": 1000.0}, -1000.0, id="a full line: what it bears"),
        pytest.param(DARK, {"wire_discharge_max": 0.0}, 0.0, id="no room at all"),
        pytest.param(BRIGHT, {}, 4000.0, id="free wires: the whole surplus"),
        pytest.param(BRIGHT, {"wire_charge_max": 1500.0}, 1500.0, id="charging counts on the wire too"),
        pytest.param(
            DARK, {"grid_charging": True, "wire_charge_max": 2000.0}, 2000.0, id="from the grid: what the wire bears"
        ),
        pytest.param(
            DARK, {"grid_charging": True, "wire_charge_max": 2000.0, "wire_stale": True}, 0.0,
            id="from the grid: nothing while nobody says what the wire bears",
        ),
        pytest.param(
            BRIGHT, {"export_target": 6000.0, "priority": "export_first", "wire_stale": True}, 0.0,
            id="no forced export while nobody says what the wire bears",
        ),
    ],
)  # fmt: skip
def test_the_wire_limits_the_battery(
    house: dict[str, float], wire: dict[str, Any], expected_w: float
) -> None:
    assert power(**house, **wire) == expected_w
