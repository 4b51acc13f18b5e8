"""What charge points say, in one vocabulary for both protocols."""

from datetime import datetime

from msgspec import Struct

from busbar_contracts.charger import ConnectorStatus
from busbar_ocpp.measure import Sample


class Booted(Struct, frozen=True, kw_only=True):
    """It has (re)started, and says who it is."""

    vendor: str
    model: str
    firmware: str | None = None
    serial: str | None = None


class StatusSaid(Struct, frozen=True, kw_only=True):
    """A connector changed; connector 0 is the unit. 2.0.1's Occupied is said as Preparing."""

    connector: int
    status: ConnectorStatus
    at: datetime | None = None
    error: str = "NoError"
    outlet: int | None = None
    """2.0.1: which connector of the EVSE, of which one at a time can be used."""


class TransactionSaid(Struct, frozen=True, kw_only=True):
    """A transaction began, went on or ended."""

    kind: str  # "started", "updated", "ended"
    connector: int | None
    transaction: str | None
    at: datetime | None
    tag: str | None = None
    meter_wh: float | None = None
    samples: tuple[Sample, ...] = ()
    charging: ConnectorStatus | None = None
    reason: str | None = None
    seq: int | None = None
    phases_used: int | None = None
    remote_start: int | None = None
    offline: bool = False


class Measured(Struct, frozen=True, kw_only=True):
    """Meter values outside of transaction messages."""

    connector: int
    samples: tuple[Sample, ...]
    transaction: str | None = None


class Noted(Struct, frozen=True, kw_only=True):
    """Something the owner should know and nothing depends on: firmware, diagnostics, security."""

    code: str
    text: str
    severity: str = "info"


class Reported(Struct, frozen=True, kw_only=True):
    """2.0.1: a part of an inventory (component.variable → value)."""

    request: int | None
    variables: dict[str, str]
    last: bool = True


Said = Booted | StatusSaid | TransactionSaid | Measured | Noted | Reported
