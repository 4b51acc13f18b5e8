"""Evenings with a charger: a HEMS sends a schedule, sends it again, clears it, lets it run out.

Each test is one household in virtual time: a service, its bus, and the fake cloud with a car.
"""

import json
from typing import Any

import pytest

from services.chargeamps.household import (
    NOW,
    PUT_TONIGHT,
    TONIGHT,
    TOPIC,
    Household,
    MakeHouse,
    living,
    local,
)


async def test_a_schedule_is_acknowledged_before_the_cloud_has_it_and_then_charges(house: Household) -> None:
    await house.send(TONIGHT)
    assert (house.status.last_command_result, house.status.sync) == ("accepted", "pending")
    assert house.charger.writes == []

    await house.wait(seconds=10)
    assert (house.status.sync, house.puts) == ("synced", [PUT_TONIGHT])

    await house.wait(hours=2, minutes=5)
    assert (house.draws, house.status.state, house.status.in_period) == (16.0, "charging", True)
    assert house.status.current_power_kw == pytest.approx(11.04)

    await house.wait(hours=1)
    assert (house.draws, house.status.in_period) == (0.0, False)


async def test_a_second_delivery_of_the_same_schedule_writes_nothing(house: Household) -> None:
    await house.send(TONIGHT)
    await house.wait(seconds=30)
    first = house.status.last_hems_command_at

    await house.send(TONIGHT)
    await house.wait(minutes=2)

    assert (house.status.last_command_result, house.puts) == ("accepted", [PUT_TONIGHT])
    assert first is not None
    assert house.status.last_hems_command_at is not None
    assert house.status.last_hems_command_at > first


async def test_a_bad_schedule_leaves_the_good_one_in_force(house: Household) -> None:
    await house.send(TONIGHT)
    await house.wait(seconds=30)

    await house.send({"periods": []})
    await house.wait(seconds=30)

    assert house.status.last_command_result == "rejected"
    assert house.status.last_command_error is not None
    assert house.status.last_command_error.code == "periods_empty"
    assert [code for code, _ in house.bus.events] == ["periods_empty"]
    assert (house.status.schedule_source, house.puts) == ("hems", [PUT_TONIGHT])


async def test_clear_while_charging_stops_the_car_and_leaves_it_plugged_in(house: Household) -> None:
    await house.send(NOW)
    await house.wait(seconds=40)
    assert house.draws == 16.0

    await house.send(verb="clear")
    assert house.status.last_command_result == "cleared"
    await house.wait(seconds=60)

    assert (house.draws, house.status.schedule_source, house.status.state) == (0.0, "none", "plugged_in")
    assert house.charger.schedule is None
    assert house.status.sync == "synced"


async def test_clear_twice_deletes_once(house: Household) -> None:
    await house.send(NOW)
    await house.wait(seconds=40)
    for _ in range(3):
        await house.send(verb="clear")
        await house.wait(seconds=60)
    assert house.charger.writes.count("delete") == 1
    assert house.status.last_command_result == "cleared"


async def test_clear_without_a_schedule_is_no_error(house: Household) -> None:
    await house.send(verb="clear")
    await house.wait(seconds=30)
    assert (house.status.last_command_result, house.status.last_command_error) == ("cleared", None)
    assert house.charger.writes.count("delete") <= 1


async def test_what_is_written_is_cut_at_the_expiry_so_it_holds_even_if_we_die(house: Household) -> None:
    await house.send(NOW | {"expires_at": local("2025-12-04T21:00").isoformat()})
    await house.wait(seconds=30)
    assert house.puts == ["put 329400-334800@16"]
    await house.stop()
    await house.wait(hours=1)
    assert house.draws == 0.0


async def test_a_schedule_ends_with_its_last_period_and_the_car_stays_off(house: Household) -> None:
    await house.send(NOW)
    await house.wait(hours=3, minutes=2)
    assert (house.status.schedule_source, house.status.schedule_active) == ("none", False)
    assert (house.charger.schedule, house.draws) == (None, 0.0)


async def test_two_schedules_in_quick_succession_leave_only_the_last_in_the_cloud(house: Household) -> None:
    for payload in (NOW, TONIGHT, NOW, TONIGHT):
        house.bus.feed_raw(f"{TOPIC}/schedule/set", json.dumps(payload))
    await house.wait(seconds=30)
    assert house.puts == [PUT_TONIGHT]


async def test_a_connector_that_charges_without_a_schedule_does_so_for_two_seconds_at_most(
    house: Household,
) -> None:
    await house.send(NOW)
    await house.wait(seconds=40)
    await house.send(verb="clear")
    drawn = []
    for _ in range(100):
        await house.wait(seconds=0.1)
        drawn.append(house.draws > 0 and house.charger.schedule is None)
    assert 0 < sum(drawn) <= 20
    assert house.draws == 0.0


async def test_of_a_flood_the_last_word_counts_and_five_answers_a_second_are_enough(make: MakeHouse) -> None:
    house = make()
    house.answer_gap_s = 0.2
    async with living(house):
        await house.wait(seconds=5)
        house.bus.said_raw.clear()
        for _ in range(60):
            await house.send(NOW)
        await house.send(TONIGHT | {"command_id": "the last"})
        assert len(house.bus.said_raw) == 1
        await house.wait(seconds=0.3)
        assert (house.status.command_id, len(house.bus.said_raw)) == ("the last", 2)
        await house.wait(seconds=30)
        assert house.puts == [PUT_TONIGHT]


async def test_retained_messages_count_only_where_nothing_is_kept(house: Household) -> None:
    await house.send(TONIGHT, retained=True)
    await house.wait(seconds=30)
    assert (house.status.last_command_result, house.status.last_hems_command_at) == ("accepted", None)

    await house.send(NOW, retained=True)
    await house.send(b"null", "clear", retained=True)
    await house.wait(seconds=30)

    assert house.status.last_command_result == "ignored"
    assert house.status.last_command_error is not None
    assert house.status.last_command_error.code == "retained_clear"
    assert house.puts == [PUT_TONIGHT]


@pytest.mark.parametrize("later_h", [0.0, 2.5], ids=["at once", "when its first window is over"])
async def test_what_was_cleared_is_not_brought_back_by_a_copy_the_broker_had_kept(
    house: Household, later_h: float
) -> None:
    await house.send(TONIGHT)
    await house.wait(hours=later_h, seconds=30)
    await house.send(verb="clear")
    await house.wait(minutes=1)
    before = list(house.charger.writes)

    await house.send(TONIGHT, retained=True)
    await house.restart()
    await house.send(TONIGHT, retained=True)
    await house.wait(minutes=1)

    assert house.status.last_command_error is not None
    assert house.status.last_command_error.code == "retained_set_superseded"
    assert (house.status.schedule_source, house.charger.writes) == ("none", before)


@pytest.mark.parametrize(
    ("payload", "retained"),
    [
        pytest.param(TONIGHT, False, id="the same, sent anew"),
        pytest.param(NOW, True, id="another one that was kept"),
    ],
)
async def test_after_a_clear_a_new_word_counts(
    house: Household, payload: dict[str, Any], retained: bool
) -> None:
    await house.send(TONIGHT)
    await house.send(verb="clear")
    await house.send(payload, retained=retained)
    assert (house.status.last_command_result, house.status.schedule_source) == ("accepted", "hems")


async def test_the_end_of_a_schedule_is_not_explained_by_an_older_mistake(house: Household) -> None:
    await house.send(NOW)
    await house.send(b"{")
    assert house.status.last_command_error is not None
    await house.wait(hours=3, minutes=2)
    assert (house.status.last_command_result, house.status.last_command_error) == ("expired", None)


async def test_the_status_beats_each_minute_and_says_changes_at_once(house: Household) -> None:
    house.bus.said_raw.clear()
    await house.wait(minutes=5)
    assert 5 <= len([1 for topic, _ in house.bus.said_raw if topic == f"{TOPIC}/status"]) <= 7
