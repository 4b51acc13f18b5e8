"""Bad days of charge points: each is survived, and the limit holds or is said not to."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from ocpp_charger_model import ModelCharger
from ocpp_house import SITE, House
from ocpp_time import until

from busbar_contracts.charger import ConnectorStatus

TWO = """
[circuits.main]
limit_a = 50
meter = "grid"
assumed_background_a = 15

[ocpp]
port = 0
security = 0

[chargers.left]
charge_point = "CP-1"
max_current_a = 20
fallback_a = 6
[chargers.left.connectors.1]
[chargers.left.connectors.2]
max_a = 10
"""


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_two_connectors_have_their_own_limits_below_that_of_the_unit(
    tmp_path: Path, version: str
) -> None:
    async with House(tmp_path, site=TWO, factor=20) as house:
        charger = await house.arrived(version=version, connectors=2)
        await charger.start(1)
        await charger.start(2, tag="TAG2")
        house.order(14.0, connector="1")
        house.order(14.0, connector="2")

        await until(lambda: (charger.limit(1), charger.limit(2)) == (14.0, 10.0))

        [unit] = [one for one in charger.model.stored if one.purpose == "ChargePointMaxProfile"]
        assert unit.connector == 0
        assert unit.schedule["chargingSchedulePeriod"][0]["limit"] == 20.0
        await charger.stop(1)
        assert charger.limit(2) == 10.0


async def test_a_reboot_in_a_transaction_is_followed_by_the_transactions_limit(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        model = ModelCharger(faults=frozenset({"forgets_profiles_on_reboot"}))
        charger = await house.arrived(model=model)
        await charger.start()
        house.order(11.0)
        await until(lambda: charger.limit() == 11.0)

        charger.model.reboot()
        await charger.boot()
        await charger.status("Charging")

        await until(lambda: charger.limit() == 11.0, what="the limit after the boot")


async def test_a_charger_that_ignores_each_third_profile_is_told_again(tmp_path: Path) -> None:
    async with House(tmp_path, factor=60) as house:
        charger = await house.arrived(model=ModelCharger(faults=frozenset({"ignores_each_third_profile"})))
        charger.car_a[1] = 16.0
        await charger.start()

        async def live() -> None:
            while True:
                house.order(8.0)
                await charger.measure()
                await house.clock.sleep(8)

        living = asyncio.create_task(live())
        await until(lambda: len(charger.told("SetChargingProfile")) > 6, what="renewals")
        await until(lambda: charger.limit() <= 8.0)
        living.cancel()


async def test_an_answer_that_comes_too_late_is_ignored_and_the_limit_sent_again(tmp_path: Path) -> None:
    async with House(tmp_path, factor=3) as house:
        charger = await house.arrived()
        charger.refuses["SetChargingProfile"] = "silence"
        house.order(9.0)
        await until(lambda: charger.told("SetChargingProfile"), what="the first try")
        del charger.refuses["SetChargingProfile"]
        await charger.send_text('[3,"not-asked",{"status":"Accepted"}]')

        await until(lambda: charger.limit() == 9.0, what="the second try")


async def test_a_link_that_breaks_between_question_and_answer_loses_nothing(tmp_path: Path) -> None:
    async with House(tmp_path, factor=10) as house:
        charger = await house.arrived()
        charger.refuses["SetChargingProfile"] = "silence"
        house.order(9.0)
        await until(lambda: charger.told("SetChargingProfile"))
        await charger.drop()
        charger.refuses.clear()
        await charger.connect()
        house.order(9.0)

        await until(lambda: charger.limit() == 9.0, what="the limit on the new link")


async def test_messages_with_one_id_are_each_answered(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()

        first = await charger.call("Heartbeat", {}, id="same")
        second = await charger.call("Authorize", {"idTag": "A"}, id="same")

        assert "currentTime" in first
        assert second["idTagInfo"]["status"] == "Accepted"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="no moments"),
        pytest.param([{"timestamp": "2026-03-01T18:00:00Z", "sampledValue": []}], id="no values"),
        pytest.param([{"sampledValue": [{"value": "16"}]}], id="no time"),
        pytest.param([{"timestamp": "yesterday", "sampledValue": [{"value": "16"}]}], id="no such time"),
        pytest.param(
            [{"timestamp": "2026-03-01T18:00:00Z", "sampledValue": [{"value": ""}]}], id="an empty value"
        ),
    ],
)
async def test_meter_values_without_values_are_answered(tmp_path: Path, values: list[dict[str, Any]]) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()

        assert (
            await charger.call("MeterValues", {"connectorId": 1, "meterValue": values}, checked=False) == {}
        )


async def test_boot_and_status_back_to_back_without_waiting(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = house.guest()
        await charger.connect()

        await asyncio.gather(charger.boot(), charger.status("Preparing"), charger.status("Available", 0))

        await house.says(lambda state: state.status is ConnectorStatus.PREPARING)


async def test_a_status_of_a_connector_nobody_configured_changes_nothing(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()

        await charger.status("Faulted", 0)
        await charger.status("Charging", 2)

        await house.says(lambda state: state.status is ConnectorStatus.AVAILABLE)


async def test_a_foreign_id_in_our_drawer_is_cleared_in_2_0_1(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = house.guest(version="2.0.1")
        foreign = {
            "id": 77,
            "stackLevel": 2,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "A",
                    "startSchedule": "2026-01-01T00:00:00Z",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32.0}],
                }
            ],
        }
        assert charger.model.install(1, foreign, house.clock.now()) == "Accepted"
        await charger.connect()
        await charger.boot()
        await charger.status("Available")
        house.order(10.0)

        await until(lambda: charger.limit() == 10.0)
        assert [one.id for one in charger.model.stored if one.purpose == "TxDefaultProfile"] == [1013]


async def test_a_charger_that_0_a_does_not_stop_is_stopped_and_started_with_its_tag(tmp_path: Path) -> None:
    (tmp_path / "quirks.toml").write_text(
        '[[quirk]]\nname = "stubborn"\nvendor = "Acme"\nzero_does_not_stop = true\nsource = "this test"\n'
    )
    async with House(tmp_path, factor=30, site=SITE) as house:
        charger = await house.arrived()
        id = await charger.start(tag="MINE")
        house.order(0.0)
        await until(lambda: charger.limit() == 0.0)
        await charger.measure(amps=6.0)
        await until(lambda: charger.told("RemoteStopTransaction") == [{"transactionId": int(id)}])
        await charger.stop()
        await charger.status("Finishing")
        await house.clock.sleep(31)

        house.order(8.0)

        await until(lambda: charger.told("RemoteStartTransaction"))
        assert charger.told("RemoteStartTransaction")[0]["idTag"] == "MINE"


async def test_a_quirk_file_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "quirks.toml").write_text("[[quirk]]\nnonsense = 1\n")

    async with House(tmp_path) as house:
        charger = await house.arrived()
        house.order(8.0)
        await until(lambda: charger.limit() == 8.0)


async def test_a_charger_that_clears_everything_when_asked_for_one_level_is_told_again(
    tmp_path: Path,
) -> None:
    async with House(tmp_path, factor=30) as house:
        charger = house.guest(configuration={"ChargeProfileMaxStackLevel": "4"})

        def clears_all(payload: dict[str, Any]) -> dict[str, Any]:
            charger.model.stored = []
            return {"status": "Accepted"}

        charger.do_ClearChargingProfile = clears_all  # type: ignore[method-assign]
        await charger.connect()
        await charger.boot()
        await charger.status("Available")
        house.order(10.0)
        await until(lambda: len(charger.told("ClearChargingProfile")) == 4, what="the clearing")

        await until(lambda: charger.limit() == 10.0, what="the limit, again")
