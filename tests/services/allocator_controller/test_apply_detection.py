"""The owner presses "apply": what was detected of a charger's wiring is used, kept, and taken back again."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from allocator_house import a_site

from busbar_allocator.config import Kept
from busbar_allocator.desk import Answer, Desk
from busbar_allocator.detection import Evidence, hypotheses
from busbar_allocator.plan import plan_of
from busbar_allocator.wiring import Applied, chosen
from busbar_contracts.allocation import Allocation
from busbar_contracts.load import LoadSettingsSet
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
ROTATED = (1, 2, 0)


def seen(legs: tuple[int, ...] = ROTATED, rivals: tuple[tuple[int, ...], ...] = ()) -> Evidence:
    """Evidence for one arrangement, and for others that fit as well."""
    scores = tuple(
        0.0 if turned is None and arranged in (legs, *rivals) else -20.0
        for arranged, turned in hypotheses(3, 3)
    )
    return Evidence(3, 3, scores, 4)


def a_desk(kept: Kept | None = None) -> Desk:
    return Desk(plan_of(msgspec.convert(a_site(), Site)), kept, 0.0, "test")


def press(desk: Desk, wanted: bool, now: float = 1.0) -> Any:
    message = LoadSettingsSet(apply_detection=wanted)
    desk.hear(Heard(message, {"load": "left-1"}, "hems/load/left-1/settings/set", now))
    return desk.decide(now, NOON)


def allocations(answer: Answer) -> list[Any]:
    return [one.message for one in answer.messages if isinstance(one.message, Allocation)]


def test_what_was_detected_is_used_kept_over_a_restart_and_taken_back() -> None:
    desk = a_desk(Kept(evidence={"left-1": seen()}))
    assert desk.plan.loads["left-1"].legs == (0, 1, 2)

    answer = press(desk, True)

    assert [one.code for one in answer.refusals] == ["phase_map_applied"], (
        "it is told, and nothing is refused"
    )
    assert answer.settings_changed, "it is written to the disk"
    assert desk.plan.loads["left-1"].legs == ROTATED

    again = a_desk(desk.kept())
    assert again.plan.loads["left-1"].legs == ROTATED

    press(again, False, 2.0)
    assert again.plan.loads["left-1"].legs == (0, 1, 2)
    assert a_desk(again.kept()).plan.loads["left-1"].legs == (0, 1, 2)


def test_the_press_is_seen_in_the_allocation_at_once_and_not_only_with_the_next_of_ten_seconds() -> None:
    desk = a_desk(Kept(evidence={"left-1": seen()}))
    desk.decide(0.0, NOON)
    assert allocations(desk.decide(1.0, NOON)) == []

    [before, after] = (allocations(press(desk, wanted, at)) for wanted, at in ((True, 2.0), (False, 3.0)))

    assert [one.loads["left-1"].detection.applied for one in (*before, *after)] == [True, False]
    assert allocations(desk.decide(4.0, NOON)) == []


def test_what_was_applied_by_itself_is_gone_when_the_owner_forbids_it() -> None:
    kept = Kept(evidence={"left-1": seen()}, applied=Applied({"left-1": ROTATED}))

    assert a_desk(kept).plan.loads["left-1"].legs == (0, 1, 2)


@pytest.mark.parametrize(
    ("evidence", "sentence"),
    [
        pytest.param(None, "nothing was detected of left-1 yet", id="nothing was seen yet"),
        pytest.param(
            seen(rivals=((2, 0, 1),)), "several arrangements fit left-1 as well", id="two arrangements fit"
        ),
    ],
)
def test_what_is_not_known_is_not_applied(evidence: Evidence | None, sentence: str) -> None:
    desk = a_desk(Kept(evidence={"left-1": evidence} if evidence is not None else {}))

    answer = press(desk, True)

    assert [one.path for one in answer.refusals] == ["apply_detection"]
    assert sentence in answer.refusals[0].text
    assert desk.plan.loads["left-1"].legs == (0, 1, 2)


def test_other_loads_stay_as_they_are() -> None:
    found = chosen("left-1", True, seen(), Applied({"right-1": (2, 1, 0)}, (), ("right-1",)))

    assert found == Applied({"right-1": (2, 1, 0), "left-1": ROTATED}, (), ("right-1", "left-1"))
