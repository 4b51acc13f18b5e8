"""The controller's heartbeat of model 715: a device that uses it drops its orders when it stops."""

import logging

from busbar_meter.answers import DeviceRefused
from busbar_meter.hand import Hand
from busbar_meter.inverter_limit import local_control
from busbar_meter.writes import carry_out, write
from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

# A device that refuses it is asked again after this.
AGAIN_S = 600.0
# Below "not implemented", all ones.
WRAPS = 2**31


class Heartbeat:
    """Counts the seconds in one device, while an order of ours is in it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_s = float("-inf")

    async def beat(self, hand: Hand) -> None:
        """One beat, at most one a second; nothing where the device does not offer it or is not ours."""
        now, blocks = self._clock.monotonic(), hand.part.blocks
        offered = 715 in blocks and blocks[715].has("ControllerHb") and not local_control(blocks)
        if not offered or now < self._next_s or not hand.allowed():
            return
        self._next_s = int(now) + 1.0
        writes = (write(blocks[715], "ControllerHb", int(now) % WRAPS),)
        try:
            await carry_out(hand.wire, hand.unit, hand.part.starts[715], writes, "multiple")
        except DeviceRefused as error:
            self._next_s = now + AGAIN_S
            log.warning("the heartbeat of model 715 is refused: %s", error)
