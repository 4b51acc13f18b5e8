"""Limiting an inverter that is read by SunSpec through the registers of a map beside it."""

from collections.abc import Callable, Mapping

from busbar_contracts.meter import Control
from busbar_meter.actuators import LimitActuator
from busbar_meter.answers import DeviceRefused, DeviceSilent, LineLost, Wire
from busbar_meter.block import Block
from busbar_meter.control import Standing
from busbar_meter.hand import MapHand
from busbar_meter.inverter_limit import reference_w
from busbar_meter.limit_control import LimitControl
from busbar_meter.map_file import BadMap, load
from busbar_meter.registermap import RegisterMap, values_of
from busbar_shared.clock import Clock

# An inverter of which nothing is wanted is looked at this rarely, to spare a slow line.
LOOK_S = 60.0
# One whose limit registers gave no answer is read all the same; they are asked for again after this.
AGAIN_S = 10.0


class LimitByMap:
    """The limit registers of one inverter."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.map, self.control = limit_map(name)
        self._reads = self.map.reads(("inverter",), control=True)
        self._clock = clock
        self._looked_s = self._again_s = float("-inf")
        self._standing = Standing(control=Control.UNKNOWN)

    async def act(
        self,
        actuator: LimitActuator,
        wire: Wire,
        unit: int,
        blocks: Mapping[int, Block],
        allowed: Callable[[], bool],
        *,
        leaving: bool,
    ) -> Standing:
        """Bring the inverter to what is ordered."""
        now = self._clock.monotonic()
        if not leaving and (now < self._again_s or (actuator.idle and now - self._looked_s < LOOK_S)):
            return self._standing
        self._looked_s = now
        try:
            registers = await self._read(wire, unit)
        except LineLost:
            raise
        except (DeviceRefused, DeviceSilent) as error:
            self._again_s = now + AGAIN_S
            control = Control.UNAVAILABLE if isinstance(error, DeviceRefused) else Control.UNKNOWN
            self._standing = Standing(control=control, detail=f"{self.map.title}: {error}")
            return self._standing
        rating = values_of(self.map, "inverter", registers).get("rating_w")
        rating = rating or reference_w(blocks, actuator.config.rating_w)
        hand = MapHand(wire, unit, registers, allowed)
        self._standing = await actuator.act_by_map(self.control, hand, rating, leaving=leaving)
        return self._standing

    async def _read(self, wire: Wire, unit: int) -> dict[int, int]:
        registers: dict[int, int] = {}
        for request in self._reads:
            values = await wire.read(unit, request.start, request.count, function=self.map.function)
            registers.update({request.start + step: value for step, value in enumerate(values)})
        return registers


def limit_map(name: str) -> tuple[RegisterMap, LimitControl]:
    """A map that says how to limit an inverter."""
    definition = load(name)
    if definition.limit_control is None:
        raise BadMap(f"the map of {definition.title} does not say how to limit an inverter")
    return definition, definition.limit_control
