"""Drivers and owners who change the charger beside us."""

from services.chargeamps.household import NOW, PUT_TONIGHT, TONIGHT, Household, MakeHouse, living


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


async def test_a_charger_without_ocpp_is_understood_in_its_own_words(make: MakeHouse) -> None:
    house = make()
    house.cloud.ocpp_version = None
    house.charger.plug()
    house.charger.mode = "Schedule"
    async with living(house):
        await house.wait(seconds=30)
        assert (house.status.state, house.status.ready_for_schedule) == ("plugged_in", True)
        await house.send(NOW)
        await house.wait(seconds=60)
        assert house.status.state == "charging"
