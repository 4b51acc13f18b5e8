"""The words of the protocol version a charge point speaks, for what we say of profiles."""

from typing import Any, Protocol

from busbar_ocpp import wire16, wire201
from busbar_ocpp.profile import Profile


class Wires(Protocol):
    """The words of one protocol version."""

    def set_charging_profile(self, profile: Profile) -> dict[str, Any]: ...
    def charging_profile(self, profile: Profile) -> dict[str, Any]: ...
    def clear_charging_profile(
        self,
        *,
        id: int | None = None,
        connector: int | None = None,
        purpose: str | None = None,
        level: int | None = None,
    ) -> dict[str, Any]: ...


def wires_of(version: str) -> Wires:
    """The payloads of this version."""
    return wire16 if version == "1.6" else wire201
