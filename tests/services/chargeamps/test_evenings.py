"""Evenings with a charger: the multi-step cases of the specification and what goes wrong besides.

Each test is one household in virtual time: a service, its bus, and the fake cloud with a car.
"""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from busbar_allocator.foreign import reserved_a
from busbar_simulator.charge_amps_cloud.cloud import Fault
from services.chargeamps.household import TOPIC, Household, living, local, schedule

TONIGHT = schedule(("2025-12-04T22:00", "2025-12-04T23:00"), ("2025-12-05T02:00", "2025-12-05T06:00"))
NOW = schedule(("2025-12-04T19:30", "2025-12-04T23:00"))
PUT_TONIGHT = "put 338400-342000@16 352800-367200@16"
PUT_NOW = "put 329400-342000@16"

MakeHouse = Callable[..., Household]


@pytest.fixture
def make(tmp_path: Path) -> MakeHouse:
    def house(**section: Any) -> Household:
        return Household(tmp_path, **section)

    return house


@pytest.fixture
async def house(make: MakeHouse) -> AsyncIterator[Household]:
    """A house in hems mode with a car on the cable, five seconds old."""
    made = make()
    made.charger.plug()
    made.charger.mode = "Off"
    async with living(made):
        await made.wait(seconds=5)
        made.charger.mode = "Schedule"
        yield made


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


async def test_a_restart_with_the_schedule_in_force_writes_nothing(house: Household) -> None:
    await house.send(TONIGHT)
    await house.wait(seconds=30)

    await house.restart()
    await house.wait(minutes=3)

    assert (house.status.schedule_source, house.status.sync, house.puts) == ("hems", "synced", [PUT_TONIGHT])
    assert house.status.last_hems_command_at is not None


async def test_a_restart_after_the_expiry_removes_the_schedule(house: Household) -> None:
    await house.send(NOW | {"expires_at": local("2025-12-04T20:30").isoformat()})
    await house.wait(seconds=30)
    await house.stop()
    await house.wait(hours=1)

    await house.start()
    await house.wait(seconds=60)

    assert (house.status.schedule_source, house.status.last_command_result) == ("none", "expired")
    assert (house.charger.schedule, house.draws) == (None, 0.0)


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


async def test_from_hems_to_standalone_the_old_schedule_goes_before_the_price_plan_comes(
    house: Household,
) -> None:
    await house.send(NOW)
    await house.wait(seconds=40)

    await house.restart(operation_mode="standalone", top_x_charge_count=1)
    await house.wait(seconds=60)
    assert (house.draws, house.charger.schedule, house.status.schedule_source) == (0.0, None, "none")

    await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
    await house.wait(seconds=60)
    assert house.puts[-1] == "put 338400-342000@16"
    assert (house.status.schedule_source, house.status.plan_state) == ("standalone", "scheduled")

    before = list(house.charger.writes)
    await house.send(NOW)
    await house.wait(minutes=2)
    assert (house.charger.writes, house.status.ready_for_schedule) == (before, False)


async def test_from_standalone_to_hems_the_plan_goes_and_prices_write_nothing_more(make: MakeHouse) -> None:
    house = make(operation_mode="standalone", top_x_charge_count=1)
    house.charger.plug()
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        await house.wait(seconds=30)
        assert house.puts == ["put 338400-342000@16"]

        await house.restart(operation_mode="hems")
        await house.publish_prices(*[0.05] * 24)
        await house.wait(minutes=10)

        assert (house.charger.schedule, house.draws, len(house.puts)) == (None, 0.0, 1)
        assert house.status.schedule_source == "none"

        await house.send(TONIGHT)
        await house.wait(seconds=30)
        assert house.puts[-1] == PUT_TONIGHT


async def test_hems_mode_never_runs_the_planner(make: MakeHouse) -> None:
    house = make(operation_mode="hems", automation_enabled=True)
    house.charger.plug()
    async with living(house):
        await house.publish_prices(*[0.01] * 24)
        await house.wait(hours=3)
        assert house.charger.writes == []


async def test_the_first_start_touches_nothing_until_a_command_comes(make: MakeHouse) -> None:
    house = make()
    house.charger.plug()
    async with living(house):
        await house.wait(hours=1)
        assert (house.charger.writes, house.draws, house.status.sync) == ([], 16.0, "none")


async def test_a_cloud_that_fails_for_a_while_gets_the_schedule_once_when_it_is_back(
    house: Household,
) -> None:
    house.cloud.faults.append(Fault("html", status=503))
    await house.send(TONIGHT)
    await house.wait(minutes=2)
    assert (house.status.last_command_result, house.status.sync) == ("accepted", "pending")
    assert house.status.schedule_source == "hems"

    house.cloud.faults.clear()
    await house.wait(minutes=5)
    assert (house.puts, house.status.sync) == ([PUT_TONIGHT], "synced")


async def test_a_schedule_the_cloud_refuses_for_good_is_dropped_and_the_one_before_stays(
    house: Household,
) -> None:
    await house.send(TONIGHT)
    await house.wait(seconds=30)
    body = b'{"error": "Periods From value", "messageCode": "SCHEDULE_INVALID_DATA"}'
    house.cloud.faults.append(Fault("status", 400, body, method="PUT", path="/smartChargingSchedules"))

    await house.send(schedule(("2025-12-05T01:00", "2025-12-05T03:00")))
    await house.wait(hours=1)

    status = house.status
    assert status.last_command_result == "provider_rejected"
    assert status.last_command_error is not None
    assert status.last_command_error.code == "SCHEDULE_INVALID_DATA"
    assert status.next_period_start == local("2025-12-04T22:00")
    assert (status.schedule_source, status.sync) == ("hems", "synced")
    tries = [one for one in house.cloud.log if one[1] == "PUT"]
    assert len(tries) == 2


async def test_a_first_schedule_refused_for_good_leaves_the_connector_to_its_owner(house: Household) -> None:
    house.cloud.faults.append(Fault("status", 400, method="PUT", path="/smartChargingSchedules"))
    await house.send(TONIGHT)
    await house.wait(hours=1)
    assert (house.status.last_command_result, house.status.schedule_source) == ("provider_rejected", "none")
    assert house.charger.writes == []
    assert len([one for one in house.cloud.log if one[1] == "PUT"]) == 1


async def test_a_write_whose_answer_is_lost_is_read_back_and_not_repeated(house: Household) -> None:
    house.cloud.faults.append(
        Fault("lost_after_commit", method="PUT", path="/smartChargingSchedules", times=1)
    )
    await house.send(TONIGHT)
    await house.wait(minutes=3)
    assert (house.puts, house.status.sync) == ([PUT_TONIGHT], "synced")


async def test_a_truncated_answer_to_a_write_is_read_back_and_not_repeated(house: Household) -> None:
    house.cloud.faults.append(Fault("truncated", path="/smartChargingSchedules", times=2))
    await house.send(TONIGHT)
    await house.wait(minutes=3)
    assert (house.puts, house.status.sync) == ([PUT_TONIGHT], "synced")


async def test_two_schedules_in_quick_succession_leave_only_the_last_in_the_cloud(house: Household) -> None:
    for payload in (NOW, TONIGHT, NOW, TONIGHT):
        house.bus.feed_raw(f"{TOPIC}/schedule/set", json.dumps(payload))
    await house.wait(seconds=30)
    assert house.puts == [PUT_TONIGHT]


async def test_a_driver_who_starts_by_hand_is_reported_and_corrected_once_an_hour(house: Household) -> None:
    await house.send(TONIGHT)
    await house.wait(seconds=30)

    house.charger.mode = "On"
    await house.wait(seconds=90)
    assert (house.charger.mode, house.draws) == ("Schedule", 0.0)

    house.charger.mode = "On"
    await house.wait(minutes=20)
    assert (house.charger.mode, house.draws) == ("On", 16.0)
    assert house.status.detail["drift"]
    assert [code for code, _ in house.bus.events] == ["drift", "drift"]

    await house.wait(minutes=45)
    assert house.charger.mode == "Schedule"


async def test_a_schedule_changed_in_the_app_is_written_again(house: Household) -> None:
    await house.send(TONIGHT)
    await house.wait(seconds=30)
    assert house.charger.schedule is not None
    house.charger.schedule["schedulePeriods"] = []
    await house.wait(minutes=2)
    assert house.puts == [PUT_TONIGHT, PUT_TONIGHT]


async def test_a_connector_its_owner_switched_off_stays_off(make: MakeHouse) -> None:
    house = make()
    house.charger.plug()
    house.charger.mode = "Off"
    async with living(house):
        await house.send(NOW)
        await house.wait(minutes=10)
        assert (house.charger.mode, house.charger.writes) == ("Off", [])
        assert house.status.detail["note"] == "the connector was switched off by its owner"

        await house.send(TONIGHT)
        await house.wait(hours=3)
        assert (house.charger.mode, house.draws) == ("Off", 0.0)
        assert house.charger.writes == [PUT_TONIGHT, "mode Off"]


async def test_next_week_is_written_when_its_week_begins(make: MakeHouse) -> None:
    house = make()
    house.charger.plug()
    async with living(house):
        await house.send(schedule(("2025-12-09T22:00", "2025-12-09T23:00")))
        await house.wait(minutes=5)
        assert (house.puts, house.draws, house.status.schedule_active) == ([], 0.0, True)
        assert house.status.detail["note"] == "the next window is written when its week begins"

        await house.wait(days=3, hours=5)
        assert house.puts == ["put 165600-169200@16"]
        await house.wait(days=1, hours=21, minutes=10)
        assert house.draws == 16.0


async def test_sunday_night_goes_on_after_midnight(make: MakeHouse) -> None:
    house = make()
    house.charger.plug()
    async with living(house):
        await house.send(schedule(("2025-12-07T23:00", "2025-12-08T02:00")))
        await house.wait(days=3, hours=3, minutes=30)
        assert house.draws == 16.0
        await house.wait(minutes=40)
        assert (house.draws, house.puts[-1]) == (16.0, "put 0-7200@16")
        await house.wait(hours=2)
        assert (house.draws, house.charger.schedule) == (0.0, None)


async def test_the_owners_own_schedule_comes_back_when_the_automation_is_switched_off(
    make: MakeHouse,
) -> None:
    house = make(operation_mode="standalone", top_x_charge_count=1)
    house.charger.mode = "Schedule"
    house.charger.schedule = {
        "chargePointId": "2106037142M", "connectorId": 1, "defaultCurrent": 0, "isActive": True,
        "startOfSchedule": "2025-11-30T23:00:00Z", "schedulePeriods": [{"from": 0, "to": 3600, "maxCurrent": 10}],
    }  # fmt: skip
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        await house.wait(seconds=30)
        assert house.puts == ["put 338400-342000@16"]

        await house.restart(automation_enabled=False)
        await house.wait(minutes=2)

        assert house.puts[-1] == "put 0-3600@10"
        assert (house.status.plan_state, house.status.sync) == ("disabled", "none")


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


async def test_a_silent_hems_gives_way_to_prices_where_the_owner_wants_it(make: MakeHouse) -> None:
    house = make(hems_timeout_action="standalone", hems_stale_after_s=3600, top_x_charge_count=1)
    house.charger.plug()
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        await house.wait(minutes=30)
        assert (house.puts, house.status.schedule_source) == ([], "none")
        await house.wait(minutes=40)
        assert (house.puts, house.status.schedule_source) == (["put 338400-342000@16"], "standalone")


async def test_the_status_beats_each_minute_and_says_changes_at_once(house: Household) -> None:
    house.bus.said_raw.clear()
    await house.wait(minutes=5)
    assert 5 <= len([1 for topic, _ in house.bus.said_raw if topic == f"{TOPIC}/status"]) <= 7


async def test_a_cloud_that_is_gone_makes_the_state_an_error_and_the_power_unknown(house: Household) -> None:
    assert house.status.state == "plugged_in"
    house.cloud.faults.append(Fault("lost"))
    await house.wait(minutes=20)
    assert (house.status.state, house.status.current_power_kw) == ("error", None)
    assert house.status.ready_for_schedule is False


async def test_two_charge_points_with_the_same_connector_number_have_topics_of_their_own(
    make: MakeHouse,
) -> None:
    guests = "2106099999M"
    house = make(
        connectors={
            "1": {"charge_point": "2106037142M"},
            "guest": {"charge_point": guests, "connector": 1, "alias": "guest", "max_current_a": 10},
        }
    )
    guest = house.cloud.add(guests)
    async with living(house):
        house.bus.feed_raw("hems/charge-amps/guest/1/schedule/set", json.dumps(NOW))
        await house.wait(seconds=30)
        assert (house.charger.writes, guest.writes) == ([], ["put 329400-342000@10"])
        said = {topic for topic, _ in house.bus.said_raw}
        assert said == {f"{TOPIC}/status", "hems/charge-amps/guest/1/status"}


async def test_one_charge_point_the_account_has_not_does_not_stop_the_other(make: MakeHouse) -> None:
    house = make(connectors={"1": {"charge_point": "2106037142M"}, "2": {"charge_point": "unknown"}})
    async with living(house):
        await house.send(TONIGHT)
        await house.wait(minutes=5)
        assert house.puts == [PUT_TONIGHT]
        other = [json.loads(raw) for topic, raw in house.bus.said_raw if topic == "hems/charge-amps/2/status"]
        assert (other[-1]["state"], other[-1]["ready_for_schedule"]) == ("error", False)
        assert other[-1]["detail"]["note"] == "the account has no connector 2 of unknown"


async def test_as_publisher_busbar_sends_the_cheap_windows_over_the_contract(make: MakeHouse) -> None:
    house = make(publisher="allocator", top_x_charge_count=1)
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        sent = [json.loads(raw) for topic, raw in house.bus.said_raw if topic == f"{TOPIC}/schedule/set"]
        assert [(one["source"], one["periods"]) for one in sent] == [
            ("allocator", [{"start": "2025-12-04T22:00:00+01:00", "end": "2025-12-04T23:00:00+01:00"}])
        ]
        await house.send(sent[0])
        await house.wait(seconds=30)
        assert house.puts == ["put 338400-342000@16"]


@pytest.mark.parametrize(
    ("prices", "code"),
    [
        pytest.param(b"\xff", "payload_not_utf8", id="no text"),
        pytest.param(b"{", "payload_not_json", id="half a message"),
        pytest.param(b"7", "payload_not_object", id="a number"),
        pytest.param(b'{"slots": 7}', "slots_missing", id="no list"),
        pytest.param(b'{"unit": "EUR/day", "slots": []}', "unit_unknown", id="a unit nobody knows"),
        pytest.param(json.dumps([{}] * 1001).encode(), "slots_too_many", id="too many slots"),
        pytest.param(b" " * 300_000, "payload_too_large", id="too many bytes"),
        pytest.param(
            b"""[{"start": "2025-12-04T20:00:00Z", "end": "2025-12-04T21:00:00Z", "price": 0.1},
                 {"start": "2025-12-04T20:30:00Z", "end": "2025-12-04T21:30:00Z", "price": 0.2}]""",
            "prices_contradict",
            id="two prices for one time",
        ),
    ],
)
async def test_bad_prices_leave_the_plan_of_the_good_ones(make: MakeHouse, prices: bytes, code: str) -> None:
    house = make(operation_mode="standalone", top_x_charge_count=1)
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        await house.wait(seconds=30)
        house.bus.feed_raw("hems/prices/import", prices)
        await house.wait(minutes=2)
        assert [found for found, _ in house.bus.events] == [code]
        assert (house.puts, house.status.plan_state) == (["put 338400-342000@16"], "scheduled")


async def test_no_slot_cheap_enough_removes_the_schedule_and_says_so(make: MakeHouse) -> None:
    house = make(operation_mode="standalone", top_x_charge_count=1)
    house.charger.plug()
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        await house.wait(seconds=30)
        await house.publish_prices(*[0.40] * 24)
        await house.wait(minutes=1)
        status = house.status
        assert (status.plan_state, status.price_threshold_active, status.schedule_source) == (
            "no_eligible_slots",
            True,
            "none",
        )
        assert (house.charger.schedule, house.draws) == (None, 0.0)


async def test_the_status_says_what_the_plan_comes_to(make: MakeHouse) -> None:
    house = make(operation_mode="standalone", top_x_charge_count=1)
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        await house.wait(seconds=30)
        status = house.status
        assert (status.planned_minutes, status.planned_kwh, status.planned_cost) == (60, 11.04, 0.552)
        assert (status.currency, status.applied, status.applied_max_current) == ("EUR", True, 16)


async def test_periods_and_prices_from_the_edges_of_time_stop_nothing(make: MakeHouse) -> None:
    house = make(hems_timeout_action="standalone")
    async with living(house):
        house.site_zone = "America/New_York"
        await house.restart()
        period = {"start": "0001-01-01T00:00:00Z", "end": "2025-12-04T23:00:00Z"}
        await house.send({"periods": [period]})
        slots = [
            {"start": f"{year}-12-31T23:30:00Z", "end": f"{year}-12-31T23:45:00Z", "price": 0.1}
            for year in ("0001", "9999")
        ]
        house.bus.feed_raw("hems/prices/import", json.dumps(slots))
        await house.wait(minutes=2)
        assert not house.died
        assert (house.status.last_command_result, house.status.in_period) == ("accepted", True)


async def test_the_allocator_makes_room_a_minute_before_a_window_and_as_long_as_the_car_draws(
    house: Household,
) -> None:
    await house.send(TONIGHT)
    await house.wait(seconds=30)
    ten = local("2025-12-04T22:00")

    def reserved(seconds: float) -> float:
        return reserved_a(house.status, 16.0, ten + timedelta(seconds=seconds))

    assert [reserved(at) for at in (-61, -59, 0, 3599, 3601)] == [0.0, 16.0, 16.0, 16.0, 0.0]
    await house.wait(hours=2)
    assert house.status.state == "charging"
    assert reserved(4000) == 16.0


async def test_a_clear_stops_a_driver_who_was_left_alone(house: Household) -> None:
    await house.send(verb="clear")
    await house.wait(minutes=1)
    for _ in range(2):
        house.charger.mode, house.charger.user_current = "On", 16.0
        await house.wait(minutes=3)
    assert house.draws == 16.0

    await house.send(verb="clear")
    await house.wait(minutes=1)
    assert (house.draws, house.status.sync) == (0.0, "synced")


async def test_the_last_hour_of_the_longest_sunday_is_reported_as_lost(tmp_path: Path) -> None:
    house = Household(tmp_path, datetime(2026, 10, 25, 11, tzinfo=UTC))
    async with living(house):
        await house.send(schedule(("2026-10-25T22:00", "2026-10-26T00:00")))
        await house.wait(seconds=30)
        assert house.puts == ["put 601200-604800@16"]
        assert house.bus.events == [
            ("window_not_expressible", "connector 1: no hour 169 in a week: 2026-10-25T22:00:00+00:00")
        ]
