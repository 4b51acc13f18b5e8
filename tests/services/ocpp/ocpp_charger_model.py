"""A charger's own reading of its profiles: the composite rule of OCPP 1.6 section 3.13 and 2.0.1 K01/K08.

Written from the standards and from what chargers were seen to do, independently of the builder it judges:
it knows profiles only as the payloads that arrive on the wire.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

UNLIMITED = 1e9


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@dataclass
class Stored:
    connector: int
    wire: dict[str, Any]
    schedule: dict[str, Any]
    received: datetime

    @property
    def purpose(self) -> str:
        return str(self.wire["chargingProfilePurpose"]).replace("ChargingStation", "ChargePoint")

    @property
    def id(self) -> int:
        return int(self.wire.get("chargingProfileId", self.wire.get("id", 0)))

    @property
    def level(self) -> int:
        return int(self.wire["stackLevel"])


@dataclass
class ModelCharger:
    """Profiles in, a limit in ampere per leg out; `faults` are the ways real chargers differ."""

    version: str = "1.6"
    faults: frozenset[str] = frozenset()
    clock_ahead: timedelta = timedelta()
    legs: int = 3
    volts: float = 230.0
    max_periods: int = 24
    max_level: int = 10
    units: tuple[str, ...] = ("A", "W")
    transactions: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    stored: list[Stored] = field(default_factory=list)
    last_limit: dict[int, float] = field(default_factory=dict)
    received_count: int = 0

    def install(self, connector: int, wire: dict[str, Any], now: datetime) -> str:
        """The answer to SetChargingProfile."""
        self.received_count += 1
        schedule = wire["chargingSchedule"]
        schedule = schedule[0] if isinstance(schedule, list) else schedule
        new = Stored(connector, wire, schedule, now)
        if schedule["chargingRateUnit"] not in self.units:
            return "Rejected"
        limits = [float(one["limit"]) for one in schedule["chargingSchedulePeriod"]]
        if "whole_numbers_only" in self.faults and any(limit % 1 for limit in limits):
            return "Rejected"
        if len(schedule["chargingSchedulePeriod"]) > self.max_periods or new.level > self.max_level:
            return "Rejected"
        if wire["chargingProfileKind"] == "Absolute" and "startSchedule" not in schedule:
            return "Rejected"
        if new.purpose == "ChargePointMaxProfile" and connector != 0:
            return "Rejected"
        if "refuses_valid_from_in_tx" in self.faults and new.purpose == "TxProfile" and "validFrom" in wire:
            return "Rejected"
        if "refuses_tx_profiles" in self.faults and new.purpose == "TxProfile":
            return "Rejected"
        if new.purpose == "TxProfile":
            running = self.transactions.get(connector)
            if running is None or str(wire.get("transactionId", running[0])) != running[0]:
                return "Rejected"
        if self.version != "1.6" and any(self._conflicts(new, old) for old in self.stored):
            return "Rejected"
        if "ignores_each_third_profile" in self.faults and self.received_count % 3 == 0:
            return "Accepted"
        if "accepts_and_ignores" in self.faults:
            return "Accepted"
        self.stored = [old for old in self.stored if not self._replaces(new, old)]
        self.stored.append(new)
        return "Accepted"

    def clear(
        self,
        id: int | None = None,
        connector: int | None = None,
        purpose: str | None = None,
        level: int | None = None,
    ) -> str:
        """The answer to ClearChargingProfile."""
        wanted = purpose.replace("ChargingStation", "ChargePoint") if purpose else None

        def hit(old: Stored) -> bool:
            if id is not None:
                return old.id == id
            return (
                (connector is None or old.connector == connector)
                and (wanted is None or old.purpose == wanted)
                and (level is None or old.level == level)
            )

        before = len(self.stored)
        self.stored = [old for old in self.stored if not hit(old)]
        return "Accepted" if len(self.stored) < before else "Unknown"

    def reboot(self) -> None:
        if "forgets_profiles_on_reboot" in self.faults:
            self.stored = []

    def end_transaction(self, connector: int) -> None:
        self.transactions.pop(connector, None)
        self.stored = [
            old for old in self.stored if not (old.purpose == "TxProfile" and old.connector == connector)
        ]
        if "default_next_transaction_only" in self.faults:
            self.stored = [
                old
                for old in self.stored
                if not (old.purpose == "TxDefaultProfile" and old.connector == connector)
            ]

    def limit_a(self, connector: int, now: datetime) -> float:
        """Ampere per leg that the charger would offer at this true time; UNLIMITED when nothing limits."""
        own = now + self.clock_ahead
        running = self.transactions.get(connector)
        chosen = None
        if running is not None:
            tx = [old for old in self.stored if old.purpose == "TxProfile" and old.connector == connector]
            chosen = self._prevailing(tx, own, running)
            if chosen is None and tx and "unlimited_after_expired_tx_profile" in self.faults:
                chosen = UNLIMITED
        if chosen is None:
            default = [
                old for old in self.stored if old.purpose == "TxDefaultProfile" and old.connector == connector
            ]
            if not default:
                default = [
                    old for old in self.stored if old.purpose == "TxDefaultProfile" and old.connector == 0
                ]
            chosen = self._prevailing(default, own, running)
        if chosen is None and "keeps_last_after_expiry" in self.faults:
            chosen = self.last_limit.get(connector)
        station = [old for old in self.stored if old.purpose == "ChargePointMaxProfile"]
        ceiling = self._prevailing(station, own, running)
        limit = min(UNLIMITED if chosen is None else chosen, UNLIMITED if ceiling is None else ceiling)
        self.last_limit[connector] = limit
        return limit

    def _prevailing(
        self, candidates: list[Stored], own: datetime, running: tuple[str, datetime] | None
    ) -> float | None:
        valid = [old for old in candidates if self._valid(old, own)]
        for old in sorted(valid, key=lambda one: -one.level):
            limit = self._at(old, own, running)
            if limit is not None:
                return limit
        return None

    def _valid(self, old: Stored, own: datetime) -> bool:
        if "validFrom" in old.wire and own < _moment(old.wire["validFrom"]):
            return False
        return not ("validTo" in old.wire and own >= _moment(old.wire["validTo"]))

    def _at(self, old: Stored, own: datetime, running: tuple[str, datetime] | None) -> float | None:
        if old.wire["chargingProfileKind"] == "Relative":
            zero = running[1] + self.clock_ahead if running else own
        else:
            zero = _moment(old.schedule["startSchedule"])
        elapsed = (own - zero).total_seconds()
        if elapsed < 0:
            return None
        ends = old.schedule.get("duration")
        if ends is not None and elapsed >= ends and "ignores_duration" not in self.faults:
            return None
        periods = [one for one in old.schedule["chargingSchedulePeriod"] if one["startPeriod"] <= elapsed]
        if "keeps_first_period" in self.faults:
            periods = periods[:1]
        if not periods:
            return None
        limit = float(periods[-1]["limit"])
        if old.schedule["chargingRateUnit"] == "W":
            return limit / (self.volts * self.legs)
        return limit

    def _replaces(self, new: Stored, old: Stored) -> bool:
        if old.id == new.id:
            return True
        if (
            "connector_profile_deletes_zero" in self.faults
            and old.purpose == new.purpose == "TxDefaultProfile"
            and old.connector == 0
        ):
            return True
        same = (old.connector, old.purpose, old.level) == (new.connector, new.purpose, new.level)
        return same and self.version == "1.6"

    def _conflicts(self, new: Stored, old: Stored) -> bool:
        """2.0.1 K01.FR.06 and K01.FR.39: another id in the same drawer while both are valid."""
        if old.id == new.id:
            return False
        same = (old.connector, old.purpose, old.level) == (new.connector, new.purpose, new.level)
        far_past, far_future = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

        def span(one: Stored) -> tuple[datetime, datetime]:
            begin = _moment(one.wire["validFrom"]) if "validFrom" in one.wire else far_past
            end = _moment(one.wire["validTo"]) if "validTo" in one.wire else far_future
            return begin, end

        (a, b), (c, d) = span(new), span(old)
        return same and a < d and c < b
