"""Is the energy register in the unit it names? Its growth is compared with the power that flowed.

Chargers were seen that count kWh under the name of Wh and the other way round. A thousand is so far from any
meter's error that a quarter of a kilowatt-hour tells for certain.
"""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

ENOUGH_WH = 250.0
LONGEST_GAP_S = 120.0
WIDE = 2.0


class Register(Struct, frozen=True, kw_only=True):
    """What was seen of one register since the comparison began."""

    factor: float = 1.0
    concluded: bool = False
    """The newest sample has just told the factor."""
    start: float | None = None
    flowed_wh: float = 0.0
    at: datetime | None = None
    power_w: float | None = None


def after(known: Register, raw: float | None, power_w: float | None, at: datetime) -> Register:
    """What is known after a sample: the register as it was written, and the power at that moment."""
    if known.at is not None and known.power_w is not None and power_w is not None:
        seconds = (at - known.at).total_seconds()
        if not 0 < seconds <= LONGEST_GAP_S:
            return Register(factor=known.factor, start=raw, at=at, power_w=power_w)
        known = replace(known, flowed_wh=known.flowed_wh + (known.power_w + power_w) / 2 * seconds / 3600)
    known = replace(known, at=at, power_w=power_w, concluded=False)
    if raw is None:
        return known
    if known.start is None or raw < known.start:
        return replace(known, start=raw, flowed_wh=0.0)
    if known.flowed_wh < ENOUGH_WH:
        return known
    factor = _factor(raw - known.start, known.flowed_wh)
    if factor is None:
        return Register(factor=known.factor, start=raw, at=at, power_w=power_w)
    return Register(factor=factor, concluded=True, start=raw, at=at, power_w=power_w)


def _factor(counted: float, flowed_wh: float) -> float | None:
    """1, 1000 (it counts kWh) or 0.001 (it counts mWh), whichever explains what flowed; None when none does."""
    for factor in (1.0, 1000.0, 0.001):
        if 1 / WIDE < counted * factor / flowed_wh < WIDE:
            return factor
    return None
