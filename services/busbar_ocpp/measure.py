"""Meter values as charge points send them, made into numbers that know their unit.

Both protocols' frames come in as parsed JSON. What cannot be read is None and spoils nothing else: chargers
send values as strings, totals and legs mixed, several moments in one message, signed data between the figures.
Defaults are those of OCPP 1.6 section 7.36 (SampledValue): an energy register in Wh, measured at the outlet.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import isfinite, sqrt
from typing import Any

from msgspec import Struct

from busbar_ocpp.rfc3339 import from_wire

LEGS = ("l1", "l2", "l3")

# Unit, lower case → (what it measures, factor to A, V, W, Wh, percent). OCPP 1.6 section 7.45 UnitOfMeasure.
UNITS = {
    "a": ("A", 1.0),
    "ma": ("A", 0.001),
    "v": ("V", 1.0),
    "mv": ("V", 0.001),
    "w": ("W", 1.0),
    "kw": ("W", 1000.0),
    "va": ("VA", 1.0),
    "wh": ("Wh", 1.0),
    "kwh": ("Wh", 1000.0),
    "percent": ("%", 1.0),
    "%": ("%", 1.0),
}

# Measurand → (our field, the kind of unit it must have, the largest value a charger can mean).
MEASURANDS = {
    "Current.Import": ("current_a", "A", 1000.0),
    "Current.Export": ("export_a", "A", 1000.0),
    "Current.Offered": ("offered_a", "A", 1000.0),
    "Voltage": ("voltage_v", "V", 1500.0),
    "Power.Active.Import": ("power_w", "W", 2_000_000.0),
    "Power.Active.Export": ("export_w", "W", 2_000_000.0),
    "Power.Offered": ("offered_w", "W", 2_000_000.0),
    "Energy.Active.Import.Register": ("energy_wh", "Wh", 1e12),
    "SoC": ("soc_percent", "%", 100.0),
}
DEFAULT_MEASURAND = "Energy.Active.Import.Register"
DEFAULT_UNIT = {"A": "a", "V": "v", "W": "w", "Wh": "wh", "%": "percent"}

# Phase, as written → the leg it means (None: the whole). L1-L2 is between legs; N carries no load of its own.
PHASES: dict[str | None, str | None] = {
    None: "all",
    "L1": "l1",
    "L2": "l2",
    "L3": "l3",
    "L1-N": "l1",
    "L2-N": "l2",
    "L3-N": "l3",
}
BETWEEN_LEGS = {"L1-L2": "l1", "L2-L3": "l2", "L3-L1": "l3"}

# Of several readings of one quantity in one message the later in this order counts.
CONTEXTS = ("Transaction.Begin", "Other", "Interruption.Begin", "Interruption.End", "Trigger", "Sample.Clock")


class Leg(Struct, frozen=True, kw_only=True):
    """One leg of the charger's cable, or all of them together."""

    current_a: float | None = None
    offered_a: float | None = None
    power_w: float | None = None
    voltage_v: float | None = None


class Sample(Struct, frozen=True, kw_only=True):
    """What a charger measured at one moment of its own clock."""

    at: datetime | None
    context: str = "Sample.Periodic"
    l1: Leg = Leg()
    l2: Leg = Leg()
    l3: Leg = Leg()
    total: Leg = Leg()
    energy_wh: float | None = None
    soc_percent: float | None = None

    @property
    def legs(self) -> tuple[Leg, Leg, Leg]:
        """The three legs in order."""
        return self.l1, self.l2, self.l3

    @property
    def measures_draw(self) -> bool:
        """Whether it says anything about the current or power a car takes."""
        known = (self.total, *self.legs)
        return any(leg.current_a is not None or leg.power_w is not None for leg in known)


class _Reading(Struct, frozen=True):
    field: str
    leg: str
    value: float
    rank: tuple[int, int]


def samples(meter_values: object) -> list[Sample]:
    """Every moment in a message, oldest first; what is not understood is left out."""
    if not isinstance(meter_values, Sequence) or isinstance(meter_values, str | bytes):
        return []
    found = [_sample(entry) for entry in meter_values if isinstance(entry, Mapping)]
    read = [sample for sample in found if sample is not None]
    return sorted(read, key=lambda sample: sample.at.timestamp() if sample.at else 0.0)


def number(value: object) -> float | None:
    """The finite number a charger wrote, as a number or as text, with a point or one comma."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value).strip()
    if len(text) > 40:
        return None
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        read = float(text)
    except ValueError:
        return None
    return read if isfinite(read) else None


def _sample(entry: Mapping[str, Any]) -> Sample | None:
    readings: dict[tuple[str, str], _Reading] = {}
    sampled = entry.get("sampledValue")
    if not isinstance(sampled, Sequence) or isinstance(sampled, str | bytes):
        return None
    context = "Sample.Periodic"
    for one in sampled:
        if not isinstance(one, Mapping):
            continue
        context = one["context"] if isinstance(one.get("context"), str) else context
        for reading in _readings(one):
            key = reading.field, reading.leg
            if key not in readings or readings[key].rank <= reading.rank:
                readings[key] = reading
    if not readings:
        return None
    value = {key: reading.value for key, reading in readings.items()}
    return Sample(
        at=from_wire(entry.get("timestamp")),
        context=context,
        l1=_leg(value, "l1"),
        l2=_leg(value, "l2"),
        l3=_leg(value, "l3"),
        total=_leg(value, "all"),
        energy_wh=_energy(value),
        soc_percent=value.get(("soc_percent", "all")),
    )


def _readings(one: Mapping[str, Any]) -> Iterator[_Reading]:
    """The reading in one SampledValue, or nothing when it is not ours to use."""
    if one.get("format") == "SignedData":
        return
    measurand = one.get("measurand", DEFAULT_MEASURAND)
    known = MEASURANDS.get(measurand) if isinstance(measurand, str) else None
    value = number(one.get("value"))
    if known is None or value is None:
        return
    field, kind, most = known
    leg, factor = _phase(one.get("phase"), field)
    scaled = _scaled(value, one, kind)
    if leg is None or scaled is None or not -most <= scaled * factor <= most:
        return
    if kind in ("A", "V", "Wh", "%") and scaled < 0:
        if kind != "A" or scaled < -1.0:
            return
        scaled = 0.0  # the noise of a current transformer at rest
    yield _Reading(field, leg, scaled * factor, (_place(one.get("location")), _context(one.get("context"))))


def _scaled(value: float, one: Mapping[str, Any], kind: str) -> float | None:
    """The value in our unit, or None where the unit does not fit the quantity."""
    of_measure = one.get("unitOfMeasure")
    written = of_measure.get("unit") if isinstance(of_measure, Mapping) else one.get("unit")
    unit = written.lower() if isinstance(written, str) and written else DEFAULT_UNIT[kind]
    measures, factor = UNITS.get(unit, (None, 1.0))
    if measures == "VA" and kind == "W":
        measures = "W"
    exponent = of_measure.get("multiplier", 0) if isinstance(of_measure, Mapping) else 0
    if measures != kind or isinstance(exponent, bool) or not isinstance(exponent, int):
        return None
    # Nobody measures a car in exponents beyond these; a broken one would make any reading absurd.
    return value * factor * 10.0**exponent if -6 <= exponent <= 6 else None


def _phase(written: object, field: str) -> tuple[str | None, float]:
    if written is not None and not isinstance(written, str):
        return None, 1.0
    if field == "voltage_v" and written in BETWEEN_LEGS:
        return BETWEEN_LEGS[written], 1 / sqrt(3)
    return PHASES.get(written), 1.0


def _place(written: object) -> int:
    return 1 if written in (None, "Outlet") else 0


def _context(written: object) -> int:
    return CONTEXTS.index(written) if written in CONTEXTS else len(CONTEXTS)


def _leg(value: Mapping[tuple[str, str], float], leg: str) -> Leg:
    power = value.get(("power_w", leg))
    exported = value.get(("export_w", leg))
    if exported:
        power = (power or 0.0) - exported
    return Leg(
        current_a=value.get(("current_a", leg)),
        offered_a=value.get(("offered_a", leg)),
        power_w=power,
        voltage_v=value.get(("voltage_v", leg)),
    )


def _energy(value: Mapping[tuple[str, str], float]) -> float | None:
    """The register of all legs, or the sum of three complete ones."""
    whole = value.get(("energy_wh", "all"))
    if whole is not None:
        return whole
    legs = [value[key] for leg in LEGS if (key := ("energy_wh", leg)) in value]
    return sum(legs) if legs else None
