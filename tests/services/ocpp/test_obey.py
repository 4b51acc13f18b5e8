"""A charger is judged by what is measured."""

from datetime import UTC, datetime

import pytest

from busbar_ocpp.obey import Obedience, Rung, acted, next_rung, over, seen
from busbar_ocpp.profile import Standing
from busbar_ocpp.proof import CannotTry, Trial, trial, verdict

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


def watched(*samples: tuple[float, float], limit_a: float = 8.0) -> Obedience:
    """Samples as (seconds since the limit, ampere)."""
    known = Obedience()
    for at_s, drawn_a in samples:
        known = seen(
            known, drawn_a=drawn_a, sample_s=at_s, limit_a=limit_a, since_s=0.0, dead_s=10.0, now_s=at_s + 1
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
