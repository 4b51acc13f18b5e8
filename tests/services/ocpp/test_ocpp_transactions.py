"""Transactions over restarts, resent, late and lost; nothing is booked twice."""

from datetime import timedelta
from pathlib import Path

import pytest
from ocpp_charge_point import ChargePoint
from ocpp_charger_model import ModelCharger
from ocpp_house import House
from ocpp_time import until

from busbar_contracts.charger import ConnectorStatus
from busbar_ocpp.entry import Entry
from busbar_ocpp.ledger import Ledger


def booked(folder: Path) -> list[Entry]:
    """The book as another process would read it."""
    from datetime import UTC, datetime

    return Ledger(folder / "transactions.sqlite3", datetime(2026, 3, 1, tzinfo=UTC)).history()


async def began(charger: ChargePoint, minutes_ago: float = 0.0, tag: str = "TAG1", meter: int = 1000) -> int:
    """A StartTransaction of 1.6 that happened some minutes ago."""
    at = (charger.clock.now() - timedelta(minutes=minutes_ago)).isoformat().replace("+00:00", "Z")
    said = {"connectorId": 1, "idTag": tag, "meterStart": meter, "timestamp": at}
    answer = await charger.call("StartTransaction", said)
    return int(answer["transactionId"])


async def ended(charger: ChargePoint, id: int, minutes_ago: float = 0.0, meter: int = 3000) -> None:
    at = (charger.clock.now() - timedelta(minutes=minutes_ago)).isoformat().replace("+00:00", "Z")
    await charger.call("StopTransaction", {"transactionId": id, "meterStop": meter, "timestamp": at})


async def test_a_transaction_goes_on_after_the_service_was_killed(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        id = await charger.start()
        await charger.status("Charging")
        await house.says(lambda state: state.status is ConnectorStatus.CHARGING)
        before = house.state()
    clock = house.clock
    async with House(tmp_path, clock=clock) as house:
        again = house.guest(model=charger.model)
        await again.connect()  # no boot, no status: it only reconnects
        await again.measure(amps=10.0)

        state = await house.says(lambda state: state.power_w is not None)
        assert state.session is not None
        assert before is not None
        assert before.session is not None
        assert state.session.transaction == id
        assert state.session.id == before.session.id
        await again.stop()

    [entry] = booked(tmp_path)
    assert str(entry.number) == id
    assert entry.ended_at is not None


async def test_a_resent_start_gets_the_same_number_after_a_restart(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        at = charger.own_time
        said = {"connectorId": 1, "idTag": "TAG1", "meterStart": 5, "timestamp": at}
        first = await charger.call("StartTransaction", said)
    async with House(tmp_path, clock=house.clock) as house:
        charger = await house.arrived()
        second = await charger.call("StartTransaction", said)
        third = await charger.call("StartTransaction", said)

        assert first["transactionId"] == second["transactionId"] == third["transactionId"]

    assert len(booked(tmp_path)) == 1


async def test_a_transaction_delivered_late_is_booked_by_its_own_times(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        live = await began(charger)

        late = await began(charger, minutes_ago=90, tag="TAG2")
        await ended(charger, late, minutes_ago=30)

        await house.says(lambda state: state.session is not None and state.session.transaction == str(live))

    entries = {entry.number: entry for entry in booked(tmp_path)}
    assert entries[late].seconds == pytest.approx(3600, abs=1)
    assert entries[late].energy_wh == 2000.0
    assert entries[live].ended_at is None


async def test_a_new_transaction_closes_one_whose_end_was_lost(tmp_path: Path) -> None:
    async with House(tmp_path, factor=10) as house:
        charger = await house.arrived()
        lost = await began(charger)
        await charger.measure(amps=10.0)
        await house.clock.sleep(5)

        new = await began(charger, tag="TAG2")

        await house.says(lambda state: state.session is not None and state.session.transaction == str(new))
    entries = {entry.number: entry for entry in booked(tmp_path)}
    assert entries[lost].reason == "Lost"


async def test_an_end_of_an_unknown_transaction_is_answered(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()

        await ended(charger, 4711)

    assert booked(tmp_path) == []


async def test_2_0_1_events_out_of_order_and_missing(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived(version="2.0.1")
        start = {
            "eventType": "Started", "timestamp": charger.own_time, "triggerReason": "CablePluggedIn", "seqNo": 0,
            "transactionInfo": {"transactionId": "T1", "chargingState": "EVConnected"}, "evse": {"id": 1},
        }  # fmt: skip
        await charger.call("TransactionEvent", start)
        await charger.event("Updated", "T1", seq=1, state="Charging")
        await house.says(lambda state: state.status is ConnectorStatus.CHARGING)

        await charger.event("Updated", "T1", seq=4, state="SuspendedEV", connector=None)
        await house.says(lambda state: state.status is ConnectorStatus.SUSPENDED_EV)
        await charger.event("Ended", "T1", seq=5, connector=None)
        await charger.event("Updated", "T1", seq=6, state="Charging")
        await charger.call("TransactionEvent", start)

        await house.says(lambda state: state.session is not None and state.session.transaction is None)

    [entry] = booked(tmp_path)
    assert (entry.wire_id, entry.gaps, entry.ended_at is not None) == ("T1", 2, True)


async def test_an_end_that_comes_first_is_booked_whole(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived(version="2.0.1")

        await charger.event("Ended", "T9", seq=3, tag="TAG1")

    [entry] = booked(tmp_path)
    assert (entry.wire_id, entry.ended_at is not None) == ("T9", True)


async def test_a_tag_that_may_not_charge_is_told_so_and_booked(tmp_path: Path) -> None:
    site = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[ocpp]
port = 0
security = 0
accept_all_tags = false
tags = ["Mine"]
[chargers.left]
charge_point = "CP-1"
"""
    async with House(tmp_path, site=site) as house:
        charger = await house.arrived()

        assert (await charger.call("Authorize", {"idTag": "mine"}))["idTagInfo"]["status"] == "Accepted"
        assert (await charger.call("Authorize", {"idTag": "other"}))["idTagInfo"]["status"] == "Invalid"
        said = {"connectorId": 1, "idTag": "other", "meterStart": 1, "timestamp": charger.own_time}
        answer = await charger.call("StartTransaction", said)
        assert answer["idTagInfo"]["status"] == "Invalid"
        assert answer["transactionId"] > 0


async def test_leases_go_on_after_a_restart_with_what_is_left_of_them(tmp_path: Path) -> None:
    # Slow enough to find some of the lease left after a restart on a busy machine.
    async with House(tmp_path, factor=6) as house:
        charger = await house.arrived()
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)
    async with House(tmp_path, clock=house.clock) as house:
        again = house.guest(model=charger.model)
        await again.connect()
        await again.status("Available")

        state = await house.says(lambda state: state.limit is not None and state.limit.limit_a == 13.0)
        assert state.limit is not None
        assert state.limit.issuer == "allocator"
        await until(lambda: again.limit() == 6.0, what="the fallback when the old lease ends")


async def test_a_cut_survives_a_kill_right_after_it(tmp_path: Path) -> None:
    async with House(tmp_path, factor=30) as house:
        charger = await house.arrived()
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)
        house.order(0.0)
        await until(lambda: charger.limit() == 0.0)
    async with House(tmp_path, clock=house.clock) as house:
        again = house.guest(model=charger.model)
        await again.connect()
        await again.status("Preparing")

        await house.clock.sleep(60)

        assert again.limit() == 0.0


async def test_a_charger_that_comes_without_any_limit_gets_its_fallback_at_once(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived()

        await until(lambda: charger.limit() == 6.0, what="the fallback")

        assert house.clock.monotonic() - 1000 < 20, "well within the first lease"


async def test_a_fresh_service_leaves_a_smaller_limit_as_it_is_for_one_lease(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived()
        house.order(0.0)
        await until(lambda: charger.limit() == 0.0)
    async with House(tmp_path / "a-new-disk", clock=house.clock, factor=20) as house:
        again = house.guest(model=charger.model)
        await again.connect()
        await again.boot()
        await again.status("Available")

        await house.clock.sleep(20)
        assert again.told("SetChargingProfile") == []

        await until(lambda: again.limit() == 6.0, what="the fallback, after a lease without a word")


async def test_a_car_whose_transaction_has_ended_does_not_wait_for_another(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived(version="2.0.1")
        await charger.status("Occupied")
        await house.says(lambda state: state.status is ConnectorStatus.PREPARING)
        await charger.event("Started", "T1", seq=0, tag="TAG1", state="Charging")
        await charger.status("Occupied")
        await house.says(lambda state: state.status is ConnectorStatus.CHARGING)
        await charger.event("Ended", "T1", seq=1)
        await charger.status("Occupied")

        await house.says(lambda state: state.status is ConnectorStatus.FINISHING)
        await charger.status("Available")
        await charger.status("Occupied")
        await house.says(lambda state: state.status is ConnectorStatus.PREPARING)


async def test_a_restart_does_not_drop_a_car_whose_charger_has_its_own_time(tmp_path: Path) -> None:
    ahead = timedelta(minutes=12)
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived(model=ModelCharger(clock_ahead=ahead))
        await charger.start()
        await house.clock.sleep(8)
        await charger.measure(amps=6.0)
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0, what="the grant, once its clock is known")
    async with House(tmp_path, clock=house.clock) as house:
        again = house.guest(model=charger.model)
        await again.connect()
        house.order(13.0)

        await until(lambda: again.told("SetChargingProfile"))
        first = again.told("SetChargingProfile")[0]["csChargingProfiles"]["chargingSchedule"]
        assert first["chargingSchedulePeriod"][0]["limit"] == 13.0
        assert again.limit() == 13.0


async def test_a_2_0_1_transaction_whose_evse_is_not_named_is_that_of_the_only_one(tmp_path: Path) -> None:
    async with House(tmp_path, factor=10) as house:
        charger = await house.arrived(version="2.0.1")

        assert await charger.event("Started", "t1", connector=None, state="Charging") == {}

        state = await house.says(lambda state: state.session is not None)
        assert state.session is not None
        assert state.session.transaction == "t1"
