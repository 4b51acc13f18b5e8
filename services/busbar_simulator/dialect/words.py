"""What both versions share: calls, refusals, times and profiles as the frames carry them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from busbar_simulator.station.notices import Notice
from busbar_simulator.station.profiles import Kind, Period, Profile, Purpose

Json = dict[str, Any]
# Ten years: what starts later than that is nonsense, and must not overflow a date.
LATEST_S = 315_360_000


class NotAnswered(Exception):
    """The call is answered with CALLERROR; `code` is OCPP's word."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call to the central system. `keep`: it waits for the link to return, as transaction data does.

    `payload` is made when it is sent, because a transaction's number may only be known by then.
    """

    action: str
    payload: Callable[[], Json]
    answered: Callable[[Json], None] = lambda answer: None
    keep: bool = False


class Dialect(Protocol):
    """One version of OCPP, spoken for one charge point."""

    subprotocol: str
    version: str

    def calls(self, notice: Notice) -> list[Call]:
        """What to call for a notice; nothing, if this version does not tell it."""

    def greet(self) -> list[Notice]:
        """What is said after each successful boot: the status of everything."""

    def answer(self, action: str, payload: Mapping[str, Any]) -> Json:
        """The answer to a call of the central system, or NotAnswered."""


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as charge points write it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str | None) -> datetime | None:
    """A time of the central system, or None; nonsense is a FormationViolation."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise NotAnswered("FormationViolation", f"{text!r} is no time") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def profile(
    raw: Mapping[str, Any], schedule: Mapping[str, Any], connector: int, transaction: str | None
) -> Profile:
    """A profile as it came; `schedule` is the one to use."""
    return Profile(
        id=raw.get("chargingProfileId", raw.get("id", 0)),
        connector=connector,
        level=raw["stackLevel"],
        purpose=PURPOSES[raw["chargingProfilePurpose"]],
        kind=Kind(raw["chargingProfileKind"]),
        unit=schedule["chargingRateUnit"],
        recurrence_s=604_800 if raw.get("recurrencyKind") == "Weekly" else 86_400,
        valid_from=moment(raw.get("validFrom")),
        valid_to=moment(raw.get("validTo")),
        start=moment(schedule.get("startSchedule")),
        duration_s=schedule.get("duration"),
        transaction=transaction,
        periods=tuple(
            Period(
                start_s=min(period["startPeriod"], LATEST_S),
                limit=float(period["limit"]),
                phases=period.get("numberPhases"),
            )
            for period in schedule["chargingSchedulePeriod"]
        ),
    )


PURPOSES = {
    "ChargePointMaxProfile": Purpose.STATION_MAX,
    "ChargingStationMaxProfile": Purpose.STATION_MAX,
    "ChargingStationExternalConstraints": Purpose.EXTERNAL,
    "TxDefaultProfile": Purpose.TX_DEFAULT,
    "TxProfile": Purpose.TX,
}
