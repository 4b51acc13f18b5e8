"""The charging profiles a charge point holds, and the rules by which they replace each other.

OCPP 1.6 section 3.13 and 2.0.1 block K; the two versions differ in one rule, and real charge points in many.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .faults import Fault


class Purpose(StrEnum):
    """What a profile is for."""

    STATION_MAX = "station_max"
    TX_DEFAULT = "tx_default"
    TX = "tx"
    EXTERNAL = "external"


class Kind(StrEnum):
    """What the schedule's start means."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


@dataclass(frozen=True, kw_only=True)
class Period:
    """From `start_s` on, this much: in the schedule's unit, on that many phases (None: not said)."""

    start_s: int
    limit: float
    phases: int | None = None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One charging profile as it was given; `connector` 0 is the whole charge point."""

    id: int
    connector: int
    level: int
    purpose: Purpose
    kind: Kind
    unit: str
    periods: tuple[Period, ...]
    recurrence_s: int = 86_400
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    start: datetime | None = None
    duration_s: int | None = None
    transaction: str | None = None

    def same_place(self, other: "Profile") -> bool:
        """Whether both stand on one purpose, level and connector (and transaction)."""
        mine = (self.purpose, self.level, self.connector)
        return mine == (other.purpose, other.level, other.connector) and (
            self.transaction is None or other.transaction is None or self.transaction == other.transaction
        )

    def overlaps(self, other: "Profile") -> bool:
        """Whether their validities share a moment."""
        before = (
            self.valid_to is not None and other.valid_from is not None and self.valid_to <= other.valid_from
        )
        after = (
            other.valid_to is not None and self.valid_from is not None and other.valid_to <= self.valid_from
        )
        return not before and not after


class Rejected(Exception):
    """The profile is not taken; the status to answer and the reason."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """How a model stores profiles."""

    newest_wins: bool = True
    max_level: int = 8
    max_periods: int = 24
    most: int = 16


class Profiles:
    """Everything installed."""

    def __init__(self, shelf: Shelf, faults: frozenset[Fault] = frozenset()) -> None:
        self.shelf, self.faults = shelf, faults
        self.installed: list[Profile] = []
        self._asked = 0

    def install(self, profile: Profile) -> None:
        """Take a profile, or say why not (Rejected)."""
        self._asked += 1
        if not profile.periods:
            raise Rejected("Rejected", "no periods")
        self._refuse(profile)
        if Fault.ACCEPTS_WITHOUT_EFFECT in self.faults:
            return
        if Fault.IGNORES_EVERY_THIRD_PROFILE in self.faults and self._asked % 3 == 0:
            return
        rest = [other for other in self.installed if other.id != profile.id]
        if self.shelf.newest_wins:
            rest = [other for other in rest if not profile.same_place(other)]
        if Fault.CONNECTOR_DELETES_ZERO in self.faults and profile.connector:
            rest = [other for other in rest if other.connector or other.purpose is not profile.purpose]
        if len(rest) >= self.shelf.most:
            raise Rejected("Rejected", f"{self.shelf.most} profiles are all I hold")
        self.installed = [*rest, profile]

    def _refuse(self, profile: Profile) -> None:
        forbidden = {
            "this unit": (Fault.WATTS_ONLY in self.faults and profile.unit == "A")
            or (Fault.AMPS_ONLY in self.faults and profile.unit == "W"),
            "relative profiles": Fault.NO_RELATIVE in self.faults and profile.kind is Kind.RELATIVE,
            "this level": profile.level
            > (0 if Fault.LEVEL_ZERO_ONLY in self.faults else self.shelf.max_level),
            "so many periods": len(profile.periods)
            > (1 if Fault.ONE_PERIOD in self.faults else self.shelf.max_periods),
            "a first period that does not start at 0": profile.periods[0].start_s != 0,
            "periods out of order": list(profile.periods) != sorted(profile.periods, key=lambda p: p.start_s),
            "negative limits": any(period.limit < 0 for period in profile.periods),
            "a station profile on a connector": profile.purpose is Purpose.STATION_MAX
            and profile.connector != 0,
            "a transaction profile without connector": profile.purpose is Purpose.TX
            and profile.connector == 0,
        }
        for what, refused in forbidden.items():
            if refused:
                raise Rejected("Rejected", f"{what}: not taken")
        if Fault.NO_MAX_PROFILE in self.faults and profile.purpose is Purpose.STATION_MAX:
            raise Rejected("NotSupported", "no profile for the whole charge point")
        same = [p for p in self.installed if p.id != profile.id and profile.same_place(p)]
        if not self.shelf.newest_wins and any(profile.overlaps(other) for other in same):
            # 2.0.1 K01.FR.06 and K01.FR.39
            raise Rejected("Rejected", "another profile stands on this purpose and level")
        if Fault.REJECTS_SECOND_ID_ON_LEVEL in self.faults and same:
            raise Rejected("Rejected", "another id stands on this level")

    def clear(
        self, *, id: int | None = None, connector: int | None = None,
        purpose: Purpose | None = None, level: int | None = None,
    ) -> int:  # fmt: skip
        """Remove what matches everything given, and say how many; an id alone decides (1.6 section 5.6)."""

        def hit(profile: Profile) -> bool:
            if id is not None:
                return profile.id == id
            return (
                (connector is None or profile.connector == connector)
                and (purpose is None or profile.purpose is purpose)
                and (level is None or profile.level == level)
            )

        gone = [profile for profile in self.installed if hit(profile)]
        self.installed = [profile for profile in self.installed if not hit(profile)]
        return len(gone)

    def end_transaction(self, connector: int) -> None:
        """Transaction profiles end with their transaction."""
        if Fault.KEEPS_TX_PROFILE not in self.faults:
            self._drop(p for p in self.installed if p.purpose is Purpose.TX and p.connector == connector)
        if Fault.DEFAULT_FOR_NEXT_TRANSACTION_ONLY in self.faults:
            self._drop(p for p in self.installed if p.purpose is Purpose.TX_DEFAULT)

    def reboot(self) -> None:
        """Defaults and maxima survive in an honest charge point, transaction profiles in none."""
        self._drop(
            p for p in self.installed if p.purpose is Purpose.TX or Fault.FORGETS_ON_REBOOT in self.faults
        )

    def _drop(self, gone: Iterable[Profile]) -> None:
        ended = list(gone)
        self.installed = [profile for profile in self.installed if profile not in ended]
