"""Whether a car wants power, from what it was seen to take."""

import pytest

from busbar_allocator.participation import Appetite, part_of_charger, took
from busbar_contracts.charger import ConnectorStatus

CHARGING = ConnectorStatus.CHARGING


@pytest.mark.parametrize(
    ("draw_a", "settled", "most_a", "why"),
    [
        pytest.param(13.4, True, None, "", id="it draws under a limit that stood for a while"),
        pytest.param(13.4, False, None, "", id="it draws under a limit that moves before every sample"),
        pytest.param(0.0, True, 6.0, "it draws nothing; its minimum stays reserved", id="it draws nothing"),
        pytest.param(
            0.0,
            False,
            6.0,
            "it draws nothing; its minimum stays reserved",
            id="nothing yet under a new limit",
        ),
    ],
)
def test_a_car_that_was_idle_a_minute_ago_counts_as_idle_until_it_is_seen_to_draw(
    draw_a: float, settled: bool, most_a: float | None, why: str
) -> None:
    idle = took(Appetite(), CHARGING, 0.0, 6.0, 2.0, 6.0, 100.0)
    now = took(idle, CHARGING, draw_a, 14.0, 2.0, 6.0, 130.0, settled=settled)

    part = part_of_charger(now, 6.0, 170.0)
    assert (part.most_a, part.why) == (most_a, why)


def test_a_limit_that_just_moved_says_nothing_about_how_much_a_car_takes() -> None:
    appetite = Appetite(status=CHARGING)
    for at in range(0, 120, 10):
        appetite = took(appetite, CHARGING, 10.0, 16.0, 2.0, 6.0, float(at), settled=False)

    assert part_of_charger(appetite, 6.0, 120.0).most_a is None
