"""What a car draws, from samples that say it in many ways.

A charger may give legs, totals, the sum of its legs under the name of a current, power that stays at 0 while
energy flows, or energy in a unit other than the one it names. What remains doubtful stays None.
"""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from busbar_ocpp.measure import Leg, Sample

DRAWING_A = 1.0
CLEARLY_A = 3.0
LEAST_SHARE_OF_NOMINAL = 0.8
# A register in whole Wh is within a tenth after so much; less flows in that time only while next to nothing is drawn.
ENOUGH_WH = 20.0
MOST_W = 100_000.0
"""No charger of a house: such a register counts in another unit than it names."""
ENOUGH_S, LONGEST_S = 10.0, 30.0


class Draw(Struct, frozen=True, kw_only=True):
    """The newest known figures of a connector, at the charger's own time corrected for its drift."""

    at: datetime | None = None
    l1: Leg = Leg()
    l2: Leg = Leg()
    l3: Leg = Leg()
    power_w: float | None = None
    energy_wh: float | None = None
    energy_at: datetime | None = None
    soc_percent: float | None = None
    legs_in_use: int | None = None
    counted_wh: float | None = None
    """Of a charger that tells its energy only: where the count of what flows began, and when."""
    counted_at: datetime | None = None

    @property
    def legs(self) -> tuple[Leg, Leg, Leg]:
        """The three legs in order."""
        return self.l1, self.l2, self.l3

    @property
    def most_a(self) -> float | None:
        """The current on the busiest leg."""
        return max((leg.current_a for leg in self.legs if leg.current_a is not None), default=None)

    def estimated_a(self, cable_legs: int, volts: float) -> float | None:
        """The current on the busiest leg, at least: from power spread over all legs where no leg is measured."""
        if self.most_a is not None or self.power_w is None:
            return self.most_a
        return max(self.power_w, 0.0) / (volts * (self.legs_in_use or cable_legs))

    @property
    def least_volts(self) -> float | None:
        """The lowest voltage that was measured."""
        return min((leg.voltage_v for leg in self.legs if leg.voltage_v), default=None)


def believed_volts(draw: Draw, nominal_v: float) -> float:
    """The lower of measured and nominal voltage; what no grid has (EN 50160: ± 10 %) is not believed."""
    measured = draw.least_volts
    if measured is None or measured < LEAST_SHARE_OF_NOMINAL * nominal_v:
        return nominal_v
    return min(measured, nominal_v)


def after(draw: Draw, sample: Sample, at: datetime | None, cable_legs: int, nominal_v: float) -> Draw:
    """The draw with this sample added. An older sample than the one known changes nothing."""
    if at is None or (draw.at is not None and at < draw.at and sample.measures_draw):
        return draw
    if sample.soc_percent is not None:
        draw = replace(draw, soc_percent=sample.soc_percent)
    power_w = _power(draw, sample, at, nominal_v)
    if sample.energy_wh is not None and (draw.energy_at is None or at >= draw.energy_at):
        draw = replace(draw, energy_wh=sample.energy_wh, energy_at=at)
    if not sample.measures_draw:
        if sample.energy_wh is not None and (draw.at is None or draw.counted_at is not None):
            draw = _counted(draw, sample.energy_wh, at)
        offered = [leg.offered_a for leg in (*sample.legs, sample.total) if leg.offered_a is not None]
        return _offering(draw, sample) if offered else draw
    legs = _legs(sample, power_w, cable_legs, nominal_v)
    shown = legs_shown(legs)
    if shown is None and cable_legs == 1 and (power_w or 0.0) > CLEARLY_A * nominal_v:
        shown = 1
    return replace(
        draw,
        at=at,
        l1=_with_known(legs[0], draw.l1),
        l2=_with_known(legs[1], draw.l2),
        l3=_with_known(legs[2], draw.l3),
        power_w=power_w,
        counted_wh=None,
        counted_at=None,
        legs_in_use=draw.legs_in_use if shown is None else max(shown, draw.legs_in_use or 0),
    )


def legs_shown(legs: tuple[Leg, Leg, Leg]) -> int | None:
    """How many legs carry current; None while the car takes too little to tell."""
    currents = [leg.current_a for leg in legs if leg.current_a is not None]
    if not currents or max(currents) < CLEARLY_A:
        return None
    return sum(1 for current in currents if current >= DRAWING_A)


def _legs(sample: Sample, power_w: float | None, cable_legs: int, nominal_v: float) -> tuple[Leg, Leg, Leg]:
    """The three legs, with currents worked out from power or from a total where that is certain."""
    volts = sample.total.voltage_v
    legs = [
        replace(
            leg,
            voltage_v=leg.voltage_v if leg.voltage_v is not None or place >= cable_legs else volts,
            offered_a=leg.offered_a if leg.offered_a is not None else sample.total.offered_a,
        )
        for place, leg in enumerate(sample.legs)
    ]
    if all(leg.current_a is None for leg in legs):
        legs = [_from_power(leg, nominal_v) for leg in legs]
    if all(leg.current_a is None for leg in legs):
        each = _each(sample.total.current_a, power_w, cable_legs, volts or nominal_v)
        legs = [
            replace(leg, current_a=(each if place < cable_legs else None)) for place, leg in enumerate(legs)
        ]
    first, second, third = legs
    return first, second, third


def _from_power(leg: Leg, nominal_v: float) -> Leg:
    if leg.power_w is None:
        return leg
    return replace(leg, current_a=abs(leg.power_w) / (leg.voltage_v or nominal_v))


def _each(total_a: float | None, power_w: float | None, cable_legs: int, volts: float) -> float | None:
    """The current of each leg from one figure for all, or None where it cannot be told from the sum."""
    if cable_legs == 1:
        return total_a if total_a is not None else (abs(power_w) / volts if power_w is not None else None)
    if total_a == 0 or (total_a is None and power_w == 0):
        return 0.0
    if total_a is None or power_w is None:
        return None
    # Whose power is that of all legs at this current names one leg; whose power is that of one leg may be
    # the sum of its legs or a car on one leg, which nobody can tell apart.
    return total_a if power_w / (volts * total_a) > (1 + cable_legs) / 2 else None


def _power(draw: Draw, sample: Sample, at: datetime, nominal_v: float) -> float | None:
    """Power of all legs: as said, else summed, else from currents, else from the energy that flowed."""
    by_legs = [leg.power_w for leg in sample.legs if leg.power_w is not None]
    said = sample.total.power_w if sample.total.power_w is not None else (sum(by_legs) if by_legs else None)
    currents = [
        leg.current_a * (leg.voltage_v or nominal_v) for leg in sample.legs if leg.current_a is not None
    ]
    # Some chargers say 0 W while the car charges; their currents or their energy know better.
    if said:
        return said
    if currents and sum(currents) > 0:
        return sum(currents)
    flowed = _flowed(draw, sample, at)
    if said is not None and flowed is not None and flowed > 100.0:
        return flowed
    return said if said is not None else (0.0 if currents else None)


def _flowed(draw: Draw, sample: Sample, at: datetime) -> float | None:
    if sample.energy_wh is None or draw.energy_wh is None or draw.energy_at is None:
        return None
    seconds = (at - draw.energy_at).total_seconds()
    gained = sample.energy_wh - draw.energy_wh
    watts = gained * 3600 / seconds if seconds >= 5 and gained >= 0 else None
    return watts if watts is not None and watts < MOST_W else None


def _counted(draw: Draw, energy_wh: float, at: datetime) -> Draw:
    """The draw of a charger that tells nothing but its register: the power that explains what flowed."""
    if draw.counted_wh is None or draw.counted_at is None or energy_wh < draw.counted_wh:
        return replace(draw, counted_wh=energy_wh, counted_at=at)
    seconds, flowed_wh = (at - draw.counted_at).total_seconds(), energy_wh - draw.counted_wh
    if seconds < ENOUGH_S or (flowed_wh < ENOUGH_WH and seconds < LONGEST_S):
        return draw
    power_w = flowed_wh * 3600 / seconds
    known = power_w if power_w < MOST_W else None
    return replace(draw, at=at, power_w=known, counted_wh=energy_wh, counted_at=at)


def _offering(draw: Draw, sample: Sample) -> Draw:
    l1, l2, l3 = (
        replace(leg, offered_a=new.offered_a if new.offered_a is not None else sample.total.offered_a)
        for leg, new in zip(draw.legs, sample.legs, strict=True)
    )
    return replace(draw, l1=l1, l2=l2, l3=l3)


def _with_known(leg: Leg, before: Leg) -> Leg:
    """Voltage and offer are sent less often than current; the last ones stand."""
    return replace(
        leg,
        voltage_v=leg.voltage_v if leg.voltage_v is not None else before.voltage_v,
        offered_a=leg.offered_a if leg.offered_a is not None else before.offered_a,
    )
