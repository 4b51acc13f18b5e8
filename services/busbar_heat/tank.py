"""A hot water tank: when it needs heat, when it could take more, and when it must not be heated.

Its comfort part is a thermostat with hysteresis. Its storage part takes what is granted up to the storage
temperature. Above both stands the maximum, which no order, no programme and no minimum time may break.
"""

from dataclasses import dataclass, replace
from typing import Final

from busbar_contracts.load import HeatMode

LEGIONELLA_MARGIN_K: Final = 1.0
"""The tank is heated a little beyond the target, so that half an hour at the target is half an hour."""
STORAGE_SLACK_K: Final = 3.0
"""Below the storage temperature by so much there is room for more."""


@dataclass(frozen=True, slots=True)
class TankRules:
    """What the owner asks of a tank."""

    comfort_c: float = 45.0
    hysteresis_k: float = 3.0
    storage_c: float = 70.0
    max_c: float = 75.0
    legionella_c: float | None = 60.0
    own_thermostat: bool = False


@dataclass(frozen=True, slots=True)
class Wants:
    """What the tank would like; latched, so that a tenth of a degree does not switch a contactor."""

    comfort: bool = False
    storage: bool = False


def wants_after(
    wants: Wants, celsius: float | None, rules: TankRules, *, sanitise: bool, stored: bool
) -> Wants:
    """The wishes after one temperature.

    `sanitise` while the legionella programme must heat; `stored` in mode Boost once the storage temperature
    was reached, which ends the wish for good.
    """
    if celsius is None:
        # Unknown is not cold. A tank with a thermostat of its own may still be left to it.
        return Wants(comfort=rules.own_thermostat, storage=False)
    comfort = _latched(
        wants.comfort, celsius, rules.comfort_c - rules.hysteresis_k, rules.comfort_c + rules.hysteresis_k
    )
    if sanitise and rules.legionella_c is not None:
        comfort = comfort or celsius < rules.legionella_c + LEGIONELLA_MARGIN_K
    storage = _latched(wants.storage, celsius, rules.storage_c - STORAGE_SLACK_K, rules.storage_c)
    return Wants(
        comfort=comfort and celsius < rules.max_c, storage=storage and not stored and celsius < rules.max_c
    )


def should_heat(
    wants: Wants, granted: HeatMode | None, expected_c: float | None, rules: TankRules
) -> tuple[bool, str]:
    """Whether the heater should be on, and why. `expected_c` is the temperature by now, not when it was read."""
    if expected_c is not None and expected_c >= rules.max_c:
        return False, f"{expected_c:.1f} °C is its maximum"
    if granted is None:
        return False, "nobody grants it power"
    if granted is HeatMode.BLOCK:
        return False, "blocked by order"
    if expected_c is None and not rules.own_thermostat:
        return False, "its temperature is unknown"
    if wants.comfort:
        return True, "comfort"
    if granted is HeatMode.BOOST and wants.storage:
        return True, "storing surplus"
    return False, "warm enough"


def target_c(wants: Wants, granted: HeatMode | None, rules: TankRules, *, sanitise: bool) -> float:
    """What it is heated to now."""
    if granted is HeatMode.BOOST and wants.storage:
        return min(rules.storage_c, rules.max_c)
    if sanitise and rules.legionella_c is not None:
        return min(rules.legionella_c + LEGIONELLA_MARGIN_K, rules.max_c)
    return min(rules.comfort_c + rules.hysteresis_k, rules.max_c)


@dataclass(frozen=True, slots=True)
class Switching:
    """The heater's contactor: where it stands and since when (monotonic seconds)."""

    on: bool = False
    since_s: float | None = None


def switched(
    switching: Switching, want: bool, now_s: float, *, min_on_s: float, min_off_s: float, forced_off: bool
) -> Switching:
    """The contactor after a wish: minimum times hold, but an order, a lost lease or the maximum is forced."""
    if want == switching.on:
        return switching
    if not (forced_off and not want) and now_s < may_switch_at(
        switching, min_on_s=min_on_s, min_off_s=min_off_s
    ):
        return switching
    return replace(switching, on=want, since_s=now_s)


def may_switch_at(switching: Switching, *, min_on_s: float, min_off_s: float) -> float:
    """The earliest moment at which it may be moved without need."""
    if switching.since_s is None:
        return float("-inf")
    return switching.since_s + (min_on_s if switching.on else min_off_s)


def _latched(was: bool, celsius: float, low_c: float, high_c: float) -> bool:
    if celsius < low_c:
        return True
    if celsius >= high_c:
        return False
    return was
