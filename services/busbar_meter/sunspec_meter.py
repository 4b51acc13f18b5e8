"""A SunSpec meter block (201 to 204, 211 to 214) as a grid sample."""

from datetime import datetime

from busbar_meter.block import Block
from busbar_meter.samples import PHASES, GridSample, Leg, directed, signed_current

# Float variants first: they have no scale factor to race with.
METER_MODELS = (211, 212, 213, 214, 201, 202, 203, 204)
SINGLE = (201, 211)
# Where a meter does not say its voltages.
NOMINAL_V = 230.0
# A counter of 32 bits that counts downwards from zero stands in its upper half.
HALF, FULL = 2**31, 2**32


def grid_sample(
    block: Block,
    at: datetime,
    sign: int,
    phases: tuple[str, ...] = PHASES,
    *,
    negative_export: bool = False,
) -> GridSample:
    """The sample, with the maker's sign turned so that import is positive.

    `phases` says which site phase each of the meter's legs A, B, C is wired to; `negative_export` that
    the exported energy counts downwards.
    """
    power = _turned(block.number("W"), sign)
    legs = _legs(block, sign, phases, power)
    doubts = ["the meter says no phase powers"] if _no_powers(legs) and len(legs) > 1 else []
    if power is None:
        power = _total(legs)
    legs = directed(legs, power, NOMINAL_V)
    return GridSample(
        at=at,
        legs=legs,
        power_w=power,
        # The energies go by their names: SolarEdge counts export power as positive and export as exported.
        import_wh=block.energy("TotWhImp", running=True),
        export_wh=_exported(block, negative_export),
        frequency_hz=block.number("Hz"),
        doubts=tuple(doubts),
    )


def _exported(block: Block, negative: bool) -> float | None:
    energy, raw = block.energy("TotWhExp", running=True), block.whole("TotWhExp")
    if not negative or energy is None or raw is None or raw < HALF:
        return energy
    return energy / raw * (FULL - raw)


def _legs(block: Block, sign: int, phases: tuple[str, ...], power: float | None) -> dict[str, Leg]:
    if block.model.id in SINGLE:
        return {phases[0]: _single(block, sign, power)}
    raw = {leg: block.number(f"Aph{leg}") for leg in "ABC"}
    device_signs = any(value is not None and value < 0 for value in raw.values())
    legs: dict[str, Leg] = {}
    for leg, phase in zip("ABC", phases, strict=False):
        volts = block.number(f"PhVph{leg}")
        watts = _turned(block.number(f"Wph{leg}"), sign)
        amps = raw[leg] if not device_signs else _turned(raw[leg], sign)
        current = signed_current(amps, watts, volts, device_signs=device_signs)
        if not (current is None and watts is None and volts is None):
            legs[phase] = Leg(current, watts, volts)
    return legs


def _single(block: Block, sign: int, power: float | None) -> Leg:
    amps = _first(block.number("AphA"), block.number("A"))
    volts = _first(block.number("PhVphA"), block.number("PhV"))
    return Leg(signed_current(amps, power, volts, device_signs=False), power, volts)


def _no_powers(legs: dict[str, Leg]) -> bool:
    return all(leg.power_w is None for leg in legs.values())


def _total(legs: dict[str, Leg]) -> float | None:
    known = [leg.power_w for leg in legs.values() if leg.power_w is not None]
    return sum(known) if known and len(known) == len(legs) else None


def _turned(value: float | None, sign: int) -> float | None:
    return None if value is None else value * sign


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
