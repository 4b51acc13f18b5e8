"""A charger is judged by what is measured."""

from datetime import UTC, datetime

import pytest

from busbar_ocpp.obey import Obedience, Rung, acted, next_rung, over, seen
from busbar_ocpp.profile import Standing
from busbar_ocpp.proof import CannotTry, Trial, trial, verdict
from busbar_ocpp.told import Told, allowed, noted

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


def watched(*samples: tuple[float, float], limit_a: float = 8.0) -> Obedience:
    """Samples as (seconds since the limit, ampere)."""
    known = Obedience()
    for at_s, drawn_a in samples:
        allowed_a = allowed((Told(0.0, limit_a),), at_s, 10.0, None)
        known = seen(
            known, drawn_a=drawn_a, sample_s=at_s, allowed_a=allowed_a, told_a=limit_a, now_s=at_s + 1
        )
    return known


@pytest.mark.parametrize(
    ("samples", "disobedient"),
    [
        pytest.param([(15, 16.0), (25, 16.0)], True, id="twice over"),
        pytest.param([(15, 16.0)], False, id="one sample is chance"),
        pytest.param([(2, 16.0), (8, 16.0)], False, id="within its dead time"),
        pytest.param([(15, 16.0), (15, 16.0)], False, id="the same sample twice"),
        pytest.param([(15, 16.0), (25, 8.0), (35, 16.0)], False, id="only now and then"),
        pytest.param([(15, 9.3), (25, 9.3)], False, id="within what a meter may err"),
        pytest.param([(15, 16.0), (25, 16.0), (35, 8.0)], False, id="it has come round"),
    ],
)
def test_disobedience(samples: list[tuple[float, float]], disobedient: bool) -> None:
    assert watched(*samples).disobedient is disobedient


@pytest.mark.parametrize(
    ("samples", "held_a"),
    [
        pytest.param([(15, 16.0)], 8.0, id="the first sample above it holds back raises"),
        pytest.param([(8, 16.0)], None, id="within its dead time"),
        pytest.param([(15, 9.3)], None, id="within what a meter may err"),
        pytest.param([(15, 16.0), (25, 8.0)], None, id="the newest sample counts"),
    ],
)
def test_a_car_above_its_limit_is_raised_no_further(
    samples: list[tuple[float, float]], held_a: float | None
) -> None:
    assert watched(*samples).held_a == held_a


@pytest.mark.parametrize(
    ("samples", "curbed"),
    [
        pytest.param([(5, 16.0), (15, 8.0), (25, 8.0), (35, 7.5)], True, id="three samples at the cut"),
        pytest.param([(5, 16.0), (15, 8.0), (25, 8.0)], False, id="two are chance"),
        pytest.param(
            [(5, 16.0), (15, 0.0), (25, 0.0), (35, 0.0)], False, id="a car that stopped shows nothing"
        ),
        pytest.param([(15, 8.0), (25, 8.0), (35, 8.0)], False, id="a car that never took more shows nothing"),
        pytest.param([(5, 16.0), (15, 8.0), (25, 16.0), (35, 8.0)], False, id="only now and then"),
    ],
)
def test_cuts_that_were_followed_for_a_while_are_believed_again(
    samples: list[tuple[float, float]], curbed: bool
) -> None:
    assert watched(*samples).curbed is curbed


@pytest.mark.parametrize(
    ("told", "sample_s", "legs_in_use", "may_show_a"),
    [
        pytest.param([Told(0, 6)], 20, None, 6.0, id="one limit"),
        pytest.param([Told(0, 6)], 9, None, None, id="it had no time to show"),
        pytest.param([Told(0, 6), Told(18, 11)], 20, None, 11.0, id="a raise counts at once"),
        pytest.param([Told(0, 6), Told(18, 11)], 17, None, 6.0, id="but not before it was said"),
        pytest.param([Told(0, 16), Told(18, 6)], 20, None, 16.0, id="a cut counts after the dead time"),
        pytest.param([Told(0, 16), Told(18, 6)], 28, None, 6.0, id="and then it does"),
        pytest.param([Told(0, 6), Told(12, 11), Told(14, 16)], 13, None, 11.0, id="raised again and again"),
        pytest.param([Told(0, 6, 3)], 20, None, 18.0, id="watts: one leg may take it all"),
        pytest.param([Told(0, 6, 3)], 20, 3, 6.0, id="watts: until the legs were shown"),
        pytest.param([], 20, None, None, id="nothing was told"),
    ],
)
def test_what_a_sample_may_show(
    told: list[Told], sample_s: float, legs_in_use: int | None, may_show_a: float | None
) -> None:
    assert allowed(told, sample_s, 10.0, legs_in_use) == may_show_a


def test_the_log_forgets_what_no_sample_can_be_judged_by() -> None:
    log: tuple[Told, ...] = ()
    for at_s in range(0, 1000, 10):
        log = noted(log, Told(float(at_s), 6.0 + at_s % 20))

    assert [log[0].since_s, log[-1].since_s] == [860.0, 990.0]


@pytest.mark.parametrize(
    ("hard_allowed", "climbed"),
    [
        (False, [(30, Rung.SET_AGAIN), (90, Rung.SOFT_RESET)]),
        (True, [(30, Rung.SET_AGAIN), (90, Rung.SOFT_RESET), (390, Rung.HARD_RESET)]),
    ],
    ids=["without a hard reset", "with one"],
)
def test_the_ladder_is_climbed_once_with_pauses(hard_allowed: bool, climbed: list[tuple[int, Rung]]) -> None:
    known = watched((15, 16.0), (25, 16.0))
    seen_rungs = []
    for now_s in range(30, 3000, 10):
        rung = next_rung(known, hard_allowed=hard_allowed, now_s=now_s)
        if rung is not None:
            seen_rungs.append((now_s, rung))
            known = acted(known, rung, now_s)

    assert seen_rungs == climbed


def test_a_paused_charger_may_draw_no_more_than_its_own_heater() -> None:
    assert not over(0.9, 0.0)
    assert over(6.0, 0.0)


def standing(grant: float, fallback: float = 6.0) -> Standing:
    return Standing(grant_a=grant, fallback_a=fallback, validity_s=120, hold_pause_s=14_400, most_a=16.0)


@pytest.mark.parametrize(
    ("grant", "drawn", "then"),
    [
        pytest.param(13.0, 13.0, 6.0, id="the fallback is well below"),
        pytest.param(7.0, 7.0, 0.0, id="too near to be seen: a pause instead"),
        pytest.param(6.0, 6.0, 0.0, id="at the fallback: a pause instead"),
    ],
)
def test_what_a_proof_must_show(grant: float, drawn: float, then: float) -> None:
    assert trial(standing(grant), drawn, 0.0).then_a == then


@pytest.mark.parametrize(
    ("grant", "drawn", "why"),
    [
        pytest.param(13.0, None, "car must be charging", id="nothing is measured"),
        pytest.param(13.0, 0.2, "car must be charging", id="no car"),
        pytest.param(0.0, 8.0, "paused", id="paused"),
        pytest.param(8.0, 16.0, "more than its limit", id="it does not obey anyway"),
    ],
)
def test_when_nothing_can_be_proven(grant: float, drawn: float | None, why: str) -> None:
    with pytest.raises(CannotTry, match=why):
        trial(standing(grant), drawn, 0.0)


def running() -> Trial:
    return trial(standing(13.0), 13.0, 100.0)


@pytest.mark.parametrize(
    ("drawn", "sample_s", "now_s", "outcome"),
    [
        pytest.param(6.1, 125.0, 126.0, True, id="it fell after its time"),
        pytest.param(13.0, 115.0, 116.0, None, id="still its time"),
        pytest.param(13.0, 175.0, 176.0, None, id="it may be late"),
        pytest.param(13.0, 181.0, 182.0, False, id="it did not fall"),
        pytest.param(None, None, 110.0, None, id="no sample yet"),
        pytest.param(None, None, 200.0, False, id="no sample at all proves nothing good"),
        pytest.param(5.0, 99.0, 110.0, None, id="an old sample"),
    ],
)
def test_the_verdict(drawn: float | None, sample_s: float | None, now_s: float, outcome: bool | None) -> None:
    assert verdict(running(), drawn, sample_s, now_s) is outcome


def test_a_car_that_stops_by_itself_proves_nothing() -> None:
    with pytest.raises(CannotTry, match="by itself"):
        verdict(running(), 0.0, 110.0, 111.0)
