"""What a charge point has to tell its central system, before any OCPP version words it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .samples import Measured


class Status(StrEnum):
    """The words of OCPP 1.6 section 7.7."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


@dataclass(kw_only=True)
class Transaction:
    """One transaction; `number` is the central system's in 1.6, `key` the charge point's own in 2.0.1."""

    key: str
    connector: int
    tag: str
    began: datetime
    meter_start_wh: int
    remote_start: int | None = None
    number: int | None = None
    sequence: int = 0


@dataclass(frozen=True, kw_only=True)
class StatusChanged:
    """A connector's status; connector 0 is the charge point itself."""

    connector: int
    status: Status
    at: datetime


@dataclass(frozen=True, kw_only=True)
class TagShown:
    """Somebody held a card to the reader; the answer decides."""

    connector: int
    tag: str


@dataclass(frozen=True, kw_only=True)
class Started:
    """A transaction began."""

    transaction: Transaction
    values: tuple[Measured, ...]
    at: datetime
    offline: bool = False


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """Meter values, of a transaction or asked for without one."""

    connector: int
    transaction: Transaction | None
    values: tuple[Measured, ...]
    at: datetime
    context: str = "Sample.Periodic"
    offline: bool = False


@dataclass(frozen=True, kw_only=True)
class StateChanged:
    """The transaction goes on in another state (2.0.1 tells it as an event)."""

    transaction: Transaction
    status: Status
    at: datetime
    offline: bool = False


@dataclass(frozen=True, kw_only=True)
class TagAccepted:
    """A transaction that began with the cable may now charge."""

    transaction: Transaction
    at: datetime
    offline: bool = False


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A transaction is over."""

    transaction: Transaction
    values: tuple[Measured, ...]
    meter_stop_wh: int
    reason: str
    at: datetime
    offline: bool = False


@dataclass(frozen=True, kw_only=True)
class Booted:
    """It has just started, for this reason."""

    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Beat:
    """A sign of life, answered with the time."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Anything a dialect wants to say after an answer, already in its words."""

    action: str
    payload: dict[str, object] = field(default_factory=dict)


Notice = (
    StatusChanged | TagShown | TagAccepted | Started | Sampled | StateChanged | Ended | Booted | Beat | Report
)
