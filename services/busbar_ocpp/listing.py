"""A connector's state as a row: for people and for programs."""

from typing import Any

import msgspec

from busbar_contracts.charger import ChargerState

HEADS = ("charger", "status", "limit", "draws", "session", "lease", "model", "problem")


def row(charger: str, connector: str, state: ChargerState) -> dict[str, Any]:
    """All of a state, with whose it is."""
    return {"charger": charger, "connector": connector, **msgspec.to_builtins(state)}


def cells(charger: str, connector: str, state: ChargerState) -> tuple[str, ...]:
    """What `busbar ocpp list` shows of a connector, in the order of `HEADS`."""
    energy = state.session.energy_wh if state.session else None
    return (
        f"{charger}-{connector}",
        state.status.value if state.link else "not connected",
        _limit(state),
        "" if state.power_w is None else f"{state.power_w / 1000:.2f} kW",
        "" if energy is None else f"{energy / 1000:.2f} kWh",
        state.lease.value,
        " ".join(part for part in (state.vendor, state.model) if part),
        _problem(state),
    )


def _limit(state: ChargerState) -> str:
    if state.limit is None:
        return "none"
    return f"{state.limit.limit_a:g} A{'' if state.limit.confirmed else ' ?'}"


def _problem(state: ChargerState) -> str:
    if state.disobedient:
        return "draws more than its limit"
    if not state.controllable:
        return "cannot be limited"
    return state.last_refusal or ""
