"""What we send to a charge point that speaks OCPP 2.0.1, as payloads of its JSON schemas."""

from typing import Any

from busbar_ocpp.profile import Period, Profile, Purpose
from busbar_ocpp.rfc3339 import to_wire

Payload = dict[str, Any]

# The one purpose that 2.0.1 renamed (part 2, section 3.9 ChargingProfilePurposeEnumType).
PURPOSES = {
    Purpose.MAX: "ChargingStationMaxProfile",
    Purpose.DEFAULT: "TxDefaultProfile",
    Purpose.TX: "TxProfile",
}


def set_charging_profile(profile: Profile) -> Payload:
    """SetChargingProfileRequest (use case K01). Our connector is the EVSE."""
    return {"evseId": profile.connector, "chargingProfile": charging_profile(profile)}


def charging_profile(profile: Profile) -> Payload:
    """ChargingProfileType: one schedule, its id the profile's own."""
    schedule: Payload = {
        "id": profile.id,
        "chargingRateUnit": profile.unit.value,
        "chargingSchedulePeriod": [_period(period) for period in profile.periods],
    }
    if profile.duration_s is not None:
        schedule["duration"] = profile.duration_s
    if profile.start is not None:
        schedule["startSchedule"] = to_wire(profile.start)
    wire: Payload = {
        "id": profile.id,
        "stackLevel": profile.level,
        "chargingProfilePurpose": PURPOSES[profile.purpose],
        "chargingProfileKind": profile.kind.value,
        "chargingSchedule": [schedule],
    }
    if profile.transaction is not None:
        wire["transactionId"] = profile.transaction
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
    """ClearChargingProfileRequest (use case K10): by id, or by EVSE, purpose and level."""
    if id is not None:
        return {"chargingProfileId": id}
    wanted = PURPOSES.get(Purpose(purpose)) if purpose in set(Purpose) else purpose
    said = {"evseId": connector, "chargingProfilePurpose": wanted, "stackLevel": level}
    criteria = {key: value for key, value in said.items() if value is not None}
    return {"chargingProfileCriteria": criteria} if criteria else {}


def _period(period: Period) -> Payload:
    wire: Payload = {"startPeriod": period.start_s, "limit": period.limit}
    if period.phases is not None:
        wire["numberPhases"] = period.phases
    return wire
