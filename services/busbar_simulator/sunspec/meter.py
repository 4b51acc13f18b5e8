"""The connection to the grid as a SunSpec meter: models 1 and 203 or 213 (201, 211 on one phase)."""

from busbar_simulator.plant.phases import Phases

from .block import Block
from .definitions import layout
from .device import Device
from .inverter import common
from .personality import Personality


def meter_device(
    personality: Personality, serial: str, phases: tuple[str, ...], base: int = 40_000
) -> Device:
    """A meter that knows nothing until its first `measure`."""
    first = 211 if personality.floats else 201
    model = first if len(phases) == 1 else first + 2
    return Device([common(personality, serial, "Simulated meter"), Block(layout(model))], base=base)


def measure(
    device: Device, personality: Personality, phases: tuple[str, ...], currents_a: Phases, volts: Phases,
    imported_wh: float, exported_wh: float,
) -> None:  # fmt: skip
    """One sample of the meter. The sign of W and A is the maker's, energies never are."""
    block, sign = device.blocks[1], personality.meter_sign
    powers = [a * v for a, v in zip(currents_a, volts, strict=True)]
    total = sum(powers)
    _scales(
        block, personality, max(map(abs, powers)), max(map(abs, currents_a)), max(imported_wh, exported_wh)
    )
    block.put("A", sign * sum(currents_a))
    block.put("W", sign * total)
    block.put("VA", abs(total))
    block.put("VAR", 0.0)
    block.put("PF", 100.0 if block.has("PF_SF") else 1.0)
    block.put("Hz", 50.0)
    present = [volt for phase, volt in zip("abc", volts, strict=True) if phase in phases]
    block.put("PhV", sum(present) / len(present))
    for phase, current, volt, power in zip("abc", currents_a, volts, powers, strict=True):
        here = phase in phases
        block.put(f"Aph{phase.upper()}", sign * current if here else None)
        block.put(f"PhVph{phase.upper()}", volt if here else None)
        block.put(f"Wph{phase.upper()}", sign * power if here else None)
    block.put("TotWhImp", imported_wh)
    block.put("TotWhExp", exported_wh)
    block.put("Evt", 0)


def _scales(block: Block, personality: Personality, power: float, current: float, energy: float) -> None:
    if not block.has("W_SF"):
        return
    for factor, exponent in (("V_SF", -1), ("Hz_SF", -2), ("PF_SF", -2), ("VAR_SF", 0)):
        block.scale(factor, exponent)
    block.scale("TotWh_SF", 0, energy)
    for factor, exponent, largest in (
        ("W_SF", 0, 3 * power),
        ("VA_SF", 0, 3 * power),
        ("A_SF", -2, 3 * current),
    ):
        if personality.moving_scales:
            block.finest(factor, largest)
        else:
            block.scale(factor, exponent, largest)
