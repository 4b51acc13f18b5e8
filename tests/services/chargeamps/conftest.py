"""The worked cases of the Charge Amps scheduler, read once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "charge_amps.yaml").read_text())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with an argument called price_case, hems_case and so on runs once for each such case."""
    for kind in ("price", "hems", "week", "state", "status"):
        name = f"{kind}_case"
        if name in metafunc.fixturenames:
            cases: list[dict[str, Any]] = CASES[f"{kind}_cases"]
            metafunc.parametrize(
                name, cases, ids=[f"{c['id']} {c.get('title', c.get('input'))}" for c in cases]
            )
