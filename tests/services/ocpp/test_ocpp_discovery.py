"""What a charger is asked about itself, how gently, and what is proposed for the configuration."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from ocpp_charge_point import ChargePoint
from ocpp_house import House
from ocpp_time import until

from busbar_ocpp.proposals import Configured, Learned, phases_of, proposals
from busbar_ocpp.settings import asked, report_of, variables_of

THREE = {1: Configured(legs=3, min_a=6.0, max_a=16.0)}


@pytest.mark.parametrize(
    ("learned", "said", "proposed"),
    [
        pytest.param({}, {}, [], id="nothing learned, nothing proposed"),
        pytest.param({}, {"NumberOfConnectors": "1"}, [], id="as configured"),
        pytest.param({}, {"NumberOfConnectors": "2"},
            ["it has 2 connectors, 1 are configured in chargers.left.connectors"], id="a second connector"),
        pytest.param({}, {"EVSE[1].AvailabilityState": "Available", "EVSE[2].AvailabilityState": "Available"},
            ["it has 2 connectors, 1 are configured in chargers.left.connectors"], id="a second EVSE of 2.0.1"),
        pytest.param({}, {"EVSE[1].SupplyPhases": "1"},
            ["connector 1 has 1 phases, chargers.left.legs names 3"], id="one phase by its own word"),
        pytest.param({}, {"ConnectorPhaseRotation": "0.RST,1.NotApplicable"},
            ["connector 1 has 1 phases, chargers.left.legs names 3"], id="no rotation where there is one phase"),
        pytest.param({}, {"ConnectorPhaseRotation": "0.Unknown,1.Unknown"}, [], id="a rotation it does not know"),
        pytest.param({}, {"ConnectorPhaseRotation": "1.STR"}, [], id="three phases, rotated"),
        pytest.param({}, {"EVSE[1].SupplyPhases": "3", "EVSE[1].Power.max": "22080"},
            ["connector 1 is made for 32 A, chargers.left.max_a is 16"], id="a larger rating"),
        pytest.param({}, {"EVSE[1].SupplyPhases": "3", "EVSE[1].Power.max": "11000"}, [], id="11 kW are 16 A"),
        pytest.param({}, {"EVSE[1].Power.max": "11"}, [], id="a rating that cannot be watts"),
        pytest.param({1: Learned(offers_a=32.0)}, {},
            ["connector 1 offers 32 A by itself, chargers.left.max_a is 16"], id="what it offers by itself"),
        pytest.param({1: Learned(min_a=8.0)}, {},
            ["connector 1 needs 8 A, chargers.left.min_a is 6"], id="a larger minimum"),
        pytest.param({1: Learned(phases=3)}, {"EVSE[1].SupplyPhases": "1"}, [], id="a car shows more than a word says"),
    ],
)  # fmt: skip
def test_what_is_proposed(learned: dict[int, Learned], said: dict[str, str], proposed: list[str]) -> None:
    assert list(proposals("left", THREE, learned, said)) == proposed


@pytest.mark.parametrize("written", ["", "1", "1.", ".RST", "1.RST,", "x.RST", "1.RRR", "1.rst", "," * 99])
def test_a_rotation_that_is_none_tells_nothing_wrong(written: str) -> None:
    assert phases_of({"ConnectorPhaseRotation": written}, 1) in (None, 3)


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("A.B", {"component": {"name": "A"}, "variable": {"name": "B"}}),
        ("EVSE[2].Power.max", {"component": {"name": "EVSE", "evse": {"id": 2}}, "variable": {"name": "Power"},
            "attributeType": "MaxSet"}),
        ("A.B[C]", {"component": {"name": "A"}, "variable": {"name": "B", "instance": "C"}}),
    ],
)  # fmt: skip
def test_a_variable_is_asked_for_by_its_name_and_answered_under_it(name: str, wire: dict[str, Any]) -> None:
    assert asked(name) == wire
    answer = {"getVariableResult": [{**wire, "attributeStatus": "Accepted", "attributeValue": "7"}]}
    assert variables_of(answer) == {name: "7"}


def test_a_report_keeps_the_largest_value_and_no_secret() -> None:
    power = {
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Power"},
        "variableAttribute": [{"type": "Actual", "value": "0"}],
        "variableCharacteristics": {"dataType": "decimal", "maxLimit": 22080},
    }
    secret = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "variableAttribute": [{"value": "hunter2"}],
    }

    assert report_of([power, secret, None, {}, {"component": 1}]) == {
        "EVSE[1].Power": "0",
        "EVSE[1].Power.max": "22080",
    }


def variable(name: str, value: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    return {**asked(name), "variableAttribute": [{"value": value}], **(more or {})}


class Station(ChargePoint):
    """A 2.0.1 station with a device model, that counts what it is asked at once."""

    def __init__(self, *given: Any, model_of: dict[str, str], most: int | None = None, **more: Any) -> None:
        super().__init__(*given, version="2.0.1", **more)
        self.model_of, self.most, self.largest = model_of, most, 0
        self.reports: list[dict[str, Any]] = []

    def do_GetVariables(self, payload: dict[str, Any]) -> dict[str, Any]:
        wanted = payload["getVariableData"]
        self.largest = max(self.largest, len(wanted))
        results = []
        for one in wanted:
            empty = {"getVariableResult": [{**one, "attributeStatus": "Accepted", "attributeValue": ""}]}
            [name] = variables_of(empty) or [""]
            value = self.model_of.get(name)
            status = "UnknownVariable" if value is None else "Accepted"
            results.append({**one, "attributeStatus": status, **({"attributeValue": value} if value else {})})
        return {"getVariableResult": results}

    def do_GetBaseReport(self, payload: dict[str, Any]) -> dict[str, Any]:
        self.reports.append(payload)
        asyncio.get_running_loop().call_later(
            0.05, lambda: asyncio.create_task(self.tell(payload["requestId"]))
        )
        return {"status": "Accepted"}

    async def tell(self, request: int) -> None:
        """The report in two parts, out of a request that nobody made between them."""
        limits = variable("SmartChargingCtrlr.RateUnit", "W")
        levels = variable("SmartChargingCtrlr.ProfileStackLevel", "5")
        phases = variable("EVSE[1].SupplyPhases", "1")
        for seq, (id, entry, more) in enumerate(
            ((request, limits, True), (request + 7, levels, False), (request, phases, False))
        ):
            said = {
                "requestId": id,
                "generatedAt": self.own_time,
                "seqNo": seq,
                "tbc": more,
                "reportData": [entry],
            }
            await self.call("NotifyReport", said)


MODEL = {
    "DeviceDataCtrlr.ItemsPerMessage[GetVariables]": "2",
    "SmartChargingCtrlr.RateUnit": "W",
    "SmartChargingCtrlr.ProfileStackLevel": "1",
    "EVSE[1].AvailabilityState": "Available",
    "EVSE[1].SupplyPhases": "1",
    "EVSE[1].Power.max": "7360",
    "EVSE[2].AvailabilityState": "Available",
}


def events(house: House) -> list[str]:
    return [text for code, text in house.bus.events if code == "configuration_proposal"]


async def test_a_station_of_2_0_1_is_asked_no_more_at_once_than_it_takes(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        station = Station(house.clock, house.port, model_of=MODEL)
        await station.connect()
        await station.boot()
        await station.status("Available")

        await until(lambda: len(events(house)) == 3, what="the proposals")

        assert station.largest == 2
        assert events(house) == [
            "left: it has 2 connectors, 1 are configured in chargers.left.connectors",
            "left: connector 1 has 1 phases, chargers.left.legs names 3",
            "left: connector 1 is made for 32 A, chargers.left.max_a is 16",
        ]
        house.order(10.0)
        state = await house.says(lambda state: state.capabilities.unit == "W")
        assert state.controllable
        assert station.reports == []
        await station.disconnect()
        assert station.errors == []


async def test_what_was_proposed_once_is_not_said_again_after_a_reboot(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        station = Station(house.clock, house.port, model_of=MODEL)
        await station.connect()
        await station.boot()
        await until(lambda: len(events(house)) == 3)
        count = len(station.told("GetVariables"))
        await station.boot()

        await until(lambda: len(station.told("GetVariables")) >= 2 * count, what="asked again")

        assert len(events(house)) == 3
        await station.disconnect()


async def test_a_station_that_answers_no_variable_is_asked_for_its_inventory(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        station = Station(house.clock, house.port, model_of={})
        await station.connect()
        await station.boot()
        await station.status("Available")

        await until(lambda: events(house), what="what the inventory told")

        [report] = station.reports
        assert report["reportBase"] == "FullInventory"
        assert events(house) == ["left: connector 1 has 1 phases, chargers.left.legs names 3"]
        house.order(10.0)
        state = await house.says(lambda state: state.capabilities.unit == "W")
        assert state.controllable
        await station.disconnect()
        assert station.errors == []


async def test_an_inventory_that_never_ends_holds_nothing_up(tmp_path: Path) -> None:
    async with House(tmp_path, factor=60) as house:
        station = Station(house.clock, house.port, model_of={})
        station.do_GetBaseReport = lambda payload: {"status": "Accepted"}  # type: ignore[method-assign]
        await station.connect()
        await station.boot()
        await station.status("Available")
        house.order(10.0)

        await until(lambda: station.limit() == 10.0)
        await until(lambda: station.told("SetVariables"), what="it goes on after its time")
        await station.disconnect()


async def test_a_charger_of_1_6_tells_its_minimum_and_what_it_offers_by_itself(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = house.guest(configuration={"ConnectorPhaseRotation": "1.NotApplicable"})
        schedule = {
            "chargingRateUnit": "A",
            "minChargingRate": 8.0,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32.0}],
        }
        charger.refuses["GetCompositeSchedule"] = {
            "status": "Accepted", "connectorId": 1, "scheduleStart": charger.own_time, "chargingSchedule": schedule,
        }  # fmt: skip
        await charger.connect()
        await charger.boot()
        await charger.status("Available")

        await until(lambda: len(events(house)) == 3)

        assert events(house) == [
            "left: connector 1 has 1 phases, chargers.left.legs names 3",
            "left: connector 1 offers 32 A by itself, chargers.left.max_a is 16",
            "left: connector 1 needs 8 A, chargers.left.min_a is 6",
        ]


async def test_a_car_that_draws_on_more_legs_than_configured_is_told_of_at_its_end(tmp_path: Path) -> None:
    from ocpp_house import SITE

    one_leg = SITE.replace('charge_point = "CP-1"', 'charge_point = "CP-1"\nlegs = ["a"]')
    async with House(tmp_path, factor=20, site=one_leg) as house:
        charger = await house.arrived()
        await charger.start()
        await charger.measure(amps=10.0)
        await charger.stop()

        await until(lambda: events(house))
        assert events(house) == ["left: connector 1 has 3 phases, chargers.left.legs names 1"]


async def test_only_what_was_asked_for_is_remembered(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = house.guest()
        more = [{"key": f"Vendor{number}", "readonly": True, "value": "x"} for number in range(500)]
        wanted = {"key": "NumberOfConnectors", "readonly": True, "value": "2"}
        charger.refuses["GetConfiguration"] = {"configurationKey": [*more, wanted]}
        await charger.connect()
        await charger.boot()

        await until(lambda: events(house))
        await house.clock.sleep(10)

    assert "Vendor7" not in (tmp_path / "learned.json").read_text()
    assert "NumberOfConnectors" in (tmp_path / "learned.json").read_text()
