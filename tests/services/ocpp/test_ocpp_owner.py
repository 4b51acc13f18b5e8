"""Each thing the owner can ask has its effect at the charger and its answer in the state."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ocpp_charger_model import UNLIMITED, ModelCharger
from ocpp_house import SITE, House
from ocpp_time import until

from busbar_contracts.charger import ConnectorStatus


@pytest.mark.parametrize(
    ("version", "asked", "action", "payload", "answer"),
    [
        pytest.param("1.6", {"action": "unlock"}, "UnlockConnector", {"connectorId": 1}, "unlock: Unlocked", id="unlock"),
        pytest.param("2.0.1", {"action": "unlock"}, "UnlockConnector", {"evseId": 1, "connectorId": 1},
            "unlock: Unlocked", id="unlock in 2.0.1"),
        pytest.param("1.6", {"action": "reset"}, "Reset", {"type": "Soft"}, "reset: Accepted", id="soft reset"),
        pytest.param("1.6", {"action": "hard_reset"}, "Reset", {"type": "Hard"}, "hard_reset: Accepted", id="hard reset"),
        pytest.param("2.0.1", {"action": "reset"}, "Reset", {"type": "Immediate"}, "reset: Accepted", id="reset in 2.0.1"),
        pytest.param("2.0.1", {"action": "reset", "value": "on_idle"}, "Reset", {"type": "OnIdle"}, "reset: Accepted",
            id="reset in 2.0.1 when the car has gone"),
        pytest.param("1.6", {"action": "reset", "value": "on_idle"}, "Reset", {"type": "Soft"}, "reset: Accepted",
            id="reset when nothing charges"),
        pytest.param("1.6", {"action": "disable"}, "ChangeAvailability", {"connectorId": 1, "type": "Inoperative"},
            "disable: Accepted", id="out of service"),
        pytest.param("2.0.1", {"action": "enable"}, "ChangeAvailability",
            {"operationalStatus": "Operative", "evse": {"id": 1}}, "enable: Accepted", id="into service in 2.0.1"),
        pytest.param("1.6", {"action": "trigger", "key": "Heartbeat"}, "TriggerMessage",
            {"requestedMessage": "Heartbeat"}, "trigger: NotImplemented", id="a message it does not send"),
        pytest.param("1.6", {"action": "get_configuration", "key": "MeterValueSampleInterval"}, "GetConfiguration",
            {"key": ["MeterValueSampleInterval"]}, "get_configuration: MeterValueSampleInterval = 10", id="read a setting"),
        pytest.param("1.6", {"action": "set_configuration", "key": "LightIntensity", "value": "50"},
            "ChangeConfiguration", {"key": "LightIntensity", "value": "50"}, "set_configuration: Accepted",
            id="change a setting"),
        pytest.param("1.6", {"action": "start", "tag": "MINE"}, "RemoteStartTransaction", None, "start: Accepted",
            id="start"),
        pytest.param("2.0.1", {"action": "start", "tag": "MINE"}, "RequestStartTransaction", None, "start: Accepted",
            id="start in 2.0.1"),
        pytest.param("1.6", {"action": "diagnostics", "value": "ftp://192.0.2.1/"}, "GetDiagnostics",
            {"location": "ftp://192.0.2.1/"}, "diagnostics: refused: NotImplemented", id="a log it does not have"),
    ],
)  # fmt: skip
async def test_the_owner_asks(
    tmp_path: Path,
    version: str,
    asked: dict[str, Any],
    action: str,
    payload: dict[str, Any] | None,
    answer: str,
) -> None:
    async with House(tmp_path, factor=30) as house:
        charger = await house.arrived(version=version)
        await until(lambda: len(charger.received) >= 4 or house.clock.monotonic() > 1040, what="the greeting")

        house.command(**asked)

        state = await house.says(lambda state: state.last_answer is not None)
        assert state.last_answer == answer
        told = charger.told(action)
        assert told
        assert payload is None or told[-1] == payload


async def test_stop_ends_the_running_transaction(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        id = await charger.start()

        house.command(action="stop")

        await until(lambda: charger.told("RemoteStopTransaction") == [{"transactionId": int(id)}])


async def test_a_start_carries_the_grant_with_it(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        house.order(10.0)
        await until(lambda: charger.limit() == 10.0)

        house.command(action="start", tag="MINE")

        [told] = await until(lambda: charger.told("RemoteStartTransaction"))
        profile = told["chargingProfile"]
        assert profile["chargingProfilePurpose"] == "TxProfile"
        assert "transactionId" not in profile
        assert [one["limit"] for one in profile["chargingSchedule"]["chargingSchedulePeriod"]] == [10.0, 6.0]


async def test_a_start_with_an_unknown_clock_carries_no_more_than_the_fallback(tmp_path: Path) -> None:
    async with House(tmp_path, factor=30) as house:
        charger = house.guest(model=ModelCharger(clock_ahead=timedelta(minutes=-9)))
        charger.refuses["TriggerMessage"] = {"status": "Rejected"}  # it will not say its time a second time
        await charger.connect()
        await charger.boot()
        await charger.status("Available")
        house.order(13.0)
        await until(lambda: charger.limit() == 6.0)

        house.command(action="start", tag="MINE")

        [told] = await until(lambda: charger.told("RemoteStartTransaction"))
        schedule = told["chargingProfile"]["chargingSchedule"]["chargingSchedulePeriod"]
        assert [one["limit"] for one in schedule] == [6.0, 6.0]


async def test_a_waiting_car_is_started_with_the_configured_tag(tmp_path: Path) -> None:
    site = SITE.replace('charge_point = "CP-1"', 'charge_point = "CP-1"\nauto_start = "FREE"')
    async with House(tmp_path, site=site) as house:
        charger = await house.arrived()
        house.order(10.0)
        await until(lambda: charger.limit() == 10.0)

        await charger.status("Preparing")

        [told] = await until(lambda: charger.told("RemoteStartTransaction"))
        assert (told["idTag"], told["connectorId"]) == ("FREE", 1)


async def test_secrets_of_the_charger_are_never_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="busbar_ocpp")
    async with House(tmp_path) as house:
        await house.arrived(configuration={"AuthorizationKey": "hunter2", "Light": "1"})

        house.command(action="get_configuration")

        state = await house.says(lambda state: state.last_answer is not None)
        assert "Light = 1" in (state.last_answer or "")
    assert "hunter2" not in caplog.text
    assert all("hunter2" not in str(message) for _, message in house.bus.said)
    assert all("hunter2" not in path.read_text(errors="replace") for path in tmp_path.iterdir())


async def test_a_released_charger_is_free_and_an_accepted_one_is_limited_again(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        house.order(10.0)
        await until(lambda: charger.limit() == 10.0)

        house.command(action="release")
        await until(lambda: charger.limit() == UNLIMITED)
        house.order(8.0)
        house.command(action="accept")

        await until(lambda: charger.limit() == 8.0)


async def test_clearing_sets_the_limit_again(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        house.order(10.0, lease_s=300.0)
        await until(lambda: charger.limit() == 10.0)

        house.command(action="clear_profiles")

        await house.says(
            lambda state: state.last_answer == "clear_profiles: 1 profiles cleared and set again"
        )
        await until(lambda: charger.limit() == 10.0)


async def test_a_command_for_a_charger_that_is_away_is_answered(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.command(action="unlock")

        state = await house.says(lambda state: state.last_answer is not None)

        assert state.last_answer == "unlock: the charger is not connected"


@pytest.mark.parametrize(
    ("limit_a", "charger", "code"),
    [
        pytest.param(5000.0, "left", "absurd_limit", id="more than any charger has"),
        pytest.param(10.0, "nobody", "unknown_charger", id="a charger that does not exist"),
    ],
)
async def test_orders_that_cannot_be_meant_are_refused(
    tmp_path: Path, limit_a: float, charger: str, code: str
) -> None:
    async with House(tmp_path) as house:
        house.order(limit_a, charger)

        await until(lambda: any(one == code for one, _ in house.bus.events))


async def test_the_smallest_of_two_orders_is_in_force_and_named(tmp_path: Path) -> None:
    from busbar_shared.leases import OrderStamp

    async with House(tmp_path) as house:
        charger = await house.arrived()
        house.order(13.0)
        house.order(9.0, stamp=OrderStamp("grid-operator"))

        await until(lambda: charger.limit() == 9.0)
        state = await house.says(lambda state: state.limit is not None and state.limit.limit_a == 9.0)
        assert state.limit is not None
        assert state.limit.issuer == "grid-operator"


async def test_what_a_charger_can_do_is_learned_and_what_is_missing_is_set(tmp_path: Path) -> None:
    configuration = {
        "GetConfigurationMaxKeys": "2",
        "ChargingScheduleAllowedChargingRateUnit": "Power",
        "ChargeProfileMaxStackLevel": "1",
        "MeterValueSampleInterval": "60",
        "MeterValuesSampledData": "Energy.Active.Import.Register",
        "ClockAlignedDataInterval": "900",
    }
    async with House(tmp_path, factor=30) as house:
        charger = await house.arrived(configuration=configuration)

        state = await house.says(lambda state: state.capabilities.unit == "W")

        await until(lambda: configuration["ClockAlignedDataInterval"] == "0", what="the settings")
        assert configuration["MeterValueSampleInterval"] == "10"
        assert configuration["MeterValuesSampledData"].startswith("Current.Import")
        assert max(len(told["key"]) for told in charger.told("GetConfiguration")) <= 2
        house.order(10.0)
        await until(lambda: abs(charger.limit() - 10.0) < 0.01)
        assert max(one.level for one in charger.model.stored) == 1
        assert state.status is ConnectorStatus.AVAILABLE


async def test_a_watts_only_make_is_known_by_its_name(tmp_path: Path) -> None:
    async with House(tmp_path, factor=30) as house:
        await house.arrived(vendor="Huawei", model_name="SCharger-7KS-S0")

        state = await house.says(lambda state: state.quirks)

        assert state.quirks == ("watts-only",)
        assert state.capabilities.unit == "W"


async def test_one_call_at_a_time_and_a_cut_goes_before_questions(tmp_path: Path) -> None:
    async with House(tmp_path, factor=1) as house:
        charger = house.guest()
        charger.delay_s = 0.15
        await charger.connect()
        await charger.boot()
        await charger.status("Available")
        house.order(13.0)
        await until(lambda: charger.told("SetChargingProfile"), what="the grant")
        house.command(action="unlock")
        house.command(action="get_configuration", key="A")
        house.command(action="get_configuration", key="B")
        await until(lambda: charger.told("UnlockConnector") or charger.told("GetConfiguration"))
        before = len(charger.received)

        house.order(6.5)

        await until(lambda: charger.limit() == 6.5)
        later = [action for action, _ in charger.received[before:]]
        assert later.index("SetChargingProfile") <= 1


async def test_a_foreign_profile_on_a_higher_level_is_cleared_after_ours_is_in(tmp_path: Path) -> None:
    async with House(tmp_path, factor=30) as house:
        charger = house.guest(configuration={"ChargeProfileMaxStackLevel": "5"})
        foreign = {
            "chargingProfileId": 77,
            "stackLevel": 4,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "startSchedule": "2026-01-01T00:00:00Z",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32.0}],
            },
        }
        charger.model.install(1, foreign, house.clock.now())
        await charger.connect()
        house.order(10.0)
        await charger.boot()
        await charger.status("Available")

        await until(lambda: charger.limit() == 10.0, what="our limit rules")

        assert all(one.id != 77 for one in charger.model.stored)
        assert all("chargingProfilePurpose" in told for told in charger.told("ClearChargingProfile"))


async def test_phases_are_asked_for_only_where_the_charger_can_switch(tmp_path: Path) -> None:
    site = SITE.replace('charge_point = "CP-1"', 'charge_point = "CP-1"\nphase_switching = true')
    async with House(tmp_path, factor=30, site=site) as house:
        able = await house.arrived(configuration={"ConnectorSwitch3to1PhaseSupported": "true"})
        await house.says(lambda state: state.capabilities.switches_phases)
        house.order(10.0, phases=1)

        await until(
            lambda: any(
                one.schedule["chargingSchedulePeriod"][0].get("numberPhases") == 1
                for one in able.model.stored
            )
        )
        unable = await house.arrived("CP-2")
        house.order(10.0, "right", phases=1)
        await until(lambda: unable.limit() == 10.0)
        assert all("numberPhases" not in str(one.wire) for one in unable.model.stored)


@pytest.mark.parametrize(
    ("version", "configuration"),
    [
        ("1.6", {"SupportedFeatureProfiles": "Core,SmartCharging,LocalAuthListManagement"}),
        ("2.0.1", {"LocalAuthListCtrlr.Enabled": "true"}),
    ],
    ids=["1.6", "2.0.1"],
)
async def test_the_charger_gets_the_tags_that_may_charge_while_we_are_away(
    tmp_path: Path, version: str, configuration: dict[str, str]
) -> None:
    site = SITE.replace("security = 0", 'security = 0\naccept_all_tags = false\ntags = ["ONE", "TWO"]')
    async with House(tmp_path, factor=30, site=site) as house:
        charger = await house.arrived(version=version, configuration=configuration)

        [told] = await until(lambda: charger.told("SendLocalList"))

        assert len(told["localAuthorizationList"]) == 2
        await charger.boot()
        await until(lambda: len(charger.told("GetLocalListVersion")) == 2)
        await house.clock.sleep(5)
        assert len(charger.told("SendLocalList")) == 1


async def test_what_a_2_0_1_charger_can_do_is_learned_and_what_is_missing_is_set(tmp_path: Path) -> None:
    configuration = {
        "SmartChargingCtrlr.RateUnit": "W",
        "SmartChargingCtrlr.PeriodsPerSchedule": "1",
        "SmartChargingCtrlr.ProfileStackLevel": "3",
        "SampledDataCtrlr.TxUpdatedInterval": "60",
        "SampledDataCtrlr.TxUpdatedMeasurands": "Energy.Active.Import.Register",
    }
    async with House(tmp_path, factor=30) as house:
        charger = await house.arrived(version="2.0.1", configuration=configuration)

        await house.says(lambda state: state.capabilities.unit == "W")
        await until(
            lambda: configuration["SampledDataCtrlr.TxUpdatedMeasurands"].startswith("Current.Import")
        )
        assert configuration["SampledDataCtrlr.TxUpdatedInterval"] == "10"
        house.order(10.0)
        await until(lambda: abs(charger.limit() - 10.0) < 0.01)
        assert {len(one.schedule["chargingSchedulePeriod"]) for one in charger.model.stored} == {1}


async def test_a_younger_twin_of_the_service_tells_chargers_nothing(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived()
        await until(
            lambda: charger.limit() == 6.0, what="the fallback of a charger that came without a limit"
        )
        house.service.passive = True
        before = charger.told("SetChargingProfile")
        house.order(10.0)
        await house.clock.sleep(40)
        assert charger.told("SetChargingProfile") == before

        house.service.passive = False
        house.order(9.0)

        await until(lambda: charger.limit() == 9.0)
