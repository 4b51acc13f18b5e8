"""Charging profiles of 2.0.1: set, cleared, told, and what they come to."""

from collections.abc import Mapping
from typing import Any

from busbar_simulator.station.faults import Fault
from busbar_simulator.station.notices import Report
from busbar_simulator.station.profiles import Rejected
from busbar_simulator.station.station import Station

from . import words201
from .schedule import holds_s, periods, unit_of
from .words import PURPOSES, Json, profile, stamp


class Profiles:
    """Answers about the profiles of one station."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def set(self, payload: Mapping[str, Any]) -> Json:
        """The answer to SetChargingProfile."""
        try:
            self._install(payload["evseId"], payload["chargingProfile"])
        except Rejected as rejected:
            status = "Accepted" if rejected.status == "Accepted" else "Rejected"
            return {
                "status": status,
                "statusInfo": {"reasonCode": "NotTaken", "additionalInfo": str(rejected)[:512]},
            }
        return {"status": "Accepted"}

    def _install(self, number: int, raw: Mapping[str, Any]) -> None:
        if raw["chargingProfilePurpose"] == "TxProfile" and "transactionId" not in raw:
            # K01.FR.03: a TxProfile names its transaction.
            raise Rejected("Rejected", "a TxProfile without transactionId")
        if raw["chargingProfilePurpose"] == "ChargingStationExternalConstraints":
            # K01.FR.22
            raise Rejected("Rejected", "external constraints are not the central system's to set")
        self._station.install(profile(raw, raw["chargingSchedule"][0], number, raw.get("transactionId")))

    def clear(self, payload: Mapping[str, Any]) -> Json:
        """The answer to ClearChargingProfile."""
        criteria = payload.get("chargingProfileCriteria", {})
        purpose = criteria.get("chargingProfilePurpose")
        gone = self._station.profiles.clear(
            id=payload.get("chargingProfileId"),
            connector=criteria.get("evseId"),
            purpose=PURPOSES[purpose] if purpose else None,
            level=criteria.get("stackLevel"),
        )
        return {"status": "Accepted" if gone else "Unknown"}

    def get(self, payload: Mapping[str, Any]) -> Json:
        """The answer to GetChargingProfiles; the profiles themselves follow as reports."""
        criteria, number = payload.get("chargingProfile", {}), payload.get("evseId")
        purpose, ids = criteria.get("chargingProfilePurpose"), criteria.get("chargingProfileId")
        found = [
            p for p in self._station.profiles.installed
            if number in (None, p.connector)
            and (purpose is None or PURPOSES[purpose] is p.purpose)
            and (ids is None or p.id in ids)
            and criteria.get("stackLevel") in (None, p.level)
        ]  # fmt: skip
        for one in found:
            report = {
                "requestId": payload["requestId"],
                "chargingLimitSource": "CSO",
                "evseId": one.connector,
            }
            self._station.say(
                Report(
                    action="ReportChargingProfiles",
                    payload=report | {"chargingProfile": [words201.told(one)]},
                )
            )
        return {"status": "Accepted" if found else "NoProfiles"}

    def composite(self, payload: Mapping[str, Any]) -> Json:
        """The answer to GetCompositeSchedule."""
        connector = self._station.connectors.get(payload["evseId"])
        if connector is None:
            return {"status": "Rejected"}
        if Fault.EMPTY_COMPOSITE in self._station.spec.faults:
            return {"status": "Accepted"}
        duration, unit = payload["duration"], unit_of(self._station, payload)
        schedule = {
            "evseId": connector.number,
            "duration": holds_s(self._station, duration),
            "chargingRateUnit": unit,
            "scheduleStart": stamp(self._station.time()),
            "chargingSchedulePeriod": periods(self._station, connector, duration, unit),
        }
        return {"status": "Accepted", "schedule": schedule}
