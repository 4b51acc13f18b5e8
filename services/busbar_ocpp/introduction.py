"""How a charger introduces itself to its back office: as whom, and how long it waits where it is not accepted yet."""

from typing import Any

from busbar_ocpp import frames
from busbar_ocpp.measure import number
from busbar_ocpp.said import Booted

# While it is not accepted a charge point asks again at the pace it is told, and sends nothing else (1.6 section 4.2).
SOONEST_BOOT_S, LATEST_BOOT_S = 10.0, 900.0


def boot_of(identity: Booted, version: str | None) -> dict[str, Any]:
    """Its BootNotification, for a charger that has only reconnected since the service started."""
    firmware = {"firmwareVersion": identity.firmware} if identity.firmware else {}
    if version == "1.6":
        vendor, model = identity.vendor[:20], identity.model[:20]
        return {"chargePointVendor": vendor, "chargePointModel": model, **firmware}
    station = {"vendorName": identity.vendor, "model": identity.model[:20], **firmware}
    return {"chargingStation": station, "reason": "ApplicationReset"}


def pause_s(said: frames.Result | frames.Error | None) -> float | None:
    """How long to wait before it boots again after this answer; None when it may go on, as where none came."""
    if not isinstance(said, frames.Result) or said.payload.get("status") not in ("Pending", "Rejected"):
        return None
    told_s = number(said.payload.get("interval")) or 0.0
    return min(max(told_s, SOONEST_BOOT_S), LATEST_BOOT_S)
