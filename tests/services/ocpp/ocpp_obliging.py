"""What an obliging charge point answers to each call of the central system, in 1.6 and 2.0.1."""

from datetime import timedelta
from typing import Any

from ocpp_charger_model import UNLIMITED, ModelCharger
from ocpp_time import FastClock

Payload = dict[str, Any]


class Obliging:
    """Accepts whatever it is told and remembers it. A test replaces an answer where a charge point does otherwise."""

    clock: FastClock
    version: str
    model: ModelCharger
    configuration: dict[str, str]
    """Keys of 1.6, or `Component.Variable` of 2.0.1."""
    availability: dict[int, str]
    resets: list[str]
    list_version: int

    def do_SetChargingProfile(self, payload: Payload) -> Payload:
        connector = payload.get("connectorId", payload.get("evseId", 0))
        wire = payload.get("csChargingProfiles") or payload["chargingProfile"]
        return {"status": self.model.install(connector, wire, self.clock.now())}

    def do_ClearChargingProfile(self, payload: Payload) -> Payload:
        criteria = payload.get("chargingProfileCriteria", payload)
        status = self.model.clear(
            id=payload.get("id", payload.get("chargingProfileId")),
            connector=criteria.get("connectorId", criteria.get("evseId")),
            purpose=criteria.get("chargingProfilePurpose"),
            level=criteria.get("stackLevel"),
        )
        return {"status": status}

    def do_GetConfiguration(self, payload: Payload) -> Payload:
        keys = payload.get("key") or list(self.configuration)
        known = [
            {"key": key, "readonly": False, "value": self.configuration[key]}
            for key in keys
            if key in self.configuration
        ]
        return {
            "configurationKey": known,
            "unknownKey": [key for key in keys if key not in self.configuration],
        }

    def do_ChangeConfiguration(self, payload: Payload) -> Payload:
        self.configuration[payload["key"]] = payload["value"]
        return {"status": "Accepted"}

    def do_TriggerMessage(self, payload: Payload) -> Payload:
        return {"status": "NotImplemented"}

    def do_GetCompositeSchedule(self, payload: Payload) -> Payload:
        connector = payload.get("connectorId", payload.get("evseId", 1))
        now = self.clock.now()
        limits = [
            (second, self.model.limit_a(connector, now + timedelta(seconds=second)))
            for second in range(0, int(payload["duration"]), 10)
        ]
        if all(limit == UNLIMITED for _, limit in limits):
            return {"status": "Rejected"}
        periods = [
            {"startPeriod": second, "limit": round(min(limit, 100.0), 1)}
            for place, (second, limit) in enumerate(limits)
            if place == 0 or limit != limits[place - 1][1]
        ]
        start = (now + self.model.clock_ahead).isoformat().replace("+00:00", "Z")
        if self.version == "1.6":
            schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": periods, "startSchedule": start}
            return {
                "status": "Accepted",
                "connectorId": connector,
                "scheduleStart": start,
                "chargingSchedule": schedule,
            }
        return {
            "status": "Accepted",
            "schedule": {
                "evseId": connector,
                "duration": int(payload["duration"]),
                "scheduleStart": start,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": periods,
            },
        }

    def do_ChangeAvailability(self, payload: Payload) -> Payload:
        self.availability[payload.get("connectorId", 0)] = payload.get(
            "type", payload.get("operationalStatus")
        )
        return {"status": "Accepted"}

    def do_Reset(self, payload: Payload) -> Payload:
        self.resets.append(payload["type"])
        self.model.reboot()
        return {"status": "Accepted"}

    def do_GetLocalListVersion(self, payload: Payload) -> Payload:
        return {"listVersion" if self.version == "1.6" else "versionNumber": self.list_version}

    def do_SendLocalList(self, payload: Payload) -> Payload:
        self.list_version = payload.get("listVersion", payload.get("versionNumber"))
        return {"status": "Accepted"}

    def do_GetVariables(self, payload: Payload) -> Payload:
        results = []
        for one in payload["getVariableData"]:
            name = f"{one['component']['name']}.{one['variable']['name']}"
            known = name in self.configuration
            result = {**one, "attributeStatus": "Accepted" if known else "UnknownVariable"}
            results.append({**result, "attributeValue": self.configuration[name]} if known else result)
        return {"getVariableResult": results}

    def do_SetVariables(self, payload: Payload) -> Payload:
        results = []
        for one in payload["setVariableData"]:
            self.configuration[f"{one['component']['name']}.{one['variable']['name']}"] = one[
                "attributeValue"
            ]
            place = {"component": one["component"], "variable": one["variable"]}
            results.append({**place, "attributeStatus": "Accepted"})
        return {"setVariableResult": results}

    def do_UnlockConnector(self, payload: Payload) -> Payload:
        return {"status": "Unlocked"}

    def do_RemoteStartTransaction(self, payload: Payload) -> Payload:
        return {"status": "Accepted"}

    def do_RemoteStopTransaction(self, payload: Payload) -> Payload:
        return {"status": "Accepted"}

    do_RequestStartTransaction = do_RemoteStartTransaction
    do_RequestStopTransaction = do_RemoteStopTransaction
