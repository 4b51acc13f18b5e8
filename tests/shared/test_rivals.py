"""Two instances of one role: when another is believed to live, and which of two gives way."""

from datetime import UTC, datetime, timedelta

import pytest

from busbar_contracts.service import ServiceStatus
from busbar_shared.rivals import Rival

SIX_PM = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)
NOON = SIX_PM - timedelta(hours=6)


def a_beat(state: str = "online", *, instance: str = "theirs", after_s: float = 0.0) -> ServiceStatus:
    """A status of another instance of our role that started at noon."""
    return ServiceStatus(
        state=state, instance=instance, version="1", contract="1", started_at=NOON,  # type: ignore[arg-type]
        at=SIX_PM + timedelta(seconds=after_s),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("beats", "proven"),
    [
        pytest.param([(a_beat(), True)], False, id="a word kept at the broker may be that of a dead one"),
        pytest.param([(a_beat(), True), (a_beat(after_s=5), True)], True, id="a newer one after it is life"),
        pytest.param([(a_beat(), True), (a_beat(), True)], False, id="the same one twice is not"),
        pytest.param([(a_beat(), False)], True, id="what it says while we listen is life"),
        pytest.param([(a_beat(), False), (a_beat("offline"), False)], False, id="who said goodbye is gone"),
        pytest.param(
            [(a_beat(), True), (a_beat(instance="third", after_s=5), True)],
            False,
            id="kept words of two do not prove one",
        ),
    ],
)
def test_another_instance_is_believed_to_live(beats: list[tuple[ServiceStatus, bool]], proven: bool) -> None:
    rival = Rival()
    for status, retained in beats:
        rival.heard(status, 0.0, retained=retained)

    assert rival.is_proven is proven


@pytest.mark.parametrize(
    ("started_at", "now_s", "gives_way"),
    [
        pytest.param(SIX_PM, 14.9, True, id="the younger of two gives way"),
        pytest.param(NOON - timedelta(hours=1), 1.0, False, id="the older one does not"),
        pytest.param(SIX_PM, 15.0, False, id="nobody gives way to who said nothing for 15 s"),
    ],
)
def test_which_of_two_gives_way(started_at: datetime, now_s: float, gives_way: bool) -> None:
    rival = Rival()
    rival.heard(a_beat(), 0.0, retained=False)

    assert rival.outranks(started_at, "ours", now_s) is gives_way


@pytest.mark.parametrize(
    ("away_s", "waits"),
    [
        pytest.param(14, True, id="a fresh word is waited on"),
        pytest.param(-14, True, id="also where its clock is ahead of ours"),
        pytest.param(15, False, id="an old one is not"),
    ],
)
def test_a_start_waits_for_a_second_beat(away_s: float, waits: bool) -> None:
    rival = Rival()
    rival.heard(a_beat(), 0.0, retained=True)

    assert rival.may_live(SIX_PM + timedelta(seconds=away_s)) is waits
