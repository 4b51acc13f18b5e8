"""A 2.0.1 station with its own back office."""

from datetime import datetime
from pathlib import Path
from typing import Any

from ocpp_charge_point import ChargePoint
from ocpp_house import House
from ocpp_time import until
from test_ocpp_proxy import BackOffice, back_office, site

V = "2.0.1"


def profile(limit: float, purpose: str = "TxDefaultProfile", id: int = 5, **more: Any) -> dict[str, Any]:
    schedule = {
        "id": 1,
        "chargingRateUnit": "A",
        "startSchedule": "2026-01-01T00:00:00Z",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    return {
        "id": id,
        "stackLevel": 9,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
        **more,
    }


async def met(house: House, office: BackOffice) -> ChargePoint:
    charger = await house.arrived(version=V)
    await until(lambda: office.told("BootNotification"), what="the back office hears of it")
    return charger


async def test_the_back_office_hears_a_transaction_under_the_stations_own_number(tmp_path: Path) -> None:
    async with back_office(version=V) as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await met(house, office)
        id = await charger.start()
        await charger.measure(amps=8.0)

        assert await office.ask("RequestStopTransaction", {"transactionId": id}) == {"status": "Accepted"}
        assert charger.told("RequestStopTransaction") == [{"transactionId": id}]
        await charger.stop()

        await until(lambda: len(office.told("TransactionEvent")) == 2)
        events = office.told("TransactionEvent")
        assert [one["eventType"] for one in events] == ["Started", "Ended"]
        assert {one["transactionInfo"]["transactionId"] for one in events} == {id}
        await until(lambda: office.told("MeterValues"))


async def test_its_profiles_stay_here_cap_the_grant_and_can_be_read_back(tmp_path: Path) -> None:
    async with back_office(version=V) as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await met(house, office)
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)

        asked = {"evseId": 1, "chargingProfile": profile(8.0)}
        assert await office.ask("SetChargingProfile", asked) == {"status": "Accepted"}

        await until(lambda: charger.limit() == 8.0)
        assert all(one.id != 5 for one in charger.model.stored)
        composite = await office.ask("GetCompositeSchedule", {"evseId": 1, "duration": 60})
        assert composite["schedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 8.0}]
        reading = {"requestId": 3, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}}
        assert await office.ask("GetChargingProfiles", reading) == {"status": "Accepted"}
        [report] = await until(lambda: office.told("ReportChargingProfiles"))
        assert (report["requestId"], report["evseId"], report["tbc"]) == (3, 1, False)
        assert report["chargingProfile"] == [profile(8.0)]
        other = {"requestId": 4, "chargingProfile": {"stackLevel": 1}}
        assert await office.ask("GetChargingProfiles", other) == {"status": "NoProfiles"}
        cleared = {"chargingProfileCriteria": {"evseId": 1, "chargingProfilePurpose": "TxDefaultProfile"}}
        assert await office.ask("ClearChargingProfile", cleared) == {"status": "Accepted"}
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)
        assert charger.told("GetChargingProfiles") == []


async def test_what_it_allows_outlives_a_restart_of_busbar(tmp_path: Path) -> None:
    async with back_office(version=V) as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await met(house, office)
        await office.ask("SetChargingProfile", {"evseId": 1, "chargingProfile": profile(8.0)})
        house.order(13.0)
        await until(lambda: charger.limit() == 8.0)
    async with House(tmp_path, site=site(port), clock=house.clock) as again:
        charger = await again.arrived(version=V, model=charger.model)
        again.order(13.0)
        await again.says(lambda state: state.limit is not None and state.limit.confirmed)
        await again.clock.sleep(5)

        assert charger.limit() == 8.0


async def test_a_profile_of_a_start_goes_with_its_transaction(tmp_path: Path) -> None:
    async with back_office(version=V) as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await met(house, office)
        token = {"idToken": "THEIRS", "type": "Central"}
        start = {
            "evseId": 1,
            "idToken": token,
            "remoteStartId": 1,
            "chargingProfile": profile(7.0, "TxProfile"),
        }
        assert (await office.ask("RequestStartTransaction", start))["status"] == "Accepted"
        [told] = charger.told("RequestStartTransaction")
        assert "chargingProfile" not in told
        await charger.start(tag="THEIRS")
        house.order(13.0)
        await until(lambda: charger.limit() == 7.0)
        await charger.stop()
        await charger.start(tag="OTHER")
        house.order(13.0)

        await until(lambda: charger.limit() == 13.0, what="the next car is not held by it")


async def test_settings_the_home_needs_are_rejected_and_the_others_passed_on(tmp_path: Path) -> None:
    async with back_office(version=V) as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await met(house, office)
        charger.refuses["SetVariables"] = {
            "setVariableResult": [
                {"attributeStatus": "Accepted", "component": {"name": "Light"}, "variable": {"name": "Level"}}
            ]
        }
        await house.clock.sleep(30)
        charger.received.clear()
        entries = [
            {"attributeValue": "900", "component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}},
            {"attributeValue": "50", "component": {"name": "Light"}, "variable": {"name": "Level"}},
        ]  # fmt: skip

        answer = await office.ask("SetVariables", {"setVariableData": entries})

        told = [(one["variable"]["name"], one["attributeStatus"]) for one in answer["setVariableResult"]]
        assert told == [("Level", "Accepted"), ("TxUpdatedInterval", "Rejected")]
        assert charger.told("SetVariables") == [{"setVariableData": [entries[1]]}]


async def test_a_tag_of_the_back_office_may_charge(tmp_path: Path) -> None:
    async with back_office(version=V) as (office, port):
        strict = site(port, "accept_all_tags = false")
        async with House(tmp_path, site=strict) as house:
            charger = await met(house, office)

            said = [
                (await charger.call("Authorize", {"idToken": {"idToken": tag, "type": "ISO14443"}}))
                for tag in ("THEIRS", "OTHER")
            ]

            assert [one["idTokenInfo"]["status"] for one in said] == ["Accepted", "Invalid"]


async def test_a_back_office_that_is_away_hears_of_transactions_later_with_their_times(
    tmp_path: Path,
) -> None:
    async with back_office(version=V) as (_, port):
        pass
    async with House(tmp_path, site=site(port)) as house:
        charger = await house.arrived(version=V)
        await charger.start()
        await charger.measure(amps=8.0)
        await charger.stop()
        ended = house.clock.now()
        house.order(9.0)
        await until(lambda: charger.limit() == 9.0, what="nothing changes at home")
    async with (
        back_office(port, V) as (office, _),
        House(tmp_path, site=site(port), clock=house.clock) as again,
    ):
        reconnected = again.guest(version=V, model=charger.model)
        await reconnected.connect()  # without a boot: who it is was known before
        await until(lambda: len(office.told("TransactionEvent")) == 2)

        [first, last] = office.told("TransactionEvent")
        assert (first["eventType"], last["eventType"]) == ("Started", "Ended")
        assert abs((datetime.fromisoformat(last["timestamp"]) - ended).total_seconds()) < 30
        assert office.heard[0][0] == "BootNotification"


async def test_an_inventory_we_asked_for_is_not_the_back_offices_affair(tmp_path: Path) -> None:
    async with back_office(version=V) as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await met(house, office)
        for request in (1_000_002, 17):
            said = {
                "requestId": request,
                "generatedAt": charger.own_time,
                "seqNo": 0,
                "tbc": False,
                "reportData": [],
            }
            said["reportData"] = [
                {"component": {"name": "A"}, "variable": {"name": "B"}, "variableAttribute": [{"value": "1"}]}
            ]
            await charger.call("NotifyReport", said)

        await until(lambda: office.told("NotifyReport"))
        assert [one["requestId"] for one in office.told("NotifyReport")] == [17]
