"""Every worked case of the battery power flow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from busbar_battery.decide import Refusal, decide
from busbar_battery.inputs import from_object

TABLE = yaml.safe_load((Path(__file__).parents[2] / "cases" / "battery_flow.yaml").read_text())


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{case['id']} {case['why']}") for case in TABLE["cases"]]
)
def test_worked_case(case: dict[str, Any]) -> None:
    decision = decide(from_object(TABLE["defaults"] | case["in"]))

    if case["out"].get("error"):
        assert isinstance(decision, Refusal)
        assert decision.error
        return
    answer = msgspec.to_builtins(decision)
    for name, expected in ({"control": "apply"} | case["out"]).items():
        if name == "flags":
            assert set(expected) <= set(answer["flags"])
        elif isinstance(expected, (int, float)):
            assert answer[name] == pytest.approx(expected, abs=TABLE["tolerance_w"]), name
        else:
            assert answer[name] == expected, name
