"""What a Charge Amps connector is doing, in the contract's four words.

Status names and numbers as in the vendor's API documents: v4 (PDF) for the numbers, v5 (OpenAPI text)
for the rule that a charge point without an OCPP version speaks Charge Amps' own CAPI.  The same number
means different things in the two protocols.
"""

from typing import Literal

State = Literal["idle", "charging", "plugged_in", "error"]

_OCPP: dict[str, State] = {
    "available": "idle",
    "reserved": "idle",
    "preparing": "plugged_in",
    "suspendedev": "plugged_in",
    "suspendedevse": "plugged_in",
    "finishing": "plugged_in",
    "charging": "charging",
    "faulted": "error",
    "unknown": "error",
}
_CAPI: dict[str, State] = {
    "available": "idle",
    "connected": "plugged_in",
    "charging": "charging",
    "error": "error",
    "unknown": "error",
}
_OCPP_NUMBERS = (
    "available",
    "preparing",
    "charging",
    "suspendedevse",
    "suspendedev",
    "finishing",
    "reserved",
    "unavailable",
    "faulted",
    "unknown",
)
_CAPI_NUMBERS = ("available", "charging", "connected", "error", "unknown")


def state(
    *,
    charge_point_status: str | None,
    ocpp_version: str | None,
    connector_status: str | int | None,
    mode: str | None = None,
) -> State:
    """The connector's state; anything not understood is an error, never a guess."""
    if charge_point_status is None or charge_point_status.strip().lower() != "online":
        return "error"
    ocpp = bool(ocpp_version)
    name = _name(connector_status, _OCPP_NUMBERS if ocpp else _CAPI_NUMBERS)
    if ocpp and name == "unavailable":
        return "idle" if mode is not None and mode.lower() == "off" else "error"
    return (_OCPP if ocpp else _CAPI).get(name, "error")


def faulted(*, ocpp_version: str | None, connector_status: str | int | None) -> bool:
    """True when the connector itself reports a fault, or nothing at all."""
    name = _name(connector_status, _OCPP_NUMBERS if ocpp_version else _CAPI_NUMBERS)
    return name in {"faulted", "error", "unknown", ""}


def _name(status: str | int | None, numbers: tuple[str, ...]) -> str:
    text = "" if status is None else str(status).strip().lower()
    if text.isascii() and text.isdigit() and len(text) <= 2:
        return numbers[int(text)] if int(text) < len(numbers) else "unknown"
    return text
