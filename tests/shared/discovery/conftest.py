"""A house with one of everything, and what its services say."""

from datetime import UTC, datetime

import pytest

from busbar_shared.config.load import read
from busbar_shared.config.root import Site
from full_house import HOUSE

SIX_PM = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)


@pytest.fixture
def site() -> Site:
    return read(HOUSE)


BARE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = { host = "127.0.0.1" }
"""


@pytest.fixture
def bare() -> Site:
    """A house with a meter and a breaker only."""
    return read(BARE)
