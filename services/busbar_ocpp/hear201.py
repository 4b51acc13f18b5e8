"""What a charge point says in OCPP 2.0.1 (and 2.1, where these messages are the same). Our connector is the EVSE."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from busbar_contracts.charger import ConnectorStatus
from busbar_ocpp.hear16 import Progress, Security, Unreadable, as_kind
from busbar_ocpp.measure import Sample, samples
from busbar_ocpp.rfc3339 import from_wire
from busbar_ocpp.said import Booted, Measured, Noted, Reported, Said, StatusSaid, TransactionSaid
from busbar_ocpp.settings import report_of

# ChargingStateEnumType → the words of 1.6 (our one vocabulary).
CHARGING = {
    "Charging": ConnectorStatus.CHARGING,
    "EVConnected": ConnectorStatus.PREPARING,
    "SuspendedEV": ConnectorStatus.SUSPENDED_EV,
    "SuspendedEVSE": ConnectorStatus.SUSPENDED_EVSE,
    "Idle": ConnectorStatus.FINISHING,
}
KINDS = {"Started": "started", "Updated": "updated", "Ended": "ended"}


class _Wire(Struct, frozen=True, rename="camel"):
    """Fields by their names on the wire; others are ignored."""


class Station(_Wire, frozen=True):
    """ChargingStationType."""

    vendor_name: str
    model: str
    serial_number: str | None = None
    firmware_version: str | None = None


class Boot(_Wire, frozen=True):
    """BootNotificationRequest."""

    charging_station: Station
    reason: str = "Unknown"


class Status(_Wire, frozen=True):
    """StatusNotificationRequest."""

    connector_status: str
    evse_id: int
    connector_id: int = 1
    timestamp: Any = None


class Evse(_Wire, frozen=True):
    """EVSEType."""

    id: int
    connector_id: int | None = None


class Token(_Wire, frozen=True):
    """IdTokenType."""

    id_token: str
    type: str = "Central"


class Authorize(_Wire, frozen=True):
    """AuthorizeRequest."""

    id_token: Token


class Info(_Wire, frozen=True):
    """TransactionType."""

    transaction_id: str
    charging_state: str | None = None
    stopped_reason: str | None = None
    remote_start_id: int | None = None


class Event(_Wire, frozen=True):
    """TransactionEventRequest."""

    event_type: str
    transaction_info: Info
    timestamp: Any = None
    seq_no: int | None = None
    evse: Evse | None = None
    id_token: Token | None = None
    meter_value: Any = None
    offline: bool = False
    number_of_phases_used: int | None = None


class Meter(_Wire, frozen=True):
    """MeterValuesRequest."""

    evse_id: int
    meter_value: Any = field(default_factory=list)


class Limited(_Wire, frozen=True):
    """ChargingLimitType."""

    charging_limit_source: str


class NewLimit(_Wire, frozen=True):
    """NotifyChargingLimitRequest (K12)."""

    charging_limit: Limited


class Happened(_Wire, frozen=True):
    """NotifyEventRequest (N07)."""

    event_data: list[dict[str, Any]]


class Report(_Wire, frozen=True):
    """NotifyReportRequest."""

    request_id: int | None = None
    tbc: bool = False
    report_data: Any = field(default_factory=list)


NOTES = (
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "PublishFirmwareStatusNotification",
    "SecurityEventNotification",
    "NotifyChargingLimit",
    "ClearedChargingLimit",
    "NotifyEvent",
)


def read(action: str, payload: dict[str, Any]) -> Said | None:
    """What was said, or None for actions that only ask."""
    if action in NOTES:
        return _note(action, payload)
    reader = SPOKEN.get(action)
    return reader(payload) if reader is not None else None


def _boot(payload: dict[str, Any]) -> Booted:
    station = as_kind(payload, Boot).charging_station
    return Booted(
        vendor=station.vendor_name[:50],
        model=station.model[:50],
        firmware=station.firmware_version,
        serial=station.serial_number,
    )


def _status(payload: dict[str, Any]) -> StatusSaid:
    read = as_kind(payload, Status)
    occupied = read.connector_status == "Occupied"
    return StatusSaid(
        connector=_evse(read.evse_id),
        status=ConnectorStatus.PREPARING if occupied else ConnectorStatus(read.connector_status),
        at=from_wire(read.timestamp),
        outlet=read.connector_id,
    )


def _event(payload: dict[str, Any]) -> TransactionSaid:
    read = as_kind(payload, Event)
    kind = KINDS.get(read.event_type)
    if kind is None:
        raise Unreadable("PropertyConstraintViolation", f"eventType {read.event_type[:50]}")
    info = read.transaction_info
    measured = tuple(samples(read.meter_value))
    return TransactionSaid(
        kind=kind,
        connector=None if read.evse is None else _evse(read.evse.id),
        transaction=info.transaction_id[:64],
        at=from_wire(read.timestamp),
        tag=None if read.id_token is None else read.id_token.id_token,
        meter_wh=_energy(measured, last=kind == "ended"),
        samples=measured,
        charging=CHARGING.get(info.charging_state or ""),
        reason=info.stopped_reason,
        seq=read.seq_no,
        phases_used=read.number_of_phases_used,
        remote_start=info.remote_start_id,
        offline=read.offline,
    )


def _meter(payload: dict[str, Any]) -> Measured:
    read = as_kind(payload, Meter)
    return Measured(connector=_evse(read.evse_id), samples=tuple(samples(read.meter_value)))


def _report(payload: dict[str, Any]) -> Reported:
    read = as_kind(payload, Report)
    return Reported(request=read.request_id, variables=report_of(read.report_data), last=not read.tbc)


def _note(action: str, payload: dict[str, Any]) -> Noted:
    if action == "SecurityEventNotification":
        return Noted(code="security_event", text=as_kind(payload, Security).type[:50], severity="warning")
    if action == "NotifyChargingLimit":
        source = as_kind(payload, NewLimit).charging_limit.charging_limit_source[:20]
        return Noted(code="charging_limit", text=f"somebody else ({source}) limits it too")
    if action == "ClearedChargingLimit":
        source = as_kind(payload, Limited).charging_limit_source[:20]
        return Noted(code="charging_limit", text=f"the limit of {source} is gone")
    if action == "NotifyEvent":
        return _happened(as_kind(payload, Happened).event_data)
    subject = action.removesuffix("StatusNotification").lower()
    return Noted(code=f"{subject}_status", text=f"{subject}: {as_kind(payload, Progress).status[:50]}")


def _happened(events: list[dict[str, Any]]) -> Noted:
    entries = [{**one, "variableAttribute": [{"value": one.get("actualValue")}]} for one in events]
    told = list(report_of(entries).items())
    text = ", ".join(f"{name} = {value[:50]}" for name, value in told[:3]) or "an event without a variable"
    alerts = any(one.get("trigger") == "Alerting" for one in events)
    return Noted(code="charger_event", text=text, severity="warning" if alerts else "info")


def _energy(measured: tuple[Sample, ...], *, last: bool) -> float | None:
    known = [sample.energy_wh for sample in measured if sample.energy_wh is not None]
    return (known[-1] if last else known[0]) if known else None


def _evse(number: int) -> int:
    if not 0 <= number <= 1000:
        raise Unreadable("PropertyConstraintViolation", f"evseId {number}")
    return number


SPOKEN: dict[str, Callable[[dict[str, Any]], Said]] = {
    "BootNotification": _boot,
    "StatusNotification": _status,
    "TransactionEvent": _event,
    "MeterValues": _meter,
    "NotifyReport": _report,
}
