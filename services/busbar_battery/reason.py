"""Why the battery does what it does, in words its owner can read."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

NOTES = {
    "soc_unknown": "The state of charge is unknown.",
    "soc_limits_inverted": "The SoC maximum lies below the minimum; both prohibitions hold.",
    "pv_unknown": "The sun is not measured, so no solar cap is written.",
    "load_negative": "The measurements do not add up (house below zero).",
    "grid_charge_unbounded": "Grid charging needs a limit in watts.",
    "wire_limit_stale": "The allocator is silent: no grid charging, no forced export.",
    "export_limit_exceeded": "The export limit cannot be kept: the sun alone is not the source.",
    "export_limit_unproven": "More sun than may be exported: the inverter's own limit must hold.",
    "import_limit_exceeded": "The import limit cannot be kept.",
}


class Choice(Struct, frozen=True):
    """A battery power (W, + charge) with the rule that chose it and what bounds it."""

    power: float
    rule: str
    bound: str | None
    flag: str | None = None

    def stilled(self) -> Choice:
        """The same choice at rest: too little to act on."""
        if self.power == 0:
            return self
        return replace(self, power=0.0, bound=self.bound and f"{self.bound}, inside the dead band")


def least(*bounds: tuple[float, str]) -> tuple[float, str]:
    """The smallest bound and its name; of equals the first."""
    return min(bounds, key=lambda bound: bound[0])


def sentence(choice: Choice, export: float, imported: float, curtailed: float, flags: Sequence[str]) -> str:
    """What happens and why, for a person."""
    if choice.power > 0:
        doing = f"Charging with {choice.power:.0f} W"
    elif choice.power < 0:
        doing = f"Discharging with {-choice.power:.0f} W"
    else:
        doing = "Idle"
    why = f"{choice.rule}; bound by {choice.bound}" if choice.bound else choice.rule
    flows = _flows(export, imported, curtailed)
    return " ".join([f"{doing}: {why}. {flows}", *(NOTES[flag] for flag in flags if flag in NOTES)])


def _flows(export: float, imported: float, curtailed: float) -> str:
    parts = []
    if export >= 0.5:
        parts.append(f"exporting {export:.0f} W")
    if imported >= 0.5:
        parts.append(f"importing {imported:.0f} W")
    if curtailed >= 0.5:
        parts.append(f"{curtailed:.0f} W of sun curtailed")
    text = ", ".join(parts) or "nothing flows to or from the grid"
    return text[0].upper() + text[1:] + "."
