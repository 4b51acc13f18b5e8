"""The worked cases of the Charge Amps scheduler, read once."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.chargeamps.household import Household, MakeHouse, living

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


@pytest.fixture
def make(tmp_path: Path) -> MakeHouse:
    def house(**section: Any) -> Household:
        return Household(tmp_path, **section)

    return house


@pytest.fixture
async def house(make: MakeHouse) -> AsyncIterator[Household]:
    """A house in hems mode with a car on the cable, five seconds old."""
    made = make()
    made.charger.plug()
    made.charger.mode = "Off"
    async with living(made):
        await made.wait(seconds=5)
        made.charger.mode = "Schedule"
        yield made
