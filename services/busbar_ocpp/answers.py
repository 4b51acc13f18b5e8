"""What a charge point is answered, where the answer needs no memory: one table per version."""

from datetime import datetime
from typing import Any

from busbar_ocpp import hear16, hear201
from busbar_ocpp.rfc3339 import to_wire

Payload = dict[str, Any]

# Recognised by the standard, sent by charge points, and not served: the error is NotSupported; all else is
# NotImplemented (OCPP-J 1.6 table 7).
NOT_SERVED = {
    "1.6": frozenset({"SignCertificate"}),
    "2.0.1": frozenset(
        {
            "PullDynamicScheduleUpdate",
            "ReservationStatusUpdate",
            "NotifyCustomerInformation",
            "NotifyDisplayMessages",
            "NotifyMonitoringReport",
            "NotifyEVChargingSchedule",
            "ReportChargingProfiles",
        }
    ),
}
# Of those the answers to what a charger's own back office may have asked: with one they are answered and passed on.
PASSED_ON = frozenset({"ReservationStatusUpdate", "NotifyCustomerInformation", "NotifyMonitoringReport"})

EMPTY = {
    "1.6": frozenset((*hear16.NOTES, "StatusNotification", "MeterValues", "StopTransaction")),
    "2.0.1": frozenset(
        (
            *hear201.NOTES,
            "StatusNotification",
            "MeterValues",
            "NotifyReport",
            "TransactionEvent",
        )
    ),
}

# What we have no use for is declined in the protocol's own words.
DECLINED: dict[str, dict[str, Payload]] = {
    "1.6": {"DataTransfer": {"status": "UnknownVendorId"}},
    "2.0.1": {
        "DataTransfer": {"status": "UnknownVendorId"},
        "SignCertificate": {"status": "Rejected"},
        "GetCertificateStatus": {"status": "Failed"},
        "Get15118EVCertificate": {"status": "Failed", "exiResponse": ""},
        "NotifyEVChargingNeeds": {"status": "Rejected"},
    },
}


def family(version: str) -> str:
    """2.1 repeats 2.0.1 in everything we serve."""
    return "1.6" if version == "1.6" else "2.0.1"


def plain(action: str, version: str, now: datetime, *, passed_on: bool = False) -> Payload | None:
    """The answer that needs no memory, or None where the charge point's own state decides.

    `passed_on`: a back office of its own hears everything too.
    """
    if passed_on and action in PASSED_ON and family(version) != "1.6":
        return {}
    if action == "Heartbeat":
        return {"currentTime": to_wire(now)}
    declined = DECLINED[family(version)].get(action)
    if declined is not None:
        return declined
    return {} if action in EMPTY[family(version)] else None


def boot(now: datetime, heartbeat_s: int, *, accepted: bool) -> Payload:
    """BootNotification: the time, so that the charger can set its clock, and whether it may go on."""
    status = "Accepted" if accepted else "Pending"
    return {"currentTime": to_wire(now), "interval": heartbeat_s, "status": status}


def authorized(accepted: bool, version: str) -> Payload:
    """The answer to Authorize."""
    status = {"status": "Accepted" if accepted else "Invalid"}
    return {"idTagInfo": status} if family(version) == "1.6" else {"idTokenInfo": status}


def unknown(action: str, version: str) -> str:
    """The error for an action that is not served."""
    return "NotSupported" if action in NOT_SERVED[family(version)] else "NotImplemented"
