"""What we send to a charge point that speaks OCPP 1.6J, as payloads of its JSON schemas."""

from typing import Any

from busbar_ocpp.profile import Period, Profile
from busbar_ocpp.rfc3339 import to_wire

Payload = dict[str, Any]


def set_charging_profile(profile: Profile) -> Payload:
    """SetChargingProfile.req (section 6.43)."""
    return {"connectorId": profile.connector, "csChargingProfiles": charging_profile(profile)}


def charging_profile(profile: Profile) -> Payload:
    """The type ChargingProfile (section 7.8), also carried by RemoteStartTransaction."""
    schedule: Payload = {
        "chargingRateUnit": profile.unit.value,
        "chargingSchedulePeriod": [_period(period) for period in profile.periods],
    }
    if profile.duration_s is not None:
        schedule["duration"] = profile.duration_s
    if profile.start is not None:
        schedule["startSchedule"] = to_wire(profile.start)
    wire: Payload = {
        "chargingProfileId": profile.id,
        "stackLevel": profile.level,
        "chargingProfilePurpose": profile.purpose.value,
        "chargingProfileKind": profile.kind.value,
        "chargingSchedule": schedule,
    }
    if profile.transaction is not None:
        wire["transactionId"] = int(profile.transaction)
    if profile.valid_from is not None:
        wire["validFrom"] = to_wire(profile.valid_from)
    if profile.valid_to is not None:
        wire["validTo"] = to_wire(profile.valid_to)
    return wire


def clear_charging_profile(
    *,
    id: int | None = None,
    connector: int | None = None,
    purpose: str | None = None,
    level: int | None = None,
) -> Payload:
    """ClearChargingProfile.req (section 6.11)."""
    said = {"id": id, "connectorId": connector, "chargingProfilePurpose": purpose, "stackLevel": level}
    return {key: value for key, value in said.items() if value is not None}


def _period(period: Period) -> Payload:
    wire: Payload = {"startPeriod": period.start_s, "limit": period.limit}
    if period.phases is not None:
        wire["numberPhases"] = period.phases
    return wire
