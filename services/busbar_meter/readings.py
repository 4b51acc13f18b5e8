"""Samples as the messages of the contract. Whatever the contract could not carry becomes unknown."""

from datetime import datetime

from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading, MeterReading, PhaseSample, Quality
from busbar_meter.control import Standing
from busbar_meter.samples import BatterySample, GridSample, InverterSample, Leg

MOST_W, MOST_A, MOST_V, MOST_WH = 1e9, 1e5, 1e5, 1e15


def meter_reading(sample: GridSample, period_s: float, quality: Quality, detail: str) -> MeterReading:
    """The reading of a meter."""
    return MeterReading(
        at=sample.at,
        power_w=_within(sample.power_w, -MOST_W, MOST_W),
        a=_phase(sample.legs.get("a")),
        b=_phase(sample.legs.get("b")),
        c=_phase(sample.legs.get("c")),
        import_wh=_within(sample.import_wh, 0, MOST_WH),
        export_wh=_within(sample.export_wh, 0, MOST_WH),
        period_s=period_s,
        phases_estimated=sample.phases_estimated,
        quality=quality,
        detail=detail,
    )


def inverter_reading(
    sample: InverterSample, period_s: float, quality: Quality, detail: str, standing: Standing
) -> InverterReading:
    """The reading of an inverter, with who limits it."""
    return InverterReading(
        at=sample.at,
        power_w=_within(sample.power_w, -MOST_W, MOST_W),
        pv_power_w=_within(sample.solar_w, 0, MOST_W),
        a=_phase(sample.legs.get("a")),
        b=_phase(sample.legs.get("b")),
        c=_phase(sample.legs.get("c")),
        rating_w=_within(sample.rating_w, 0, MOST_W),
        energy_wh=_within(sample.energy_wh, 0, MOST_WH),
        state=sample.state,
        limit_w=_within(standing.limit_w, 0, MOST_W),
        limit_issuer=standing.issuer,
        control=standing.control,
        period_s=period_s,
        quality=quality,
        detail=_joined(detail, standing.detail),
    )


def battery_reading(
    sample: BatterySample, period_s: float, quality: Quality, detail: str, standing: Standing
) -> BatteryReading:
    """The reading of a battery, with who steers it."""
    return BatteryReading(
        at=sample.at,
        power_w=_within(sample.power_w, -MOST_W, MOST_W),
        soc_percent=_within(sample.soc_percent, 0, 100),
        charge_limit_w=_within(sample.charge_max_w, 0, MOST_W),
        discharge_limit_w=_within(sample.discharge_max_w, 0, MOST_W),
        capacity_wh=_within(sample.capacity_wh, 0, MOST_WH),
        state=sample.state,
        power_estimated=sample.estimated,
        window_min_w=standing.min_w,
        window_max_w=standing.max_w,
        control=standing.control,
        period_s=period_s,
        quality=quality,
        detail=_joined(detail, standing.detail),
    )


def silent_inverter(at: datetime, period_s: float, why: str, standing: Standing) -> InverterReading:
    """An inverter that does not answer: everything unknown, with the reason."""
    nothing = InverterSample(at=at, power_w=None, legs={})
    return inverter_reading(nothing, period_s, Quality.UNKNOWN, why, standing)


def silent_battery(at: datetime, period_s: float, why: str, standing: Standing) -> BatteryReading:
    """A battery that does not answer: everything unknown, with the reason."""
    return battery_reading(BatterySample(at=at, power_w=None), period_s, Quality.UNKNOWN, why, standing)


def _phase(leg: Leg | None) -> PhaseSample | None:
    if leg is None:
        return None
    return PhaseSample(
        current_a=_within(leg.current_a, -MOST_A, MOST_A),
        power_w=_within(leg.power_w, -MOST_W, MOST_W),
        voltage_v=_within(leg.voltage_v, 0, MOST_V),
    )


def _within(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and low <= value <= high else None


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
