"""A tank or a room as one warm thing that leaks: heat capacity C, loss U to its surroundings, power P.

    C dT/dt = P - U (T - T_around)

A tank loses more than that: people shower. But a draw of water can only make a stretch of the log cool faster
or heat slower than the physics of the tank, never the other way. So nothing is averaged: of the stretches
that were seen, the loss is taken where the cooling was slow (the lower quartile) and the capacity where the
heating was fast (the upper quartile). Both need several stretches that agree before they are believed, and
how well they agree is the confidence. For a heat pump P is electric, and C comes out smaller by its
coefficient of performance, which is the very figure a planner of electricity wants.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from msgspec import Struct

KEPT: Final = 30
ENOUGH: Final = 6
"""Stretches of each kind after which their number no longer lowers the confidence."""
RISE_K: Final = 2.0
FALL_K: Final = 1.0
LONGEST_S: Final = 6 * 3600.0
SHORTEST_S: Final = 300.0
LEAST_SPAN_K: Final = 5.0
"""Nearer to its surroundings than this a thing hardly cools, and the quotient is noise."""
HOUR_S: Final = 3600.0


class Log(Struct, kw_only=True):
    """What was seen of heating and of cooling; kept over restarts."""

    losses_per_h: list[float] = []
    """U / C in 1/h of each cooling stretch."""
    rises: list[tuple[float, float, float]] = []
    """Of each heating stretch: K/h, mean power W, mean K above the surroundings."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The stretch under way: one kind, heating or not, from one temperature on."""

    from_s: float
    from_c: float
    heating: bool
    energy_ws: float = 0.0
    last_s: float = 0.0
    last_w: float = 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """Capacity and loss as far as they are known, and how far they may be believed (0 to 1)."""

    capacity_wh_per_k: float | None = None
    loss_w_per_k: float | None = None
    confidence: float = 0.0

    def to_reach(self, from_c: float, to_c: float, around_c: float, power_w: float) -> float | None:
        """Seconds to heat from one temperature to another; None when unknown or out of reach at this power."""
        if to_c <= from_c:
            return 0.0
        if self.capacity_wh_per_k is None or power_w <= 0:
            return None
        loss = self.loss_w_per_k or 0.0
        if loss <= 0:
            return self.capacity_wh_per_k * (to_c - from_c) / power_w * HOUR_S
        final_c = around_c + power_w / loss
        if final_c <= to_c:
            return None
        tau_h = self.capacity_wh_per_k / loss
        return tau_h * math.log((final_c - from_c) / (final_c - to_c)) * HOUR_S

    def wanted_wh(self, from_c: float, to_c: float, around_c: float, power_w: float) -> float | None:
        """Energy it takes to get from one temperature to another, its losses on the way included."""
        seconds = self.to_reach(from_c, to_c, around_c, power_w)
        return None if seconds is None else power_w * seconds / HOUR_S

    def rise_k_per_s(self, power_w: float) -> float | None:
        """How fast it gets warmer at this power, losses left out: the worst case for an upper limit."""
        return None if not self.capacity_wh_per_k else power_w / self.capacity_wh_per_k / HOUR_S


def begun(at_s: float, celsius: float, heating: bool, power_w: float) -> Stretch:
    """A new stretch."""
    return Stretch(at_s, celsius, heating, last_s=at_s, last_w=power_w)


def observed(
    log: Log,
    stretch: Stretch | None,
    at_s: float,
    celsius: float,
    power_w: float,
    heating: bool,
    around_c: float,
) -> Stretch:
    """The stretch after one sample; a finished one goes into the log."""
    if stretch is None or at_s - stretch.last_s > LONGEST_S:
        return begun(at_s, celsius, heating, power_w)
    energy = stretch.energy_ws + stretch.last_w * (at_s - stretch.last_s)
    stretch = replace(stretch, energy_ws=energy, last_s=at_s, last_w=power_w)
    if heating != stretch.heating:
        _finish(log, stretch, at_s, celsius, around_c)
        return begun(at_s, celsius, heating, power_w)
    moved = celsius - stretch.from_c
    long_enough = moved >= RISE_K if stretch.heating else -moved >= FALL_K
    if long_enough or at_s - stretch.from_s >= LONGEST_S:
        _finish(log, stretch, at_s, celsius, around_c)
        return begun(at_s, celsius, heating, power_w)
    return stretch


def fitted(
    log: Log,
    capacity_wh_per_k: float | None = None,
    loss_w_per_k: float | None = None,
    time_constant_s: float | None = None,
) -> Model:
    """The model the log supports; what the owner gave stands."""
    loss_per_h = HOUR_S / time_constant_s if time_constant_s else _quantile(log.losses_per_h, 0.25)
    capacities = _capacities(log, loss_per_h or 0.0)
    capacity = capacity_wh_per_k if capacity_wh_per_k is not None else _quantile(capacities, 0.25)
    loss = loss_w_per_k
    if loss is None and loss_per_h is not None and capacity is not None:
        loss = loss_per_h * capacity
    sure_capacity = 1.0 if capacity_wh_per_k is not None else _agreement(capacities)
    is_given = loss_w_per_k is not None or bool(time_constant_s)
    sure_loss = 1.0 if is_given else _agreement(log.losses_per_h)
    # What a tank can still take hangs on its capacity; the loss is a correction to it.
    return Model(capacity, loss, round(sure_capacity * (0.6 + 0.4 * sure_loss), 2))


def _finish(log: Log, stretch: Stretch, at_s: float, celsius: float, around_c: float) -> None:
    seconds = at_s - stretch.from_s
    moved = celsius - stretch.from_c
    if seconds < SHORTEST_S:
        return
    span_k = (celsius + stretch.from_c) / 2 - around_c
    per_h = moved / seconds * HOUR_S
    if stretch.heating and moved >= RISE_K / 2:
        log.rises = [*log.rises, (per_h, stretch.energy_ws / seconds, span_k)][-KEPT:]
    elif not stretch.heating and -moved >= FALL_K / 2 and span_k >= LEAST_SPAN_K:
        log.losses_per_h = [*log.losses_per_h, -per_h / span_k][-KEPT:]


def _capacities(log: Log, loss_per_h: float) -> list[float]:
    """Each heating stretch as a capacity; the smallest are those without water drawn."""
    return [
        power_w / (per_h + loss_per_h * span_k)
        for per_h, power_w, span_k in log.rises
        if per_h + loss_per_h * span_k > 0 and power_w > 0
    ]


def _agreement(values: list[float]) -> float:
    """How far values of one kind may be believed: many that lie close together."""
    if len(values) < 2:
        return 0.0
    middle, low, high = (_quantile(values, share) or 0.0 for share in (0.5, 0.1, 0.5))
    spread = (high - low) / middle if middle > 0 else 1.0
    return min(len(values) / ENOUGH, 1.0) * max(0.0, 1.0 - spread)


def _quantile(values: list[float], share: float) -> float | None:
    if not values:
        return None
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)
