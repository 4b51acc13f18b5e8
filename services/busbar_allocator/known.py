"""What was heard last from everyone, with the moment it was true on our own monotonic clock.

A retained message may be hours old when it arrives; a repeated one is not news. Values that cannot be
(NaN, infinite) count as unknown, never as a number.
"""

from datetime import datetime
from math import isfinite
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from busbar_allocator.plan import Plan
from busbar_contracts.battery import BatteryReading, BatterySettings
from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_contracts.charger import ChargerState, LegSample
from busbar_contracts.load import HeatState, PlugState
from busbar_contracts.meter import InverterReading, MeterReading, PhaseSample, Quality
from busbar_contracts.prices import PriceSeries
from busbar_contracts.service import ServiceStatus
from busbar_shared.config.devices import DeviceConfig

Amps = tuple[float, ...]

CLOCK_STEP_S = 60.0
"""Delays that change by more than this are a clock that was set, not a message that waited."""

BURST = 0.5
"""Readings that arrive in less than this share of the time between them had waited."""

SKEW_S = 5.0
"""A constant delay beyond this is a clock that stands wrong."""


class Seen(Struct, frozen=True):
    """A message and when it was true: `at` its sample, `arrived` its arrival, both monotonic seconds."""

    message: Any
    at: float
    arrived: float


class Meter(Struct, frozen=True):
    """The last usable sample of a meter."""

    at: float
    amps: Amps
    volts: Amps | None
    power_w: float | None
    period_s: float
    stamp: datetime
    """By its own clock; the same again is the same sample."""
    arrived: float
    moved_at: float
    """When we heard any of its figures change last: samples of loads are as old as their arrival, and what waited
    for us arrives together."""
    sure: bool = True
    """False: its service doubts it; it may cut, and raise nobody."""


class CarCharge(Struct, frozen=True):
    """The charge of a car from a topic of its own."""

    soc_percent: float


class Known(Struct, frozen=True):
    """Everything that was heard, by id."""

    meters: dict[str, Meter] = {}
    delays: dict[str, tuple[float, ...]] = {}
    """The last few delays of each meter by the calendars, newest last."""
    inverters: dict[str, Seen] = {}
    batteries: dict[str, Seen] = {}
    battery_settings: dict[str, BatterySettings] = {}
    loads: dict[str, Seen] = {}
    """Chargers by load id, plugs and heaters by their own."""
    foreign: dict[str, ChargeAmpsStatus] = {}
    foreign_at: dict[str, float] = {}
    """When the figures in those were true at the latest, monotonic."""
    services: dict[str, Seen] = {}
    import_prices: PriceSeries | None = None
    socs: dict[str, float] = {}
    """Charge of cars in percent, by load, where a topic of their own tells it."""


def heard(
    known: Known,
    plan: Plan,
    message: Any,
    ids: dict[str, str],
    arrived: float,
    now: datetime,
    retained: bool = False,
) -> Known:
    """What is known after one more message; what we have no use for changes nothing."""
    if isinstance(message, MeterReading):
        return _meter(known, plan, ids.get("meter", ""), message, arrived, now)
    if isinstance(message, ChargerState):
        load = f"{ids.get('charger', '')}-{ids.get('connector', '')}"
        return _load(known, load, message, message.sampled_at, arrived, now, retained)
    if isinstance(message, PlugState):
        return _load(known, ids.get("plug", ""), message, message.sampled_at, arrived, now, retained)
    if isinstance(message, HeatState):
        # Its thermometer may be younger than its power, and only the power is a draw.
        return _load(known, ids.get("heater", ""), message, message.power_at, arrived, now, retained)
    if isinstance(message, InverterReading):
        name = ids.get("inverter", "")
        seen = Seen(_in_reason(message, plan.site.inverters.get(name)), arrived, arrived)
        return replace(known, inverters={**known.inverters, name: seen})
    if isinstance(message, BatteryReading):
        name = ids.get("battery", "")
        seen = Seen(_in_reason(message, plan.site.batteries.get(name)), arrived, arrived)
        return replace(known, batteries={**known.batteries, name: seen})
    if isinstance(message, BatterySettings):
        return replace(known, battery_settings={**known.battery_settings, ids.get("battery", ""): message})
    if isinstance(message, ChargeAmpsStatus):
        return _foreign(known, ids.get("connector_id", ""), message, arrived, now)
    if isinstance(message, PriceSeries):
        return replace(known, import_prices=message) if ids.get("series") == "import" else known
    if isinstance(message, CarCharge):
        return replace(known, socs={**known.socs, ids.get("load", ""): message.soc_percent})
    if isinstance(message, ServiceStatus):
        late = max(0.0, (now - message.at).total_seconds()) if retained else 0.0
        return replace(
            known, services={**known.services, ids.get("service", ""): Seen(message, arrived - late, arrived)}
        )
    return known


LONGEST_PERIOD_S = 60.0
"""A reading that says it comes less often than this, and than its device is configured to be read, is not believed so:
what claims a period of years would never be stale."""

Reading = TypeVar("Reading", MeterReading, InverterReading, BatteryReading)


def _in_reason(reading: Reading, device: DeviceConfig | None) -> Reading:
    longest_s = LONGEST_PERIOD_S if device is None else max(LONGEST_PERIOD_S, device.every_s)
    return reading if 0 <= reading.period_s <= longest_s else replace(reading, period_s=longest_s)


CLOUD_LAG_S = 30.0
"""A charger tells its vendor's cloud each 30 s what it draws (Charge Amps API, callbacks): a figure may be so old."""


def _foreign(known: Known, name: str, status: ChargeAmpsStatus, arrived: float, now: datetime) -> Known:
    at = dict(known.foreign_at)
    at.pop(name, None)
    if status.measured_at is not None:
        at[name] = arrived - max(0.0, (now - status.measured_at).total_seconds()) - CLOUD_LAG_S
    return replace(known, foreign={**known.foreign, name: status}, foreign_at=at)


def _meter(
    known: Known, plan: Plan, name: str, reading: MeterReading, arrived: float, now: datetime
) -> Known:
    last, reading = known.meters.get(name), _in_reason(reading, plan.site.meters.get(name))
    if last is not None and reading.at == last.stamp:
        return known
    amps = currents(reading, plan.phases, plan.volts)
    if amps is None:
        return known
    if plan.turned and name == plan.grid_meter:
        amps = tuple(-one if phase in plan.turned else one for phase, one in enumerate(amps))
    delay = (now - reading.at).total_seconds()
    delays = known.delays.get(name, ())
    # Readings that waited for us all arrive at once: their delays say nothing of a clock.
    waited = last is not None and arrived - last.arrived < BURST * (reading.at - last.stamp).total_seconds()
    if not waited or not delays or delay < min(delays):
        delays = _delays(delays, delay)
    at = arrived - delay + _skew(delays)
    if last is not None and at <= last.at:
        return replace(known, delays={**known.delays, name: delays})
    power_w = reading.power_w if reading.power_w is not None and isfinite(reading.power_w) else None
    moved_at = last.moved_at if last is not None and last.amps == amps else arrived
    meter = Meter(
        at, amps, _volts(reading, plan.phases), power_w, max(reading.period_s, 0.1), reading.at, arrived, moved_at,
        reading.quality is not Quality.DOUBTFUL,
    )  # fmt: skip
    return replace(known, meters={**known.meters, name: meter}, delays={**known.delays, name: delays})


def _delays(before: tuple[float, ...], delay: float) -> tuple[float, ...]:
    if before and abs(delay - before[-1]) > CLOCK_STEP_S:
        return (delay,)
    return (*before[-4:], delay)


def _skew(delays: tuple[float, ...]) -> float:
    """How far the sender's calendar stands from ours: what no sample can have waited."""
    least = min(delays)
    return least if least < 0 or least > SKEW_S else 0.0


def _load(
    known: Known, load: str, message: ChargerState | PlugState | HeatState, sampled_at: datetime | None,
    arrived: float, now: datetime, retained: bool,
) -> Known:  # fmt: skip
    at = arrived
    if sampled_at is not None:
        # The message and the sample carry the same clock, so their distance needs none of ours.
        at -= max(0.0, (message.at - sampled_at).total_seconds())
        if retained:
            at -= max(0.0, (now - message.at).total_seconds())
    return replace(known, loads={**known.loads, load: Seen(message, at, arrived)})


def currents(reading: MeterReading, phases: tuple[str, ...], volts: float) -> Amps | None:
    """The current of each phase of the site, import positive; None unless every phase is known."""
    found = []
    for phase in phases:
        sample: PhaseSample | None = getattr(reading, phase)
        amps = None if sample is None else sample.current_a
        if sample is not None and (amps is None or not isfinite(amps)):
            amps = _from_power(sample, volts)
        if amps is None:
            return None
        found.append(amps)
    return tuple(found)


def _from_power(sample: PhaseSample, volts: float) -> float | None:
    if sample.power_w is None or not isfinite(sample.power_w):
        return None
    measured = sample.voltage_v
    return sample.power_w / (
        measured if measured is not None and isfinite(measured) and measured > 50 else volts
    )


def _volts(reading: MeterReading, phases: tuple[str, ...]) -> Amps | None:
    found = []
    for phase in phases:
        sample: PhaseSample | None = getattr(reading, phase)
        volts = None if sample is None else sample.voltage_v
        if volts is None or not 50 < volts < 500:
            return None
        found.append(volts)
    return tuple(found)


def leg_currents(state: ChargerState) -> tuple[float, ...] | None:
    """What a charger measured on its legs; None when it measured none of them."""
    legs: list[LegSample | None] = [state.l1, state.l2, state.l3]
    found = [None if leg is None else leg.current_a for leg in legs]
    if all(amps is None or not isfinite(amps) for amps in found):
        return None
    return tuple(amps if amps is not None and isfinite(amps) else 0.0 for amps in found)


def silent(known: Known, gone: frozenset[str], load_kind: str, load: str) -> bool:
    """Whether nothing can be known of a load: never heard, its link is down, or its service is `gone`."""
    seen = known.loads.get(load)
    return seen is None or not seen.message.link or load_kind in gone


def gone(known: Known, now: float) -> frozenset[str]:
    """The kinds of loads whose service is offline, or was not heard for longer than it ever is silent."""
    return frozenset(
        kind
        for kind, name in _SERVICE.items()
        if (service := known.services.get(name)) is not None
        and (service.message.state == "offline" or now - service.at > SERVICE_FRESH_S)
    )


SERVICE_FRESH_S = 15.0
_SERVICE = {"charger": "ocpp", "plug": "plugs", "heater": "heat"}
