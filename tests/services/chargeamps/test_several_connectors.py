"""More than one connector on one account."""

import json

from services.chargeamps.household import NOW, PUT_TONIGHT, TONIGHT, TOPIC, MakeHouse, living


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
