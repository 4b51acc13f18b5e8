"""A cloud that fails for a while, refuses for good, or loses an answer."""

from busbar_simulator.charge_amps_cloud.cloud import Fault
from services.chargeamps.household import PUT_TONIGHT, TONIGHT, Household, local, schedule


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


async def test_a_cloud_that_is_gone_makes_the_state_an_error_and_the_power_unknown(house: Household) -> None:
    assert house.status.state == "plugged_in"
    house.cloud.faults.append(Fault("lost"))
    await house.wait(minutes=20)
    assert (house.status.state, house.status.current_power_kw) == ("error", None)
    assert house.status.ready_for_schedule is False
