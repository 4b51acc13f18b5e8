"""How 2.0.1 words statuses, events, values and profiles."""

from busbar_simulator.station.notices import (
    Ended,
    Sampled,
    Started,
    StateChanged,
    Status,
    StatusChanged,
    TagAccepted,
)
from busbar_simulator.station.profiles import Profile, Purpose
from busbar_simulator.station.samples import Measured

from .words import Json, stamp

Event = Started | Sampled | StateChanged | TagAccepted | Ended


def status(notice: StatusChanged) -> Json:
    """A StatusNotification; Occupied stands for everything with a cable."""
    return {
        "timestamp": stamp(notice.at),
        "connectorStatus": CONNECTOR_STATES.get(notice.status, "Occupied"),
        "evseId": notice.connector,
        "connectorId": 1 if notice.connector else 0,
    }


def token(tag: str) -> Json:
    """A card."""
    return {"idToken": tag[:36], "type": "ISO14443"}


def trigger_reason(notice: Event) -> str:
    """Why a TransactionEvent is sent."""
    match notice:
        case Started():
            if not notice.transaction.tag:
                return "CablePluggedIn"
            return "RemoteStart" if notice.transaction.remote_start is not None else "Authorized"
        case TagAccepted():
            return "RemoteStart" if notice.transaction.remote_start is not None else "Authorized"
        case Sampled():
            return "Trigger" if notice.context == "Trigger" else "MeterValuePeriodic"
        case StateChanged():
            return "ChargingStateChanged"
        case Ended():
            return {"Remote": "RemoteStop", "EVDisconnected": "EVCommunicationLost"}.get(
                notice.reason, "AbnormalCondition"
            )


def value(measured: Measured, context: str) -> Json:
    """A SampledValue."""
    sampled: Json = {"value": measured.value, "context": context, "measurand": measured.measurand}
    if measured.unit:
        sampled["unitOfMeasure"] = {"unit": measured.unit}
    if measured.phase:
        sampled["phase"] = measured.phase
    return sampled


def told(one: Profile) -> Json:
    """An installed profile as it is reported."""
    names = {Purpose.STATION_MAX: "ChargingStationMaxProfile", Purpose.TX_DEFAULT: "TxDefaultProfile"}
    names |= {Purpose.TX: "TxProfile", Purpose.EXTERNAL: "ChargingStationExternalConstraints"}
    schedule: Json = {"id": one.id, "chargingRateUnit": one.unit}
    schedule["chargingSchedulePeriod"] = [{"startPeriod": p.start_s, "limit": p.limit} for p in one.periods]
    if one.start is not None:
        schedule["startSchedule"] = stamp(one.start)
    if one.duration_s is not None:
        schedule["duration"] = one.duration_s
    report: Json = {"id": one.id, "stackLevel": one.level, "chargingProfilePurpose": names[one.purpose]}
    report |= {"chargingProfileKind": str(one.kind), "chargingSchedule": [schedule]}
    for name, at in (("validFrom", one.valid_from), ("validTo", one.valid_to)):
        if at is not None:
            report[name] = stamp(at)
    return report | ({"transactionId": one.transaction} if one.transaction else {})


CONNECTOR_STATES = {
    Status.AVAILABLE: "Available",
    Status.UNAVAILABLE: "Unavailable",
    Status.FAULTED: "Faulted",
}
CHARGING_STATES = {
    Status.CHARGING: "Charging",
    Status.SUSPENDED_EV: "SuspendedEV",
    Status.SUSPENDED_EVSE: "SuspendedEVSE",
}
BOOTS = {
    "PowerUp": "PowerUp",
    "PowerLoss": "PowerUp",
    "ImmediateReset": "RemoteReset",
    "Triggered": "Triggered",
}
REASONS = {
    "Remote": "Remote",
    "EVDisconnected": "EVDisconnected",
    "DeAuthorized": "DeAuthorized",
    "PowerLoss": "PowerLoss",
    "ImmediateReset": "ImmediateReset",
    "Local": "Local",
}
