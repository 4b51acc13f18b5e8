"""The charger's clock is believed only when it runs."""

from datetime import UTC, datetime, timedelta

import pytest

from busbar_ocpp.drift import Drift, charger_time, heard, our_time, synchronised, unsure_s

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


def after(*messages: tuple[float, float]) -> Drift:
    """Messages as (our seconds since six, the charger's seconds since six)."""
    drift = Drift()
    for ours, theirs in messages:
        drift = heard(
            drift, SIX_PM + timedelta(seconds=theirs), SIX_PM + timedelta(seconds=ours), 100.0 + ours
        )
    return drift


@pytest.mark.parametrize(
    ("messages", "ahead_s"),
    [
        pytest.param([(0, 90), (10, 100)], 90.0, id="two messages of a clock that is ahead"),
        pytest.param([(0, -3600), (10, -3590)], -3600.0, id="an hour behind"),
        pytest.param([(0, 90)], None, id="one message tells nothing"),
        pytest.param([(0, -100), (0.1, -90), (0.2, -80)], None, id="a queue that is emptied tells nothing"),
        pytest.param([(0, -100), (0.1, -100)], None, id="two queued messages of one second tell nothing"),
        pytest.param([(0, -100), (1, -90), (2, 2), (12, 12)], 0.0, id="after the queue the live ones count"),
        pytest.param([(0, 0), (10, 10), (20, 140), (30, 150)], 120.0, id="a clock that was set is followed"),
        pytest.param([(0, 5), (10, 15), (20, -300)], 5.0, id="one odd message changes nothing"),
        pytest.param([(0, -1.5)], -1.5, id="one message of this very moment is enough"),
        pytest.param(
            [(0, -100), (0.1, -90), (0.2, -0.3)], -0.5, id="the first live message after a queue is enough"
        ),
        pytest.param(
            [(0, 90), (10, 100), (10.1, 13)], 90.0, id="a queued message that looks live changes nothing"
        ),
        pytest.param([(0, 0), (600, 600.8)], 0.8, id="within a second is running"),
    ],
)
def test_drift(messages: list[tuple[float, float]], ahead_s: float | None) -> None:
    drift = after(*messages)

    assert drift.ahead_s == (None if ahead_s is None else pytest.approx(ahead_s))


@pytest.mark.parametrize(
    ("messages", "expected_s", "unsure"),
    [
        pytest.param([], 0.0, True, id="nothing known: ours, and unsure"),
        pytest.param([(0, -30)], -30.0, True, id="perhaps behind: the earlier time, and unsure"),
        pytest.param([(0, 500)], 0.0, True, id="perhaps ahead: ours, and unsure"),
        pytest.param([(0, 500), (10, 510)], 500.0, False, id="known: the charger's"),
    ],
)
def test_a_schedule_starts_by_the_chargers_clock(
    messages: list[tuple[float, float]], expected_s: float, unsure: bool
) -> None:
    drift = after(*messages)

    assert charger_time(drift, SIX_PM) == SIX_PM + timedelta(seconds=expected_s)
    assert (unsure_s(drift) > 0) is unsure


def test_a_boot_lets_hope_that_the_clock_is_set_and_the_first_message_may_deny_it() -> None:
    assert synchronised().ahead_s == 0.0
    assert heard(synchronised(), SIX_PM - timedelta(minutes=7), SIX_PM, 100.0).ahead_s is None
    assert heard(synchronised(), SIX_PM - timedelta(seconds=1), SIX_PM, 100.0).ahead_s == -1.0


def test_a_moment_of_the_charger_is_never_in_our_future() -> None:
    assert our_time(Drift(), SIX_PM + timedelta(hours=1), SIX_PM) == SIX_PM
    assert our_time(Drift(ahead_s=90.0), SIX_PM + timedelta(seconds=80), SIX_PM) == SIX_PM - timedelta(
        seconds=10
    )


@pytest.mark.parametrize(
    ("messages", "expected_s"),
    [
        pytest.param(
            [],
            3600,
            id="a clock nobody has read: a schedule starts an hour early, and grants no more than for ever",
        ),
        pytest.param([(0, 500), (10, 510)], 0, id="a clock that is known needs no such care"),
    ],
)
def test_an_unknown_clock_makes_us_start_early(messages: list[tuple[float, float]], expected_s: int) -> None:
    assert unsure_s(after(*messages)) == expected_s
