"""What a charger says it would limit to (GetCompositeSchedule), in ampere per leg."""

from typing import Any

from busbar_ocpp.measure import number
from busbar_ocpp.profile import Scale

# Some answer an absurd figure, or -1, where nothing limits.
MOST_A = 500.0


def least_a(answer: dict[str, Any], scale: Scale) -> float | None:
    """The smallest current it can charge with, where its schedule names one (minChargingRate, 1.6 section 7.13)."""
    schedule = answer.get("chargingSchedule") or answer.get("schedule")
    least = number(schedule.get("minChargingRate")) if isinstance(schedule, dict) else None
    if least is None or not isinstance(schedule, dict) or least <= 0:
        return None
    amps = least / (scale.volts * scale.legs) if schedule.get("chargingRateUnit") == "W" else least
    return amps if amps <= MOST_A else None


def limit_a(answer: dict[str, Any], scale: Scale) -> float | None:
    """The limit of the first period; None where the answer says none or nothing that can be meant."""
    schedule = answer.get("chargingSchedule") or answer.get("schedule")
    if answer.get("status") != "Accepted" or not isinstance(schedule, dict):
        return None
    periods = schedule.get("chargingSchedulePeriod")
    first = periods[0] if isinstance(periods, list) and periods else None
    limit = number(first.get("limit")) if isinstance(first, dict) else None
    if limit is None or limit < 0:
        return None
    amps = limit / (scale.volts * scale.legs) if schedule.get("chargingRateUnit") == "W" else limit
    return amps if amps <= MOST_A else None
