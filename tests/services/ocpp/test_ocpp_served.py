"""Each action a charge point may send shows an effect, or is answered NotSupported: nothing is taken and lost."""

from pathlib import Path
from typing import Any

import pytest
from ocpp_charge_point import ChargePoint
from ocpp_house import SITE, House
from ocpp_time import until

AT = "2026-03-01T18:00:00Z"
EVENT: dict[str, Any] = {
    "eventId": 1, "timestamp": AT, "trigger": "Alerting", "actualValue": "true",
    "eventNotificationType": "HardWiredNotification",
    "component": {"name": "Connector", "evse": {"id": 1}}, "variable": {"name": "Problem"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("version", "action", "payload", "code", "text"),
    [
        pytest.param("1.6", "FirmwareStatusNotification", {"status": "Installed"}, "firmware_status",
            "left: firmware: Installed", id="firmware"),
        pytest.param("1.6", "DiagnosticsStatusNotification", {"status": "Uploaded"}, "diagnostics_status",
            "left: diagnostics: Uploaded", id="diagnostics"),
        pytest.param("1.6", "LogStatusNotification", {"status": "Uploading"}, "log_status",
            "left: log: Uploading", id="log"),
        pytest.param("1.6", "SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": AT},
            "security_event", "left: TamperDetectionActivated", id="security"),
        pytest.param("2.0.1", "FirmwareStatusNotification", {"status": "Downloading"}, "firmware_status",
            "left: firmware: Downloading", id="firmware in 2.0.1"),
        pytest.param("2.0.1", "LogStatusNotification", {"status": "Uploaded"}, "log_status",
            "left: log: Uploaded", id="log in 2.0.1"),
        pytest.param("2.0.1", "SecurityEventNotification", {"type": "SettingSystemTime", "timestamp": AT},
            "security_event", "left: SettingSystemTime", id="security in 2.0.1"),
        pytest.param("2.0.1", "NotifyEvent", {"generatedAt": AT, "seqNo": 0, "eventData": [EVENT]},
            "charger_event", "left: Connector[1].Problem = true", id="an event of a component"),
        pytest.param("2.0.1", "NotifyChargingLimit",
            {"chargingLimit": {"chargingLimitSource": "EMS"}, "evseId": 1}, "charging_limit",
            "left: somebody else (EMS) limits it too", id="a limit of somebody else"),
        pytest.param("2.0.1", "ClearedChargingLimit", {"chargingLimitSource": "SO"}, "charging_limit",
            "left: the limit of SO is gone", id="and its end"),
    ],
)  # fmt: skip
async def test_what_it_tells_reaches_the_owner(
    tmp_path: Path, version: str, action: str, payload: dict[str, Any], code: str, text: str
) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await arrived(house, version)

        assert await charger.call(action, payload, checked=False) == {}

        await until(lambda: (code, text) in house.bus.events, what=text)


async def arrived(house: House, version: str) -> ChargePoint:
    charger = house.guest(version=version)
    await charger.connect()
    await charger.boot()
    return charger


@pytest.mark.parametrize(
    ("version", "action"),
    [
        ("1.6", "SignCertificate"),
        *(
            ("2.0.1", action)
            for action in (
                "ReservationStatusUpdate", "NotifyCustomerInformation", "NotifyDisplayMessages",
                "NotifyMonitoringReport", "NotifyEVChargingSchedule", "ReportChargingProfiles",
                "PullDynamicScheduleUpdate",
            )
        ),
    ],
)  # fmt: skip
async def test_what_nothing_would_follow_from_is_not_supported(
    tmp_path: Path, version: str, action: str
) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await arrived(house, version)

        assert await charger.call(action, {}, checked=False) == "NotSupported"
        assert await charger.call("Nonsense", {}, checked=False) == "NotImplemented"


@pytest.mark.parametrize(
    ("version", "action", "payload", "answer"),
    [
        ("1.6", "DataTransfer", {"vendorId": "nobody"}, {"status": "UnknownVendorId"}),
        ("2.0.1", "DataTransfer", {"vendorId": "nobody"}, {"status": "UnknownVendorId"}),
        ("2.0.1", "SignCertificate", {"csr": "x"}, {"status": "Rejected"}),
        ("2.0.1", "GetCertificateStatus", {"ocspRequestData": {"hashAlgorithm": "SHA256", "issuerNameHash": "a",
            "issuerKeyHash": "b", "serialNumber": "c", "responderURL": "http://x"}}, {"status": "Failed"}),
        ("2.0.1", "Get15118EVCertificate", {"iso15118SchemaVersion": "2", "action": "Install", "exiRequest": "x"},
            {"status": "Failed", "exiResponse": ""}),
        ("2.0.1", "NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "AC_three_phase"}},
            {"status": "Rejected"}),
    ],
)  # fmt: skip
async def test_what_we_have_no_use_for_is_declined_in_the_protocols_words(
    tmp_path: Path, version: str, action: str, payload: dict[str, Any], answer: dict[str, Any]
) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await arrived(house, version)

        assert await charger.call(action, payload) == answer


async def test_a_reset_on_idle_of_a_1_6_charger_waits_for_nobody(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived()
        await charger.start()

        house.command(action="reset", value="on_idle")

        state = await house.says(lambda state: state.last_answer is not None)
        assert state.last_answer == "reset: not now: a car charges, and OCPP 1.6 cannot wait for its end"
        assert charger.told("Reset") == []


async def test_the_ladder_restarts_a_disobedient_2_0_1_station_although_a_car_charges(tmp_path: Path) -> None:
    from ocpp_charger_model import ModelCharger

    async with House(tmp_path, factor=60) as house:
        model = ModelCharger(version="2.0.1", faults=frozenset({"accepts_and_ignores"}))
        charger = await house.arrived(model=model, version="2.0.1")
        await charger.start()
        house.order(8.0)
        await house.says(lambda state: state.limit is not None and state.limit.confirmed)

        for _ in range(40):
            house.order(8.0)
            await charger.measure(amps=16.0)
            await house.clock.sleep(8)
            if charger.told("Reset"):
                break

        assert charger.told("Reset") == [{"type": "Immediate"}]


async def test_two_that_knock_while_a_dead_first_is_asked_do_not_both_come_in(tmp_path: Path) -> None:
    slow = SITE.replace("ping_s = 0.5", "ping_s = 3600").replace("pong_s = 0.5", "pong_s = 1")
    async with House(tmp_path, factor=10, site=slow) as house:
        first = await house.arrived()
        first.go_deaf()
        second, third = house.guest(), house.guest()
        await second.connect()
        await third.connect()

        await until(lambda: second.closed or third.closed, what="one of the two is sent away")

        sent_away, stays = (second, third) if second.closed else (third, second)
        assert sent_away.closed == (1008, "already connected")
        assert (await stays.boot())["status"] == "Accepted"
        assert stays.closed is None


async def test_a_charger_that_never_stops_telling_does_not_drown_the_others(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await arrived(house, "2.0.1")
        before = len(house.bus.events)

        for _ in range(200):
            await charger.call("NotifyEvent", {"generatedAt": AT, "seqNo": 0, "eventData": [EVENT]})

        assert 20 <= len(house.bus.events) - before < 60
