"""When a relay may be moved, who moved it, and what happens to a device that does not obey."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_plugs.relay import (
    Act,
    Relay,
    Rules,
    by_hand,
    decide,
    is_manual,
    lost,
    may_switch_at,
    reported,
    told,
    wanted,
)

RULES = Rules(device_lease_s=60.0)
OPEN = Relay(on=False)


@pytest.mark.parametrize(
    ("manual", "order", "starting", "safe_on", "stands"),
    [
        pytest.param(None, True, False, False, True, id="an order to be on is followed"),
        pytest.param(None, False, False, False, False, id="an order to be off is followed"),
        pytest.param(None, None, False, False, False, id="without orders a plug is off"),
        pytest.param(None, None, False, True, True, id="without orders a freezer is on"),
        pytest.param(None, None, True, False, None, id="a service that just started waits for orders"),
        pytest.param(True, False, False, False, True, id="the owner's hand counts more than an order"),
        pytest.param(False, True, False, False, False, id="also when it switched off"),
    ],
)
def test_where_a_relay_should_stand(
    manual: bool | None, order: bool | None, starting: bool, safe_on: bool, stands: bool | None
) -> None:
    relay = OPEN if manual is None else by_hand(OPEN, manual, 0.0, RULES)

    assert wanted(relay, order, 10.0, Rules(safe_on=safe_on), starting=starting) == stands


def test_the_owners_hand_counts_for_half_an_hour() -> None:
    relay = by_hand(OPEN, True, 0.0, RULES)

    assert is_manual(relay, 1799.0)
    assert not is_manual(relay, 1800.0)


def test_a_change_nobody_ordered_is_the_owners_hand() -> None:
    relay, by_owner = reported(OPEN, True, 100.0, RULES, excused=False)

    assert by_owner
    assert is_manual(relay, 101.0)


@pytest.mark.parametrize(
    ("relay", "on", "excused"),
    [
        pytest.param(told(OPEN, Act(True), 95.0, 60.0), True, False, id="what we ordered"),
        pytest.param(
            told(told(OPEN, Act(True), 80.0, 60.0), Act(False), 90.0, None),
            True,
            False,
            id="a late answer to what we ordered",
        ),
        pytest.param(
            Relay(on=True, told=True, timer_until_s=101.0), False, False, id="its timer, which we set"
        ),
        pytest.param(Relay(on=True), False, True, id="its timer, as it says itself"),
        pytest.param(Relay(), True, False, id="its first word after it came back"),
        pytest.param(
            lost(Relay(on=False)), True, False, id="a plug that was put back into a socket and is on"
        ),
    ],
)
def test_other_changes_are_not_the_owners_hand(relay: Relay, on: bool, excused: bool) -> None:
    moved, by_owner = reported(relay, on, 100.0, RULES, excused=excused)

    assert not by_owner
    assert moved.on == on


def test_an_off_is_obeyed_at_once_whatever_the_minimum_time_on() -> None:
    relay = Relay(on=True, switched_at_s=99.0)

    assert decide(relay, False, 100.0, RULES, link=True) == Act(False)
    assert may_switch_at(relay, 100.0, RULES) == 219.0, (
        "but whoever orders is told to wait if there is no need"
    )


def test_an_on_waits_for_the_minimum_time_off() -> None:
    relay = Relay(on=False, switched_at_s=50.0)

    assert decide(relay, True, 169.0, RULES, link=True) is None
    assert decide(relay, True, 170.0, RULES, link=True) == Act(True)


def test_an_on_needs_room_for_its_off_in_the_hour() -> None:
    relay = Relay(on=False, moves=tuple(float(at) for at in range(11)))

    assert decide(relay, True, 100.0, RULES, link=True) is None
    assert may_switch_at(relay, 100.0, RULES) == 3600.0
    assert decide(relay, True, 3600.0, RULES, link=True) == Act(True)


def test_nothing_is_switched_on_that_is_not_there() -> None:
    assert decide(OPEN, True, 0.0, RULES, link=False) is None
    assert decide(Relay(on=True), False, 0.0, RULES, link=False) == Act(False)


def test_the_devices_own_timer_is_renewed_at_a_third() -> None:
    relay, _ = reported(told(OPEN, Act(True), 0.0, 60.0), True, 1.0, RULES, excused=False)

    assert decide(relay, True, 19.0, RULES, link=True) is None
    assert decide(relay, True, 20.0, RULES, link=True) == Act(True, renews=True)
    assert decide(relay, True, 20.0, Rules(device_lease_s=None), link=True) is None


def test_a_device_that_does_not_answer_is_told_again_and_ever_more_rarely() -> None:
    relay, sent = OPEN, []
    for second in range(120):
        act = decide(relay, True, float(second), RULES, link=True)
        if act is not None:
            relay = told(relay, act, float(second), 60.0)
            sent.append(second)

    assert sent == [0, 2, 7, 17, 47, 77, 107]
    assert relay.moves == (0.0,), "a repetition is no second switch"


def test_an_off_overtakes_an_on_that_is_still_on_its_way() -> None:
    relay = told(OPEN, Act(True), 0.0, 60.0)

    assert decide(relay, False, 0.1, RULES, link=True) == Act(False)


def test_an_on_does_not_turn_back_an_off_that_is_on_its_way() -> None:
    relay = told(Relay(on=True), Act(False), 0.0, None)

    assert decide(relay, True, 1.0, RULES, link=True) is None


def test_what_the_owner_switched_on_at_the_device_gets_no_timer_from_us() -> None:
    relay, _ = reported(OPEN, True, 100.0, RULES, excused=False)

    assert decide(relay, True, 500.0, RULES, link=True) is None


def test_what_the_owner_switched_on_is_kept_alive_where_the_timer_ends_everything() -> None:
    tasmota = Rules(device_lease_s=60.0, timer_ends_every_on=True)
    relay, _ = reported(OPEN, True, 100.0, tasmota, excused=False)

    assert decide(relay, True, 121.0, tasmota, link=True) == Act(True, renews=True)


def test_a_load_whose_timer_ran_out_although_it_was_renewed_is_switched_on_again_and_counted() -> None:
    relay, _ = reported(told(OPEN, Act(True), 0.0, 60.0), True, 1.0, RULES, excused=False)
    relay, _ = reported(relay, False, 61.0, RULES, excused=True)
    relay = told(relay, Act(True), 200.0, 60.0)

    assert relay.moves == (0.0, 200.0)


@given(
    wishes=st.lists(
        st.tuples(st.floats(0.5, 90), st.sampled_from([True, False, None])), min_size=1, max_size=200
    ),
    limit=st.integers(2, 20),
)
def test_never_more_switches_in_an_hour_than_allowed(
    wishes: list[tuple[float, bool | None]], limit: int
) -> None:
    rules = Rules(min_on_s=0.0, min_off_s=5.0, switches_per_hour=limit)
    relay, now, moves = Relay(on=False), 0.0, []
    for pause, wish in wishes:
        now += pause
        act = decide(relay, wanted(relay, wish, now, rules, starting=False), now, rules, link=True)
        if act is not None and not act.renews:
            relay = told(relay, act, now, None)
            if relay.on != act.on:
                moves.append(now)
            relay, by_owner = reported(relay, act.on, now, rules, excused=False)
            assert not by_owner
        assert sum(1 for at in moves if now - at < 3600) <= limit
