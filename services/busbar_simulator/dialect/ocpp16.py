"""OCPP 1.6J as a charge point speaks it."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from busbar_simulator.station.faults import Fault
from busbar_simulator.station.notices import (
    Beat,
    Booted,
    Ended,
    Notice,
    Report,
    Sampled,
    Started,
    StateChanged,
    StatusChanged,
    TagAccepted,
    TagShown,
    Transaction,
)
from busbar_simulator.station.profiles import Rejected
from busbar_simulator.station.station import Station

from . import words16
from .greeting import statuses
from .keys16 import Keys
from .profiles16 import Profiles
from .words import Call, Json, NotAnswered, profile, stamp


class Ocpp16:
    """Words of 1.6 for one station."""

    subprotocol = "ocpp1.6"
    version = "1.6"

    def __init__(self, station: Station, password: str | None = None) -> None:
        self.station = station
        self.keys = Keys(station, password)
        self.profiles = Profiles(station)
        self._actions: dict[str, Callable[[Mapping[str, Any]], Json]] = {
            "GetConfiguration": self.keys.get,
            "ChangeConfiguration": self.keys.change,
            "SetChargingProfile": self.profiles.set,
            "ClearChargingProfile": self.profiles.clear,
            "GetCompositeSchedule": self.profiles.composite,
            "RemoteStartTransaction": self._remote_start,
            "RemoteStopTransaction": self._remote_stop,
            "TriggerMessage": self._trigger,
            "Reset": self._reset,
            "UnlockConnector": self._unlock,
            "ChangeAvailability": self._availability,
            "ClearCache": lambda payload: {"status": "Accepted"},
            "DataTransfer": lambda payload: {"status": "UnknownVendorId"},
            "GetLocalListVersion": lambda payload: {"listVersion": -1},
            "SendLocalList": lambda payload: {"status": "NotSupported"},
            "GetDiagnostics": lambda payload: {},
            "UpdateFirmware": lambda payload: {},
        }

    # Out.

    def greet(self) -> list[Notice]:
        """The status of each connector, and of the charge point itself where it has several."""
        return statuses(self.station, of_itself=len(self.station.connectors) > 1)

    def calls(self, notice: Notice) -> list[Call]:
        """The calls of 1.6 for a notice."""
        match notice:
            case Booted():
                return [Call(action="BootNotification", payload=self._boot)]
            case Beat():
                return [Call(action="Heartbeat", payload=dict)]
            case StatusChanged():
                return [Call(action="StatusNotification", payload=lambda: words16.status(notice))]
            case TagShown():
                return [
                    Call(
                        action="Authorize",
                        payload=lambda: {"idTag": notice.tag},
                        answered=lambda answer: self._authorised(notice, answer),
                    )
                ]
            case Started():
                return [
                    Call(
                        action="StartTransaction",
                        payload=lambda: words16.started(notice),
                        answered=lambda answer: self._numbered(notice.transaction, answer),
                        keep=True,
                    )
                ]
            case Sampled():
                return [
                    Call(
                        action="MeterValues",
                        payload=lambda: self._meter_values(notice),
                        keep=notice.transaction is not None,
                    )
                ]
            case Ended():
                return [Call(action="StopTransaction", payload=lambda: words16.ended(notice), keep=True)]
            case Report():
                return [Call(action=notice.action, payload=lambda: notice.payload)]
            case StateChanged() | TagAccepted():
                return []

    def _boot(self) -> Json:
        spec = self.station.spec
        return {
            "chargePointVendor": spec.vendor[:20],
            "chargePointModel": spec.model[:20],
            "chargePointSerialNumber": spec.serial[:25],
            "firmwareVersion": spec.firmware[:50],
        }

    def _authorised(self, notice: TagShown, answer: Json) -> None:
        if "idTagInfo" in answer:
            self.station.card_answered(notice.connector)
        if answer.get("idTagInfo", {}).get("status") == "Accepted":
            self.station.authorised(notice.connector, notice.tag)

    def _numbered(self, transaction: Transaction, answer: Json) -> None:
        transaction.number = answer.get("transactionId")
        if answer.get("idTagInfo", {}).get("status") != "Accepted":
            self.station.refuse(transaction)

    def _meter_values(self, notice: Sampled) -> Json:
        empty = Fault.EMPTY_METER_VALUES in self.station.spec.faults
        values = [] if empty else [words16.value(v, notice.context) for v in notice.values]
        payload: Json = {
            "connectorId": notice.connector,
            "meterValue": [{"timestamp": stamp(notice.at), "sampledValue": values}],
        }
        if notice.transaction is not None:
            payload["transactionId"] = words16.number(notice.transaction)
        return payload

    # In.

    def answer(self, action: str, payload: Mapping[str, Any]) -> Json:
        """The answer of this charge point."""
        refused = Fault.NO_SET_PROFILE in self.station.spec.faults and action == "SetChargingProfile"
        if action not in self._actions or refused:
            raise NotAnswered("NotImplemented", f"{action} is not known here")
        return self._actions[action](payload)

    def _remote_start(self, payload: Mapping[str, Any]) -> Json:
        number = payload.get("connectorId") or next(
            (n for n, c in self.station.connectors.items() if c.transaction is None and c.socket.occupied), 1
        )
        raw = payload.get("chargingProfile")
        if raw is not None and raw["chargingProfilePurpose"] != "TxProfile":
            return {"status": "Rejected"}
        if not self.station.start(number, payload["idTag"]):
            return {"status": "Rejected"}
        if raw is not None and Fault.NO_PROFILE_IN_START not in self.station.spec.faults:
            # 1.6 leaves open what happens when it is not taken; this one charges without it.
            with contextlib.suppress(Rejected):
                self.station.install(profile(raw, raw["chargingSchedule"], number, None))
        return {"status": "Accepted"}

    def _remote_stop(self, payload: Mapping[str, Any]) -> Json:
        for connector in self.station.connectors.values():
            if connector.transaction and connector.transaction.number == payload["transactionId"]:
                self.station.stop(connector, "Remote")
                return {"status": "Accepted"}
        return {"status": "Rejected"}

    def _trigger(self, payload: Mapping[str, Any]) -> Json:
        if Fault.REJECTS_TRIGGERS in self.station.spec.faults:
            return {"status": "Rejected"}
        wanted, number = payload["requestedMessage"], payload.get("connectorId")
        connectors = [c for n, c in self.station.connectors.items() if number in (None, 0, n)]
        if not connectors:
            return {"status": "Rejected"}
        notices: list[Notice] = []
        if wanted == "BootNotification":
            notices = [Booted(reason="Triggered", at=self.station.time())]
        elif wanted == "Heartbeat":
            notices = [Beat()]
        elif wanted == "StatusNotification":
            notices = [self.station.status(connector) for connector in connectors]
        elif wanted == "MeterValues":
            notices = [self.station.sample(connector, "Trigger") for connector in connectors]
        elif wanted == "FirmwareStatusNotification" or wanted == "DiagnosticsStatusNotification":
            notices = [Report(action=wanted, payload={"status": "Idle"})]
        if Fault.TRIGGER_SENDS_NOTHING not in self.station.spec.faults:
            for notice in notices:
                self.station.say(notice)
        return {"status": "Accepted"}

    def _reset(self, payload: Mapping[str, Any]) -> Json:
        self.station.reboot("HardReset" if payload["type"] == "Hard" else "SoftReset")
        return {"status": "Accepted"}

    def _unlock(self, payload: Mapping[str, Any]) -> Json:
        connector = self.station.connectors.get(payload["connectorId"])
        if connector is None:
            return {"status": "NotSupported"}
        self.station.stop(connector, "UnlockCommand")
        return {"status": "Unlocked"}

    def _availability(self, payload: Mapping[str, Any]) -> Json:
        chosen = [c for n, c in self.station.connectors.items() if payload["connectorId"] in (0, n)]
        if not chosen:
            return {"status": "Rejected"}
        busy = False
        for connector in chosen:
            connector.available = payload["type"] == "Operative"
            busy = busy or connector.transaction is not None
        return {"status": "Scheduled" if busy and payload["type"] == "Inoperative" else "Accepted"}
