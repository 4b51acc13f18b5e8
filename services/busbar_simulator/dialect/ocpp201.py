"""OCPP 2.0.1 as a charging station speaks it; each connector is an EVSE of its own."""

from collections.abc import Callable, Mapping
from typing import Any

from busbar_simulator.station.connector import Connector
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
)  # fmt: skip
from busbar_simulator.station.profiles import Rejected
from busbar_simulator.station.station import Station

from . import words201
from .events201 import Events, values
from .greeting import statuses
from .profiles201 import Profiles
from .variables201 import Variables
from .words import Call, Json, NotAnswered, profile, stamp


class Ocpp201:
    """Words of 2.0.1 for one station."""

    subprotocol = "ocpp2.0.1"
    version = "2.0.1"

    def __init__(self, station: Station) -> None:
        self.station = station
        self.variables = Variables(station)
        self.profiles = Profiles(station)
        self._told: dict[int, str] = {}
        self._events = Events(station)
        self._actions: dict[str, Callable[[Mapping[str, Any]], Json]] = {
            "GetVariables": self.variables.get,
            "SetVariables": self.variables.set,
            "GetBaseReport": self._base_report,
            "SetChargingProfile": self.profiles.set,
            "ClearChargingProfile": self.profiles.clear,
            "GetChargingProfiles": self.profiles.get,
            "GetCompositeSchedule": self.profiles.composite,
            "RequestStartTransaction": self._remote_start,
            "RequestStopTransaction": self._remote_stop,
            "GetTransactionStatus": self._transaction_status,
            "TriggerMessage": self._trigger,
            "Reset": self._reset,
            "UnlockConnector": self._unlock,
            "ChangeAvailability": self._availability,
            "ClearCache": lambda payload: {"status": "Accepted"},
            "DataTransfer": lambda payload: {"status": "UnknownVendorId"},
        }

    # Out.

    def greet(self) -> list[Notice]:
        """The status of each connector."""
        self._told.clear()
        return statuses(self.station, of_itself=False)

    def calls(self, notice: Notice) -> list[Call]:
        """The calls of 2.0.1 for a notice."""
        match notice:
            case Booted():
                return [Call(action="BootNotification", payload=lambda: self._boot(notice.reason))]
            case Beat():
                return [Call(action="Heartbeat", payload=dict)]
            case StatusChanged():
                return self._status(notice)
            case TagShown():
                return [
                    Call(
                        action="Authorize",
                        payload=lambda: {"idToken": words201.token(notice.tag)},
                        answered=lambda answer: self._authorised(notice, answer),
                    )
                ]
            case Sampled() if notice.transaction is None:
                return [Call(action="MeterValues", payload=lambda: self._meter_values(notice))]
            case Started() | Sampled() | StateChanged() | TagAccepted() | Ended():
                return self._events.calls(notice)
            case Report():
                return [Call(action=notice.action, payload=lambda: notice.payload)]

    def _status(self, notice: StatusChanged) -> list[Call]:
        payload = words201.status(notice)
        if self._told.get(notice.connector) == payload["connectorStatus"]:
            # Charging or suspended, it is Occupied all the same, and said once.
            return []
        self._told[notice.connector] = payload["connectorStatus"]
        return [Call(action="StatusNotification", payload=lambda: payload)]

    def _boot(self, reason: str) -> Json:
        spec = self.station.spec
        return {
            "reason": words201.BOOTS.get(reason, "Unknown"),
            "chargingStation": {
                "model": spec.model[:20],
                "vendorName": spec.vendor[:50],
                "serialNumber": spec.serial[:25],
                "firmwareVersion": spec.firmware[:50],
            },
        }

    def _authorised(self, notice: TagShown, answer: Json) -> None:
        if "idTokenInfo" in answer:
            self.station.card_answered(notice.connector)
        if answer.get("idTokenInfo", {}).get("status") == "Accepted":
            self.station.authorised(notice.connector, notice.tag)

    def _meter_values(self, notice: Sampled) -> Json:
        return {"evseId": notice.connector, "meterValue": values(notice, self.station)}

    # In.

    def answer(self, action: str, payload: Mapping[str, Any]) -> Json:
        """The answer of this charging station."""
        refused = Fault.NO_SET_PROFILE in self.station.spec.faults and action == "SetChargingProfile"
        if action not in self._actions or refused:
            raise NotAnswered("NotImplemented", f"{action} is not known here")
        return self._actions[action](payload)

    def _remote_start(self, payload: Mapping[str, Any]) -> Json:
        number, raw = payload.get("evseId", 1), payload.get("chargingProfile")
        if raw is not None and raw["chargingProfilePurpose"] != "TxProfile":
            return {"status": "Rejected"}
        if not self.station.start(number, payload["idToken"]["idToken"], payload["remoteStartId"]):
            return {"status": "Rejected"}
        running = self.station.connectors[number].transaction
        if (
            raw is not None
            and running is not None
            and Fault.NO_PROFILE_IN_START not in self.station.spec.faults
        ):
            try:
                self.station.install(profile(raw, raw["chargingSchedule"][0], number, running.key))
            except Rejected:
                self.station.stop(self.station.connectors[number], "Other")
                return {"status": "Rejected"}
        return {"status": "Accepted", **({"transactionId": running.key} if running else {})}

    def _remote_stop(self, payload: Mapping[str, Any]) -> Json:
        connector = self._running(payload["transactionId"])
        if connector is None:
            return {"status": "Rejected"}
        self.station.stop(connector, "Remote")
        return {"status": "Accepted"}

    def _transaction_status(self, payload: Mapping[str, Any]) -> Json:
        key = payload.get("transactionId")
        return {
            "messagesInQueue": False,
            **({"ongoingIndicator": self._running(key) is not None} if key else {}),
        }

    def _running(self, key: str) -> Connector | None:
        found = (c for c in self.station.connectors.values() if c.transaction and c.transaction.key == key)
        return next(found, None)

    def _trigger(self, payload: Mapping[str, Any]) -> Json:
        if Fault.REJECTS_TRIGGERS in self.station.spec.faults:
            return {"status": "Rejected"}
        wanted, number = payload["requestedMessage"], payload.get("evse", {}).get("id")
        connectors = [c for n, c in self.station.connectors.items() if number in (None, 0, n)]
        notices: list[Notice] = []
        if wanted == "BootNotification":
            notices = [Booted(reason="Triggered", at=self.station.time())]
        elif wanted == "Heartbeat":
            notices = [Beat()]
        elif wanted == "StatusNotification":
            self._told.clear()
            notices = [self.station.status(connector) for connector in connectors]
        elif wanted in ("MeterValues", "TransactionEvent"):
            chosen = [c for c in connectors if wanted == "MeterValues" or c.transaction is not None]
            notices = [self.station.sample(connector, "Trigger") for connector in chosen]
        else:
            return {"status": "NotImplemented"}
        if not notices:
            return {"status": "Rejected"}
        if Fault.TRIGGER_SENDS_NOTHING not in self.station.spec.faults:
            for notice in notices:
                self.station.say(notice)
        return {"status": "Accepted"}

    def _base_report(self, payload: Mapping[str, Any]) -> Json:
        for report in self.variables.reports(payload["requestId"], stamp(self.station.time())):
            self.station.say(Report(action="NotifyReport", payload=report))
        return {"status": "Accepted"}

    def _reset(self, payload: Mapping[str, Any]) -> Json:
        busy = any(c.transaction for c in self.station.connectors.values())
        if payload["type"] == "OnIdle" and busy:
            return {"status": "Scheduled"}
        self.station.reboot("ImmediateReset")
        return {"status": "Accepted"}

    def _unlock(self, payload: Mapping[str, Any]) -> Json:
        connector = self.station.connectors.get(payload["evseId"])
        if connector is None:
            return {"status": "UnknownConnector"}
        if connector.transaction is not None:
            # F05.FR.02
            return {"status": "OngoingAuthorizedTransaction"}
        return {"status": "Unlocked"}

    def _availability(self, payload: Mapping[str, Any]) -> Json:
        number = payload.get("evse", {}).get("id", 0)
        chosen = [c for n, c in self.station.connectors.items() if number in (0, n)]
        if not chosen:
            return {"status": "Rejected"}
        for connector in chosen:
            connector.available = payload["operationalStatus"] == "Operative"
        busy = any(c.transaction for c in chosen) and payload["operationalStatus"] == "Inoperative"
        return {"status": "Scheduled" if busy else "Accepted"}
