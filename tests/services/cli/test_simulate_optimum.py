"""The optimum of a day is what one reckons, and nothing live can be cheaper."""

import pytest

from busbar_cli.simulate_optimum import optimum
from busbar_cli.simulate_slots import CarDay, Day, Slot, Store

pytest.importorskip("scipy", reason="the optimum is an extra: its solver HiGHS comes with SciPy")

LIMITS = {"a": 25.0, "b": 25.0, "c": 25.0}
LEGS = ("a", "b", "c")


def hour(**given: float) -> Slot:
    """An hour with a car present, nothing drawn and no sun."""
    figures = {"sun_w": 0.0, "base_w": 0.0, "buy": 0.30, "sell": 0.08} | given
    return Slot(s=3600.0, base_a=dict.fromkeys(LIMITS, 0.0), present={"left-1": 1.0}, **figures)


def day(slots: list[Slot], delivered_wh: float = 0.0, store: Store | None = None) -> Day:
    """A day of these hours."""
    car = CarDay(legs=LEGS, most_w=11_040.0, delivered_wh=delivered_wh)
    return Day(slots=slots, cars={"left-1": car}, store=store or Store(), limits_a=LIMITS, voltage_v=230.0)


@pytest.mark.parametrize(
    ("lived", "cost"),
    [
        pytest.param(day([hour(base_w=1000.0)]), 0.30, id="a house without choice pays its kilowatt hour"),
        pytest.param(day([hour(), hour(buy=0.10)], 5000.0), 0.50, id="a car waits for the cheap hour"),
        pytest.param(
            day([hour(), hour(buy=0.10)], 13_040.0), 11.04 * 0.10 + 2.0 * 0.30, id="what does not fit is bought dear"
        ),
        pytest.param(day([hour(sun_w=4000.0), hour()], 4000.0), 0.0, id="a car takes the sun"),
        pytest.param(day([hour(sun_w=4000.0, sell=-0.05)]), 0.0, id="sun that costs money is not taken"),
        pytest.param(
            day([hour(sun_w=2000.0), hour(base_w=2000.0)],
                store=Store(capacity_wh=5000.0, charge_w=3000.0, discharge_w=3000.0)),
            0.0, id="a battery carries the sun into the night",
        ),
    ],
)  # fmt: skip
def test_the_cheapest_way_through_a_day(lived: Day, cost: float) -> None:
    assert optimum(lived).cost == pytest.approx(cost, abs=0.002)


def test_a_phase_that_the_house_fills_is_not_filled_twice() -> None:
    full = hour(base_w=5060.0)
    full.base_a = {"a": 22.0, "b": 0.0, "c": 0.0}
    found = optimum(day([full, hour(buy=0.50)], 4000.0))

    # 3 A are left on phase a, so the car gets 3 A on three legs of 230 V in the cheap hour.
    assert found.cost == pytest.approx((5.06 + 2.07) * 0.30 + (4.0 - 2.07) * 0.50, abs=0.002)
