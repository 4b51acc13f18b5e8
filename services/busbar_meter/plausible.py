"""Whether a sample may be believed: what is doubtful is held, then dropped, never invented.

Pure: each gate takes a sample and the time, and says what to publish. Nothing is averaged in: an
outlier is left out whole, and counts only when the next sample agrees with it.
"""

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from busbar_contracts.meter import InverterState, Quality
from busbar_meter.samples import BatterySample, GridSample, InverterSample, Leg

S = TypeVar("S", GridSample, InverterSample, BatterySample)

# Voltages between phase and neutral outside this are no low-voltage grid (EN 50160: 230 V +-10 %;
# islands, 100 to 127 V countries, and 800 V systems of large inverters included).
VOLTS = (60.0, 600.0)
# At a tenth of a volt no living meter repeats every figure for a minute.
FROZEN_DOUBTFUL_S = 60.0
FROZEN_DROPPED_S = 180.0
# So many different non-zero figures are needed before sameness means anything.
FROZEN_FIGURES = 4


AT_REST = (InverterState.OFF, InverterState.SLEEPING, InverterState.STANDBY, InverterState.STOPPING)
ENERGIES = ("import_wh", "export_wh", "energy_wh")
# An inverter that makes less than this may well stand still.
DOZING_W = 50.0


class Verdict(Struct, Generic[S], frozen=True):
    """What becomes of a sample: published with this quality, or None with the reason."""

    sample: S | None
    quality: Quality
    detail: str = ""


class Gate(Struct, Generic[S]):
    """The memory of one device: what was last believed, what was last refused, since when it stands still.

    Beyond `most_w` and `most_a` nothing is believed; a step of more than `step_w` needs a second sample.
    """

    most_w: float | None = None
    most_a: float | None = None
    step_w: float | None = None
    believed: S | None = None
    doubted: S | None = None
    since_s: float = 0.0
    # Energies that were seen above zero.
    counted: set[str] = msgspec.field(default_factory=set)

    def judge(self, sample: S, monotonic: float) -> Verdict[S]:
        """The verdict on the next sample of this device."""
        clean, doubts = cleaned(sample)
        clean = self._counting(clean)
        impossible = self._impossible(clean)
        if impossible:
            self.doubted = None
            return Verdict(None, Quality.DOUBTFUL, impossible)
        jump = self._jump(clean)
        if jump:
            self.doubted = clean
            return Verdict(None, Quality.DOUBTFUL, jump)
        self.doubted = None
        return self._stillness(clean, monotonic, doubts)

    def _counting(self, sample: S) -> S:
        """Without energies that fell back to zero: "not accumulated" for now, and no new meter."""
        gone: dict[str, None] = {}
        for name in ENERGIES:
            energy = getattr(sample, name, None)
            if energy:
                self.counted.add(name)
            elif energy == 0 and name in self.counted:
                gone[name] = None
        return msgspec.structs.replace(sample, **gone) if gone else sample

    def _impossible(self, sample: S) -> str:
        if all_zero(sample):
            return "every figure is zero"
        power = sample.power_w
        if power is not None and self.most_w and abs(power) > self.most_w:
            return f"{power:g} W is beyond the {self.most_w:g} W this device can have"
        for phase, leg in legs_of(sample).items():
            if self.most_a and leg.current_a is not None and abs(leg.current_a) > self.most_a:
                return f"{leg.current_a:g} A on phase {phase} is beyond the {self.most_a:g} A it can have"
        return ""

    def _jump(self, sample: S) -> str:
        """A jump beyond the rating, unless the sample before it jumped to the same place."""
        before, power = self.believed, sample.power_w
        if not self.step_w or before is None or before.power_w is None or power is None:
            return ""
        if abs(power - before.power_w) <= self.step_w:
            return ""
        doubted = self.doubted.power_w if self.doubted is not None else None
        if doubted is not None and abs(power - doubted) <= self.step_w / 4:
            return ""
        return f"a jump from {before.power_w:g} W to {power:g} W; waiting for a second sample"

    def _stillness(self, sample: S, monotonic: float, doubts: tuple[str, ...]) -> Verdict[S]:
        few = len({figure for figure in figures_of(sample) if figure}) < FROZEN_FIGURES
        dozing = isinstance(sample, InverterSample) and abs(sample.power_w or 0.0) < DOZING_W
        if few or dozing or self.believed is None or alive(sample) != alive(self.believed):
            self.since_s = monotonic
        self.believed = sample
        still = monotonic - self.since_s
        if still >= FROZEN_DROPPED_S:
            return Verdict(None, Quality.DOUBTFUL, f"not one figure has moved for {still:.0f} s")
        if still >= FROZEN_DOUBTFUL_S:
            return Verdict(sample, Quality.DOUBTFUL, f"not one figure has moved for {still:.0f} s")
        return Verdict(sample, quality_of(sample), "; ".join((*sample.doubts, *doubts)))


def legs_of(sample: GridSample | InverterSample | BatterySample) -> dict[str, Leg]:
    """The legs of a sample; a battery has none."""
    return {} if isinstance(sample, BatterySample) else sample.legs


def quality_of(sample: GridSample | InverterSample | BatterySample) -> Quality:
    """How far a sample that was not refused may be believed."""
    if sample.power_w is None and not any(leg.current_a is not None for leg in legs_of(sample).values()):
        # It answers, and says nothing that matters: an inverter at night.
        soc = sample.soc_percent if isinstance(sample, BatterySample) else None
        return Quality.UNKNOWN if soc is None else Quality.GOOD
    worked_out = isinstance(sample, GridSample) and (sample.phases_estimated or sample.worked_out)
    if isinstance(sample, BatterySample):
        worked_out = sample.estimated
    return Quality.ESTIMATED if worked_out else Quality.GOOD


def figures_of(sample: GridSample | InverterSample | BatterySample) -> tuple[float | None, ...]:
    """The measured figures that move in a living house."""
    legs = legs_of(sample).values()
    return (
        sample.power_w,
        *(figure for leg in legs for figure in (leg.current_a, leg.power_w, leg.voltage_v)),
    )


def alive(sample: GridSample | InverterSample | BatterySample) -> tuple[float | None, ...]:
    """What moves in a device that still measures.

    An inverter held at a cap repeats its power, and counts on. A grid meter never does, and is trusted with more.
    """
    return (*figures_of(sample), *((sample.energy_wh,) if isinstance(sample, InverterSample) else ()))


def all_zero(sample: GridSample | InverterSample | BatterySample) -> bool:
    """Whether a sample says zero even where a grid never does: its voltages or its frequency.

    Some data managers answer so when they are asked too often (open-dynamic-export saw it on Fronius).
    """
    if isinstance(sample, BatterySample):
        return False
    if isinstance(sample, InverterSample) and sample.state in AT_REST:
        # Many inverters say zero for everything while they sleep, and mean it.
        return False
    volts = [leg.voltage_v for leg in sample.legs.values() if leg.voltage_v is not None]
    if not volts and sample.frequency_hz is None:
        return False
    return not any((*figures_of(sample), sample.frequency_hz))


def cleaned(sample: S) -> tuple[S, tuple[str, ...]]:
    """The sample without voltages no grid has, and what was taken out."""
    if isinstance(sample, BatterySample) or all_zero(sample):
        return sample, ()
    doubts = []
    legs = dict(sample.legs)
    for phase, leg in sample.legs.items():
        if leg.voltage_v is not None and not VOLTS[0] <= leg.voltage_v <= VOLTS[1]:
            doubts.append(f"{leg.voltage_v:g} V on phase {phase} refused")
            legs[phase] = msgspec.structs.replace(leg, voltage_v=None)
    if not doubts:
        return sample, ()
    resting = isinstance(sample, InverterSample) and sample.state in AT_REST
    return msgspec.structs.replace(sample, legs=legs), () if resting else tuple(doubts)
