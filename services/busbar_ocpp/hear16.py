"""What a charge point says in OCPP 1.6J: read leniently, answered exactly.

A field we do not need may be missing, unknown or wrong: a charger whose meter values are refused resends them
for ever. What an answer depends on must be there.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from busbar_contracts.charger import ConnectorStatus
from busbar_ocpp.measure import samples
from busbar_ocpp.rfc3339 import from_wire
from busbar_ocpp.said import Booted, Measured, Noted, Said, StatusSaid, TransactionSaid

T = TypeVar("T", bound=Struct)


class _Wire(Struct, frozen=True, rename="camel"):
    """Fields by their names on the wire; others are ignored."""


class Boot(_Wire, frozen=True):
    """BootNotification.req (6.3)."""

    charge_point_vendor: str
    charge_point_model: str
    firmware_version: str | None = None
    charge_point_serial_number: str | None = None
    charge_box_serial_number: str | None = None


class Status(_Wire, frozen=True):
    """StatusNotification.req (6.47)."""

    connector_id: int
    status: str
    error_code: str = "NoError"
    timestamp: Any = None


class Authorize(_Wire, frozen=True):
    """Authorize.req (6.1)."""

    id_tag: str


class Start(_Wire, frozen=True):
    """StartTransaction.req (6.45)."""

    connector_id: int
    id_tag: str
    meter_start: float
    timestamp: Any = None


class Stop(_Wire, frozen=True):
    """StopTransaction.req (6.49)."""

    transaction_id: int
    meter_stop: float
    timestamp: Any = None
    id_tag: str | None = None
    reason: str | None = None
    transaction_data: Any = None


class Meter(_Wire, frozen=True):
    """MeterValues.req (6.31)."""

    connector_id: int
    meter_value: Any = field(default_factory=list)
    transaction_id: int | None = None


class Progress(_Wire, frozen=True):
    """FirmwareStatusNotification, DiagnosticsStatusNotification, LogStatusNotification."""

    status: str


class Security(_Wire, frozen=True):
    """SecurityEventNotification.req (security whitepaper 5.18)."""

    type: str


class Unreadable(Exception):
    """A payload lacks what its answer depends on."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def as_kind(payload: dict[str, Any], kind: type[T]) -> T:
    """The payload as this kind, numbers written as text included, or `Unreadable` with OCPP's error code."""
    try:
        return msgspec.convert(payload, kind, strict=False)
    except msgspec.ValidationError as error:
        text = str(error)
        if "missing required" in text:
            raise Unreadable("ProtocolError", text) from error
        code = "TypeConstraintViolation" if "Expected" in text else "PropertyConstraintViolation"
        raise Unreadable(code, text) from error


def boot(payload: dict[str, Any]) -> Booted:
    """Who it is."""
    read = as_kind(payload, Boot)
    return Booted(
        vendor=read.charge_point_vendor[:50],
        model=read.charge_point_model[:50],
        firmware=read.firmware_version,
        serial=read.charge_point_serial_number or read.charge_box_serial_number,
    )


def status(payload: dict[str, Any]) -> StatusSaid:
    """What a connector does."""
    read = as_kind(payload, Status)
    return StatusSaid(
        connector=_connector(read.connector_id),
        status=ConnectorStatus(read.status),
        at=from_wire(read.timestamp),
        error=read.error_code[:50],
    )


def start(payload: dict[str, Any]) -> TransactionSaid:
    """A transaction begins; its id is ours to give."""
    read = as_kind(payload, Start)
    if read.connector_id < 1:
        raise Unreadable(
            "PropertyConstraintViolation", f"connectorId {read.connector_id} has no transactions"
        )
    return TransactionSaid(
        kind="started",
        connector=_connector(read.connector_id),
        transaction=None,
        at=from_wire(read.timestamp),
        tag=read.id_tag,
        meter_wh=_register(read.meter_start),
    )


def stop(payload: dict[str, Any]) -> TransactionSaid:
    """A transaction ended."""
    read = as_kind(payload, Stop)
    return TransactionSaid(
        kind="ended",
        connector=None,
        transaction=str(read.transaction_id),
        at=from_wire(read.timestamp),
        tag=read.id_tag,
        meter_wh=_register(read.meter_stop),
        samples=tuple(samples(read.transaction_data)),
        reason=read.reason or "Local",
    )


def meter(payload: dict[str, Any]) -> Measured:
    """What a connector measured."""
    read = as_kind(payload, Meter)
    return Measured(
        connector=_connector(read.connector_id),
        samples=tuple(samples(read.meter_value)),
        transaction=None if read.transaction_id is None else str(read.transaction_id),
    )


def note(action: str, payload: dict[str, Any]) -> Noted:
    """What the owner should know."""
    if action == "SecurityEventNotification":
        return Noted(code="security_event", text=as_kind(payload, Security).type[:50], severity="warning")
    subject = action.removesuffix("StatusNotification").lower() or "status"
    return Noted(code=f"{subject}_status", text=f"{subject}: {as_kind(payload, Progress).status[:50]}")


# What is only noted; the answer is empty.
NOTES = (
    "FirmwareStatusNotification",
    "DiagnosticsStatusNotification",
    "LogStatusNotification",
    "SignedFirmwareStatusNotification",
    "SecurityEventNotification",
)

SPOKEN: dict[str, Callable[[dict[str, Any]], Said]] = {
    "BootNotification": boot,
    "StatusNotification": status,
    "StartTransaction": start,
    "StopTransaction": stop,
    "MeterValues": meter,
}


def read(action: str, payload: dict[str, Any]) -> Said | None:
    """What was said, or None for actions that only ask (Heartbeat, Authorize, DataTransfer)."""
    if action in NOTES:
        return note(action, payload)
    reader = SPOKEN.get(action)
    return reader(payload) if reader is not None else None


def _connector(number: int) -> int:
    if not 0 <= number <= 1000:
        raise Unreadable("PropertyConstraintViolation", f"connectorId {number}")
    return number


def _register(value: float) -> float | None:
    return value if 0 <= value <= 1e12 else None
