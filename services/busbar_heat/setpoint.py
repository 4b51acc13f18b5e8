"""A room or a heat pump that regulates itself: Busbar only moves its set-point.

Normal is the owner's target. With surplus it is moved by the offset, up when heating and down when cooling,
so that the building stores what would otherwise be exported. Which of the two it is comes from the device's
own mode or from the configuration; where neither says, nothing is moved, because the wrong way costs twice.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from busbar_contracts.load import HeatMode

Season = Literal["heating", "cooling"]
SAME_K: Final = 0.05
ANSWER_S: Final = 60.0
HEATING_WORDS: Final = frozenset({"heat", "heating", "heizen", "winter"})
COOLING_WORDS: Final = frozenset({"cool", "cooling", "kühlen", "summer"})


@dataclass(frozen=True, slots=True)
class SetpointRules:
    """What the owner asks of a room or heat pump."""

    offset_k: float = 2.0
    hysteresis_k: float = 0.5
    max_c: float = 75.0
    min_run_s: float = 120.0
    min_pause_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Setpoint:
    """The owner's target, and what we made of it (monotonic seconds)."""

    base_c: float
    offset_k: float = 0.0
    moved_at_s: float | None = None
    said_c: float | None = None
    said_at_s: float | None = None
    said_before_c: float | None = None


def season_of(word: str | None) -> Season | None:
    """What the device's own mode says; None when it is neither."""
    if word is None:
        return None
    said = word.strip().lower()
    if said in HEATING_WORDS:
        return "heating"
    return "cooling" if said in COOLING_WORDS else None


def wished_offset_k(granted: HeatMode | None, season: Season | None, rules: SetpointRules) -> float:
    """How far the set-point should be from the owner's target.

    Blocked, it is moved the other way by the same offset: all a set-point can do to make a device rest.
    """
    if granted in (None, HeatMode.NORMAL) or season is None:
        return 0.0
    way = 1.0 if season == "heating" else -1.0
    return way * rules.offset_k if granted is HeatMode.BOOST else -way * rules.offset_k


def moved(setpoint: Setpoint, offset_k: float, now_s: float, rules: SetpointRules) -> Setpoint:
    """The set-point after a wish, once its minimum runtime or pause is over."""
    if offset_k == setpoint.offset_k or now_s < may_move_at(setpoint, rules):
        return setpoint
    return replace(setpoint, offset_k=offset_k, moved_at_s=now_s)


def may_move_at(setpoint: Setpoint, rules: SetpointRules) -> float:
    """The earliest moment of the next move: the minimum runtime with an offset, the minimum pause without."""
    if setpoint.moved_at_s is None:
        return float("-inf")
    return setpoint.moved_at_s + (rules.min_run_s if setpoint.offset_k else rules.min_pause_s)


def said(setpoint: Setpoint, celsius: float, now_s: float) -> Setpoint:
    """The set-point after we told the device."""
    return replace(setpoint, said_c=celsius, said_at_s=now_s, said_before_c=setpoint.said_c)


def heard(setpoint: Setpoint, celsius: float, now_s: float) -> tuple[Setpoint, bool]:
    """The set-point after the device said its own; True when somebody else changed it.

    Somebody's change is the new normal, and the offset ends: whoever turns the knob means what it shows.
    """
    if setpoint.said_c is None:
        # We never spoke: what it shows is the owner's.
        changed = abs(celsius - setpoint.base_c) > SAME_K
        return replace(setpoint, base_c=celsius) if changed else setpoint, changed
    if abs(celsius - setpoint.said_c) <= SAME_K:
        return setpoint, False
    late = setpoint.said_at_s is not None and now_s - setpoint.said_at_s <= ANSWER_S
    if late and (setpoint.said_before_c is None or abs(celsius - setpoint.said_before_c) <= SAME_K):
        return setpoint, False
    return replace(setpoint, base_c=celsius, offset_k=0.0, moved_at_s=now_s, said_c=celsius), True


def in_force_c(setpoint: Setpoint, rules: SetpointRules) -> float:
    """What the device should be set to."""
    return min(setpoint.base_c + setpoint.offset_k, rules.max_c)


def comfort_demand(
    was: bool, celsius: float | None, base_c: float, season: Season | None, rules: SetpointRules
) -> bool:
    """It needs heat or cold for comfort. Unknown counts as yes: the device regulates itself and may start at any time."""
    if celsius is None or season is None:
        return True
    short_k = base_c - celsius if season == "heating" else celsius - base_c
    if short_k > rules.hysteresis_k:
        return True
    return was and short_k > -rules.hysteresis_k


def storage_demand(celsius: float | None, base_c: float, season: Season | None, rules: SetpointRules) -> bool:
    """The building could store more; without a thermometer it is let to find out."""
    if season is None:
        return False
    if celsius is None:
        return True
    stored_k = celsius - base_c if season == "heating" else base_c - celsius
    return stored_k < rules.offset_k
