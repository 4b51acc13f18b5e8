"""Several batteries seen as one, and one decision handed back to several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from types import MappingProxyType

from msgspec import Struct

from busbar_battery.latch import Band
from busbar_battery.site import BatteryNow, or_inf
from busbar_battery.split import Part, shared

NOBODY: Mapping[str, float] = MappingProxyType({})


class Fleet(Struct, frozen=True, kw_only=True):
    """All controlled batteries as one: what `Inputs` wants to know of "the battery"."""

    soc: float | None
    band: Band
    charge_max: float | None
    discharge_max: float | None
    wire_charge: float | None
    wire_discharge: float | None


def fleet(batteries: Sequence[BatteryNow], bands: Mapping[str, Band], permissive: bool) -> Fleet:
    """The batteries as one; a single battery stays what it is, so that reasons name its own thresholds.

    Of several, each counts with what it alone may take or give; the charge of the site is weighted by capacity,
    and where a capacity is unknown the fullest decides, so that none is charged past its target.
    """
    if len(batteries) == 1:
        [one] = batteries
        return Fleet(
            soc=one.soc,
            band=bands[one.id],
            charge_max=one.charge_max,
            discharge_max=one.discharge_max,
            wire_charge=one.wire_charge,
            wire_discharge=one.wire_discharge,
        )
    if not batteries:
        nothing = Band(0.0, 100.0, 100.0)
        return Fleet(
            soc=50.0, band=nothing, charge_max=0.0, discharge_max=0.0, wire_charge=None, wire_discharge=None
        )
    return Fleet(
        soc=_mean([(one, one.soc) for one in batteries]),
        band=Band(0.0, _mean([(one, bands[one.id].target) for one in batteries]) or 100.0, 100.0),
        charge_max=_total([most_charge(one, bands[one.id], permissive, False) for one in batteries]),
        discharge_max=_total([most_discharge(one, bands[one.id], permissive) for one in batteries]),
        wire_charge=None,
        wire_discharge=None,
    )


def most_charge(one: BatteryNow, band: Band, permissive: bool, from_grid: bool) -> float:
    """What this battery may take now, W; from the grid only with its owner's leave and a known charge."""
    if from_grid and not one.from_grid:
        return 0.0
    if one.soc is None:
        blind = permissive or not from_grid
        return min(or_inf(one.charge_max), or_inf(one.wire_charge)) if blind else 0.0
    if one.soc >= band.highest:
        return 0.0
    return min(or_inf(one.charge_max), or_inf(one.wire_charge))


def most_discharge(one: BatteryNow, band: Band, permissive: bool) -> float:
    """What this battery may give now, W; nothing with an unknown charge."""
    if (one.soc is None and not permissive) or (one.soc is not None and one.soc <= band.lowest):
        return 0.0
    return min(or_inf(one.discharge_max), or_inf(one.wire_discharge))


def shares(
    power: float,
    batteries: Sequence[BatteryNow],
    bands: Mapping[str, Band],
    permissive: bool,
    from_grid: bool,
    trusted: Mapping[str, float] = NOBODY,
) -> dict[str, float]:
    """Each battery's share of the site's power, in proportion to what it could still take or give in energy.

    One that fell short of its share gets no more than it is `trusted` with, W; the rest goes to the others.
    """
    parts = []
    for one in batteries:
        band = bands[one.id]
        if power >= 0:
            room, most = band.highest - (one.soc or 0.0), most_charge(one, band, permissive, from_grid)
        else:
            room, most = (one.soc or 0.0) - band.lowest, most_discharge(one, band, permissive)
        weight = max(room, 1.0) * (one.capacity_wh or 0.0)
        parts.append(Part(one.id, most, weight))
    if any(part.weight == 0 for part in parts):
        parts = [Part(part.id, part.most, 1.0 if part.most == inf else part.most) for part in parts]
    return _first_to_the_able(power, parts, trusted)


def _first_to_the_able(power: float, parts: Sequence[Part], trusted: Mapping[str, float]) -> dict[str, float]:
    """The shares with those that fell short at what they are trusted with, as long as others can have the rest."""
    if all(part.id in trusted for part in parts if part.most > 0):
        return shared(power, parts)
    first = shared(
        power, [Part(one.id, min(one.most, trusted.get(one.id, inf)), one.weight) for one in parts]
    )
    left = power - sum(first.values())
    more = shared(left, [Part(one.id, one.most - abs(first[one.id]), one.weight) for one in parts])
    return {name: share + more[name] for name, share in first.items()}


def _mean(values: Sequence[tuple[BatteryNow, float | None]]) -> float | None:
    known = [(one, value) for one, value in values if value is not None]
    if not known:
        return None
    weights = [one.capacity_wh or 0.0 for one, _ in known]
    if 0 in weights:
        return max(value for _, value in known)
    return sum(weight * value for weight, (_, value) in zip(weights, known, strict=True)) / sum(weights)


def _total(limits: Sequence[float]) -> float | None:
    total = sum(limits)
    return None if total == inf else total
