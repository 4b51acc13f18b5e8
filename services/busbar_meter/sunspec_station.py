"""One SunSpec unit and the devices of the house that are read from it."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from busbar_contracts.meter import Control
from busbar_meter.actuators import LimitActuator, WindowActuator
from busbar_meter.answers import DeviceLater, DeviceSilent, Wire
from busbar_meter.block import Block
from busbar_meter.config import StationPlan
from busbar_meter.control import Standing
from busbar_meter.discovery import BASES
from busbar_meter.hand import Hand
from busbar_meter.heartbeat import Heartbeat
from busbar_meter.limit_by_map import LimitByMap
from busbar_meter.quirks import Manner, manner_in_chain, manner_of
from busbar_meter.roles import AnyRole, InverterRole, MeterRole, Outcome, role_of
from busbar_meter.sunspec_battery import BATTERY_MODELS, battery_sample
from busbar_meter.sunspec_inverter import INVERTER_MODELS, inverter_sample
from busbar_meter.sunspec_meter import METER_MODELS, grid_sample
from busbar_meter.unit import PartRead, Unit
from busbar_meter.wanted import FAST_BATTERY, FAST_INVERTER, FAST_METER, SLOW_BATTERY, SLOW_INVERTER
from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

MODELS = {"meter": METER_MODELS, "inverter": INVERTER_MODELS, "battery": BATTERY_MODELS}
FAST = {"meter": FAST_METER, "inverter": FAST_INVERTER, "battery": FAST_BATTERY}
SLOW = {"meter": frozenset[int](), "inverter": SLOW_INVERTER, "battery": SLOW_BATTERY}

Actuator = LimitActuator | WindowActuator


class SunSpecStation:
    """A unit that is read once for all its roles."""

    def __init__(
        self,
        plan: StationPlan,
        clock: Clock,
        actuators: Mapping[tuple[str, str], Actuator] = MappingProxyType({}),
        allowed: Callable[[], bool] = lambda: True,
    ) -> None:
        self.plan = plan
        self._actuators, self._allowed = actuators, allowed
        self.roles: tuple[AnyRole, ...] = tuple(role_of(role) for role in plan.roles)
        self._clock = clock
        self._limits = {
            role.plan.id: LimitByMap(role.config.limit_map, clock)
            for role in self.roles
            if isinstance(role, InverterRole) and role.config.limit_map is not None
        }
        self._heartbeat = Heartbeat(clock)
        self._looked_at: set[tuple[int, int]] = set()
        bases = BASES if plan.base is None else (plan.base,)
        self.unit = Unit(plan.unit, clock, bases=bases)
        kinds = {role.plan.kind for role in self.roles}
        self.unit.want(
            frozenset().union(*(FAST[kind] for kind in kinds)),
            frozenset().union(*(SLOW[kind] for kind in kinds)),
        )

    def __str__(self) -> str:
        return f"unit {self.plan.unit} ({', '.join(role.plan.id for role in self.roles)})"

    async def visit(self, wire: Wire) -> list[tuple[AnyRole, Outcome]]:
        """Read the unit, keep it at what it was ordered, and judge what it says for each role."""
        parts = await self.unit.read(wire)
        if self._steered():
            await self.unit.assure(wire)
        await self._act(wire, parts)
        self._look(parts)
        return [(role, self._outcome(role, parts)) for role in self.roles]

    async def leave(self, wire: Wire) -> None:
        """Leave the devices in their safe state: batteries and economic limits released."""
        if not self._steered():
            return
        parts = await self.unit.read(wire)
        await self.unit.assure(wire)
        missed: DeviceSilent | None = None
        for role in self.roles:
            try:
                if missed is not None:
                    await self.unit.prepare(wire)
                await self._steer(wire, role, parts, leaving=True)
            except DeviceSilent as error:
                # The others of this unit are to be left as well.
                missed = error
                self.doubt()
        if missed is not None:
            raise missed

    def _look(self, parts: Iterable[PartRead]) -> None:
        """Say once of each block which of its numbers have no scale; what they are taken for depends on the point."""
        for part in parts:
            for number, block in part.blocks.items():
                place = (number, part.starts[number])
                if place not in self._looked_at:
                    self._looked_at.add(place)
                    if names := block.unscaled():
                        log.info("%s: model %d gives no scale for %s", self, number, ", ".join(names))

    def _steered(self) -> bool:
        return any((role.plan.kind, role.plan.id) in self._actuators for role in self.roles)

    async def _act(self, wire: Wire, parts: tuple[PartRead, ...]) -> None:
        """Keep every device at what it was ordered. What was read before is true whatever becomes of it."""
        for role in self.roles:
            try:
                await self._steer(wire, role, parts, leaving=False)
            except DeviceSilent as error:
                log.warning("%s: %s", self, error)
                if not isinstance(role, MeterRole):
                    role.standing = Standing(control=Control.UNKNOWN, detail=str(error))
                if not isinstance(error, DeviceLater):
                    # It is asked who it is before the next write.
                    self.doubt()
                    return

    async def _steer(self, wire: Wire, role: AnyRole, parts: tuple[PartRead, ...], *, leaving: bool) -> None:
        actuator = self._actuators.get((role.plan.kind, role.plan.id))
        part = part_for(role, parts)
        if actuator is None or part is None or isinstance(role, MeterRole):
            return
        if isinstance(actuator, LimitActuator) and role.plan.id in self._limits:
            role.standing = await self._limits[role.plan.id].act(
                actuator, wire, self.unit.number, part.blocks, self._allowed, leaving=leaving
            )
            return
        manner = manner_of(part.identity.manufacturer, part.identity.model)
        hand = Hand(wire, self.unit.number, part, manner, self._allowed)
        role.standing = await actuator.act(hand, leaving=leaving)
        if actuator.keeper.touched:
            await self._heartbeat.beat(hand)

    def doubt(self) -> None:
        """After a silence everything must be verified again."""
        self.unit.doubt()

    def _outcome(self, role: AnyRole, parts: tuple[PartRead, ...]) -> Outcome:
        part = part_for(role, parts)
        if part is None:
            # A header may have been torn while the chain was walked.
            self.unit.missing()
            why = f"the unit has no {role.plan.kind} that can be read ({_models(parts)})"
            return Outcome(role.silent(self._clock.now(), why), why)
        now, identity = self._clock.monotonic(), part.identity
        if isinstance(role, MeterRole):
            head = parts[0].identity.manufacturer
            return self._meter(role, part, manner_in_chain(identity.manufacturer, identity.model, head), now)
        manner = manner_of(identity.manufacturer, identity.model)
        if isinstance(role, InverterRole):
            block, at = _block_of(part, INVERTER_MODELS)
            inputs, hybrid = manner.battery_inputs, role.config.hybrid
            sample = inverter_sample(block, part.blocks, at, role.plan.phases, inputs, hybrid=hybrid)
            return role.heard(sample, now)
        at = max(part.times.values(), default=self._clock.now())
        return role.heard(battery_sample(part.blocks, at, role.manner(manner)), now)

    def _meter(self, role: MeterRole, part: PartRead, manner: Manner, now: float) -> Outcome:
        block, at = _block_of(part, METER_MODELS)
        # In the path to the loads SunSpec meters count consumption as negative (open-dynamic-export).
        usual = -manner.meter_sign if role.in_consumption else manner.meter_sign
        sample = grid_sample(
            block, at, role.sign(usual), role.plan.phases, negative_export=manner.negative_export
        )
        return role.heard(sample, now)


def part_for(role: AnyRole, parts: Iterable[PartRead]) -> PartRead | None:
    """The logical device that plays a role: of those that can, the one the configuration counts to."""
    place = role.plan.config.modbus
    able = [part for part in parts if any(model in part.times for model in MODELS[role.plan.kind])]
    group = place.group if place else 0
    return able[group] if group < len(able) else None


def _block_of(part: PartRead, models: tuple[int, ...]) -> tuple[Block, datetime]:
    model = next(model for model in models if model in part.times)
    return part.blocks[model], part.times[model]


def _models(parts: Iterable[PartRead]) -> str:
    found = sorted({model for part in parts for model in part.blocks})
    return "models " + ", ".join(map(str, found)) if found else "no known model"
