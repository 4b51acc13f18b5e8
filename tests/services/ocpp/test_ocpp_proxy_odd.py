"""A back office that is slow, strict, wrong or starting: at home nothing changes, and no transaction is lost on the way."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ocpp_house import House
from ocpp_time import until
from test_ocpp_proxy import SIX_PM, back_office, profile, site

from busbar_ocpp.foreign_profiles import ForeignProfiles

ANSWERED = {"currentTime": SIX_PM.isoformat(), "interval": 10, "status": "Pending"}


async def test_while_it_is_pending_transactions_wait_and_then_arrive_in_order(tmp_path: Path) -> None:
    async with back_office() as (office, port), House(tmp_path, site=site(port), factor=20) as house:
        office.answers["BootNotification"] = [ANSWERED, {**ANSWERED, "status": "Rejected"}]
        charger = await house.arrived()
        await charger.start()
        await charger.measure(amps=8.0)
        await charger.stop()
        house.order(9.0)
        await until(lambda: charger.limit() == 9.0, what="nothing changes at home")

        await until(lambda: office.told("StopTransaction"), what="in the end it takes them")

        names = [action for action, _ in office.heard]
        assert names.count("BootNotification") >= 3
        third = [place for place, name in enumerate(names) if name == "BootNotification"][2]
        assert "StartTransaction" not in names[:third]
        assert [one for one in names if "Transaction" in one] == ["StartTransaction", "StopTransaction"]
        assert office.told("StopTransaction")[0]["transactionId"] == 900


@pytest.mark.parametrize(("failures", "arrives"), [(2, True), (3, False)])
async def test_a_transaction_it_fails_to_take_is_tried_again_and_not_for_ever(
    tmp_path: Path, failures: int, arrives: bool
) -> None:
    async with back_office() as (office, port), House(tmp_path, site=site(port), factor=20) as house:
        office.answers["StartTransaction"] = ["InternalError"] * failures
        charger = await house.arrived()
        await charger.start()
        await charger.stop()

        await until(lambda: office.told("StopTransaction"), what="what comes after it is not held up")

        assert len(office.told("StartTransaction")) == 3
        assert (office.told("StopTransaction")[0]["transactionId"] == 900) is arrives


async def test_a_start_that_the_charger_tells_again_is_one_transaction_there_too(tmp_path: Path) -> None:
    async with back_office() as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await house.arrived()
        said = {"connectorId": 1, "idTag": "TAG1", "meterStart": 5, "timestamp": charger.own_time}
        for _ in range(3):
            await charger.call("StartTransaction", said)
        await until(lambda: office.told("StartTransaction"))
        await charger.call("StartTransaction", said)
        await charger.status("Charging")

        await until(lambda: any(one["status"] == "Charging" for one in office.told("StatusNotification")))
        assert len(office.told("StartTransaction")) == 1


async def test_numbers_are_translated_over_a_restart_in_the_middle_of_a_transaction(tmp_path: Path) -> None:
    async with back_office() as (office, port):
        async with House(tmp_path, site=site(port)) as house:
            charger = await house.arrived()
            ours = await charger.start()
            await until(lambda: office.told("StartTransaction"))
            await charger.measure(amps=8.0)
            await until(lambda: office.told("MeterValues"))
        async with House(tmp_path, site=site(port), clock=house.clock) as again:
            charger = again.guest(model=charger.model)
            await charger.connect()
            await until(lambda: len(office.told("BootNotification")) >= 2)
            assert await office.ask("RemoteStopTransaction", {"transactionId": 900}) == {"status": "Accepted"}
            assert charger.told("RemoteStopTransaction") == [{"transactionId": int(ours)}]
            capped = profile(7.0, "TxProfile", transactionId=900)
            said = await office.ask("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": capped})
            assert said == {"status": "Accepted"}
            again.order(13.0)
            await until(lambda: charger.limit() == 7.0, what="its profile is that of our number")
            await charger.stop()

            await until(lambda: office.told("StopTransaction"))
            assert office.told("StopTransaction")[0]["transactionId"] == 900


async def test_a_back_office_that_never_answers_who_we_are_still_hears_the_rest(tmp_path: Path) -> None:
    async with back_office() as (office, port), House(tmp_path, site=site(port)) as house:
        office.silent.add("BootNotification")
        charger = await house.arrived()
        await charger.start()

        await until(lambda: office.told("StartTransaction"), 30)


async def test_what_it_asks_that_cannot_be_meant_is_answered_and_harms_nothing(tmp_path: Path) -> None:
    async with back_office() as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await house.arrived()
        await until(lambda: office.told("BootNotification"))

        station = profile(1.0, "ChargePointMaxProfile")
        answers = [
            await office.ask("Reset", {"type": "Sideways"}),
            await office.ask("GetCompositeSchedule", {"connectorId": [1], "duration": 60}),
            await office.ask("SetChargingProfile", {"connectorId": [1], "csChargingProfiles": [profile(1.0)]}),
            await office.ask("SetChargingProfile", {"connectorId": 7, "csChargingProfiles": profile(1.0)}),
            await office.ask("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile(1.0, "TxProfile")}),
            await office.ask("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": station}),
            await office.ask("ChangeConfiguration", {"key": "METERVALUESAMPLEINTERVAL", "value": "900"}),
            await office.ask("Explode", {}),
        ]  # fmt: skip

        rejected = {"status": "Rejected"}
        assert answers == [
            "FormationViolation",
            rejected,
            rejected,
            rejected,
            rejected,
            rejected,
            rejected,
            "NotSupported",
        ]
        assert charger.told("Reset") == []
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)


async def test_what_a_charger_says_in_odd_shapes_stops_neither_line(tmp_path: Path) -> None:
    async with back_office() as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await house.arrived()
        odd = {"connectorId": 1, "status": "Available", "errorCode": "NoError", "evseId": [1, {"a": 2}]}

        await charger.call("StatusNotification", odd, checked=False)
        await charger.start()

        await until(lambda: office.told("StartTransaction"))
        office.errors.clear()  # it was passed on as it came


async def test_the_stations_maximum_is_that_of_both_cars_together(tmp_path: Path) -> None:
    two = site(0).replace('charge_point = "CP-1"', 'charge_point = "CP-1"\nconnectors = { 1 = {}, 2 = {} }')
    async with back_office() as (office, port):
        text = two.replace(":0/", f":{port}/")
        async with House(tmp_path, site=text) as house:
            charger = await house.arrived(connectors=2)
            await until(lambda: office.told("BootNotification"))
            station = profile(20.0, "ChargePointMaxProfile")
            assert await office.ask(
                "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": station}
            ) == {"status": "Accepted"}
            await charger.start(1)
            house.order(16.0, connector="1")
            await until(lambda: charger.limit(1) == 16.0, what="alone it may have all its connector can")
            await charger.start(2, tag="TAG2")
            house.order(16.0, connector="2")

            await until(lambda: (charger.limit(1), charger.limit(2)) == (10.0, 10.0), what="half of it each")
            whole = await office.ask("GetCompositeSchedule", {"connectorId": 0, "duration": 60})
            watts = await office.ask(
                "GetCompositeSchedule", {"connectorId": 1, "duration": 60, "chargingRateUnit": "W"}
            )
            assert whole["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 20.0}]
            assert watts["chargingSchedule"]["chargingSchedulePeriod"] == [
                {"startPeriod": 0, "limit": 6900.0}
            ]


@pytest.mark.parametrize(
    ("schedule", "minutes", "cap"),
    [
        pytest.param({}, 30, 16.0, id="without a start it counts from the start of charging"),
        pytest.param({}, 90, 8.0, id="and comes to its second period"),
        pytest.param({"startSchedule": "2026-03-01T17:30:00Z"}, 90, 16.0, id="with one it counts from there"),
        pytest.param({"startSchedule": "nonsense"}, 90, 8.0, id="a start that is none counts as none"),
    ],
)
def test_where_a_schedule_begins(schedule: dict[str, Any], minutes: int, cap: float) -> None:
    wire = profile(16.0, "TxProfile")
    periods = [{"startPeriod": 3600, "limit": 8.0}, {"startPeriod": 0, "limit": 16.0}]
    wire["chargingSchedule"] = {"chargingRateUnit": "A", "chargingSchedulePeriod": periods, **schedule}
    store = ForeignProfiles(230.0, 3)
    assert store.install(1, wire) == "Accepted"

    assert store.cap_a(1, SIX_PM, "7", SIX_PM - timedelta(minutes=minutes)) == cap


@pytest.mark.parametrize(
    ("ended", "left"),
    [
        pytest.param(("1", 1), [2, 2], id="of two transactions called alike the one that ended"),
        pytest.param(("1", None), [2], id="one whose place nobody knows, by its name alone"),
        pytest.param(("9", 2), [1, 2], id="and with it what came with its start"),
        pytest.param(("9", None), [1, 2, 2], id="of one never heard of nothing"),
    ],
)
def test_which_profiles_end_with_a_transaction(ended: tuple[str, int | None], left: list[int]) -> None:
    store = ForeignProfiles(230.0, 3)
    for id, (place, more) in enumerate([(1, {"transactionId": "1"}), (2, {"transactionId": "1"}), (2, {})]):
        wire = profile(8.0, "TxProfile", chargingProfileId=id, stackLevel=id, **more)
        assert store.install(place, wire) == "Accepted"

    assert store.forget_transaction(*ended) is (len(left) < 3)
    assert sorted(one.connector for one in store.kept) == left


async def test_transactions_of_an_evening_without_it_come_with_their_own_times(tmp_path: Path) -> None:
    async with back_office() as (_, port):
        pass
    async with House(tmp_path, site=site(port), factor=20) as house:
        charger = await house.arrived()
        for _ in range(2):
            await charger.start()
            await house.clock.sleep(120)
            await charger.stop()
        async with back_office(port) as (office, _):
            await until(
                lambda: len(office.told("StopTransaction")) == 2, 30, "it is back while the service runs"
            )

    starts, stops = office.told("StartTransaction"), office.told("StopTransaction")
    times = [
        datetime.fromisoformat(one["timestamp"]) for pair in zip(starts, stops, strict=True) for one in pair
    ]
    assert times == sorted(times)
    assert [(times[1] - times[0]).total_seconds() >= 119, (times[3] - times[2]).total_seconds() >= 119] == [
        True,
        True,
    ]
    assert [one["transactionId"] for one in stops] == [900, 900]
