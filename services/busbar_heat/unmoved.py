"""Energy that went into a tank without its thermometer noticing: it hangs in the air, or on another tank."""

from dataclasses import dataclass, replace
from typing import Final

from busbar_heat.thermal import Model

MOVES_K: Final = 2.0
UNMOVED_K: Final = 25.0
"""So much warmer by the model, and the thermometer has not moved: no family showers that fast."""
SURE: Final = 0.5
LARGEST_TANK_WH_PER_K: Final = 600.0
"""About five hundred litres (1.16 Wh per litre and kelvin), where nothing better is known."""


@dataclass(frozen=True, slots=True)
class Unmoved:
    """Where the thermometer stood when it last moved, and the heat since then (Wh; monotonic seconds)."""

    celsius: float | None = None
    heated_wh: float = 0.0
    at_s: float | None = None


def after(unmoved: Unmoved, celsius: float | None, watts: float, now_s: float) -> Unmoved:
    """The count after some heating; a thermometer that moves, up or down, begins it anew."""
    passed_s = 0.0 if unmoved.at_s is None else max(now_s - unmoved.at_s, 0.0)
    heated = unmoved.heated_wh + watts * passed_s / 3600
    if celsius is not None and (unmoved.celsius is None or abs(celsius - unmoved.celsius) >= MOVES_K):
        return Unmoved(celsius, 0.0, now_s)
    return replace(unmoved, heated_wh=heated, at_s=now_s)


def is_elsewhere(unmoved: Unmoved, model: Model) -> bool:
    """More heat than the tank could have hidden."""
    known = model.capacity_wh_per_k if model.confidence >= SURE else None
    return unmoved.heated_wh > UNMOVED_K * (known or LARGEST_TANK_WH_PER_K)
