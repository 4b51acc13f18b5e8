"""When a write to the cloud is made again, and when to look what became of it."""

import pytest

from busbar_chargeamps.ladder import Step
from busbar_chargeamps.tries import Tries

MODE = Step("mode", mode="Schedule")


@pytest.mark.parametrize(
    ("tries", "wait_s"),
    [
        pytest.param(1, 15.0, id="after a quarter of a minute"),
        pytest.param(2, 30.0, id="then after twice as long"),
        pytest.param(7, 900.0, id="never later than a quarter of an hour"),
        pytest.param(
            1100, 900.0, id="also when the cloud has kept saying yes and doing nothing for eleven days"
        ),
    ],
)
def test_a_write_that_changes_nothing_is_made_again(tries: int, wait_s: float) -> None:
    made = Tries()
    for _ in range(tries):
        made.doing(MODE, 0.0)

    assert not made.may(MODE, wait_s - 0.1, settle=False)
    assert made.may(MODE, wait_s, settle=False)


def test_a_write_nobody_answered_is_no_rung_climbed_and_is_made_again_in_seconds() -> None:
    made = Tries()
    made.doing(Step("stop"), 0.0)
    made.unanswered(Step("stop"), 0.0)

    assert made.kinds == frozenset()
    assert made.may(Step("stop"), 5.0, settle=False)


def test_a_car_gets_ten_seconds_to_let_go_before_the_next_rung() -> None:
    made = Tries()
    made.doing(Step("current", amps=0.0), 0.0)

    assert not made.may(Step("stop"), 9.9, settle=True)
    assert made.may(Step("stop"), 10.0, settle=True)


def test_when_every_rung_was_in_vain_the_ladder_is_climbed_again_after_a_quarter_of_an_hour() -> None:
    made = Tries()
    made.doing(Step("stop"), 0.0)
    made.nothing_left(1.0)
    made.nothing_left(900.9)
    assert made.kinds == {"stop"}

    made.nothing_left(901.0)
    assert made.kinds == frozenset()
