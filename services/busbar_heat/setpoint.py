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
STEP_K: Final = 0.55
"""Half a degree is the coarsest step of room thermostats but one; a whole degree is rounded by half of it."""
TAKES_S: Final = 600.0
"""A valve on batteries listens every few minutes."""
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
    shown_c: float | None = None
    """What the device made of what we said; None until it answered."""


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
    """The set-point after we told the device; what it shows until it answers is what it showed before."""
    before = setpoint.shown_c if setpoint.shown_c is not None else setpoint.said_c
    return replace(setpoint, said_c=celsius, said_at_s=now_s, said_before_c=before, shown_c=None)


def heard(setpoint: Setpoint, celsius: float, now_s: float) -> tuple[Setpoint, bool]:
    """The set-point after the device said its own; True when somebody else changed it.

    Somebody's change is the new normal, and the offset ends: whoever turns the knob means what it shows.
    A device that rounds to its step or stops at its own bound does not turn the knob: the first it shows on the
    way to what we said, or near it, is its way of showing that.
    """
    if setpoint.said_c is None:
        # We never spoke: what it shows is the owner's.
        changed = abs(celsius - setpoint.base_c) > SAME_K
        return replace(setpoint, base_c=celsius) if changed else setpoint, changed
    if _is_same(celsius, setpoint.said_c) or _is_same(celsius, setpoint.shown_c):
        return replace(setpoint, shown_c=celsius), False
    if setpoint.shown_c is None:
        before = setpoint.base_c if setpoint.said_before_c is None else setpoint.said_before_c
        if _is_same(celsius, before):
            return setpoint, False
        low, high = sorted((before, setpoint.said_c))
        if low - STEP_K < celsius < high + STEP_K:
            return replace(setpoint, shown_c=celsius), False
        late = setpoint.said_at_s is not None and now_s - setpoint.said_at_s <= ANSWER_S
        if late and setpoint.said_before_c is None:
            return setpoint, False
    return replace(
        setpoint, base_c=celsius, offset_k=0.0, moved_at_s=now_s, said_c=celsius, shown_c=celsius
    ), True


def refuses(setpoint: Setpoint, shown_c: float | None, now_s: float) -> bool:
    """It was told long ago and still shows what it showed before."""
    if (
        setpoint.said_c is None
        or setpoint.shown_c is not None
        or setpoint.said_at_s is None
        or shown_c is None
    ):
        return False
    return now_s - setpoint.said_at_s >= TAKES_S and not _is_same(shown_c, setpoint.said_c)


def is_cut(setpoint: Setpoint) -> bool:
    """It took less than it was told, by more than its step."""
    if setpoint.shown_c is None or setpoint.said_c is None:
        return False
    return abs(setpoint.shown_c - setpoint.said_c) > STEP_K


def true_offset_k(setpoint: Setpoint) -> float:
    """The offset as the device shows it."""
    if setpoint.offset_k == 0.0 or not is_cut(setpoint) or setpoint.shown_c is None:
        return setpoint.offset_k
    return round(setpoint.shown_c - setpoint.base_c, 2)


def _is_same(celsius: float, other: float | None) -> bool:
    return other is not None and abs(celsius - other) <= SAME_K


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
