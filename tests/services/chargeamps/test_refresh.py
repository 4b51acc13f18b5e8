"""The owner presses "Force schedule refresh": planned anew, read anew, and written where it differs."""

import json
from typing import Any

import pytest

from busbar_chargeamps import refreshing
from busbar_shared.bus import RawHeard
from busbar_shared.judge import Refused
from busbar_simulator.charge_amps_cloud.cloud import Fault
from services.chargeamps.household import CHARGER, NOW, PUT_NOW, TOPIC, Household, MakeHouse, living

CHEAP_AT_NIGHT = [0.30] * 22 + [0.10, 0.10]


async def press(house: Household, said: Any = None, *, retained: bool = False) -> None:
    raw = said if isinstance(said, bytes) else json.dumps(said or {}).encode()
    house.bus.feed_raw(f"{TOPIC}/refresh/set", raw, retained=retained)
    await house.wait(seconds=2)


def gets(house: Household) -> int:
    return house.calls


async def test_the_press_is_answered_in_the_status_with_its_time_and_its_id(house: Household) -> None:
    assert (house.status.refreshed_at, house.status.refresh_id) == (None, None)
    await press(house, {"id": "a1"})
    assert house.status.refreshed_at is not None
    assert house.status.refreshed_at.isoformat() == "2025-12-04T20:00:05+01:00"
    assert house.status.refresh_id == "a1"


async def test_the_cloud_is_read_at_once_and_not_written_where_it_holds_what_is_wanted(
    house: Household,
) -> None:
    await house.send(NOW)
    await house.wait(seconds=40)
    assert (house.status.sync, house.puts) == ("synced", [PUT_NOW])
    before = gets(house)
    await press(house)
    assert gets(house) > before
    assert (house.status.sync, house.puts) == ("synced", [PUT_NOW])


async def test_what_somebody_changed_twice_within_the_hour_is_put_right_by_the_press(
    house: Household,
) -> None:
    await house.send(NOW)
    await house.wait(minutes=2)
    for _ in range(2):
        house.charger.mode = "On"
        await house.wait(minutes=3)
    assert (house.charger.mode, house.status.sync) == ("On", "failed")
    await press(house)
    await house.wait(seconds=30)
    assert (house.charger.mode, house.status.sync) == ("Schedule", "synced")


async def test_a_plan_that_the_cloud_refused_for_good_is_offered_once_more_for_each_press(
    make: MakeHouse,
) -> None:
    house = make(operation_mode="standalone")
    async with living(house):
        house.cloud.faults.append(Fault("status", 400, b'{"messageCode": "NO"}', method="PUT", times=1))
        await house.publish_prices(*CHEAP_AT_NIGHT)
        await house.wait(minutes=10)
        assert (house.puts, house.status.sync) == ([], "failed")
        await press(house)
        await house.wait(seconds=30)
        assert (house.puts, house.status.sync) == (["put 338400-345600@16"], "synced")


async def test_in_standalone_mode_the_plan_is_the_same_after_the_press_and_written_once(
    make: MakeHouse,
) -> None:
    house = make(operation_mode="standalone")
    async with living(house):
        await house.publish_prices(*CHEAP_AT_NIGHT)
        await house.wait(minutes=1)
        await press(house, {"id": "again"})
        await house.wait(minutes=1)
        assert (house.status.plan_state, house.status.refresh_id) == ("scheduled", "again")
        assert house.puts == ["put 338400-345600@16"]


async def test_without_prices_the_press_invents_no_plan(make: MakeHouse) -> None:
    house = make(operation_mode="standalone")
    async with living(house):
        await press(house)
        await house.wait(minutes=1)
        assert (house.status.plan_state, house.puts) == ("waiting_for_prices", [])


async def test_the_publisher_sends_this_connector_its_plan_again(make: MakeHouse) -> None:
    house = make(publisher="allocator")
    async with living(house):
        await house.publish_prices(*CHEAP_AT_NIGHT)
        await house.wait(seconds=30)
        await press(house)
        sent = [json.loads(raw) for topic, raw in house.bus.said_raw if topic == f"{TOPIC}/schedule/set"]
        windows = [{"start": "2025-12-04T22:00:00+01:00", "end": "2025-12-05T00:00:00+01:00"}]
        assert sent == [{"source": "allocator", "periods": windows}] * 2


async def test_the_press_before_anybody_is_in_charge_leaves_the_charger_to_its_owner(
    house: Household,
) -> None:
    await press(house)
    await house.wait(minutes=1)
    assert (house.charger.writes, house.status.sync) == ([], "none")


async def test_a_connector_its_owner_has_switched_off_stays_off(house: Household) -> None:
    await house.send(NOW)
    await house.wait(minutes=2)
    house.charger.mode = "Off"
    await house.wait(hours=2)
    writes = len(house.charger.writes)
    for _ in range(3):
        house.charger.mode = "Off"
        await press(house)
        await house.wait(minutes=1)
    assert (house.charger.mode, house.draws) == ("Off", 0.0)
    assert len(house.charger.writes) == writes


@pytest.mark.parametrize("every_s", [1, 3, 16])
async def test_pressing_all_the_time_keeps_no_car_from_being_stopped(house: Household, every_s: int) -> None:
    await house.send(NOW)
    await house.wait(minutes=2)
    assert house.draws == 16.0
    house.charger.mode = "On"
    await house.send(b"", "clear")
    for _ in range(60 // every_s):
        await press(house)
        await house.wait(seconds=max(every_s - 2, 0))
    assert (house.draws, house.status.sync) == (0.0, "synced")


async def test_a_press_while_the_cloud_is_away_is_answered_and_done_when_it_is_back(house: Household) -> None:
    await house.send(NOW)
    await house.wait(minutes=2)
    house.cloud.faults.append(Fault("status", 503))
    house.charger.schedule = None
    await press(house, {"id": "later"})
    assert (house.status.refresh_id, house.status.sync) == ("later", "pending")
    house.cloud.faults.clear()
    await house.wait(minutes=5)
    assert house.status.sync == "synced"
    assert house.puts == [PUT_NOW, PUT_NOW]


async def test_presses_in_a_row_are_all_answered_and_the_cloud_is_asked_once_a_second_at_most(
    house: Household,
) -> None:
    await house.send(NOW)
    await house.wait(seconds=40)
    before = gets(house)
    for number in range(50):
        house.bus.feed_raw(f"{TOPIC}/refresh/set", json.dumps({"id": str(number)}))
    await house.wait(seconds=10)
    assert house.status.refresh_id == "49"
    assert gets(house) - before <= 12


@pytest.mark.parametrize(
    ("payload", "retained", "code", "path", "word"),
    [
        pytest.param(b"{}", True, "retained_command", "", "retained", id="the broker had kept it"),
        pytest.param(b"PRESS", False, "payload_not_json", "", "not JSON", id="a word"),
        pytest.param(b'{"id": 7}', False, "off_contract", "$.id", "'7'", id="an id that is a number"),
        pytest.param(b'{"all": true}', False, "off_contract", "$", "`all`", id="a field nobody knows"),
        pytest.param(b"null", False, "off_contract", "$", "object", id="null"),
        pytest.param(
            b'{"issued_at": "2025-12-04T19:58:00+01:00"}', False, "stale_command", "$.issued_at",
            "2025-12-04T19:58:00+01:00", id="asked two minutes ago",
        ),
        pytest.param(
            b'{"issued_at": "2025-12-04T20:00:00"}', False, "off_contract", "$.issued_at",
            "2025-12-04T20:00:00", id="a time without an offset",
        ),
        pytest.param(b'{"id": "\\ud800"}', False, "payload_not_json", "", "JSON", id="half a character"),
    ],
)  # fmt: skip
async def test_a_bad_request_does_nothing_and_is_answered_with_the_field_and_the_value(
    house: Household, payload: bytes, retained: bool, code: str, path: str, word: str
) -> None:
    now = house.clock.now()
    with pytest.raises(Refused) as refused:
        refreshing.read(RawHeard(f"{TOPIC}/refresh/set", payload, 0.0, retained), now)
    assert (refused.value.code, refused.value.path) == (code, path)

    before = gets(house)
    await press(house, payload, retained=retained)
    [(told, text)] = house.bus.events
    assert told == code
    assert text.startswith(f"{TOPIC}/refresh/set: ")
    assert word in text
    assert (house.status.refreshed_at, gets(house)) == (None, before)
    assert not house.died


async def test_an_empty_message_is_no_press_and_no_mistake(house: Household) -> None:
    await press(house, b"")
    assert (house.status.refreshed_at, house.bus.events) == (None, [])


async def test_another_connectors_press_is_not_heard(make: MakeHouse) -> None:
    house = make(connectors={"1": {"charge_point": CHARGER}})
    async with living(house):
        house.bus.feed_raw("hems/charge-amps/2/refresh/set", "{}")
        await house.wait(seconds=5)
        assert house.status.refreshed_at is None


async def test_a_press_does_not_shorten_the_pause_after_a_refused_login(make: MakeHouse) -> None:
    house = make()
    async with living(house):
        house.cloud.expire_tokens()
        house.cloud.faults.append(Fault("status", 403, b"", path="/auth/login", times=100))
        await house.wait(minutes=10)
        before = gets(house)
        for _ in range(4):
            await press(house)
            await house.wait(seconds=20)
        assert gets(house) - before <= 1
