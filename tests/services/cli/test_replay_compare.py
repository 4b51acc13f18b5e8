"""When two decisions differ: what is said, what is a matter of milliseconds, and what the services only remembered."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from busbar_cli.replay_compare import Comparison
from busbar_contracts.allocation import Allocation, LoadGrant, MeterHealth
from busbar_contracts.battery import BatteryDecision
from busbar_contracts.topics import topic_of
from busbar_shared.judge import decode

EXAMPLES = "contracts/examples"
SIX_PM = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)


def example(kind: type[Any]) -> Any:
    """A golden message of this kind."""
    from pathlib import Path

    folder = Path(__file__).parents[3] / EXAMPLES / kind.__name__
    return decode(topic_of(kind), sorted(folder.glob("*.json"))[0].read_bytes())


GRANT: LoadGrant = next(iter(example(Allocation).loads.values()))
BATTERY: BatteryDecision = example(BatteryDecision)


def grants(amps: float, why: str = "") -> Allocation:
    load = replace(GRANT, limit_a=amps, reason=why or f"{amps:g} A")
    return replace(example(Allocation), loads={"car": load}, meter=MeterHealth.FRESH, at=SIX_PM)


def wants(watts: float | None) -> BatteryDecision:
    control = "release" if watts is None else "apply"
    return replace(BATTERY, battery_w=watts or 0.0, control=control, reason="battery")


Word = tuple[str, float, Any]


def then(t: float, message: Any) -> Word:
    return ("then", t, message)


def now(t: float, message: Any) -> Word:
    return ("now", t, message)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param([now(1, grants(10)), then(1.5, grants(10)), now(9, grants(10))], [], id="the same limit"),
        pytest.param(
            [now(1, grants(10)), then(2, grants(8)), now(2.5, grants(8)), then(12, grants(8)), now(19, grants(8))],
            [],
            id="the same limit half a second later",
        ),
        pytest.param(
            [now(1, grants(10)), then(2, grants(8)), now(9, grants(10)), then(12, grants(8)), now(19, grants(10))],
            [(12.0, "car", 8.0, 10.0)],
            id="another limit that stands",
        ),
        pytest.param(
            [now(1, grants(10)), then(2, grants(8)), then(12, grants(10)), now(19, grants(10))],
            [],
            id="another limit that does not stand",
        ),
        pytest.param(
            [now(1, grants(10)), *(then(t, grants(8)) for t in (2, 12, 22, 32)), now(40, grants(10))],
            [(12.0, "car", 8.0, 10.0)],
            id="one difference is told once, however long it lasts",
        ),
        pytest.param(
            [now(1, wants(500)), then(2, wants(430)), then(12, wants(560)), now(19, wants(500))],
            [],
            id="some watts are the same battery decision",
        ),
        pytest.param(
            [now(1, wants(500)), then(2, wants(None)), then(12, wants(None)), now(19, wants(500))],
            [(12.0, "battery-flow", None, 500.0)],
            id="a battery that was released then and is steered now",
        ),
        pytest.param([then(2, grants(8)), then(12, grants(8))], [], id="nothing was decided in the replay"),
    ],
)  # fmt: skip
def test_what_differs_from_a_recording(words: list[Word], found: list[Any]) -> None:
    comparison = Comparison()
    for who, t, message in words:
        (comparison.replayed if who == "now" else comparison.recorded)(message, t)
    comparison.finish()

    assert [
        (one.t, one.load, one.recorded_a if one.load == "car" else one.recorded_w,
         one.replayed_a if one.load == "car" else one.replayed_w)
        for one in comparison.differences
    ] == found  # fmt: skip


def test_what_the_services_remembered_before_the_recording_is_no_difference() -> None:
    comparison = Comparison()
    comparison.remembered()
    for t in range(5, 120, 5):
        comparison.replayed(grants(10 if t < 40 else 8), t)
        comparison.recorded(grants(8), t)
    comparison.finish()

    assert comparison.differences == []
    assert comparison.compared > 5


def test_of_two_replays_the_first_difference_counts_with_both_reasons() -> None:
    comparison = Comparison(patient=False)
    comparison.replayed(grants(10, "sun"), 1)
    comparison.recorded(grants(16, "main fuse"), 1)
    comparison.finish()

    [one] = comparison.differences
    assert (one.t, one.recorded_a, one.replayed_a, one.recorded_why, one.replayed_why) == (
        1.0, 16.0, 10.0, "main fuse", "sun",
    )  # fmt: skip
