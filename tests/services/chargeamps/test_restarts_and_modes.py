"""The service is started again, with the same mode or another, early or late."""

import pytest

from busbar_simulator.charge_amps_cloud.cloud import Fault
from services.chargeamps.household import NOW, PUT_TONIGHT, TONIGHT, Household, MakeHouse, living, local


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


@pytest.mark.parametrize("api", ["web", "eapi"])
async def test_what_the_old_mode_left_is_removed_before_prices_the_broker_had_kept_are_planned_on(
    make: MakeHouse, api: str
) -> None:
    house = make(api=api, top_x_charge_count=1)
    house.charger.plug()
    async with living(house):
        await house.send(NOW)
        await house.wait(seconds=40)
        assert house.draws == 16.0
        before = len(house.charger.writes)

        await house.restart(operation_mode="standalone")
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        assert house.status.sync == "pending"
        await house.wait(minutes=1)

        written = house.charger.writes[before:]
        assert (written[0], written[-1]) == (
            ("delete", "put 338400-342000@16") if api == "web" else ("settings 0 On", "settings 0 On")
        )
        assert (house.draws, house.status.sync, house.status.schedule_source) == (0.0, "synced", "standalone")
        await house.wait(hours=2)
        assert house.draws == 16.0


async def test_a_removal_that_the_cloud_refuses_does_not_keep_the_new_mode_from_beginning(
    house: Household,
) -> None:
    await house.send(NOW)
    await house.wait(seconds=40)
    house.cloud.faults.append(Fault("status", 400, method="DELETE"))

    await house.restart(operation_mode="standalone", top_x_charge_count=1)
    await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
    await house.wait(minutes=5)

    assert (house.puts[-1], house.draws, house.status.sync) == ("put 338400-342000@16", 0.0, "synced")


async def test_a_process_that_dies_between_two_modes_goes_on_with_the_removal(house: Household) -> None:
    await house.send(NOW)
    await house.wait(seconds=40)
    house.cloud.faults.append(Fault("status", 503))
    await house.restart(operation_mode="standalone", top_x_charge_count=1)
    await house.wait(seconds=30)
    await house.stop()
    house.cloud.faults.clear()
    before = len(house.charger.writes)

    await house.start()
    await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
    await house.wait(minutes=1)

    assert house.charger.writes[before] == "delete"


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


async def test_a_silent_hems_gives_way_to_prices_where_the_owner_wants_it(make: MakeHouse) -> None:
    house = make(hems_timeout_action="standalone", hems_stale_after_s=3600, top_x_charge_count=1)
    house.charger.plug()
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        await house.wait(minutes=30)
        assert (house.puts, house.status.schedule_source) == ([], "none")
        await house.wait(minutes=40)
        assert (house.puts, house.status.schedule_source) == (["put 338400-342000@16"], "standalone")


async def test_a_limit_lowered_while_a_schedule_is_in_force_holds_from_the_next_start_on(
    house: Household,
) -> None:
    await house.send(NOW)
    await house.wait(seconds=40)
    assert house.draws == 16.0

    await house.restart(connectors={"1": {"charge_point": "2106037142M", "max_current_a": 10}})
    await house.wait(seconds=60)

    assert (house.draws, house.status.applied_max_current) == (10.0, 10.0)
    assert house.puts == ["put 329400-342000@16", "put 329400-342000@10"]
