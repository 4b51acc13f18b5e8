"""What a back office asks about charging profiles, answered here as a charger would: none of it reaches the charger."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from busbar_ocpp.connector import Connector
from busbar_ocpp.foreign_profiles import MAX_PURPOSES, ForeignProfiles
from busbar_ocpp.outbox import Outbox
from busbar_ocpp.rfc3339 import to_wire
from busbar_shared.clock import Clock

Payload = dict[str, Any]


class Whose(Struct, frozen=True):
    """The charger the profiles are for."""

    id: str
    connectors: Mapping[int, Connector]
    clock: Clock
    nominal_v: float


class ProfileCalls:
    """The virtual charger that a back office sets profiles in."""

    def __init__(self, whose: Whose, outbox: Outbox) -> None:
        self._whose, self._outbox = whose, outbox
        legs = max((len(one.wiring.legs) for one in whose.connectors.values()), default=3)
        self._store = ForeignProfiles(whose.nominal_v, legs)
        self._store.kept = outbox.profiles(whose.id)

    def answer(self, action: str, payload: Payload) -> Payload | None:
        """The answer to a call about profiles; None for any other call."""
        if action == "SetChargingProfile":
            wire = payload.get("csChargingProfiles", payload.get("chargingProfile"))
            place = payload.get("connectorId", payload.get("evseId"))
            return {"status": self.install(place, wire) if self._may_lie(place, wire) else "Rejected"}
        if action == "ClearChargingProfile":
            status = self._store.clear(payload)
            self._keep()
            return {"status": status}
        if action == "GetChargingProfiles":
            return self._report(payload)
        return self._composite(payload) if action == "GetCompositeSchedule" else None

    def install(self, place: object, wire: object) -> str:
        """Take a profile, one that comes with a start included."""
        if isinstance(wire, dict) and "transactionId" in wire:
            ours = self._outbox.ours(self._whose.id, str(wire["transactionId"]))
            wire = {**wire, "transactionId": ours if ours is not None else wire["transactionId"]}
        status = self._store.install(place, wire)
        self._keep()
        return status

    def forget_transaction(self, transaction: str, connector: int | None) -> None:
        """A transaction has ended, and with it the back office's profiles for it."""
        if self._store.forget_transaction(transaction, connector):
            self._keep()

    def cap_a(self, connector: Connector) -> float:
        """The most the back office allows now, in ampere per leg."""
        entry = connector.transaction
        others = [one for one in self._whose.connectors.values() if one is not connector]
        return self._store.cap_a(
            connector.number,
            self._whose.clock.now(),
            connector.transaction_id,
            entry.started_at if entry else None,
            sharing=1 + sum(one.transaction is not None for one in others),
        )

    def _may_lie(self, place: object, wire: object) -> bool:
        """Whether a charger would take this profile at this place (1.6 section 3.13.1, 2.0.1 K01)."""
        purpose = wire.get("chargingProfilePurpose") if isinstance(wire, dict) else None
        if purpose in MAX_PURPOSES:
            return place == 0
        connector = self._whose.connectors.get(place) if isinstance(place, int) else None
        if purpose != "TxProfile":
            return place == 0 or connector is not None
        return connector is not None and connector.transaction is not None

    def _keep(self) -> None:
        """What the back office allows outlives a restart, as it would in a charger."""
        self._outbox.keep_profiles(self._whose.id, self._store.kept)

    def _report(self, payload: Payload) -> Payload:
        """GetChargingProfiles of 2.0.1 (K09): from the store, one report for each EVSE."""
        places = self._store.matching(payload)
        for number, (evse, wires) in enumerate(sorted(places.items()), start=1):
            report = {
                "requestId": payload.get("requestId", 0), "chargingLimitSource": "CSO", "evseId": evse,
                "chargingProfile": wires, "tbc": number < len(places),
            }  # fmt: skip
            self._outbox.put(self._whose.id, "ReportChargingProfiles", report)
        return {"status": "Accepted" if places else "NoProfiles"}

    def _composite(self, payload: Payload) -> Payload:
        """What Busbar and the back office together allow at this moment; of place 0 all connectors together."""
        place = payload.get("connectorId", payload.get("evseId"))
        connectors = self._whose.connectors
        asked = [one for number, one in connectors.items() if place in (0, number)]
        if not asked or isinstance(place, bool):
            return {"status": "Rejected"}
        unit = "W" if payload.get("chargingRateUnit") == "W" else "A"
        limit = sum(self._allowed(one, unit) for one in asked)
        now = to_wire(self._whose.clock.now())
        periods = [{"startPeriod": 0, "limit": int(limit * 10) / 10}]
        schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": periods}
        if "connectorId" in payload:
            told = {"scheduleStart": now, "chargingSchedule": {**schedule, "startSchedule": now}}
            return {"status": "Accepted", "connectorId": place, **told}
        duration = payload.get("duration", 60)
        whole: Payload = {"evseId": place, "duration": duration, "scheduleStart": now, **schedule}
        return {"status": "Accepted", "schedule": whole}

    def _allowed(self, connector: Connector, unit: str) -> float:
        amps = min(connector.told_a if connector.told_a is not None else 0.0, self.cap_a(connector))
        return amps * self._whose.nominal_v * len(connector.wiring.legs) if unit == "W" else amps
