"""The ledger says who overloaded a breaker, for how long, and whether the promise allows it."""

import pytest

from busbar_simulator.plant.ledger import Cause, Ledger, Rule

Stretch = tuple[float, float, float]


def ledger_after(*stretches: Stretch, dead_s: float = 2.0) -> Ledger:
    """A 25 A phase that bore these: (seconds, house A, loads A)."""
    ledger = Ledger({"main": {"a": 25.0}}, Rule(mend_s=4.0, dead_s=dead_s))
    for seconds, house, loads in stretches:
        for _ in range(round(seconds * 10)):
            ledger.note("main", "a", house + loads, loads, 0.1)
            ledger.tick(0.1)
    return ledger


QUIET = (10.0, 5.0, 16.0)


@pytest.mark.parametrize(
    ("stretches", "cause", "broken"),
    [
        pytest.param([QUIET], None, False, id="a quiet evening"),
        pytest.param([QUIET, (3, 17, 16), (5, 17, 8)], Cause.HOUSE, False, id="an oven, mended in three seconds"),
        pytest.param([QUIET, (5.9, 17, 16), (5, 17, 8)], Cause.HOUSE, False, id="mended just inside the promise"),
        pytest.param([QUIET, (7, 17, 16), (5, 17, 8)], Cause.HOUSE, True, id="mended too late"),
        pytest.param([QUIET, (0.8, 5, 22), (5, 5, 16)], Cause.LOADS, False, id="a load that overshoots for a moment"),
        pytest.param([QUIET, (3, 5, 22), (5, 5, 16)], Cause.LOADS, True, id="a grant that did not fit"),
        pytest.param([QUIET, (9, 5, 20.1)], None, False, id="a tenth of an ampere is the meter's resolution"),
        pytest.param(
            [QUIET, (4, 13, 16), (4, 20, 16), (5, 9, 16)], Cause.HOUSE, False,
            id="a kettle while the oven is being mended is one more thing to mend",
        ),
        pytest.param(
            [QUIET, (1, 8, 16), (3, 8, 22), (5, 8, 10)], Cause.LOADS, True,
            id="a small rise of the house does not excuse a large one of the car",
        ),
        pytest.param([(10, -5, 0), (3, -30, 0), (5, -20, 0)], Cause.HOUSE, False, id="the sun overloads it too"),
    ],
)  # fmt: skip
def test_the_verdict(stretches: list[Stretch], cause: Cause | None, broken: bool) -> None:
    ledger = ledger_after(*stretches)
    longest = ledger.lines["main", "a"].longest

    assert (longest.cause if longest else None) == cause
    assert bool(ledger.broken) == broken


def test_the_figures_of_an_excursion() -> None:
    line = ledger_after(QUIET, (2, 19, 16), (5, 5, 16)).lines["main", "a"]

    assert line.over_s == pytest.approx(2.0)
    assert line.over_a2s == pytest.approx(2 * (35**2 - 25**2))
    assert line.highest_a == 35
    assert line.excursions == 1
    assert line.longest is not None
    assert line.longest.lasted_s == pytest.approx(2.0)
    assert line.longest.peak_a == 35
    assert line.longest.began_s == pytest.approx(10.0)


def test_a_short_break_of_the_promise_is_not_hidden_by_a_longer_forgiven_stretch() -> None:
    ledger = ledger_after(QUIET, (3, 5, 22), (9, 5, 16), (5.5, 17, 16), (5, 17, 8))

    assert ledger.lines["main", "a"].longest.cause is Cause.HOUSE  # type: ignore[union-attr]
    assert [excursion.cause for excursion in ledger.broken] == [Cause.LOADS]
