"""The charging profiles of a charger's own back office, which never reach the charger.

They are kept here, and what they compute to caps what Busbar grants: the smaller limit holds. The rule is
OCPP 1.6 section 3.13 (2.0.1 K01, K08): of one purpose the highest valid stack level, a TxProfile instead of the
default during its transaction, the station's maximum below both.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from busbar_ocpp.measure import number
from busbar_ocpp.rfc3339 import from_wire

UNLIMITED_A = 1000.0
MOST_PROFILES = 100
MAX_PURPOSES = ("ChargePointMaxProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints")


class Kept(Struct, frozen=True, kw_only=True):
    """One profile of the back office."""

    id: int
    connector: int
    purpose: str
    level: int
    transaction: str | None
    wire: dict[str, Any]


class ForeignProfiles:
    """The virtual store of one charger."""

    def __init__(self, volts: float, legs: int) -> None:
        self._volts, self._legs = volts, legs
        self.kept: list[Kept] = []

    def install(self, connector: object, wire: object) -> str:
        """The answer to SetChargingProfile."""
        kept = _kept(connector, wire)
        if kept is None or len(self.kept) >= MOST_PROFILES:
            return "Rejected"
        self.kept = [old for old in self.kept if not _replaces(kept, old)]
        self.kept.append(kept)
        return "Accepted"

    def clear(self, payload: Mapping[str, Any]) -> str:
        """The answer to ClearChargingProfile of either version."""
        criteria = payload.get("chargingProfileCriteria", payload)
        criteria = criteria if isinstance(criteria, Mapping) else {}
        id = payload.get("chargingProfileId", payload.get("id"))
        connector = criteria.get("connectorId", criteria.get("evseId"))
        purpose, level = criteria.get("chargingProfilePurpose"), criteria.get("stackLevel")
        before = len(self.kept)
        self.kept = [
            old
            for old in self.kept
            if not (
                (id is None or old.id == id)
                and (connector is None or old.connector == connector)
                and (purpose is None or old.purpose == purpose)
                and (level is None or old.level == level)
            )
        ]
        return "Accepted" if len(self.kept) < before else "Unknown"

    def forget_transaction(self, transaction: str, connector: int | None) -> bool:
        """A transaction ended, and its profiles with it: those that name it, and those of its start that name none."""
        before = len(self.kept)
        self.kept = [
            old
            for old in self.kept
            if old.purpose != "TxProfile"
            or connector not in (None, old.connector)
            or not (old.transaction == transaction or (old.transaction is None and connector is not None))
        ]
        return len(self.kept) < before

    def matching(self, payload: Mapping[str, Any]) -> dict[int, list[dict[str, Any]]]:
        """The profiles that GetChargingProfiles of 2.0.1 asks for, by EVSE."""
        asked = payload.get("chargingProfile")
        asked = asked if isinstance(asked, Mapping) else {}
        found: dict[int, list[dict[str, Any]]] = {}
        for one in self.kept:
            fits = (
                payload.get("evseId") in (None, one.connector)
                and asked.get("chargingProfilePurpose") in (None, one.purpose)
                and asked.get("stackLevel") in (None, one.level)
                and (not asked.get("chargingProfileId") or one.id in asked["chargingProfileId"])
            )
            if fits:
                found.setdefault(one.connector, []).append(one.wire)
        return found

    def cap_a(
        self,
        connector: int,
        now: datetime,
        transaction: str | None,
        started_at: datetime | None,
        sharing: int = 1,
    ) -> float:
        """The most the back office allows now, in ampere per leg.

        The station's maximum is that of all its connectors together: as many as share it get an equal part each.
        """
        during = None
        if transaction is not None:
            own = [one for one in self.kept if one.purpose == "TxProfile" and one.connector in (0, connector)]
            own = [one for one in own if one.transaction in (None, transaction)]
            during = self._prevailing(own, now, started_at)
        if during is None:
            default = [one for one in self.kept if one.purpose == "TxDefaultProfile"]
            here = [one for one in default if one.connector == connector]
            during = self._prevailing(here or [one for one in default if one.connector == 0], now, started_at)
        station = [one for one in self.kept if one.purpose in MAX_PURPOSES]
        ceiling = self._prevailing(station, now, started_at)
        part = None if ceiling is None else ceiling / max(sharing, 1)
        return min(limit for limit in (during, part, UNLIMITED_A) if limit is not None)

    def _prevailing(self, some: Sequence[Kept], now: datetime, started_at: datetime | None) -> float | None:
        for one in sorted(some, key=lambda kept: -kept.level):
            begin, end = from_wire(one.wire.get("validFrom")), from_wire(one.wire.get("validTo"))
            if (begin is not None and now < begin) or (end is not None and now >= end):
                continue
            limit = self._now(one, now, started_at)
            if limit is not None:
                return limit
        return None

    def _now(self, one: Kept, now: datetime, started_at: datetime | None) -> float | None:
        schedule = _schedule(one.wire)
        # Without a start of its own a schedule counts from the start of charging (1.6 section 7.13).
        start = from_wire(schedule.get("startSchedule"))
        zero = started_at if one.wire.get("chargingProfileKind") == "Relative" or start is None else start
        elapsed = (now - (zero or now)).total_seconds()
        if one.wire.get("chargingProfileKind") == "Recurring":
            elapsed %= 604_800 if one.wire.get("recurrencyKind") == "Weekly" else 86_400
        duration = number(schedule.get("duration"))
        if elapsed < 0 or (duration is not None and elapsed >= duration):
            return None
        running = [limit for start, limit in sorted(_periods(schedule)) if start <= elapsed]
        if not running:
            return None
        watts = schedule.get("chargingRateUnit") == "W"
        return running[-1] / (self._volts * self._legs) if watts else running[-1]


def _kept(connector: object, wire: object) -> Kept | None:
    if isinstance(connector, bool) or not isinstance(connector, int) or not isinstance(wire, dict):
        return None
    id, level = wire.get("chargingProfileId", wire.get("id")), wire.get("stackLevel")
    purpose, transaction = wire.get("chargingProfilePurpose"), wire.get("transactionId")
    if not isinstance(id, int) or not isinstance(level, int) or not isinstance(purpose, str):
        return None
    if not list(_periods(_schedule(wire))):
        return None
    return Kept(
        id=id,
        connector=connector,
        purpose=purpose,
        level=level,
        transaction=None if transaction is None else str(transaction),
        wire=wire,
    )


def _replaces(new: Kept, old: Kept) -> bool:
    place = (new.connector, new.purpose, new.level)
    return old.id == new.id or (old.connector, old.purpose, old.level) == place


def _schedule(wire: Mapping[str, Any]) -> dict[str, Any]:
    schedule = wire.get("chargingSchedule")
    if isinstance(schedule, list) and schedule:
        schedule = schedule[0]
    return schedule if isinstance(schedule, dict) else {}


def _periods(schedule: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    listed = schedule.get("chargingSchedulePeriod")
    for one in listed if isinstance(listed, list) else []:
        start = number(one.get("startPeriod")) if isinstance(one, dict) else None
        limit = number(one.get("limit")) if isinstance(one, dict) else None
        if start is not None and limit is not None and limit >= 0:
            yield start, limit
