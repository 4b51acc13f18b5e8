"""What a device is in the house: its samples judged and said as readings."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol

import msgspec
from msgspec import Struct

from busbar_contracts.meter import Control, Quality
from busbar_meter.config import RolePlan
from busbar_meter.consumption import Producers
from busbar_meter.control import NOT_OFFERED, Standing
from busbar_meter.plausible import Gate, quality_of
from busbar_meter.quirks import Manner
from busbar_meter.readings import (
    battery_reading,
    inverter_reading,
    meter_reading,
    silent_battery,
    silent_inverter,
)
from busbar_meter.samples import BatterySample, GridSample, InverterSample, Leg
from busbar_shared.config.devices import BatteryConfig, InverterConfig, MeterConfig

# A reading above this times the rating is an error of transport.
BEYOND = 1.5
BREAKERS = 3.0


class Outcome(Struct, frozen=True):
    """What a role has to say after a sample: a reading or None, and what is wrong."""

    message: Struct | None
    problem: str = ""


class Role(Protocol):
    """One device of the configuration."""

    plan: RolePlan

    def silent(self, at: datetime, why: str) -> Struct | None:
        """The reading that says it is unavailable, where a reader is better off with one."""
        ...


class MeterRole:
    """A meter in the house."""

    def __init__(self, plan: RolePlan) -> None:
        assert isinstance(plan.config, MeterConfig)
        self.plan = plan
        self.config = plan.config
        most_a = plan.config.max_a or (BREAKERS * plan.breaker_a if plan.breaker_a else None)
        whole = plan.voltage_v * len(plan.phases)
        self._gate: Gate[GridSample] = Gate(
            most_a=most_a,
            most_w=most_a * whole if most_a else None,
            step_w=plan.breaker_a * whole if plan.breaker_a else None,
        )
        # Set for a meter in the path to the loads: what makes the grid of its samples.
        self.producers: Producers | None = None

    @property
    def in_consumption(self) -> bool:
        """Whether it measures the loads instead of the connection."""
        return self.config.location == "consumption"

    def sign(self, by_maker: int) -> int:
        """+1 when the device counts import as positive."""
        return {"auto": by_maker, "import_positive": 1, "export_positive": -1}[self.config.sign]

    def heard(self, sample: GridSample, monotonic: float) -> Outcome:
        """The reading for a sample, or why there is none."""
        verdict = self._gate.judge(inverted(sample, self.config.invert), monotonic)
        if verdict.sample is None:
            return Outcome(None, verdict.detail)
        if self.producers is not None:
            return self._worked_out(verdict.sample, verdict.quality, self.producers, monotonic)
        reading = meter_reading(verdict.sample, self.config.every_s, verdict.quality, verdict.detail)
        return Outcome(reading, verdict.detail)

    def _worked_out(
        self, sample: GridSample, quality: Quality, producers: Producers, monotonic: float
    ) -> Outcome:
        grid = producers.grid(sample, monotonic)
        if isinstance(grid, str):
            return Outcome(None, grid)
        quality = quality if quality is Quality.DOUBTFUL else quality_of(grid)
        detail = "; ".join(grid.doubts)
        return Outcome(meter_reading(grid, self.config.every_s, quality, detail), detail)

    def silent(self, at: datetime, why: str) -> Struct | None:
        """Nothing: a meter that is not heard grows stale, and its readers fall back by the clock."""
        return None


class InverterRole:
    """An inverter in the house."""

    def __init__(self, plan: RolePlan) -> None:
        assert isinstance(plan.config, InverterConfig)
        self.plan = plan
        self.config = plan.config
        self._gate: Gate[InverterSample] = Gate()
        self.standing: Standing = NOT_OFFERED

    def heard(self, sample: InverterSample, monotonic: float) -> Outcome:
        """The reading for a sample, or why there is none."""
        rating = self.config.rating_w or sample.rating_w
        if rating:
            self._gate.most_w = BEYOND * rating
            self._gate.step_w = 2 * rating if self.config.hybrid else rating
            sample = msgspec.structs.replace(sample, rating_w=rating)
        verdict = self._gate.judge(sample, monotonic)
        if verdict.sample is None:
            return Outcome(None, verdict.detail)
        every, standing = self.config.every_s, self.standing
        reading = inverter_reading(verdict.sample, every, verdict.quality, verdict.detail, standing)
        return Outcome(reading, verdict.detail)

    def silent(self, at: datetime, why: str) -> Struct | None:
        """A reading of unknowns."""
        return silent_inverter(at, self.config.every_s, why, unheard(self.standing))


class BatteryRole:
    """A battery in the house."""

    def __init__(self, plan: RolePlan) -> None:
        assert isinstance(plan.config, BatteryConfig)
        self.plan = plan
        self.config = plan.config
        self._gate: Gate[BatterySample] = Gate()
        self.standing: Standing = NOT_OFFERED

    def manner(self, by_maker: Manner) -> Manner:
        """The device's manner with the sign of the configuration, where it has one."""
        if self.config.sign == "auto":
            return by_maker
        sign: Literal[1, -1] = 1 if self.config.sign == "charge_positive" else -1
        return msgspec.structs.replace(by_maker, battery_sign=sign)

    def heard(self, sample: BatterySample, monotonic: float) -> Outcome:
        """The reading for a sample, or why there is none."""
        most = max(sample.charge_max_w or 0.0, sample.discharge_max_w or 0.0)
        if most:
            self._gate.most_w = BEYOND * most
            self._gate.step_w = 2 * most
        verdict = self._gate.judge(sample, monotonic)
        if verdict.sample is None:
            return Outcome(None, verdict.detail)
        every, standing = self.plan.config.every_s, self.standing
        reading = battery_reading(verdict.sample, every, verdict.quality, verdict.detail, standing)
        return Outcome(reading, verdict.detail)

    def silent(self, at: datetime, why: str) -> Struct | None:
        """A reading of unknowns."""
        return silent_battery(at, self.plan.config.every_s, why, unheard(self.standing))


def unheard(standing: Standing) -> Standing:
    """What is known of our orders to a device that does not answer: nothing, if it can be ordered at all."""
    return standing if standing is NOT_OFFERED else Standing(control=Control.UNKNOWN)


AnyRole = MeterRole | InverterRole | BatteryRole
ROLES: dict[str, Callable[[RolePlan], AnyRole]] = {
    "meter": MeterRole,
    "inverter": InverterRole,
    "battery": BatteryRole,
}


def role_of(plan: RolePlan) -> AnyRole:
    """The role a plan asks for."""
    return ROLES[plan.kind](plan)


def inverted(sample: GridSample, phases: tuple[str, ...]) -> GridSample:
    """The sample with the sign of some phases turned: current transformers clamped on backwards.

    The total is then the sum of the phases again, for the device added the wrong signs up.
    """
    if not phases:
        return sample
    legs = {phase: _turned(leg) if phase in phases else leg for phase, leg in sample.legs.items()}
    known = [leg.power_w for leg in legs.values() if leg.power_w is not None]
    power = sum(known) if known and len(known) == len(legs) else None
    return msgspec.structs.replace(sample, legs=legs, power_w=power)


def _turned(leg: Leg) -> Leg:
    return Leg(
        None if leg.current_a is None else -leg.current_a,
        None if leg.power_w is None else -leg.power_w,
        leg.voltage_v,
    )
