"""Charge points on a real WebSocket against a central system that fits on a page."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from busbar_simulator.dialect.ocpp16 import Ocpp16
from busbar_simulator.dialect.ocpp201 import Ocpp201
from busbar_simulator.link import Link
from busbar_simulator.plant.car import Car, CarSpec
from busbar_simulator.plant.socket import Socket, SocketSpec
from busbar_simulator.station.faults import Fault
from busbar_simulator.station.spec import StationSpec
from busbar_simulator.station.station import Station

Json = dict[str, Any]
VOLTS = (230.0, 230.0, 230.0)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Garage:
    """One charge point on its wire, whose time moves when the test says so."""

    def __init__(
        self, url: str, version: str, *faults: Fault, password: str | None = None, **spec: Any
    ) -> None:
        self.socket = Socket(SocketSpec())
        self.socket.car = Car(CarSpec(dead_s=1, ramp_a_per_s=4), 50)
        options: dict[str, Any] = {"id": "left", "tag_after_s": 0.5, "reboot_s": 1.0} | spec
        self.station = Station(StationSpec(faults=frozenset(faults), **options), {1: self.socket})
        dialect = Ocpp16(self.station, password) if version == "1.6" else Ocpp201(self.station)
        self.link = Link(self.station, dialect, url, password=password, answer_within_s=1.0)
        self.utc = NOON
        self.station.step(0.1, self.utc, VOLTS)
        self._task = asyncio.create_task(self.link.run())

    async def live(self, seconds: float) -> None:
        """Let this much time pass for the charge point, and hardly any for us."""
        for _ in range(round(seconds * 10)):
            self.utc += timedelta(seconds=0.1)
            self.socket.step(0.1, 0.1, VOLTS)
            self.link.tell(self.station.step(0.1, self.utc, VOLTS))
            # Not waiting for time but for the socket, which is a real one.
            await asyncio.sleep(0.002)

    async def until(self, told: "Callable[[], bool]") -> None:
        """Live until this is so."""
        async with asyncio.timeout(30):
            while not told():
                await self.live(0.1)

    async def online(self) -> None:
        """Live until it has booted."""
        await self.until(lambda: self.station.online)

    async def charging(self) -> None:
        """Live until current flows."""
        await self.until(lambda: self.socket.legs_a[0] > 5)
        await self.live(5)

    async def end(self) -> None:
        """Take it from the wall."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


@pytest.fixture
async def garages() -> AsyncIterator[list[Garage]]:
    """Charge points that are unplugged when the test ends."""
    made: list[Garage] = []
    yield made
    for garage in made:
        await garage.end()


def names(central: Any) -> list[str]:
    """The actions heard, in order."""
    return [action for action, _ in central.heard]


def lease(central: Any, limit: float, floor: float, validity_s: int, purpose: str = "TxProfile") -> Json:
    """The two-period lease of OCPP 1.6."""
    return {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 7,
            "stackLevel": 2,
            "chargingProfilePurpose": purpose,
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "startSchedule": "2026-03-01T12:00:00Z",
                "chargingSchedulePeriod": [
                    {"startPeriod": 0, "limit": limit},
                    {"startPeriod": validity_s, "limit": floor},
                ],
            },
        },
    }


async def test_a_16_session_from_boot_to_unplugging(central_16: Any, garages: list[Garage]) -> None:
    garage = Garage(central_16.url, "1.6")
    garages.append(garage)
    await garage.online()
    await garage.charging()
    await garage.live(25)
    garage.socket.car = None
    await garage.until(lambda: "StopTransaction" in names(central_16))
    await garage.live(1)

    assert central_16.wrong == []
    assert names(central_16)[0] == "BootNotification"
    assert names(central_16).index("Authorize") < names(central_16).index("StartTransaction")
    assert names(central_16).count("MeterValues") >= 2
    started = dict(central_16.heard)["StartTransaction"]
    stopped = dict(central_16.heard)["StopTransaction"]
    assert started["meterStart"] == 0
    assert stopped["reason"] == "EVDisconnected"
    assert stopped["meterStop"] == pytest.approx(30 * 11_040 / 3600, abs=25)
    statuses = [p["status"] for a, p in central_16.heard if a == "StatusNotification"]
    assert statuses[0] == "Preparing"
    assert statuses[-1] == "Available"
    assert "Charging" in statuses


async def test_a_201_session_numbers_its_events(central_201: Any, garages: list[Garage]) -> None:
    garage = Garage(central_201.url, "2.0.1")
    garages.append(garage)
    await garage.online()
    await garage.charging()
    await garage.live(25)
    garage.socket.car = None
    await garage.until(lambda: any(p.get("eventType") == "Ended" for _, p in central_201.heard))
    await garage.live(1)

    assert central_201.wrong == []
    events = [payload for action, payload in central_201.heard if action == "TransactionEvent"]
    assert [event["seqNo"] for event in events] == list(range(len(events)))
    assert [events[0]["eventType"], events[-1]["eventType"]] == ["Started", "Ended"]
    assert {event["transactionInfo"]["transactionId"] for event in events} == {
        events[0]["transactionInfo"]["transactionId"]
    }
    assert "Charging" in [event["transactionInfo"].get("chargingState") for event in events]
    assert names(central_201).count("StatusNotification") == 2, "occupied, and free again"


async def test_meter_values_carry_the_chargers_own_wrong_time(central_16: Any, garages: list[Garage]) -> None:
    garage = Garage(central_16.url, "1.6", clock_offset_s=-77.0)
    garages.append(garage)
    await garage.charging()
    await garage.until(lambda: "MeterValues" in names(central_16))

    [values, *_] = [p for a, p in central_16.heard if a == "MeterValues"]
    told = datetime.fromisoformat(values["meterValue"][0]["timestamp"])
    assert -85 < (told - garage.utc).total_seconds() < -76
    by_leg = {
        v.get("phase"): v["value"] for v in values["meterValue"][0]["sampledValue"] if v.get("unit") == "A"
    }
    assert {"L1", "L2", "L3"} <= set(by_leg)


async def test_it_obeys_a_limit_and_falls_back_by_itself_when_the_link_is_dead(
    central_16: Any, garages: list[Garage]
) -> None:
    garage = Garage(central_16.url, "1.6")
    garages.append(garage)
    await garage.charging()
    since = (garage.utc - NOON).total_seconds()
    order = lease(central_16, 10, 6, round(since) + 40)
    order["csChargingProfiles"]["transactionId"] = dict(central_16.heard)["StartTransaction"] and 101
    assert await central_16.call("SetChargingProfile", order) == {"status": "Accepted"}
    await garage.live(5)
    assert garage.socket.legs_a == (10, 10, 10)

    await central_16.stop()
    await garage.live(30)
    assert garage.socket.legs_a == (10, 10, 10), "the lease still runs"
    await garage.live(10)
    assert garage.socket.legs_a == (6, 6, 6)


async def test_what_happened_without_a_link_is_told_later_with_its_own_times(
    central_16: Any, garages: list[Garage]
) -> None:
    garage = Garage(central_16.url, "1.6")
    garages.append(garage)
    await garage.charging()
    port = central_16.port
    await central_16.stop()
    await garage.until(lambda: not garage.station.online)
    lost_at = garage.utc
    await garage.live(15)
    garage.socket.car = None
    await garage.live(20)
    heard = len(central_16.heard)
    await central_16.start(port)
    await garage.until(lambda: "StopTransaction" in names(central_16)[heard:])

    later = central_16.heard[heard:]
    stopped = next(p for a, p in later if a == "StopTransaction")
    assert 14 <= (datetime.fromisoformat(stopped["timestamp"]) - lost_at).total_seconds() <= 17
    assert [a for a, _ in later].index("BootNotification") == 0
    assert "MeterValues" in [a for a, _ in later]
    assert central_16.wrong == []


async def test_a_silent_reconnect_says_nothing_at_all(central_16: Any, garages: list[Garage]) -> None:
    garage = Garage(central_16.url, "1.6", Fault.SILENT_RECONNECT, tag=None)
    garages.append(garage)
    await garage.online()
    await garage.live(1)
    heard = len(central_16.heard)
    garage.link.drop()
    await garage.until(lambda: not garage.station.online)
    await garage.online()
    await garage.live(2)

    assert names(central_16)[heard:] == []


@pytest.mark.parametrize(
    ("action", "payload", "status"),
    [
        pytest.param("RemoteStopTransaction", {"transactionId": 101}, "Accepted", id="stop the transaction"),
        pytest.param(
            "RemoteStopTransaction", {"transactionId": 5}, "Rejected", id="stop one that is not there"
        ),
        pytest.param("Reset", {"type": "Soft"}, "Accepted", id="reset"),
        pytest.param("UnlockConnector", {"connectorId": 1}, "Unlocked", id="unlock"),
    ],
)
async def test_orders_that_end_a_session(
    central_16: Any, garages: list[Garage], action: str, payload: Json, status: str
) -> None:
    garage = Garage(central_16.url, "1.6")
    garages.append(garage)
    await garage.charging()

    assert await central_16.call(action, payload) == {"status": status}
    await garage.live(0.5)
    assert (garage.socket.legs_a[0] == 0) == (status != "Rejected")


async def test_a_reset_boots_again_and_keeps_the_floor(central_16: Any, garages: list[Garage]) -> None:
    garage = Garage(central_16.url, "1.6")
    garages.append(garage)
    await garage.online()
    floor = lease(central_16, 8, 6, 10_000, "TxDefaultProfile")
    assert await central_16.call("SetChargingProfile", floor) == {"status": "Accepted"}
    await garage.charging()
    assert await central_16.call("Reset", {"type": "Hard"}) == {"status": "Accepted"}
    await garage.until(lambda: names(central_16).count("BootNotification") == 2)
    await garage.charging()

    assert garage.socket.legs_a == (8, 8, 8)


async def test_remote_start_with_a_profile(central_16: Any, garages: list[Garage]) -> None:
    garage = Garage(central_16.url, "1.6", tag=None)
    garages.append(garage)
    await garage.online()
    await garage.live(3)
    assert "StartTransaction" not in names(central_16)
    profile = lease(central_16, 9, 6, 10_000)["csChargingProfiles"]
    order = {"connectorId": 1, "idTag": "APP", "chargingProfile": profile}
    assert await central_16.call("RemoteStartTransaction", order) == {"status": "Accepted"}
    await garage.charging()

    assert garage.socket.legs_a == (9, 9, 9)
    assert dict(central_16.heard)["StartTransaction"]["idTag"] == "APP"


async def test_a_refused_card_does_not_charge(central_16: Any, garages: list[Garage]) -> None:
    central_16.answers["Authorize"] = lambda payload: {"idTagInfo": {"status": "Blocked"}}
    garage = Garage(central_16.url, "1.6")
    garages.append(garage)
    await garage.online()
    await garage.live(5)

    assert "StartTransaction" not in names(central_16)
    assert garage.socket.legs_a == (0, 0, 0)


async def test_nothing_is_said_until_the_boot_is_accepted(central_16: Any, garages: list[Garage]) -> None:
    pending = {"currentTime": "2026-03-01T12:00:00Z", "interval": 1, "status": "Pending"}
    central_16.answers["BootNotification"] = lambda payload: pending
    garage = Garage(central_16.url, "1.6")
    garages.append(garage)
    await garage.until(lambda: names(central_16).count("BootNotification") >= 2)

    assert set(names(central_16)) == {"BootNotification"}


async def test_configuration_is_told_and_changed(central_16: Any, garages: list[Garage]) -> None:
    garage = Garage(central_16.url, "1.6", password="secret")
    garages.append(garage)
    await garage.online()
    asked = {"key": ["NumberOfConnectors", "Nonsense"]}
    told = await central_16.call("GetConfiguration", asked)
    changes = [
        ("MeterValueSampleInterval", "5", "Accepted"),
        ("MeterValueSampleInterval", "soon", "Rejected"),
        ("NumberOfConnectors", "2", "Rejected"),
        ("Nonsense", "1", "NotSupported"),
        ("MeterValuesSampledData", "Current.Import,Voltage", "Accepted"),
        ("MeterValuesSampledData", "Current.Import,RPM", "Rejected"),
    ]
    answers = [await central_16.call("ChangeConfiguration", {"key": k, "value": v}) for k, v, _ in changes]

    assert told["unknownKey"] == ["Nonsense"]
    assert told["configurationKey"] == [{"key": "NumberOfConnectors", "readonly": True, "value": "1"}]
    assert [answer["status"] for answer in answers] == [wanted for _, _, wanted in changes]
    assert garage.station.meter.sample_s == 5
    assert central_16.headers[0]["Authorization"] == "Basic bGVmdDpzZWNyZXQ="


async def test_triggers(central_16: Any, garages: list[Garage]) -> None:
    garage = Garage(central_16.url, "1.6", tag=None)
    garages.append(garage)
    await garage.online()
    await garage.live(1)
    heard = len(central_16.heard)
    for wanted in ("StatusNotification", "MeterValues", "Heartbeat", "BootNotification"):
        assert await central_16.call("TriggerMessage", {"requestedMessage": wanted}) == {"status": "Accepted"}
    await garage.live(2)

    assert names(central_16)[heard:] == ["StatusNotification", "MeterValues", "Heartbeat", "BootNotification"]
    assert central_16.wrong == []


async def test_the_201_device_model(central_201: Any, garages: list[Garage]) -> None:
    garage = Garage(central_201.url, "2.0.1")
    garages.append(garage)
    await garage.online()
    interval = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
    unknown = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "Nothing"}}
    evse = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
    most = evse | {"attributeType": "MaxSet"}
    got = await central_201.call("GetVariables", {"getVariableData": [interval, unknown, evse, most]})
    put = await central_201.call("SetVariables", {"setVariableData": [interval | {"attributeValue": "5"}]})
    await central_201.call("GetBaseReport", {"requestId": 3, "reportBase": "FullInventory"})
    await garage.until(lambda: any(a == "NotifyReport" and not p["tbc"] for a, p in central_201.heard))

    told = ["Accepted", "UnknownVariable", "Accepted", "NotSupportedAttributeType"]
    assert [r["attributeStatus"] for r in got["getVariableResult"]] == told
    assert got["getVariableResult"][0]["attributeValue"] == "10"
    assert put["setVariableResult"][0]["attributeStatus"] == "Accepted"
    assert garage.station.meter.sample_s == 5
    assert central_201.wrong == []


async def test_201_profiles_are_set_reported_refused_and_cleared(
    central_201: Any, garages: list[Garage]
) -> None:
    garage = Garage(central_201.url, "2.0.1")
    garages.append(garage)
    garage.station.profiles.shelf = type(garage.station.profiles.shelf)(newest_wins=False)
    await garage.charging()
    started = next(p for a, p in central_201.heard if a == "TransactionEvent")
    key = started["transactionInfo"]["transactionId"]

    def profile(number: int, **more: Any) -> Json:
        schedule = {
            "id": 1,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11}],
        }
        schedule["startSchedule"] = "2026-03-01T12:00:00Z"
        base = {
            "id": number, "stackLevel": 2, "chargingProfilePurpose": "TxProfile", "transactionId": key,
            "chargingProfileKind": "Absolute", "chargingSchedule": [schedule],
        }  # fmt: skip
        return {"evseId": 1, "chargingProfile": base | more}

    orders = [profile(1), profile(2), profile(3, transactionId="other"), profile(1, stackLevel=3)]
    answers = [(await central_201.call("SetChargingProfile", order))["status"] for order in orders]
    await garage.live(4)
    asked = {"requestId": 9, "chargingProfile": {"chargingProfilePurpose": "TxProfile"}}
    told = await central_201.call("GetChargingProfiles", asked)
    await garage.until(lambda: "ReportChargingProfiles" in names(central_201))
    cleared = await central_201.call("ClearChargingProfile", {"chargingProfileId": 1})

    assert answers == ["Accepted", "Rejected", "Rejected", "Accepted"]
    assert garage.socket.legs_a == (11, 11, 11)
    assert (told, cleared) == ({"status": "Accepted"}, {"status": "Accepted"})
    assert central_201.wrong == []


@pytest.mark.parametrize(
    "fault", [Fault.GARBAGE, Fault.ANSWERS_NOTHING, Fault.REPEATS_IDS, Fault.BACK_TO_BACK, Fault.FLOODS]
)
async def test_a_rude_charge_point_still_charges(
    central_16: Any, garages: list[Garage], fault: Fault
) -> None:
    garage = Garage(central_16.url, "1.6", fault)
    garages.append(garage)
    await garage.charging()

    assert garage.socket.legs_a == (16, 16, 16)
