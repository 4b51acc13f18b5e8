"""Limiting an inverter that is read by SunSpec through the registers of a map beside it."""

from collections.abc import Callable, Mapping

from busbar_contracts.meter import Control
from busbar_meter.actuators import LimitActuator
from busbar_meter.answers import DeviceRefused, Wire
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


class LimitByMap:
    """The limit registers of one inverter."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.map, self.control = limit_map(name)
        self._reads = self.map.reads(("inverter",), control=True)
        self._clock = clock
        self._looked_s = float("-inf")
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
        if actuator.idle and now - self._looked_s < LOOK_S:
            return self._standing
        self._looked_s = now
        registers: dict[int, int] = {}
        try:
            for request in self._reads:
                values = await wire.read(unit, request.start, request.count, function=self.map.function)
                registers.update({request.start + step: value for step, value in enumerate(values)})
        except DeviceRefused as error:
            self._standing = Standing(control=Control.UNAVAILABLE, detail=f"{self.map.title}: {error}")
            return self._standing
        rating = values_of(self.map, "inverter", registers).get("rating_w")
        rating = rating or reference_w(blocks, actuator.config.rating_w)
        hand = MapHand(wire, unit, registers, allowed)
        self._standing = await actuator.act_by_map(self.control, hand, rating, leaving=leaving)
        return self._standing


def limit_map(name: str) -> tuple[RegisterMap, LimitControl]:
    """A map that says how to limit an inverter."""
    definition = load(name)
    if definition.limit_control is None:
        raise BadMap(f"the map of {definition.title} does not say how to limit an inverter")
    return definition, definition.limit_control
