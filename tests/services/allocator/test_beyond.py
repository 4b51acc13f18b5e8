"""A load whose own sample is above its limit is raised no further."""

import msgspec
import pytest

from busbar_allocator.decide import beyond
from busbar_allocator.plan import LoadPlan, plan_of
from busbar_allocator.state import Mind
from busbar_shared.config.root import Site

SITE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = { host = "127.0.0.1" }
[ocpp]
[chargers.left]
fallback_a = 6
"""


@pytest.fixture(scope="module")
def car() -> LoadPlan:
    return plan_of(msgspec.toml.decode(SITE, type=Site)).loads["left-1"]


@pytest.mark.parametrize(
    ("mind", "over_a"),
    [
        pytest.param(Mind(limit_a=6, sample=(100, 16)), 16, id="it draws what it likes"),
        pytest.param(Mind(limit_a=6, sample=(100, 6.2)), None, id="it follows"),
        pytest.param(Mind(limit_a=6, sample=(100, 7.2)), None, id="within what a meter may err"),
        pytest.param(Mind(limit_a=6), None, id="it was never measured"),
        pytest.param(
            Mind(limit_a=6, before_a=16, cut_until=105, sample=(100, 16)), None, id="its cut is under way"
        ),
        pytest.param(
            Mind(limit_a=6, before_a=16, cut_until=105, sample=(106, 16)), 16, id="its cut had time enough"
        ),
        pytest.param(Mind(limit_a=0, sample=(100, 6)), 6, id="a pause that does not stop it"),
        pytest.param(Mind(limit_a=0, sample=(100, 0.4)), None, id="a paused car that keeps itself warm"),
    ],
)
def test_a_load_that_draws_more_than_it_may_is_found(car: LoadPlan, mind: Mind, over_a: float | None) -> None:
    assert beyond(car, mind, mind.limit_a) == over_a
