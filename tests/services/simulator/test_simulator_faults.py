"""Each misbehaviour is really there: a fault that has no effect would prove nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from busbar_simulator.dialect.ocpp16 import Ocpp16
from busbar_simulator.dialect.ocpp201 import Ocpp201
from busbar_simulator.dialect.words import Call, NotAnswered
from busbar_simulator.plant.car import Car, CarSpec
from busbar_simulator.plant.socket import Socket, SocketSpec
from busbar_simulator.station.faults import Fault
from busbar_simulator.station.notices import Booted, Notice, TagShown
from busbar_simulator.station.spec import StationSpec
from busbar_simulator.station.station import Station

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
VOLTS = (230.0, 230.0, 230.0)
Json = dict[str, Any]


class Bench:
    """A charge point without a wire: every call is answered at once with what a friendly central system says."""

    def __init__(self, version: str, *faults: Fault, connectors: int = 1, **spec: Any) -> None:
        self.sockets = {number: Socket(SocketSpec()) for number in range(1, connectors + 1)}
        self.socket = self.sockets[1]
        self.socket.car = Car(CarSpec(dead_s=0.5, ramp_a_per_s=20), 50)
        options: dict[str, Any] = {"id": "left", "tag_after_s": 0.3, "answer_s": 0.2, "reboot_s": 1.0} | spec
        self.station = Station(StationSpec(faults=frozenset(faults), **options), self.sockets)
        self.dialect = Ocpp16(self.station) if version == "1.6" else Ocpp201(self.station)
        self.utc = NOON
        self.told: list[tuple[str, Json]] = []
        self.station.online = True

    def live(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds * 10)):
            self.utc += timedelta(seconds=0.1)
            for socket in self.sockets.values():
                socket.step(0.1, 0.1, VOLTS)
            for notice in self.station.step(0.1, self.utc, VOLTS):
                self.take(notice)

    def take(self, notice: Notice) -> None:
        """Carry a notice."""
        if isinstance(notice, Booted):
            self.station.online = True
        for call in self.dialect.calls(notice):
            self.carry(call)
        if isinstance(notice, TagShown):
            self.station.authorised(notice.connector, notice.tag)

    def carry(self, call: Call) -> None:
        """Answer a call."""
        self.told.append((call.action, call.payload()))
        if call.action == "StartTransaction":
            call.answered({"transactionId": 77, "idTagInfo": {"status": "Accepted"}})

    def names(self) -> list[str]:
        """What was told, in order."""
        return [action for action, _ in self.told]

    def set(
        self, limit: float = 8, *, purpose: str = "TxDefaultProfile", unit: str = "A", **more: Any
    ) -> str:
        """Set a 1.6 profile; the status."""
        schedule: Json = {"chargingRateUnit": unit, "startSchedule": "2026-03-01T11:00:00Z"}
        schedule["chargingSchedulePeriod"] = more.pop("periods", [{"startPeriod": 0, "limit": limit}])
        schedule |= {key: more.pop(key) for key in ("duration",) if key in more}
        profile: Json = {"chargingProfileId": 1, "stackLevel": 1, "chargingProfilePurpose": purpose}
        profile |= {"chargingProfileKind": "Absolute", "chargingSchedule": schedule} | more
        answer = self.dialect.answer("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
        return str(answer["status"])


def test_an_honest_charge_point_obeys() -> None:
    bench = Bench("1.6")
    bench.live(3)
    assert bench.socket.legs_a == (16, 16, 16)
    assert bench.set(8) == "Accepted"
    bench.live(3)

    assert bench.socket.legs_a == (8, 8, 8)


@pytest.mark.parametrize(
    ("fault", "amps"),
    [
        pytest.param(Fault.ACCEPTS_WITHOUT_EFFECT, 16, id="accepts and does nothing"),
        pytest.param(Fault.DISOBEYS, 16, id="takes it and draws its most"),
        pytest.param(Fault.ZERO_DOES_NOT_STOP, 6, id="goes on at 6 A when told 0"),
    ],
)
def test_charge_points_that_do_not_obey(fault: Fault, amps: float) -> None:
    bench = Bench("1.6", fault)
    bench.live(3)
    assert bench.set(0 if amps == 6 else 8) == "Accepted"
    bench.live(3)

    assert bench.socket.legs_a == (amps, amps, amps)


def test_whole_amperes_only() -> None:
    bench = Bench("1.6", Fault.WHOLE_AMPS)
    bench.set(9.9)
    bench.live(4)

    assert bench.socket.legs_a == (9, 9, 9)


def test_no_smart_charging_at_all_and_none_in_a_start() -> None:
    deaf = Bench("1.6", Fault.NO_SET_PROFILE)
    deaf.live(0.2)
    with pytest.raises(NotAnswered):
        deaf.set(8)
    order = {
        "connectorId": 1, "idTag": "A",
        "chargingProfile": {
            "chargingProfileId": 1, "stackLevel": 1, "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7}]},
        },
    }  # fmt: skip
    for faults, amps in (((Fault.NO_SET_PROFILE,), 7), ((Fault.NO_PROFILE_IN_START,), 16)):
        bench = Bench("1.6", *faults, tag=None)
        bench.live(0.2)
        bench.dialect.answer("RemoteStartTransaction", order)
        bench.live(4)
        assert bench.socket.legs_a[0] == amps


def test_a_connector_profile_that_deletes_the_one_for_all() -> None:
    for faults, left in (((), 2), ((Fault.CONNECTOR_DELETES_ZERO,), 1)):
        bench = Bench("1.6", *faults)
        bench.live(0.2)
        raw = {"connectorId": 0, "csChargingProfiles": {
            "chargingProfileId": 9, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]},
        }}  # fmt: skip
        bench.dialect.answer("SetChargingProfile", raw)
        bench.set(8)
        assert len(bench.station.profiles.installed) == left


def test_a_default_that_holds_for_one_transaction() -> None:
    for faults, amps in (((), 8), ((Fault.DEFAULT_FOR_NEXT_TRANSACTION_ONLY,), 16)):
        bench = Bench("1.6", *faults)
        bench.live(0.2)
        bench.set(8)
        bench.live(3)
        car, bench.socket.car = bench.socket.car, None
        bench.live(1)
        assert car is not None
        car.replug()
        bench.socket.car = car
        bench.live(4)
        assert bench.socket.legs_a[0] == amps


def test_a_reboot_in_a_transaction_happens_once() -> None:
    bench = Bench("1.6", Fault.REBOOTS_IN_TRANSACTION)
    bench.live(40)

    assert bench.names().count("BootNotification") == 1
    assert bench.names().count("StartTransaction") == 2
    assert [p["reason"] for a, p in bench.told if a == "StopTransaction"] == ["PowerLoss"]


def test_a_clock_that_drifts_ten_minutes_an_hour() -> None:
    bench = Bench("1.6", Fault.DRIFTING_CLOCK)
    bench.live(60)

    assert (bench.station.time() - bench.utc).total_seconds() == pytest.approx(10, abs=0.1)


def values(bench: Bench) -> list[Json]:
    """The sampled values of the last MeterValues."""
    payload = [p for a, p in bench.told if a == "MeterValues"][-1]
    found: list[Json] = payload["meterValue"][0]["sampledValue"]
    return found


@pytest.mark.parametrize(
    ("fault", "measurand", "said"),
    [
        pytest.param(Fault.SUM_ONLY, "Current.Import", [(None, "48", "A")], id="the sum of the legs only"),
        pytest.param(
            Fault.SUM_AND_PHASES, "Current.Import",
            [(None, "48", "A"), ("L1", "16", "A"), ("L2", "16", "A"), ("L3", "16", "A")], id="sum and legs mixed",
        ),
        pytest.param(Fault.ZERO_POWER, "Power.Active.Import", [(None, "0", "W")], id="no power while it charges"),
        pytest.param(Fault.NO_OFFERED, "Current.Offered", [], id="never says what it offers"),
        pytest.param(Fault.NO_UNIT, "Power.Active.Import", [(None, "11040", None)], id="no unit"),
    ],
)  # fmt: skip
def test_odd_meter_values(
    fault: Fault, measurand: str, said: list[tuple[str | None, str, str | None]]
) -> None:
    bench = Bench("1.6", fault)
    bench.live(20)

    found = [
        (v.get("phase"), v["value"], v.get("unit")) for v in values(bench) if v["measurand"] == measurand
    ]
    assert found == said


@pytest.mark.parametrize(
    ("fault", "unit", "factor"),
    [
        pytest.param(Fault.KWH_CALLED_WH, "Wh", 0.001, id="kWh where Wh is declared"),
        pytest.param(Fault.WH_CALLED_KWH, "kWh", 1, id="Wh where kWh is declared"),
    ],
)
def test_energy_in_the_wrong_unit(fault: Fault, unit: str, factor: float) -> None:
    bench = Bench("1.6", fault)
    bench.live(60)
    [energy] = [v for v in values(bench) if v["measurand"].startswith("Energy")]

    assert energy["unit"] == unit
    # The last sample is up to ten seconds old.
    assert float(energy["value"]) == pytest.approx(bench.socket.energy_wh * factor, rel=0.2)


def test_empty_meter_values() -> None:
    bench = Bench("1.6", Fault.EMPTY_METER_VALUES)
    bench.live(20)

    assert values(bench) == []


def test_values_that_freeze_outlive_the_car() -> None:
    bench = Bench("1.6", Fault.FROZEN_VALUES)
    bench.live(20)
    bench.socket.car = None
    bench.live(1)
    bench.dialect.answer("TriggerMessage", {"requestedMessage": "MeterValues"})
    bench.live(0.2)

    assert [v["value"] for v in values(bench) if v.get("phase") == "L1"] == ["16"]


@pytest.mark.parametrize(
    ("fault", "connectors"),
    [
        pytest.param(None, [1], id="honest"),
        pytest.param(Fault.STATUS_OF_ZERO, [0, 1], id="a status for connector 0"),
        pytest.param(Fault.EXTRA_CONNECTOR, [1, 2], id="a connector it does not have"),
    ],
)
@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_which_connectors_it_says_it_has(version: str, fault: Fault | None, connectors: list[int]) -> None:
    bench = Bench(version, *([] if fault is None else [fault]))
    bench.live(0.1)
    bench.told.clear()
    for notice in bench.dialect.greet():
        bench.take(notice)

    assert [p.get("connectorId") if version == "1.6" else p["evseId"] for _, p in bench.told] == connectors


def test_a_charge_point_that_takes_no_triggers() -> None:
    bench = Bench("2.0.1", Fault.REJECTS_TRIGGERS)
    bench.live(0.5)

    assert bench.dialect.answer("TriggerMessage", {"requestedMessage": "Heartbeat"}) == {"status": "Rejected"}


def test_one_phase_when_told_so_and_three_when_nothing_is_said() -> None:
    bench = Bench("1.6", phase_switching=True)
    bench.live(3)
    flows = []
    for phases in (1, None):
        period = {"startPeriod": 0, "limit": 10} | ({} if phases is None else {"numberPhases": phases})
        bench.set(periods=[period])
        bench.live(3)
        flows.append(bench.socket.legs_a)

    assert flows == [(10, 0, 0), (10, 10, 10)]


def test_a_trigger_that_is_accepted_and_forgotten() -> None:
    bench = Bench("1.6", Fault.TRIGGER_SENDS_NOTHING, tag=None)
    bench.live(0.5)
    bench.told.clear()
    answer = bench.dialect.answer("TriggerMessage", {"requestedMessage": "StatusNotification"})
    bench.live(0.5)

    assert (answer["status"], bench.told) == ("Accepted", [])


@pytest.mark.parametrize(
    ("fault", "schedule"),
    [
        pytest.param(Fault.EMPTY_COMPOSITE, None, id="accepted and empty"),
        pytest.param(Fault.MINUS_ONE_COMPOSITE, (300, -1.0), id="-1 for no limit"),
        pytest.param(Fault.ABSURD_COMPOSITE, (2_147_483_647, 16), id="for sixty-eight years"),
    ],
)
def test_odd_composite_schedules(fault: Fault, schedule: tuple[int, float] | None) -> None:
    bench = Bench("1.6", fault)
    bench.live(0.5)
    answer = bench.dialect.answer("GetCompositeSchedule", {"connectorId": 1, "duration": 300})
    found = answer.get("chargingSchedule")

    assert answer["status"] == "Accepted"
    assert (found and (found["duration"], found["chargingSchedulePeriod"][0]["limit"])) == schedule


def events(bench: Bench) -> list[tuple[str, int]]:
    """Type and number of the transaction events."""
    return [(p["eventType"], p["seqNo"]) for a, p in bench.told if a == "TransactionEvent"]


def test_events_that_come_in_another_order() -> None:
    bench = Bench("2.0.1", Fault.EVENTS_OUT_OF_ORDER)
    bench.live(30)
    numbers = [number for _, number in events(bench)]

    assert numbers != sorted(numbers)
    assert numbers[0] == 0


def test_an_update_after_the_end_and_a_number_that_never_moves() -> None:
    bench = Bench("2.0.1", Fault.UPDATED_AFTER_ENDED, Fault.CONSTANT_SEQUENCE)
    bench.live(5)
    bench.socket.car = None
    bench.live(1)

    assert [kind for kind, _ in events(bench)][-2:] == ["Ended", "Updated"]
    assert {number for kind, number in events(bench)[:-1]} == {0}


def test_every_fault_is_spoken_of_in_the_code() -> None:
    from pathlib import Path

    import busbar_simulator

    root = Path(busbar_simulator.__file__).parent
    text = "\n".join(file.read_text(encoding="utf-8") for file in root.rglob("*.py"))

    assert [fault for fault in Fault if f"Fault.{fault.name}" not in text] == []


def test_a_card_whose_question_was_lost_is_shown_again() -> None:
    bench = Bench("1.6")
    lost = []

    def lose(notice: Notice) -> None:
        for call in bench.dialect.calls(notice):
            lost.append(call.action)

    bench.take = lose  # type: ignore[method-assign]
    bench.live(45)

    assert lost.count("Authorize") == 3


def test_a_transaction_that_begins_with_the_cable() -> None:
    bench = Bench("2.0.1", starts_with_cable=True, tag_after_s=5.0)
    bench.live(3)
    assert bench.socket.legs_a == (0, 0, 0), "nobody has shown a card"
    bench.live(8)
    told = [p for a, p in bench.told if a == "TransactionEvent"]

    assert bench.socket.legs_a == (16, 16, 16)
    assert (told[0]["eventType"], told[0]["triggerReason"], "idToken" in told[0]) == (
        "Started",
        "CablePluggedIn",
        False,
    )
    assert told[0]["transactionInfo"]["chargingState"] == "EVConnected"
    [accepted] = [p for p in told if p["triggerReason"] == "Authorized"]
    assert (accepted["eventType"], accepted["idToken"]["idToken"]) == ("Updated", "OWNER")


def test_a_remote_start_of_a_transaction_that_began_with_the_cable() -> None:
    bench = Bench("2.0.1", starts_with_cable=True, tag=None)
    bench.live(1)
    order = {"evseId": 1, "idToken": {"idToken": "APP", "type": "Central"}, "remoteStartId": 5}
    answer = bench.dialect.answer("RequestStartTransaction", order)
    bench.live(4)
    [accepted] = [p for a, p in bench.told if a == "TransactionEvent" and p["triggerReason"] == "RemoteStart"]

    assert answer["status"] == "Accepted"
    assert accepted["transactionInfo"]["remoteStartId"] == 5
    assert bench.socket.legs_a == (16, 16, 16)


def test_two_connectors_live_their_own_lives() -> None:
    bench = Bench("1.6", connectors=2)
    bench.live(3)
    bench.sockets[2].car = Car(CarSpec(dead_s=0.5, ramp_a_per_s=20), 50)
    bench.live(3)
    assert [socket.legs_a[0] for socket in bench.sockets.values()] == [16, 16]
    maximum = {"connectorId": 0, "csChargingProfiles": {
        "chargingProfileId": 5, "stackLevel": 0, "chargingProfilePurpose": "ChargePointMaxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {"chargingRateUnit": "A", "startSchedule": "2026-03-01T11:00:00Z",
                             "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 20}]},
    }}  # fmt: skip
    bench.dialect.answer("SetChargingProfile", maximum)
    bench.live(3)
    assert [socket.legs_a[0] for socket in bench.sockets.values()] == [10, 10]
    bench.sockets[1].car = None
    bench.live(1)

    assert bench.sockets[2].legs_a[0] > 10, "what the other leaves is its own"
    assert [p["connectorId"] for a, p in bench.told if a == "StartTransaction"] == [1, 2]
    assert bench.names().count("StopTransaction") == 1
