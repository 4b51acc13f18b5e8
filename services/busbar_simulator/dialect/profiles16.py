"""Charging profiles of 1.6: set, cleared, and what they come to."""

from collections.abc import Mapping
from typing import Any

from busbar_simulator.station.faults import Fault
from busbar_simulator.station.profiles import Rejected
from busbar_simulator.station.station import Station

from .schedule import holds_s, periods, unit_of
from .words import PURPOSES, Json, profile, stamp


class Profiles:
    """Answers about the profiles of one station."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def set(self, payload: Mapping[str, Any]) -> Json:
        """The answer to SetChargingProfile."""
        try:
            self._install(payload["connectorId"], payload["csChargingProfiles"])
        except Rejected as rejected:
            return {"status": rejected.status}
        return {"status": "Accepted"}

    def _install(self, number: int, raw: Mapping[str, Any]) -> None:
        connector = self._station.connectors.get(number)
        transaction = None
        if "transactionId" in raw:
            running = connector.transaction if connector else None
            if running is None or running.number != raw["transactionId"]:
                raise Rejected("Rejected", f"no transaction {raw['transactionId']}")
            transaction = running.key
        self._station.install(profile(raw, raw["chargingSchedule"], number, transaction))

    def clear(self, payload: Mapping[str, Any]) -> Json:
        """The answer to ClearChargingProfile."""
        purpose = payload.get("chargingProfilePurpose")
        gone = self._station.profiles.clear(
            id=payload.get("id"),
            connector=payload.get("connectorId"),
            purpose=PURPOSES[purpose] if purpose else None,
            level=payload.get("stackLevel"),
        )
        return {"status": "Accepted" if gone else "Unknown"}

    def composite(self, payload: Mapping[str, Any]) -> Json:
        """The answer to GetCompositeSchedule."""
        connector = self._station.connectors.get(payload["connectorId"])
        if connector is None:
            return {"status": "Rejected"}
        now, unit = stamp(self._station.time()), unit_of(self._station, payload)
        answer: Json = {"status": "Accepted", "connectorId": connector.number, "scheduleStart": now}
        if Fault.EMPTY_COMPOSITE not in self._station.spec.faults:
            answer["chargingSchedule"] = {
                "duration": holds_s(self._station, payload["duration"]),
                "startSchedule": now,
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": periods(self._station, connector, payload["duration"], unit),
            }
        return answer
