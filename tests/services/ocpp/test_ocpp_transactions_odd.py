"""Transactions as stations really tell them: the cable before the tag, numbers used again, clocks that were never set."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ocpp_charge_point import ChargePoint
from ocpp_charger_model import ModelCharger
from ocpp_house import SITE, House
from ocpp_time import until
from test_ocpp_transactions import began, booked, ended

from busbar_contracts.charger import ConnectorStatus

TWO_EVSES = SITE.replace('charge_point = "CP-1"', 'charge_point = "CP-1"\nconnectors = { 1 = {}, 2 = {} }')
CAR_STARTS = SITE.replace('charge_point = "CP-1"', 'charge_point = "CP-1"\nauto_start = "HOME"')


async def told(
    charger: ChargePoint, kind: str, id: str, at: datetime, evse: int | None = 1, **more: Any
) -> Any:
    """A TransactionEvent of some other moment, or with a clock of its own."""
    said = {
        "eventType": kind, "timestamp": at.isoformat().replace("+00:00", "Z"), "triggerReason": "Trigger", "seqNo": 0,
        "transactionInfo": {"transactionId": id}, **more,
    }  # fmt: skip
    if evse is not None:
        said["evse"] = {"id": evse, "connectorId": 1}
    return await charger.call("TransactionEvent", said)


async def test_the_tag_that_is_shown_after_the_cable_is_that_of_the_session(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived(version="2.0.1")
        await charger.event("Started", "T1", seq=0, state="EVConnected")

        answer = await charger.event("Updated", "T1", seq=1, tag="TAG1", state="Charging")
        await charger.event("Updated", "T1", seq=2, tag="TAG2", state="Charging")

        assert answer == {"idTokenInfo": {"status": "Accepted"}}
    [entry] = booked(tmp_path)
    assert (entry.tag, entry.gaps) == ("TAG1", 0)


async def test_a_tag_that_may_not_charge_does_not_claim_the_session(tmp_path: Path) -> None:
    strict = SITE.replace("security = 0", 'security = 0\naccept_all_tags = false\ntags = ["MINE"]')
    async with House(tmp_path, site=strict) as house:
        charger = await house.arrived(version="2.0.1")
        await charger.event("Started", "T1", seq=0, state="EVConnected")

        other = await charger.event("Updated", "T1", seq=1, tag="OTHER", state="EVConnected")
        mine = await charger.event("Updated", "T1", seq=2, tag="MINE", state="Charging")

        assert [one["idTokenInfo"]["status"] for one in (other, mine)] == ["Invalid", "Accepted"]
    assert [entry.tag for entry in booked(tmp_path)] == ["MINE"]


async def test_a_tag_before_the_cable_begins_the_session_at_its_evse(tmp_path: Path) -> None:
    async with House(tmp_path, site=TWO_EVSES) as house:
        charger = await house.arrived(version="2.0.1", connectors=2)
        began_at = house.clock.now()
        await charger.event("Started", "T1", seq=0, connector=None, tag="TAG1")
        await house.clock.sleep(30)

        await charger.event("Updated", "T1", seq=1, connector=2, state="Charging")

        await until(lambda: (state := house.state("left", "2")) is not None and state.session is not None)
        assert (state := house.state("left", "1")) is not None
        assert state.session is None
    [entry] = booked(tmp_path)
    assert (entry.connector, entry.tag) == (2, "TAG1")
    assert abs((entry.started_at - began_at).total_seconds()) < 20, "it began with the tag"


async def test_two_evses_that_number_their_transactions_alike_are_two_sessions(tmp_path: Path) -> None:
    async with House(tmp_path, site=TWO_EVSES) as house:
        charger = await house.arrived(version="2.0.1", connectors=2)
        await charger.event("Started", "1", seq=0, connector=1, tag="ANN", state="Charging")
        await charger.event("Started", "1", seq=0, connector=2, tag="BOB", state="Charging")
        await charger.event("Updated", "1", seq=1, connector=2, state="SuspendedEV")

        await until(lambda: (two := house.state("left", "2")) and two.status is ConnectorStatus.SUSPENDED_EV)
        assert (one := house.state("left", "1")) is not None
        assert one.status is ConnectorStatus.CHARGING
        await charger.event("Ended", "1", seq=2, connector=1)
        await until(
            lambda: (one := house.state("left", "1")) and one.session and one.session.transaction is None
        )
        assert (two := house.state("left", "2")) is not None
        assert two.session is not None
        assert two.session.transaction == "1"
    entries = {entry.connector: entry for entry in booked(tmp_path)}
    assert {place: (one.tag, one.ended_at is None) for place, one in entries.items()} == {
        1: ("ANN", False), 2: ("BOB", True),
    }  # fmt: skip


async def test_a_station_that_counts_anew_after_a_reboot_begins_another_session(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived(version="2.0.1")
        now = house.clock.now()
        await told(charger, "Started", "1", now, idToken={"idToken": "ANN", "type": "ISO14443"})
        await told(charger, "Ended", "1", now + timedelta(seconds=1))
        await told(charger, "Started", "1", now, idToken={"idToken": "ANN", "type": "ISO14443"})
        assert len(booked(tmp_path)) == 1, "told twice is the same"
        await house.clock.sleep(10)

        await charger.boot()
        later = house.clock.now()
        await told(charger, "Started", "1", later, idToken={"idToken": "BOB", "type": "ISO14443"},
            transactionInfo={"transactionId": "1", "chargingState": "Charging"})  # fmt: skip

        await house.says(lambda state: state.session is not None and state.session.transaction == "1")
        house.order(9.0)
        await until(lambda: any("transactionId" in str(one) for one in charger.told("SetChargingProfile")))
    bob, ann = booked(tmp_path)
    assert (ann.tag, ann.ended_at is None, bob.tag, bob.ended_at is None) == ("ANN", False, "BOB", True)


async def test_a_start_that_comes_after_its_end_completes_the_session(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived(version="2.0.1")
        now = house.clock.now()

        def energy(at: datetime, wh: float) -> list[dict[str, Any]]:
            written = at.isoformat().replace("+00:00", "Z")
            return [{"timestamp": written, "sampledValue": [{"value": wh}]}]

        began_at, ended_at = now - timedelta(minutes=40), now - timedelta(minutes=10)
        await told(charger, "Ended", "T1", ended_at, meterValue=energy(ended_at, 9000.0))
        await told(charger, "Started", "T1", began_at, meterValue=energy(began_at, 4000.0),
            idToken={"idToken": "ANN", "type": "ISO14443"})  # fmt: skip
        await charger.status("Available")
    [entry] = booked(tmp_path)
    assert (entry.tag, entry.energy_wh, entry.seconds) == ("ANN", 5000.0, pytest.approx(1800, abs=60))


@pytest.mark.parametrize("year", [1970, 2000])
async def test_a_clock_that_was_never_set_books_now_and_hides_no_session(tmp_path: Path, year: int) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        lost = await began(charger)
        said = {"connectorId": 1, "idTag": "TAG2", "meterStart": 1500, "timestamp": f"{year}-01-01T00:00:09Z"}

        new = (await charger.call("StartTransaction", said))["transactionId"]

        await house.says(lambda state: state.session is not None and state.session.transaction == str(new))
        end = {"transactionId": new, "meterStop": 2500, "timestamp": f"{year}-01-01T00:30:00Z"}
        await charger.call("StopTransaction", end)
        now = house.clock.now()
    entries = {entry.number: entry for entry in booked(tmp_path)}
    assert entries[lost].reason == "Lost"
    assert abs((entries[new].started_at - now).total_seconds()) < 60
    assert (entries[new].energy_wh, entries[new].ended_at is None) == (1000.0, False)


async def test_a_clock_of_another_zone_that_nobody_has_read_yet_hides_no_session(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        lost = await began(charger, minutes_ago=1)
        behind = house.guest(model=ModelCharger(clock_ahead=-timedelta(hours=2)))
        await charger.disconnect()
        await behind.connect()
        await behind.boot()
        await behind.status("Preparing")  # one message does not tell whether it is queued or of a wrong clock
        await house.clock.sleep(8)

        new = await behind.start(tag="TAG2")

        await house.says(lambda state: state.session is not None and state.session.transaction == new)
        await house.clock.sleep(60)
        behind.energy_wh += 500
        await behind.stop()
        now = house.clock.now()
    entries = {entry.wire_id: entry for entry in booked(tmp_path)}
    assert entries[str(lost)].reason == "Lost"
    assert 50 < (now - entries[new].started_at).total_seconds() < 100
    assert 50 < (entries[new].seconds or 0.0) < 100


async def test_the_true_end_of_a_transaction_that_was_given_up_corrects_the_book(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        first = await began(charger, minutes_ago=50, meter=1000)
        second = await began(charger, minutes_ago=5, tag="TAG2", meter=9000)

        await ended(charger, first, minutes_ago=20, meter=8000)
        await ended(charger, first, minutes_ago=1, meter=8500)

        await house.says(lambda state: state.session is not None and state.session.transaction == str(second))
    entries = {entry.number: entry for entry in booked(tmp_path)}
    assert (entries[first].energy_wh, entries[first].reason) == (7000.0, "Local")
    assert entries[first].seconds == pytest.approx(1800, abs=60)
    assert entries[second].ended_at is None


async def test_a_second_start_on_one_connector_is_another_transaction_and_its_resend_is_not(
    tmp_path: Path,
) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        said = {"connectorId": 1, "idTag": "A", "meterStart": 5, "timestamp": charger.own_time}

        ids = [(await charger.call("StartTransaction", said))["transactionId"] for _ in range(3)]
        other = (await charger.call("StartTransaction", {**said, "idTag": "B"}))["transactionId"]
        again = (await charger.call("StartTransaction", said))["transactionId"]

        assert len({*ids, again}) == 1
        assert other not in ids
    assert len(booked(tmp_path)) == 2


async def test_offline_transactions_of_2_0_1_are_booked_by_their_own_times(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived(version="2.0.1")
        live = await charger.start()
        now, wh = house.clock.now(), {"measurand": "Energy.Active.Import.Register"}

        for minutes, kind, value in (
            (180, "Started", 1000.0),
            (150, "Updated", 3000.0),
            (120, "Ended", 6000.0),
        ):
            at = now - timedelta(minutes=minutes)
            values = [
                {"timestamp": at.isoformat().replace("+00:00", "Z"), "sampledValue": [{"value": value, **wh}]}
            ]
            await told(charger, kind, "night", at, offline=True, meterValue=values)

        await house.says(lambda state: state.session is not None and state.session.transaction == live)
    entries = {entry.wire_id: entry for entry in booked(tmp_path)}
    assert entries["night"].seconds == pytest.approx(3600, abs=60)
    assert (entries["night"].energy_wh, entries["night"].offline) == (5000.0, True)
    assert entries[live].ended_at is None


async def test_a_car_that_waits_in_a_transaction_without_a_tag_is_started(tmp_path: Path) -> None:
    async with House(tmp_path, site=CAR_STARTS) as house:
        charger = await house.arrived(version="2.0.1")
        await charger.status("Occupied")
        await until(lambda: charger.told("RequestStartTransaction"), what="a car without a transaction")
        charger.received.clear()
        await charger.event("Started", "T1", seq=0, state="EVConnected")
        await until(
            lambda: charger.told("RequestStartTransaction"),
            what="a car whose transaction began with the cable",
        )
        [asked] = charger.told("RequestStartTransaction")
        assert (asked["evseId"], asked["idToken"]["idToken"]) == (1, "HOME")
        charger.received.clear()
        await charger.event("Updated", "T1", seq=1, tag="HOME", state="EVConnected")
        await house.clock.sleep(90)

        assert charger.told("RequestStartTransaction") == [], "once its tag is known it is not asked again"


async def test_a_free_socket_beside_a_used_cable_is_no_news(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived(version="2.0.1")

        async def says(outlet: int, status: str) -> None:
            said = {
                "evseId": 1,
                "connectorId": outlet,
                "connectorStatus": status,
                "timestamp": charger.own_time,
            }
            await charger.call("StatusNotification", said)

        await says(1, "Occupied")
        await says(2, "Available")
        await house.says(lambda state: state.status is ConnectorStatus.PREPARING)
        await says(2, "Faulted")
        await house.clock.sleep(3)
        assert (state := house.state()) is not None
        assert state.status is ConnectorStatus.PREPARING
        await says(1, "Available")
        await house.says(lambda state: state.status is ConnectorStatus.AVAILABLE)
        await says(1, "Unavailable")
        await house.says(lambda state: state.status is ConnectorStatus.FAULTED)


@pytest.mark.parametrize(
    "told_wh",
    [
        pytest.param(None, id="an end without a register"),
        pytest.param(0.0, id="a register of nothing at the end"),
    ],
)
async def test_a_session_whose_end_tells_no_energy_ends_with_its_last_sample(
    tmp_path: Path, told_wh: float | None
) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived(version="2.0.1")
        id = await charger.start()
        for wh in (1000.0, 1250.0, 1500.0):
            charger.energy_wh = wh
            await charger.measure(amps=10.0)
            await house.clock.sleep(10)
        values = None if told_wh is None else [{"value": told_wh}]

        await charger.event("Ended", id, seq=9, values=values)

    [entry] = booked(tmp_path)
    assert entry.energy_wh == 500.0
