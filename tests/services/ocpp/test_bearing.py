"""Which limit holds when orders come and go."""

from datetime import UTC, datetime

import pytest

from busbar_contracts.charger import ChargerLimit
from busbar_ocpp.bearing import Bounds, Past, bearing, lowers, remembered
from busbar_shared.leases import Held

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
BOUNDS = Bounds(fallback_a=6.0, least_a=6.0, hold_pause_s=14_400.0, lease_s=30.0)


def order(limit_a: float, issuer: str = "allocator", phases: int | None = None) -> ChargerLimit:
    return ChargerLimit(
        issuer=issuer, instance="one", seq=1, issued_at=SIX_PM, lease_s=30.0, reason="sun", limit_a=limit_a,
        number_of_phases=phases,
    )  # fmt: skip


def held(*orders: ChargerLimit) -> list[Held[ChargerLimit]]:
    return [Held(order=one, until_s=130.0) for one in orders]


def past(limit_a: float, until_s: float = 100.0) -> Past:
    return Past(limit_a=limit_a, issuer="allocator", until_s=until_s)


@pytest.mark.parametrize(
    ("orders", "before", "now_s", "limit_a", "issuer"),
    [
        pytest.param(held(order(13.0)), None, 101.0, 13.0, "allocator", id="one order"),
        pytest.param(
            held(order(13.0), order(8.0, "grid")), None, 101.0, 8.0, "grid", id="the smallest of two, named"
        ),
        pytest.param([], past(13.0), 101.0, 6.0, "fallback", id="after the lease the fallback"),
        pytest.param([], past(6.0), 101.0, 6.0, "fallback", id="a limit at the fallback stays"),
        pytest.param([], past(0.0), 101.0, 0.0, "fallback", id="a pause stays a pause"),
        pytest.param([], past(3.0), 101.0, 0.0, "fallback", id="less than a car can use was a pause"),
        pytest.param([], past(0.0), 14_600.0, 6.0, "fallback", id="after four hours the car is fed"),
        pytest.param([], None, 131.0, 6.0, "fallback", id="a service that never heard an order falls back"),
    ],
)
def test_what_holds(
    orders: list[Held[ChargerLimit]], before: Past | None, now_s: float, limit_a: float, issuer: str
) -> None:
    found = bearing(orders, before, 100.0, BOUNDS, now_s)

    assert found is not None
    assert (found.limit_a, found.issuer) == (limit_a, issuer)


def test_a_service_that_has_just_started_orders_nothing_new() -> None:
    assert bearing([], None, 100.0, BOUNDS, 129.0) is None


def test_the_smallest_of_the_last_orders_is_remembered() -> None:
    assert remembered(past(16.0), held(order(13.0), order(0.0, "grid"))) == Past(
        limit_a=0.0, issuer="grid", until_s=130.0
    )
    assert remembered(past(16.0), []) == past(16.0)


@pytest.mark.parametrize(
    ("new", "old", "safer"),
    [
        (order(6.0), order(10.0), True),
        (order(10.0), order(6.0), False),
        (order(0.0), None, True),
        (order(6.0), None, False),
        (order(6.0, phases=1), order(10.0), False),
    ],
    ids=["a cut", "a raise", "a first pause", "a first grant", "a cut that switches phases"],
)
def test_only_a_cut_is_taken_whatever_its_age(
    new: ChargerLimit, old: ChargerLimit | None, safer: bool
) -> None:
    assert lowers(new, old) is safer
