"""One unit read by a register map, for all its roles."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from busbar_contracts.meter import Control
from busbar_meter.actuators import WindowActuator, most_within
from busbar_meter.answers import DeviceRefused, DeviceSilent, Wire
from busbar_meter.config import StationPlan
from busbar_meter.control import Standing
from busbar_meter.hand import MapHand
from busbar_meter.map_file import load
from busbar_meter.point_samples import battery_of, grid_of, inverter_of
from busbar_meter.readplan import Read, narrower, replaced
from busbar_meter.registermap import HOLDING, RegisterMap, invalid, values_of
from busbar_meter.roles import AnyRole, BatteryRole, InverterRole, MeterRole, Outcome, role_of
from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

# Registers that were refused are asked for again after this: some come back in the morning.
AGAIN_S = 120.0


class MapStation:
    """A unit without SunSpec."""

    def __init__(
        self,
        plan: StationPlan,
        clock: Clock,
        windows: Mapping[str, WindowActuator] = MappingProxyType({}),
        allowed: Callable[[], bool] = lambda: True,
    ) -> None:
        self.plan = plan
        self._windows, self._allowed = windows, allowed
        self.roles: tuple[AnyRole, ...] = tuple(role_of(role) for role in plan.roles)
        self.map: RegisterMap = load(plan.driver.removeprefix("map:"))
        self._clock = clock
        steered = any(role.plan.kind == "battery" and role.plan.id in windows for role in self.roles)
        # By function: the readings, and what steers the device where it lies in registers of the other sort.
        self._whole: dict[int, tuple[Read, ...]] = {
            self.map.function: self.map.reads({role.plan.kind for role in self.roles}, control=steered),
            **({HOLDING: reads} if steered and (reads := self.map.control_reads()) else {}),
        }
        self._reads = dict(self._whole)
        self._again_s: float | None = None

    def __str__(self) -> str:
        return f"unit {self.plan.unit} ({', '.join(role.plan.id for role in self.roles)})"

    async def visit(self, wire: Wire) -> list[tuple[AnyRole, Outcome]]:
        """Read the unit, keep it at what it was ordered, and judge what it says for each role."""
        registers = await self._read(wire, self.map.function)
        await self._act(wire, registers, leaving=False)
        at, now = self._clock.now(), self._clock.monotonic()
        return [(role, self._outcome(role, registers, at, now)) for role in self.roles]

    async def leave(self, wire: Wire) -> None:
        """Give steered batteries back to themselves."""
        if any(role.plan.id in self._windows for role in self.roles):
            await self._act(wire, await self._read(wire, self.map.function), leaving=True)

    async def _read(self, wire: Wire, function: int) -> dict[int, int]:
        if self._again_s is not None and self._clock.monotonic() >= self._again_s:
            self._reads, self._again_s = dict(self._whole), None
        registers: dict[int, int] = {}
        refused: DeviceRefused | None = None
        for request in self._reads.get(function, ()):
            try:
                values = await wire.read(self.plan.unit, request.start, request.count, function=function)
            except DeviceRefused as error:
                refused = error
                smaller = narrower(request)
                self._reads[function] = replaced(self._reads[function], request, smaller)
                if not smaller and self._again_s is None:
                    self._again_s = self._clock.monotonic() + AGAIN_S
                log.info("%s; asking in %d smaller pieces from now on", error, len(smaller))
            else:
                registers.update({request.start + step: value for step, value in enumerate(values)})
        if refused is not None and not registers:
            # It refuses everything, as some do by night: no lesson about single registers is to be drawn.
            self._reads, self._again_s = dict(self._whole), None
            raise DeviceSilent(str(refused)) from refused
        return registers

    async def _act(self, wire: Wire, registers: dict[int, int], *, leaving: bool) -> None:
        for role in self.roles:
            actuator = self._windows.get(role.plan.id)
            if actuator is None or not isinstance(role, BatteryRole):
                continue
            if self.map.battery_control is None:
                role.standing = Standing(detail=f"the map {self.map.title} does not say how to steer it")
                continue
            control = self.map.battery_control
            values = values_of(self.map, "battery", registers)
            most = most_within(values.get("charge_max_w"), values.get("discharge_max_w"), actuator.config)
            try:
                steering = registers
                if self.map.function != HOLDING:
                    steering = await self._read(wire, HOLDING)
                hand = MapHand(wire, self.plan.unit, steering, self._allowed)
                role.standing = await actuator.act_by_map(control, hand, most, leaving=leaving)
            except DeviceSilent as error:
                if leaving:
                    raise
                # What was read before is true whatever becomes of the order.
                log.warning("%s: %s", self, error)
                role.standing = Standing(control=Control.UNKNOWN, detail=str(error))

    def doubt(self) -> None:
        """Nothing: a register map has no identity to verify."""

    def _outcome(self, role: AnyRole, registers: dict[int, int], at: datetime, now: float) -> Outcome:
        why = invalid(self.map, role.plan.kind, registers)
        if why:
            return Outcome(role.silent(at, why), why)
        values = values_of(self.map, role.plan.kind, registers)
        if not values:
            return Outcome(None, f"the map {self.map.title} says nothing about a {role.plan.kind}")
        return heard(role, values, at, now)


def heard(role: AnyRole, values: dict[str, float], at: datetime, now: float) -> Outcome:
    """What a role makes of named values."""
    plan = role.plan
    if isinstance(role, MeterRole):
        if role.sign(1) < 0:
            values = turned(values)
        unbalance = role.config.assumed_unbalance_a
        return role.heard(grid_of(values, at, plan.phases, plan.voltage_v, unbalance), now)
    if isinstance(role, InverterRole):
        return role.heard(inverter_of(values, at, plan.phases, plan.voltage_v), now)
    assert isinstance(role, BatteryRole)
    return role.heard(battery_of(values, at), now)


def turned(values: dict[str, float]) -> dict[str, float]:
    """A meter's powers and currents the other way round; its energies go by their names."""
    return {
        name: -value if name.endswith(("power_w", "current_a")) else value for name, value in values.items()
    }
